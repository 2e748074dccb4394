"""Follows events from Kafka through the bucket into Logz.io's store until they are complete, or nothing moves."""

import time
from collections.abc import Callable

from local.base import progress
from local.proofs.checker.checker import Checker, Result
from local.proofs.history import acknowledged
from local.proofs.history.history import PIPELINE, History, is_data
from local.proofs.history.places import Objects
from local.proofs.history.reader import Reader, reading
from local.stack.deployment import LocalDeployment

_PROGRESS_SECONDS = 5.0


def any_archived(bucket: Objects) -> bool:
    """Whether the bucket has the first object of the connector."""
    return any(is_data(PIPELINE, listed.key) for listed in bucket.listing())


def wait_until_complete(
    reader: Reader,
    checker: Checker,
    *,
    still_seconds: float = 300.0,
    poll_seconds: float = 1.0,
    say: Callable[[str], None] = progress.say,
) -> None:
    """Reads until every event is archived, delivered and kept as an original, or nothing moved for `still_seconds`.

    With `still_seconds=0` it reads once. The checker's result then says what is missing; nothing is raised for that.

    Raises:
        PlaceError: Kafka could not be read to its end.
    """
    moved = time.monotonic()
    reported = moved - _PROGRESS_SECONDS
    counts: tuple[int, ...] = (0, 0, 0)
    while True:
        reader.read()
        behind = checker.originals_behind()
        before, counts = counts, (*checker.counts(), behind)
        if counts != before:
            moved = time.monotonic()
        complete = counts[0] == counts[1] == counts[2] > 0 == behind
        ended = complete or time.monotonic() - moved >= still_seconds
        if ended or time.monotonic() - reported >= _PROGRESS_SECONDS:
            reported = time.monotonic()
            say("  events in Kafka {}, in the bucket {}, in Logz.io {}, originals behind {}".format(*counts))
        if ended:
            return
        time.sleep(poll_seconds)


def check(deployment: LocalDeployment) -> Result:
    """Compares Kafka, the bucket and Logz.io of the local stack, event by event, and says what is wrong."""
    history = History()
    checker = Checker(history)
    with (
        progress.step("comparing event ids in Kafka, the bucket and Logz.io"),
        reading(deployment, history) as reader,
    ):
        wait_until_complete(reader, checker)
    result = checker.result(acknowledged.read(deployment.state))
    for line in result.explain():
        progress.say(f"  {line}")
    return result
