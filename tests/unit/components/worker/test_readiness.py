"""What `pulumi up` waits for, with the answers of the parameter store played."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from components.worker import readiness
from components.worker.readiness import BootError, Status

BEGAN = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)
BEFORE, AFTER = "2026-01-02T03:03:59Z", "2026-01-02T03:04:05Z"


class Vm(readiness._Vm):
    """VM 2, `i-2`. `values`: what its parameter holds, look by look; the last value stays."""

    def __init__(self, *values: str) -> None:
        super().__init__(cast("Any", None), "i-2", 2, "/p/vm-2-status")
        object.__setattr__(self, "values", list(values))

    async def status(self) -> Status | None:
        values: list[str] = vars(self)["values"]
        status = Status.parse(values.pop(0) if len(values) > 1 else values[0])
        return status if status is not None and status.instance_id == "i-2" else None

    @property
    def looks_left(self) -> int:
        return len(vars(self)["values"]) - 1


def wait(vm: Vm, minutes: float = 1) -> None:
    asyncio.run(readiness._wait(vm, BEGAN, minutes))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "POLL_SECONDS", 0)


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


def test_the_wait_ends_once_this_vm_runs() -> None:
    vm = Vm("none", f"i-1 RUNNING {BEFORE}", f"i-2 RUNNING {AFTER}", "never read")

    wait(vm)

    assert vm.looks_left == 0


def test_a_failed_boot_ends_the_wait_with_its_reason() -> None:
    vm = Vm(f"i-1 RUNNING {BEFORE}", f"i-2 FAILED {AFTER} installation: step tools failed")

    with pytest.raises(BootError, match=r"VM 2 \(i-2\) did not come up: installation: step tools failed"):
        wait(vm)


def test_a_failure_that_an_earlier_up_reported_is_given_its_next_attempt() -> None:
    wait(Vm(*[f"i-2 FAILED {BEFORE} step tools failed"] * 2, f"i-2 RUNNING {AFTER}"))


def test_silence_ends_the_wait_with_the_command_that_shows_the_boot() -> None:
    with pytest.raises(
        BootError, match=r"does not run after .* get-console-output --latest --instance-id i-2"
    ):
        wait(Vm("none"), minutes=0.0001)
