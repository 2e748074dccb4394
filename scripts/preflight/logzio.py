"""Asks Logz.io whose the token is, and which registrations read the stack's objects already."""

from collections.abc import Collection

import httpx

from components.logzio.client import LogzioClient
from components.logzio.errors import Kind, LogzioError
from components.logzio.transport import Transport
from components.settings import Settings
from scripts.preflight.model import Account, CheckError, InTheWay, State

_TIMEOUT = httpx.Timeout(8.0, connect=4.0)
# Errors that may be over a minute later, or are those of the way to Logz.io.
_PASSING = (Kind.RATE_LIMIT, Kind.SERVER, Kind.NETWORK)


def client(base_url: str, token: str) -> LogzioClient:
    """A client that asks once and does not wait long."""
    return LogzioClient(Transport(base_url, token, timeout=_TIMEOUT, most_tries=1))


def account(logzio: LogzioClient) -> Account:
    """The account of the token.

    Raises:
        CheckError: the token is refused, belongs to another region, or Logz.io does not answer.
    """
    try:
        return Account(logzio.account_id())
    except LogzioError as error:
        raise _explained(error) from None


def in_the_way(logzio: LogzioClient, settings: Settings, own: Collection[int]) -> tuple[InTheWay, ...]:
    """Registrations that read objects of the stack; `own`: ids of those that the stack made.

    Raises:
        CheckError: as `account`.
    """
    try:
        present = logzio.registrations()
    except LogzioError as error:
        raise _explained(error) from None
    prefixes = settings.partition_prefixes
    return tuple(
        InTheWay(found.id, found.prefix, found.prefix in prefixes)
        for found in present
        if found.bucket == settings.archive.bucket
        and found.id not in own
        and any(prefix.startswith(found.prefix) or found.prefix.startswith(prefix) for prefix in prefixes)
    )


def _explained(error: LogzioError) -> CheckError:
    state = State.UNKNOWN if error.kind in _PASSING else State.BROKEN
    status = f" (HTTP {error.status})" if error.status is not None else ""
    return CheckError(f"Logz.io: {error.message}{status}", error.hint, state)
