"""The content of the connector's objects."""

import gzip
import zlib


def unpack(key: str, body: bytes) -> bytes:
    """The object's content without its compression, which the key's suffix names.

    Raises:
        ValueError: it cannot be unpacked.
    """
    if not key.endswith(".gz"):
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot be unpacked: {error}") from None


def lines(content: bytes) -> list[bytes]:
    """The lines of an unpacked object; the connector ends each with a line break."""
    found = content.split(b"\n")
    if found[-1] == b"":
        found.pop()
    return found
