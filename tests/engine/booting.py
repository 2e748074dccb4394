"""VMs of a `ProgramStack`, which do not boot: each says what a test gives it, as the VM's own scripts do."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tests.engine.program_stack import STACK, ProgramStack

RUNNING = "RUNNING"


@contextmanager
def booting(stack: ProgramStack, outcome: Callable[[int], str], first: int = 1) -> Iterator[None]:
    """Each instance that appears writes its status.

    `outcome`: of the VM with a number, RUNNING or FAILED with a reason. The VMs appear in the order of their numbers,
    from `first` on.
    """
    ended = threading.Event()
    known = set(instances(stack))

    def boot() -> None:
        numbers = itertools.count(first)
        while not ended.wait(0.5):
            for instance in instances(stack):
                if instance not in known:
                    known.add(instance)
                    number = next(numbers)
                    say(stack, number, instance, outcome(number))

    thread = threading.Thread(target=boot)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def fail_to_boot(stack: ProgramStack) -> None:
    """A `pulumi up` that must fail at its last step: the new VM does not come up."""
    with booting(stack, lambda _: "FAILED step tools failed"):
        failed = stack.pulumi("up", "--stack", STACK, "--yes", "--skip-preview", "--suppress-progress")
    assert failed.returncode != 0


def say(stack: ProgramStack, number: int, instance: str, outcome: str) -> None:
    state, _, reason = outcome.partition(" ")
    value = f"{instance} {state} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {reason}".rstrip()
    name = f"/ccloud-logexporter/{STACK}/vm-{number}-status"
    stack.aws("ssm").put_parameter(Name=name, Value=value, Overwrite=True)


def instances(stack: ProgramStack) -> list[str]:
    """Ids of the instances that are not terminated, the oldest first."""
    found: list[dict[str, Any]] = [
        instance
        for reservation in stack.aws("ec2").describe_instances()["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] not in ("shutting-down", "terminated")
    ]
    return [instance["InstanceId"] for instance in sorted(found, key=lambda known: known["LaunchTime"])]
