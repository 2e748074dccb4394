"""Counters of S3 requests, without a server."""

from local.systems.aws.traffic import Traffic


def test_requests_are_counted_by_identity_and_operation() -> None:
    traffic = Traffic()
    for operation in ("UploadPart", "UploadPart", "HeadBucket"):
        traffic.count("writer", operation)
    traffic.count("reader", "GetObject")
    assert traffic.requests() == {"writer": {"UploadPart": 2, "HeadBucket": 1}, "reader": {"GetObject": 1}}
