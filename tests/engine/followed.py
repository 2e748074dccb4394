"""A running stack whose events are followed to the bucket and to Logz.io while `pulumi up` changes it."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.base import http
from local.proofs.checker.checker import Checker
from local.proofs.client import Feed
from local.proofs.generator.load import steady
from local.proofs.history import acknowledged
from local.proofs.history.acknowledged import Acknowledged
from local.proofs.history.history import History
from local.proofs.history.reader import Reader
from local.stack.deployment import LocalDeployment
from local.stack.pulumi import PulumiError

RATE = 30.0
"""Events per second during a change."""
STILL_SECONDS = 300.0

KEPT_KINDS = frozenset({"Bucket", "LogzioRegistration", "AccessKey", "ApiKey", "Parameter", "Subnet"})
"""Kinds of resources that hold events and keys, or that say where the VM is: a change of the software keeps each."""
KEPT = re.compile(r":(Bucket\w*|LogzioRegistration|AccessKey|ApiKey|Parameter|Subnet)$")
"""Their types, and those of what guards and fills the bucket."""
VM = re.compile(r":Instance$")


@dataclass(frozen=True)
class Step:
    """What the engine did to a resource; `operation` in its words: same, update, create-replacement, delete ..."""

    operation: str
    type: str
    urn: str


class Followed:
    """`deployment`: the local stack."""

    def __init__(self, deployment: LocalDeployment, history: History, reading: Reader) -> None:
        self.deployment = deployment
        self._checker = Checker(history)
        self._reader = reading

    def up(self) -> list[Step]:
        """`pulumi up` while events flow."""
        with self._flowing():
            return _up(self.deployment)

    def resources(self) -> set[tuple[str, str]]:
        """(type, physical id) of each resource."""
        state = json.loads(self.deployment.pulumi("stack", "export"))
        return {
            (resource["type"], resource["id"])
            for resource in state["deployment"]["resources"]
            if "id" in resource
        }

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

    def behind(self, *, originals: bool) -> set[str]:
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

    @contextmanager
    def _flowing(self) -> Iterator[None]:
        flow = Feed(self.deployment.state, steady(RATE))
        flow.start()
        try:
            yield
        finally:
            flow.stop()


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
