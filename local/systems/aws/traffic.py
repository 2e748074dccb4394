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


def counted(endpoint: str) -> dict[str, dict[str, int]]:
    """User or role -> S3 operation -> requests to the local AWS at `endpoint` since its start."""
    answer = http.get(f"{endpoint}/_local/s3-requests").raise_for_status()
    found: dict[str, dict[str, int]] = answer.json()
    return found


def completed(endpoint: str) -> int:
    """How many multipart uploads the local AWS at `endpoint` was asked to complete: the S3 sink makes objects so."""
    return sum(operations.get("CompleteMultipartUpload", 0) for operations in counted(endpoint).values())
