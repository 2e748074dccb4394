"""Counters and injected faults, without a server."""

import pytest

from local.systems.aws.traffic import Fault, Traffic


def test_requests_are_counted_by_identity_and_operation() -> None:
    traffic = Traffic()
    for operation in ("UploadPart", "UploadPart", "HeadBucket"):
        traffic.count("writer", operation)
    traffic.count("reader", "GetObject")
    assert traffic.requests() == {"writer": {"UploadPart": 2, "HeadBucket": 1}, "reader": {"GetObject": 1}}


def test_a_fault_strikes_as_often_as_it_was_told() -> None:
    traffic = Traffic()
    traffic.add(Fault.parse({"status": 503, "times": 2}))
    struck = [traffic.count("writer", "UploadPart") is not None for _ in range(4)]
    assert struck == [True, True, False, False]


def test_a_fault_strikes_only_whom_and_what_it_is_meant_for() -> None:
    traffic = Traffic()
    traffic.add(
        Fault.parse({"status": 403, "seconds": 60, "identity": "writer", "operations": ["UploadPart"]})
    )
    assert traffic.count("reader", "UploadPart") is None
    assert traffic.count("writer", "HeadObject") is None
    assert traffic.count("writer", "UploadPart") is not None


def test_a_fault_that_is_over_or_cleared_strikes_no_more() -> None:
    traffic = Traffic()
    traffic.add(Fault.parse({"status": 403, "seconds": 0}))
    assert traffic.count("writer", "UploadPart") is None
    traffic.add(Fault.parse({"status": 403, "seconds": 60}))
    traffic.clear()
    assert traffic.count("writer", "UploadPart") is None


@pytest.mark.parametrize("endless", [{"status": 503}, {"hang": True, "times": 3}, {"status": 503, "time": 3}])
def test_a_fault_without_an_end_or_with_a_misspelt_key_is_refused(endless: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"needs|unknown"):
        Fault.parse(endless)


def test_each_status_has_s3s_own_error_code() -> None:
    assert Fault.parse({"status": 503, "times": 1}).code == "SlowDown"
    assert Fault.parse({"status": 404, "times": 1}).code == "NoSuchBucket"
    assert Fault.parse({"status": 404, "times": 1, "code": "NoSuchKey"}).code == "NoSuchKey"
