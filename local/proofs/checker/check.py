"""Follows events from Kafka through the bucket into Logz.io's store until they are complete, or stand still."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from local.base.progress import say
from local.proofs.checker.comparison import PIPELINE, Comparison, Record, Result, StoredObject, is_data
from local.proofs.checker.places import DeliveredStore, Topic
from local.proofs.producer import read_produced
from local.systems.kafka import client

_PROGRESS_SECONDS = 5.0


class Objects(Protocol):
    """A bucket, as far as it is needed here."""

    def listing(self) -> Iterator[StoredObject]:
        """Every object of the bucket."""

    def read(self, key: str) -> bytes:
        """An object's content."""


def any_archived(bucket: Objects) -> bool:
    """Whether the first object of the connector stands in the bucket."""
    return any(is_data(PIPELINE, listed.key) for listed in bucket.listing())


def wait_until_complete(
    state: Path,
    bucket: Objects,
    delivered: DeliveredStore,
    *,
    still_seconds: float = 300.0,
    poll_seconds: float = 1.0,
    progress: Callable[[str], None] = say,
) -> Result:
    """Looks until every event is archived, delivered and kept as an original, or nothing moved for `still_seconds`.

    With `still_seconds=0` it looks once. The result says what is missing; nothing is raised for that.

    Raises:
        CheckError: Kafka could not be read to its end.
    """
    moved = time.monotonic()
    comparison = Comparison(PIPELINE)
    counts: tuple[int, ...] = (0, 0, 0)
    said = moved - _PROGRESS_SECONDS
    with closing(Topic(client.client_config(state), PIPELINE.topic)) as topic:
        while True:
            take_in(comparison, topic.new_records(), bucket, delivered)
            behind = comparison.originals_behind()
            before, counts = counts, (*comparison.counts(), behind)
            if counts != before:
                moved = time.monotonic()
            complete = counts[0] == counts[1] == counts[2] > 0 == behind
            ended = complete or time.monotonic() - moved >= still_seconds
            if ended or time.monotonic() - said >= _PROGRESS_SECONDS:
                said = time.monotonic()
                progress(
                    "  events in Kafka {}, in the bucket {}, in Logz.io {}, originals behind {}".format(
                        *counts
                    )
                )
            if ended:
                break
            time.sleep(poll_seconds)
    return comparison.result(read_produced(state))


def take_in(
    comparison: Comparison, records: Iterator[Record], bucket: Objects, delivered: DeliveredStore
) -> None:
    """Reads what is new in each place, the last place first: what it shows stands in the others already."""
    for row in delivered.new_rows():
        comparison.add_delivered(row)
    for listed in bucket.listing():
        if not comparison.has_object(listed):
            comparison.put_object(listed, bucket.read(listed.key))
    for record in records:
        comparison.add_record(record)
