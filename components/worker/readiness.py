"""Whether a new VM works: `pulumi up` waits for that before it replaces the next VM or removes a former one.

Each VM has a parameter in which it says `<instance id> RUNNING <time>` once its connectors run, or `<instance id> FAILED
<time> <reason>` after a boot that failed. The questions go through the provider of the VM, so they use its profile, its
region and the roles that it assumes. A program that fails makes the engine delete nothing: if a new VM does not come up,
the former VMs go on.
"""

import asyncio
import re
import time
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime

import pulumi
import pulumi_aws as aws

POLL_SECONDS = 3.0

NOTHING_YET = "none"
"""Value of the parameter before the first VM has written to it: a parameter cannot be empty."""

_STATUS = re.compile(r"(\S+) (RUNNING|FAILED) (20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)(?: (.*))?", re.DOTALL)


class BootError(RuntimeError):
    """A new VM did not come up; the message has the reason, if the VM gave one."""


@dataclass(frozen=True)
class Status:
    """What a VM says. `state`: RUNNING or FAILED. `at`: by the VM's clock. `reason`: empty for RUNNING."""

    instance_id: str
    state: str
    at: datetime
    reason: str

    @classmethod
    def parse(cls, value: str) -> "Status | None":
        """Reads the value of the parameter; None if no VM wrote it."""
        found = _STATUS.fullmatch(value)
        if found is None:
            return None
        return cls(found[1], found[2], datetime.fromisoformat(found[3]), found[4] or "")


def running(
    instance: aws.ec2.Instance,
    *,
    number: int,
    parameter_name: str,
    known: Container[str],
    minutes: float,
) -> pulumi.Output[aws.ec2.Instance]:
    """The instance, once its connectors run. A preview does not wait.

    Args:
        instance: the VM.
        number: its number, for messages.
        parameter_name: of its status.
        known: ids of instances that were running when the last `up` ended.
        minutes: how long to wait; 0 does not wait.

    Raises:
        BootError: in the output, if its boot fails or takes longer.
    """

    # In whole seconds, as the VMs write it.
    began = datetime.now(UTC).replace(microsecond=0)

    async def waited(instance_id: str) -> aws.ec2.Instance:
        if minutes and instance_id not in known and not pulumi.runtime.is_dry_run():
            pulumi.log.info(
                f"waits until the connectors of VM {number} run (at most {minutes:g} min)", instance
            )
            await _wait(_Vm(instance, instance_id, number, parameter_name), began, minutes)
        return instance

    return instance.id.apply(waited)


@dataclass(frozen=True)
class _Vm:
    instance: aws.ec2.Instance
    instance_id: str
    number: int
    parameter_name: str

    def __str__(self) -> str:
        return f"VM {self.number} ({self.instance_id})"

    async def status(self) -> Status | None:
        """What this instance says; None if it has said nothing yet."""
        answer = aws.ssm.get_parameter_output(
            name=self.parameter_name, opts=pulumi.InvokeOutputOptions(parent=self.instance)
        )
        found = await answer.future()
        status = None if found is None else Status.parse(str(found.value))
        return status if status is not None and status.instance_id == self.instance_id else None


async def _wait(vm: _Vm, began: datetime, minutes: float) -> None:
    waiting_since = time.monotonic()
    while True:
        status = await vm.status()
        if status is not None and status.state == "RUNNING":
            return
        # An earlier `up` has reported an earlier failure. The VM repeats its installation every ten minutes.
        if status is not None and status.at >= began:
            raise BootError(
                f"{vm} did not come up: {status.reason}. No former VM was removed. The VM repeats its installation "
                "every ten minutes, and the next `pulumi up` waits for it; if a setting is wrong, correct it first"
            )
        if time.monotonic() - waiting_since > minutes * 60:
            raise BootError(
                f"{vm} does not run after {minutes:g} minutes. No former VM was removed. `aws ec2 get-console-output "
                f"--latest --instance-id {vm.instance_id}` shows its boot; the next `pulumi up` waits again"
            )
        await asyncio.sleep(POLL_SECONDS)


def status_parameter(
    parent: pulumi.Resource, name: str, *, number: int, parameter_name: str, tags: dict[str, str]
) -> aws.ssm.Parameter:
    """Makes the parameter of a VM's status; the VM writes its value."""
    return aws.ssm.Parameter(
        f"{name}-status-{number}",
        name=parameter_name,
        type="String",
        description=f"Written by VM {number}: that its connectors run, or why its boot failed",
        value=NOTHING_YET,
        tags=tags,
        # Without this, a refresh and the next `up` would take back what the VM has written.
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["value"]),
    )
