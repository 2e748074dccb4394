"""The S3 fetcher, as far as Logz.io documents it.

"Logz.io collects logs in alphabetical order", "the S3 fetcher's offset is determined by the name of the last
file fetched", "fetches logs generated after the S3 bucket is configured" and none larger than 50 MB. So a key
that sorts before the last one is never read, and neither is an object older than the registration.
"""

import logging
import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from components.logzio.facts import MAX_OBJECT_BYTES
from local.base.objects import UnreadableError, gunzip
from local.systems.logzio.aws import Aws
from local.systems.logzio.indexing import Indexer
from local.systems.logzio.store import Registration, Store

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

POLL_SECONDS = float(os.environ.get("FETCH_SECONDS", "1"))
"""Logz.io says "every few seconds". Each look lists the bucket once per registration, which takes 8 ms of CPU."""

_GZIP = b"\x1f\x8b"
_log = logging.getLogger(__name__)


class Fetcher:
    """Polls every registration's bucket, in a thread of its own."""

    def __init__(self, store: Store, aws: Aws, indexer: Indexer) -> None:
        self._store = store
        self._indexer = indexer
        self._aws = aws
        self._ended = threading.Event()
        self.paused = False
        self.discards = False
        """Skips the objects that it finds, as if the account had used up its daily quota. Logz.io documents the quota,
        but not whether its fetcher waits: skipping is the worst case."""
        self._thread = threading.Thread(target=self._run, name="fetcher", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after the current object is stored."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Polls each registration once."""
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
            text = (gunzip(content) if content.startswith(_GZIP) else content).decode(errors="replace")
        except UnreadableError as error:
            self._store.refuse(registration, key, f"not readable as gzip: {error}")
            return
        added = {"s3_object_key": key} if registration.body["addS3ObjectKeyAsLogField"] else {}
        events = self._indexer.events(text, registration.body["logsType"], added)
        self._store.add_events(registration, key, events)


def _listed(client: "S3Client", registration: Registration) -> "Iterator[ObjectTypeDef]":
    """The objects that come after the last one read and are not older than the registration."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=registration.body["bucket"],
        Prefix=registration.body["prefix"],
        StartAfter=registration.last_key or "",
    )
    # S3's LastModified has whole seconds.
    since = int(registration.created_at)
    for page in pages:
        for found in page.get("Contents", []):
            if found["LastModified"].timestamp() >= since:
                yield found
