"""A stack of the whole program on the real engine and the local AWS, without Kafka and without a VM: seconds each."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.settings import NAMESPACE
from local.base import paths, processes
from local.base.processes import Server
from local.stack import engine
from local.stack.deployment import REGION, aws_client, aws_environment, clean_environment
from local.stack.pulumi import Pulumi
from local.systems.kafka import client, users
from local.systems.logzio.server import Emulator

STACK = "test"
BUCKET = "logexporter-ccloud-engine"
TOPIC = "confluent-audit-log-events"


@dataclass
class ProgramStack:
    """`program`: the folder of the program. What `pulumi` said is kept in `output`.

    `identity`: variables with the AWS credentials of `pulumi`; empty for the deployer, who may do everything.
    `own_cluster`: the broker that is the organisation's own cluster, if a test has started one.
    """

    state: Path
    cloud: Server
    logzio: Emulator
    program: Path = paths.ROOT
    pulumi_engine: engine.Engine = field(default_factory=engine.ensure)
    output: str = ""
    identity: Mapping[str, str] = field(default_factory=dict)
    own_cluster: Server | None = None

    @property
    def stack_file(self) -> Path:
        return self.state / f"Pulumi.{STACK}.yaml"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.cloud.ready['port']}"

    def environment(self) -> dict[str, str]:
        return {
            **clean_environment(),
            **self.pulumi_engine.environment(self.state),
            **aws_environment(self.state, self.endpoint),
            **self.identity,
            "PULUMI_OPTION_CONFIG_FILE": str(self.stack_file),
            "CCLOUD_LOCAL_STACK": "1",
            "CCLOUD_LOCAL_AWS_ENDPOINT": self.endpoint,
            "CCLOUD_LOCAL_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
            "CCLOUD_LOCAL_KAFKA_USERS": str(self.state / "kafka" / "users.json"),
            "LOGZIO_API_TOKEN": self.logzio.token,
            **self._own_cluster_environment(),
        }

    def _own_cluster_environment(self) -> dict[str, str]:
        if self.own_cluster is None:
            return {}
        return {
            "CCLOUD_LOCAL_OWN_KAFKA_BOOTSTRAP": str(self.own_cluster.ready["bootstrap"]),
            "CCLOUD_LOCAL_OWN_KAFKA_USERS": str(users.file(client.own_cluster(self.state))),
        }

    def aws(self, service: str) -> Any:
        """A client with the deployer's rights."""
        return aws_client(self.state, self.endpoint, service)

    def write(self, config: Mapping[str, Any]) -> None:
        """Writes the stack file; settings by their full names."""
        known = yaml.safe_load(self.stack_file.read_text()) if self.stack_file.exists() else {}
        self.stack_file.write_text(yaml.safe_dump({**known, "config": dict(config)}))

    def set(self, section: str, **values: Any) -> None:
        """Changes settings of a section; None takes one away."""
        document = yaml.safe_load(self.stack_file.read_text())
        settings = document["config"].setdefault(f"{NAMESPACE}:{section}", {})
        settings.update(values)
        for name in [name for name, value in settings.items() if value is None]:
            del settings[name]
        self.stack_file.write_text(yaml.safe_dump(document))

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`pulumi ARGUMENTS` in the program's folder, however it ends."""
        done = Pulumi(self.pulumi_engine, self.program, self.environment()).attempt(*arguments)
        self.output += done.stdout + done.stderr
        return done

    def up(self) -> str:
        """`pulumi up`, which must succeed; returns what it said."""
        return self._well("up", "--stack", STACK, "--yes", "--skip-preview", "--suppress-progress")

    def destroy(self) -> str:
        """`pulumi destroy`, which must succeed; returns what it said."""
        return self._well("destroy", "--stack", STACK, "--yes", "--skip-preview", "--suppress-progress")

    def refresh(self) -> None:
        """`pulumi refresh`, which must find no change."""
        self._well("refresh", "--stack", STACK, "--yes", "--skip-preview", "--expect-no-changes")

    def outputs(self) -> dict[str, Any]:
        """What the program exports."""
        outputs: dict[str, Any] = json.loads(self._well("stack", "output", "--stack", STACK, "--json"))
        return outputs

    def planned(self) -> dict[str, str]:
        """What a preview would do, by `<type>::<name>`: create, update, replace, delete; what stays is left out."""
        steps = json.loads(self._well("preview", "--stack", STACK, "--json"))["steps"]
        return {
            "::".join(step["urn"].split("$")[-1].split("::")[-2:]): step["op"]
            for step in steps
            if step["op"] not in ("same", "read", "create-replacement", "delete-replaced")
        }

    def resources(self) -> list[dict[str, Any]]:
        """What the state holds."""
        state = json.loads(self._well("stack", "export", "--stack", STACK))
        found: list[dict[str, Any]] = state["deployment"].get("resources") or []
        return found

    def _well(self, *arguments: str) -> str:
        done = self.pulumi(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def settings(stack: ProgramStack) -> dict[str, Any]:
    """A stack file for the local systems."""
    return {
        "aws:region": REGION,
        f"{NAMESPACE}:source": {
            "cluster": "lkc-local1",
            "environment": "env-local1",
            "serviceAccount": "sa-local1",
            "partitions": {TOPIC: 2},
        },
        f"{NAMESPACE}:archive": {"bucket": BUCKET, "destroyWithData": True},
        f"{NAMESPACE}:connector": {"archiveSha256": "0" * 64},
        f"{NAMESPACE}:logzio": {"apiUrl": stack.logzio.url},
        # No VM boots here.
        f"{NAMESPACE}:worker": {"bootMinutes": 0},
    }


@contextmanager
def program_stack(state: Path, program: Path = paths.ROOT) -> Iterator[ProgramStack]:
    """A stack that was initialised, with its settings written; nothing is made yet."""
    cloud = processes.start(
        state,
        "aws",
        [sys.executable, "-m", "local.systems.aws", "--state", str(state)],
        env={**clean_environment(), "PYTHONPATH": str(paths.ROOT)},
        cwd=paths.ROOT,
    )
    logzio = Emulator(state)
    serving = threading.Thread(target=logzio.serve)
    serving.start()
    try:
        stack = ProgramStack(state, cloud, logzio, program)
        # `stack init` puts a file beside Pulumi.yaml: here, beside a copy of it.
        project = state / "pulumi" / "project"
        project.mkdir(parents=True)
        shutil.copy(program / "Pulumi.yaml", project)
        done = stack.pulumi("--cwd", str(project), "stack", "init", STACK)
        assert done.returncode == 0, done.stderr
        stack.write(settings(stack))
        yield stack
    finally:
        logzio.stop()
        serving.join()
        processes.stop_all(state)
