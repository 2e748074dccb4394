"""An emulator in this process, and a client for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local.base import http
from local.systems.logzio.server import Emulator

BUCKETS = "/v1/log-shipping/s3-buckets"
ROLE = "arn:aws:iam::123456789012:role/logzio-reader"
BODY: dict[str, Any] = {
    "bucket": "archive",
    "prefix": "topics/audit/partition=0/",
    "region": "US_WEST_2",
    "logsType": "confluent_audit",
    "active": True,
    "addS3ObjectKeyAsLogField": False,
    "arn": ROLE,
}


@contextmanager
def running(state: Path, aws_endpoint: str | None = None, *, port: int = 0) -> Iterator[Emulator]:
    """A served emulator; without an AWS it tries no key and fetches nothing."""
    emulator = Emulator(state, aws_endpoint, port=port)
    thread = threading.Thread(target=emulator.serve)
    thread.start()
    try:
        yield emulator
    finally:
        emulator.stop()
        thread.join()


def api(emulator: Emulator, **headers: str) -> httpx.Client:
    """A plain client with the emulator's token."""
    return httpx.Client(
        base_url=emulator.url,
        headers={"X-API-TOKEN": emulator.token, **headers},
        trust_env=False,
        timeout=http.TIMEOUT,
    )
