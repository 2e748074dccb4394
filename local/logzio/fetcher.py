"""The S3 fetcher, as far as Logz.io documents it.

"Logz.io collects logs in alphabetical order", "the S3 fetcher's offset is determined by the name of the last
file fetched", "fetches logs generated after the S3 bucket is configured" and none larger than 50 MB. So a key
that sorts before the last one is never read, and neither is one that was there before.
"""

import gzip
import json
import logging
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from components.logzio_facts import MAX_OBJECT_BYTES
from local.logzio.aws import Aws
from local.logzio.store import Event, Registration, Store

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

POLL_SECONDS = 1.0
"""Logz.io says "every few seconds"."""

INVALID_TAG = "logzio-invalid-log"
MOST_CHARACTERS, MOST_FIELD_CHARACTERS, MOST_FIELDS, MOST_DEPTH = 500_000, 32_700, 1000, 10
"""Of one log; source: Logz.io's page on invalid logs."""

_GZIP = b"\x1f\x8b"
_log = logging.getLogger(__name__)


class Fetcher:
    """Looks at every registration's bucket again and again, in a thread of its own."""

    def __init__(self, store: Store, aws: Aws) -> None:
        self._store = store
        self._aws = aws
        self._ended = threading.Event()
        self.paused = False
        self.discards = False
        """Passes over what it finds without keeping it, as when the account has used up its daily quota. Logz.io
        documents the quota, and nowhere whether its fetcher waits: this is the worst that it may do."""
        self._thread = threading.Thread(target=self._run, name="fetcher", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, once the object in hand is stored."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Looks once at each registration."""
        for registration in self._store.registrations():
            if self._ended.is_set() or self.paused:
                return
            if registration.body["active"]:
                self._look_at(registration)

    def _run(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self.look()

    def _look_at(self, registration: Registration) -> None:
        try:
            client = self._aws.s3(registration.body)
            for found in _listed(client, registration):
                if self._ended.is_set():
                    return
                self._take(client, registration, found["Key"], found["Size"])
            error = None
        except (ClientError, BotoCoreError) as failure:
            error = str(failure)
            self._aws.forget()
        if error != registration.last_error:
            _log.info("registration %d: %s", registration.id, error or "reads again")
            self._store.record_error(registration.id, error)

    def _take(self, client: "S3Client", registration: Registration, key: str, size: int) -> None:
        if size > MAX_OBJECT_BYTES:
            self._store.refuse(registration, key, f"{size} bytes are more than {MAX_OBJECT_BYTES}")
            return
        if self.discards:
            self._store.refuse(registration, key, "the daily quota is used up")
            return
        content = client.get_object(Bucket=registration.body["bucket"], Key=key)["Body"].read()
        try:
            text = (gzip.decompress(content) if content.startswith(_GZIP) else content).decode(
                errors="replace"
            )
        except (OSError, EOFError, zlib.error) as error:
            self._store.refuse(registration, key, f"not readable as gzip: {error}")
            return
        self._store.add_events(registration, key, list(_events(text, registration.body, key)))


def _listed(client: "S3Client", registration: Registration) -> "Iterator[ObjectTypeDef]":
    """The objects that come after the last one read and are not older than the registration."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=registration.body["bucket"],
        Prefix=registration.body["prefix"],
        StartAfter=registration.last_key or "",
    )
    # S3 gives whole seconds.
    since = int(registration.created_at)
    for page in pages:
        for found in page.get("Contents", []):
            if found["LastModified"].timestamp() >= since:
                yield found


def _events(text: str, body: Mapping[str, Any], key: str) -> Iterator[Event]:
    # Not splitlines(): a JSON text may hold other line ends inside a string.
    for number, line in enumerate(text.split("\n")):
        if not line.strip():
            continue
        # Which of the two wins is documented nowhere for the fetcher; the registration's does here, so that
        # an event whose own `type` was not renamed loses it visibly.
        added = {"type": body["logsType"]}
        if body["addS3ObjectKeyAsLogField"]:
            added["s3_object_key"] = key
        yield indexed(number, line, added)


def indexed(number: int, line: str, added: Mapping[str, str]) -> Event:
    """A line as the account's index holds it, however it came; `added` fields win over the event's own."""
    event = _parsed(line)
    event_id = event.get("id")
    event["@timestamp"] = _timestamp(event.get("@timestamp"))
    event.update(added)
    return Event(number, event_id if isinstance(event_id, str) else None, event)


def _parsed(line: str) -> dict[str, Any]:
    """The event of a line; what is no JSON object becomes text."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        return {"message": line}
    if len(line) > MOST_CHARACTERS or _is_too_rich(event):
        # Logz.io flattens such a log; that it is not searchable by field any more is what matters here.
        return {"message": line[:MOST_FIELD_CHARACTERS], "id": event.get("id"), "tags": [INVALID_TAG]}
    return event


def _is_too_rich(event: Mapping[str, Any]) -> bool:
    leaves = list(_leaves(event, 1))
    longest = max((len(value) for _, value in leaves if isinstance(value, str)), default=0)
    deepest = max((depth for depth, _ in leaves), default=0)
    return len(leaves) > MOST_FIELDS or deepest > MOST_DEPTH or longest > MOST_FIELD_CHARACTERS


def _leaves(value: Any, depth: int) -> Iterator[tuple[int, Any]]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if children is None:
        yield depth - 1, value
        return
    for child in children:
        yield from _leaves(child, depth + 1)


def _timestamp(value: Any) -> str:
    """The event's own text if it is ISO 8601, as a document keeps it; UNIX times become that, anything else now."""
    if isinstance(value, str) and _moment(value):
        return value
    moment = _moment(value) or datetime.fromtimestamp(time.time(), UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
