"""Counts the S3 requests of every identity."""

import threading
from collections import Counter, defaultdict

from local.base import http


class Traffic:
    """The counters of one server; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def count(self, identity: str, operation: str) -> None:
        """Counts a request."""
        with self._lock:
            self._requests[identity][operation] += 1

    def requests(self) -> dict[str, dict[str, int]]:
        """Requests by identity and S3 operation, refused ones included."""
        with self._lock:
            return {identity: dict(counter) for identity, counter in self._requests.items()}


def completed(endpoint: str) -> int:
    """How many multipart uploads the local AWS at `endpoint` was asked to complete: the S3 sink makes objects so."""
    counted = http.get(f"{endpoint}/_local/s3-requests").raise_for_status().json()
    return sum(int(operations.get("CompleteMultipartUpload", 0)) for operations in counted.values())
