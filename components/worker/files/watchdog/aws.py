"""Clients of AWS."""

from collections.abc import Mapping
from typing import Any

from . import clock


def client(service: str, settings: Mapping[str, Any]) -> Any:
    # Not at the top: a boot that failed before boto3 was installed must still write its result to the journal.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    made: Any = boto3.client(
        service,  # type: ignore[call-overload]  # the stubs want a literal
        region_name=settings["region"],
        endpoint_url=settings["endpoint"],
        config=Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 3}),
    )
    made.meta.events.register("after-call", clock.compare)
    return made
