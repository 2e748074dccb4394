"""A stack of version 0.1.0 that today's program takes over on one local stack, while events flow.

The servers are today's; of the old tree, only the program runs. So today's AWS, packages, connector and Logz.io must
go on serving what 0.1.0 asks of them.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from components.archive import layout
from components.logzio import facts as logzio_facts
from components.settings import NAMESPACE
from local.base import http, paths, processes
from local.proofs import client
from local.proofs.checker.checker import Checker
from local.proofs.client import Feed
from local.proofs.generator.load import steady
from local.proofs.history import acknowledged, reader
from local.proofs.history.acknowledged import Acknowledged
from local.proofs.history.history import History
from local.proofs.history.reader import Reader
from local.stack import deployment, lifecycle
from local.stack.deployment import LocalDeployment
from local.stack.pulumi import PulumiError
from local.systems.kafka.client import PARTITIONS, TOPIC
from local.systems.packages import debs
from local.systems.vm import distributions
from tests.engine import git_history

COMMIT = "1d73ee1296f16149c8bd95dfcbec9069b34406c4"
"""The last one of version 0.1.0."""
PROGRAM = ("Pulumi.yaml", "__main__.py", "components")
EVENTS = 500
"""So many before the upgrade, and so many after it."""
RATE = 30.0
"""Events per second during the upgrade."""
STILL_SECONDS = 300.0

Changes = Mapping[str, Mapping[str, Any]]
"""Settings by section: {"connector": {"rotationSeconds": 10}}."""


@dataclass(frozen=True)
class Step:
    """What the engine did to a resource; `operation` in its words: same, update, create-replacement, delete ..."""

    operation: str
    type: str
    urn: str


class Upgrade:
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
        self.deployment = replace(old, program=paths.ROOT)
        self.before = self.after = _resources(old)
        self.steps: list[Step] = []
        self.keys_before: set[str] = set()
        self.keys_after: set[str] = set()
        self.fed_after: set[int] = set()
        self.unindexed: list[str] = []
        self._checker = Checker(history)
        self._reader = reading
        self._delivered = reader.delivered(old)

    def run(self, changes: Changes) -> None:
        """Changes the stack file, then runs today's `pulumi up`. Events come before, meanwhile and afterwards."""
        client.produce(self.deployment, EVENTS)
        assert not self._behind(originals=False), (
            "0.1.0 does not bring its events into the bucket and Logz.io"
        )
        self.keys_before = self._newly_read()
        for section, values in changes.items():
            for name, value in values.items():
                self.deployment.set(section, name, value)
        # 0.1.0 did not ask IAM.
        endpoints = ("s3", "ssm", "cloudwatch", "iam")
        self.deployment.set("worker", "endpoints", dict.fromkeys(endpoints, self.deployment.aws_endpoint))
        flow = Feed(self.deployment.state, steady(RATE))
        flow.start()
        try:
            self.steps = _up(self.deployment)
        finally:
            flow.stop()
        fed = len(self.produced())
        client.produce(self.deployment, EVENTS)
        self.fed_after = {event.partition for event in self.produced()[fed:]}
        self._behind(originals=True)
        self.keys_after = self._newly_read()
        self.after = _resources(self.deployment)

    def produced(self) -> list[Acknowledged]:
        """The events that Kafka accepted."""
        return list(acknowledged.read(self.deployment.state))

    def lost_in_bucket(self) -> set[str]:
        """The ids that the bucket does not have."""
        return self._checker.unarchived(event.id for event in self.produced())

    def lost_in_logzio(self) -> set[str]:
        """The ids that Logz.io does not have in any form."""
        return self._checker.unshown(event.id for event in self.produced())

    def without_original(self) -> set[str]:
        """The ids of which no original is kept."""
        return self._checker.unkept(event.id for event in self.produced())

    def duplicates(self) -> int:
        """Copies beyond the first of each event, in the place that has more of it."""
        return self._checker.duplicates()

    def vm_exit_codes(self) -> list[int]:
        """Of each VM that is gone: 0 if it was shut down in order."""
        known = http.get(f"{self.deployment.hypervisor}/instances").raise_for_status().json()
        return [vm["exit_code"] for vm in known.values() if vm["state"] == "gone"]

    def _behind(self, *, originals: bool) -> set[str]:
        """Waits until everything is in each place, or nothing has moved for a while; the ids that are not."""
        behind = wanted = {event.id for event in self.produced()}
        moved = time.monotonic()
        while True:
            self._reader.read()
            before, behind = behind, self._missing(wanted, originals=originals)
            if len(behind) < len(before):
                moved = time.monotonic()
            if not behind or time.monotonic() - moved > STILL_SECONDS:
                return behind
            time.sleep(0.5)

    def _missing(self, ids: set[str], *, originals: bool) -> set[str]:
        unkept = self._checker.unkept(ids) if originals else set()
        return self._checker.unarchived(ids) | self._checker.unshown(ids) | unkept

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
        old = lifecycle.up(state / "stack", program=program, settings=_settings_of_0_1)
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


def _up(running: LocalDeployment) -> list[Step]:
    """`pulumi up`; the engine's events come one JSON object per line."""
    command = ("up", "--yes", "--skip-preview", "--json")
    try:
        output = running.pulumi(*command).splitlines()
    except PulumiError as failed:
        # The reason alone, out of thousands of events.
        lines = str(failed).splitlines()
        reasons = [line for line in lines if '"severity":"error"' in line or not line.startswith("{")]
        raise PulumiError("\n".join(reasons)) from None
    events = (json.loads(line) for line in output if line.startswith("{"))
    begun = (event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event)
    return [Step(step["op"], step["type"], step["urn"]) for step in begun]


def _resources(running: LocalDeployment) -> set[tuple[str, str]]:
    state = json.loads(running.pulumi("stack", "export"))
    return {
        (resource["type"], resource["id"])
        for resource in state["deployment"]["resources"]
        if "id" in resource
    }
