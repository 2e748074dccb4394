"""The content of archived objects: gzip, and JSON lines."""

import gzip
import json
import zlib
from typing import Any


class UnreadableError(ValueError):
    """The gzip data are damaged, or are not gzip; the message is that of the library."""


def gunzip(body: bytes) -> bytes:
    """What was compressed.

    Raises:
        UnreadableError: it cannot be read to its end.
    """
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(str(error)) from None


def content(key: str, body: bytes) -> bytes:
    """An object's content; that of a key that ends with `.gz` is unpacked.

    Raises:
        UnreadableError: see `gunzip`.
    """
    return gunzip(body) if key.endswith(".gz") else body


def lines(key: str, body: bytes) -> list[bytes]:
    """An object's lines, without their ends.

    Raises:
        UnreadableError: see `gunzip`.
    """
    # Not splitlines(): a record may hold other line ends (format raw).
    found = content(key, body).split(b"\n")
    return found if found[-1] else found[:-1]


def json_object(line: bytes | str) -> dict[str, Any] | None:
    """The JSON object of a line; None for anything else."""
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None
