"""The `pulumi` command against the local stack."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import yaml

from local.stack.deployment import STACK, LocalDeployment


class PulumiError(RuntimeError):
    """A `pulumi` command failed; what it said stands before this."""


def run(deployment: LocalDeployment, *arguments: str, given: str | None = None, quiet: bool = False) -> str:
    """Runs `pulumi ARGUMENTS` in the program's folder, shows what it says (unless `quiet`) and returns it.

    `given` goes to its standard input: that is how a secret is handed over.

    Raises:
        PulumiError: it ended with another code than 0.
    """
    command = [
        str(deployment.tools.engine.executable),
        "--non-interactive",
        "--color=never",
        *arguments,
    ]
    process = subprocess.Popen(
        command,
        cwd=deployment.program,
        env=deployment.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(given or "")
    process.stdin.close()
    said = []
    for line in process.stdout:
        said.append(line)
        if not quiet:
            print(f"  | {line}", end="", flush=True)  # noqa: T201  # pulumi's own words, as they come
    if process.wait() != 0:
        text = "".join(said)
        raise PulumiError(f"pulumi {arguments[0]} failed" + (f":\n{text}" if quiet else ""))
    return "".join(said)


def create_stack(deployment: LocalDeployment, settings: Mapping[str, Any]) -> None:
    """Makes the stack with these settings and the token of the local Logz.io account, as a secret."""
    # `stack init` puts a file beside Pulumi.yaml: here, beside a copy of it.
    project = deployment.state / "pulumi" / "project"
    project.mkdir(parents=True)
    shutil.copy(deployment.program / "Pulumi.yaml", project)
    run(deployment, "--cwd", str(project), "stack", "init", STACK, quiet=True)
    run(deployment, "stack", "select", STACK, quiet=True)
    deployment.stack_file.write_text(yaml.safe_dump({"config": dict(settings)}))
    token = (deployment.state / "logzio" / "token").read_text()
    path = "ccloud-logexporter:logzio.apiToken"
    run(deployment, "config", "set", "--stack", STACK, "--secret", "--path", path, given=token, quiet=True)


def up(deployment: LocalDeployment) -> None:
    """`pulumi up`."""
    run(
        deployment,
        "up",
        "--stack",
        STACK,
        "--yes",
        "--skip-preview",
        "--suppress-progress",
        "--suppress-outputs",
    )


def destroy(deployment: LocalDeployment) -> None:
    """`pulumi destroy`."""
    run(deployment, "destroy", "--stack", STACK, "--yes", "--skip-preview", "--suppress-progress")


def outputs(deployment: LocalDeployment) -> dict[str, Any]:
    """What the program exports, without secrets in plain."""
    answer: dict[str, Any] = json.loads(
        run(deployment, "stack", "output", "--stack", STACK, "--json", quiet=True)
    )
    return answer
