"""What `pulumi up` waits for, with the answers of the parameter store played."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pulumi_aws as aws
import pytest

from components.worker import readiness
from components.worker.readiness import BootError, Status

BEGAN = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)
BEFORE, AFTER = "2026-01-02T03:03:59Z", "2026-01-02T03:04:05Z"


@dataclass
class Parameter:
    """The parameter of VM 2, which is `i-2`. `values`: what it holds, look by look; the last value stays."""

    values: list[str] = field(default_factory=list)

    async def future(self) -> SimpleNamespace:
        return SimpleNamespace(value=self.values.pop(0) if len(self.values) > 1 else self.values[0])


@pytest.fixture
def parameter(monkeypatch: pytest.MonkeyPatch) -> Parameter:
    played = Parameter()
    monkeypatch.setattr(aws.ssm, "get_parameter_output", lambda **_: played)
    monkeypatch.setattr(readiness, "POLL_SECONDS", 0)
    return played


def wait(minutes: float = 1) -> None:
    vm = readiness._Vm(cast("Any", None), "i-2", 2, "/p/vm-2-status")
    asyncio.run(readiness._wait(vm, BEGAN, minutes))


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (f"i-1 RUNNING {AFTER}", Status("i-1", "RUNNING", datetime.fromisoformat(AFTER), "")),
        (
            f"i-1 FAILED {AFTER} step tools failed",
            Status("i-1", "FAILED", datetime.fromisoformat(AFTER), "step tools failed"),
        ),
        (readiness.NOTHING_YET, None),
        (f"i-1 BUSY {AFTER}", None),
    ],
)
def test_a_status_is_read(value: str, status: Status | None) -> None:
    assert Status.parse(value) == status


def test_the_wait_ends_once_this_vm_runs(parameter: Parameter) -> None:
    parameter.values += ["none", f"i-1 RUNNING {BEFORE}", f"i-2 RUNNING {AFTER}", "never read"]

    wait()

    assert parameter.values == ["never read"]


def test_a_failed_boot_ends_the_wait_with_its_reason(parameter: Parameter) -> None:
    parameter.values += [f"i-1 RUNNING {BEFORE}", f"i-2 FAILED {AFTER} installation: step tools failed"]

    with pytest.raises(BootError, match=r"VM 2 \(i-2\) did not come up: installation: step tools failed"):
        wait()


def test_a_failure_that_an_earlier_up_reported_is_given_its_next_attempt(parameter: Parameter) -> None:
    earlier = f"i-2 FAILED {BEFORE} step tools failed"
    parameter.values += [earlier, earlier, f"i-2 RUNNING {AFTER}", "never read"]

    wait()

    assert parameter.values == ["never read"]


def test_silence_ends_the_wait_with_the_command_that_shows_the_boot(parameter: Parameter) -> None:
    parameter.values += ["none"]

    with pytest.raises(
        BootError, match=r"does not run after .* get-console-output --latest --instance-id i-2"
    ):
        wait(minutes=0.0001)
