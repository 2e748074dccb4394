"""A stack of version 0.1.0 that today's program takes over on one local stack, while events flow.

The servers are today's; of the old tree, only the program runs. So today's AWS, packages, connector and Logz.io must
go on serving what 0.1.0 asks of them.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.archive import layout
from components.logzio import facts as logzio_facts
from components.settings import NAMESPACE
from local.base import paths, processes
from local.proofs import client
from local.proofs.history import reader
from local.proofs.history.history import History
from local.proofs.history.reader import Reader
from local.stack import deployment, lifecycle
from local.stack.deployment import LocalDeployment
from local.systems.kafka.client import PARTITIONS, TOPIC
from local.systems.packages import debs
from local.systems.vm import distributions
from tests.engine import git_history
from tests.engine.followed import Followed, Step

COMMIT = "1d73ee1296f16149c8bd95dfcbec9069b34406c4"
"""The last one of version 0.1.0."""
PROGRAM = ("Pulumi.yaml", "__main__.py", "components")
EVENTS = 500
"""So many before the upgrade, and so many after it."""
Changes = Mapping[str, Mapping[str, Any]]
"""Settings by section: {"connector": {"rotationSeconds": 10}}."""


class Upgrade(Followed):
    """A stack of 0.1.0 with its VM up. `run` lets today's program take it over; the rest says what came of it.

    Attributes:
        deployment: the local stack with today's program.
        before, after: (type, physical id) of each resource, before and after today's `pulumi up`.
        steps: of that `pulumi up`.
        keys_before, keys_after: the objects that Logz.io read before it, and since then.
        fed_after: the partitions that got events after it.
        unindexed: events that Logz.io could not index by their fields, of the objects that today's VM wrote. 0.1.0 did
            not flatten: many of its events are so.
    """

    def __init__(self, old: LocalDeployment, history: History, reading: Reader) -> None:
        super().__init__(replace(old, program=paths.ROOT), history, reading)
        self.before = self.after = self.resources()
        self.steps: list[Step] = []
        self.keys_before: set[str] = set()
        self.keys_after: set[str] = set()
        self.fed_after: set[int] = set()
        self.unindexed: list[str] = []
        self._delivered = reader.delivered(old)

    def run(self, changes: Changes) -> None:
        """Changes the stack file, then runs today's `pulumi up`. Events come before, meanwhile and afterwards."""
        client.produce(self.deployment, EVENTS)
        assert not self.behind(originals=False), "0.1.0 does not bring its events into the bucket and Logz.io"
        self.keys_before = self._newly_read()
        for section, values in changes.items():
            for name, value in values.items():
                self.deployment.set(section, name, value)
        # 0.1.0 did not ask IAM.
        endpoints = ("s3", "ssm", "cloudwatch", "iam")
        self.deployment.set("worker", "endpoints", dict.fromkeys(endpoints, self.deployment.aws_endpoint))
        self.steps = self.up()
        fed = len(self.produced())
        client.produce(self.deployment, EVENTS)
        self.fed_after = {event.partition for event in self.produced()[fed:]}
        self.behind(originals=True)
        self.keys_after = self._newly_read()
        self.after = self.resources()

    def _newly_read(self) -> set[str]:
        keys = set()
        for row in self._delivered.new_rows():
            keys.add(row.key)
            key = layout.parse_data_key(row.key)
            if key is not None and key.opened is not None and logzio_facts.failure(json.loads(row.event)):
                self.unindexed.append(row.event)
        return keys


@contextmanager
def stack_of_0_1(state: Path) -> Iterator[Upgrade]:
    """Brought up by the program of 0.1.0, with its VM booted; ended whatever happens.

    Raises:
        HistoryError: the history does not have that program.
    """
    program = state / "program"
    git_history.extract(COMMIT, PROGRAM, program)
    # Where Pulumi.yaml has it: an installed Pulumi takes its Python from there.
    (program / ".venv").symlink_to(paths.ROOT / ".venv")
    try:
        old = lifecycle.up(state / "stack", program=program, settings=_settings_of_0_1, prepared=True)
        history = History()
        with reader.reading(old, history) as reading:
            yield Upgrade(old, history, reading)
    finally:
        lifecycle.end(state / "stack")


def _settings_of_0_1(running: LocalDeployment, connector_version: str) -> dict[str, Any]:
    """The stack file as 0.1.0 knows it: a setting that came later would be refused."""
    packages = running.servers["packages"].ready
    return {
        "aws:region": deployment.REGION,
        f"{NAMESPACE}:source": {
            "cluster": "lkc-local1",
            "environment": "env-local1",
            "serviceAccount": "sa-local1",
            "partitions": {TOPIC: PARTITIONS},
        },
        f"{NAMESPACE}:archive": {"bucket": deployment.BUCKET, "destroyWithData": True},
        f"{NAMESPACE}:connector": {
            "rotationSeconds": 5,
            "version": connector_version,
            "archiveUrl": packages["archive_url"],
            "archiveSha256": packages["archive_sha256"],
        },
        f"{NAMESPACE}:worker": {
            "javaVersion": distributions.chosen().java_version,
            "packageVersion": debs.VERSION,
            "restPort": processes.free_port(),
            "repositoryUrl": packages["repository_url"],
            "repositoryKeyFingerprint": packages["key_fingerprint"],
            "endpoints": dict.fromkeys(("s3", "ssm", "cloudwatch"), running.aws_endpoint),
        },
        f"{NAMESPACE}:logzio": {"apiUrl": running.logzio},
    }
