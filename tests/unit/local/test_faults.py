"""Faults of the stand-in servers, without a server."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from local.systems.faults import Fault, Faults


def server(*faults: Fault) -> Faults:
    made = Faults(dict.fromkeys(("caller", "calls", "request", "status", "answer", "delay")))
    for fault in faults:
        made.inject(fault)
    return made


def is_hit(faults: Faults, **request: str) -> bool:
    return faults.hit(**request) is not None


def test_a_fault_hits_so_many_requests_after_so_many_good_ones() -> None:
    faults = server(Fault(status=503, skip=1, times=2))
    assert [is_hit(faults) for _ in range(5)] == [False, True, True, False, False]


def test_a_fault_hits_only_its_caller_and_calls() -> None:
    faults = server(Fault(status=403, caller="writer", calls=("UploadPart",)))
    assert not is_hit(faults, caller="reader", call="UploadPart")
    assert not is_hit(faults, caller="writer", call="HeadObject")
    assert is_hit(faults, caller="writer", call="UploadPart")


def test_a_fault_hits_only_requests_that_its_pattern_matches() -> None:
    faults = server(Fault(status=503, request=re.compile("^POST /a/.*uploads$")))
    assert not is_hit(faults, line="POST /b/c?uploads")
    assert is_hit(faults, line="POST /a/c?uploads")


def test_a_fault_without_a_number_hits_until_it_is_ended() -> None:
    faults = server(Fault(status=503, times=None))
    assert all(is_hit(faults) for _ in range(100))
    faults.clear()
    assert not is_hit(faults)


def test_a_fault_whose_seconds_are_over_hits_no_more() -> None:
    faults = server(Fault(status=403, times=None, seconds=0))
    assert not is_hit(faults)
    assert faults.current() == []


def test_the_first_of_several_faults_hits_first() -> None:
    faults = server(Fault(status=500), Fault(status=503))
    found = [faults.hit() for _ in range(2)]
    assert [injected and injected.fault.status for injected in found] == [500, 503]


def test_the_faults_that_are_not_over_are_shown_with_their_hits() -> None:
    faults = server(Fault(status=500), Fault(status=503, times=2))
    for _ in range(2):
        faults.hit()
    assert [(fault["status"], fault["hits"]) for fault in faults.current()] == [(503, 1)]


def test_ending_the_faults_ends_every_wait() -> None:
    faults = server(Fault(answer="hang", times=None), Fault(answer="slow", delay=3600))
    hanging = faults.hit()
    assert hanging is not None
    faults.clear()
    hanging.hang()
    hanging.wait()
    assert hanging.is_over()


@pytest.mark.parametrize(
    "raw", [{"status": 503, "time": 3}, {"status": 200}, {"answer": "late "}, {"times": 0}]
)
def test_a_misspelt_fault_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(raw)


@pytest.mark.parametrize(
    "raw",
    [
        {"status": 503, "code": "SlowDown"},
        {"status": 404},
        {"calls": ["UploadPart", "x"], "status": 503},
        {"answer": "cut"},
        {},
    ],
)
def test_a_server_refuses_what_it_does_not_understand(raw: dict[str, Any]) -> None:
    faults = Faults({"calls": ("UploadPart",), "status": (503,)})
    with pytest.raises(ValueError, match=r"understand|accepted|needs"):
        faults.inject(Fault.model_validate(raw))
