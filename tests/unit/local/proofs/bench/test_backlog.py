"""A backlog fills its objects."""

import pytest

from local.proofs.bench.backlog import Backlog, backlog


@pytest.mark.parametrize(
    ("events", "made"),
    [
        (120_000, Backlog(12, 10_000, 5_000)),
        (130_000, Backlog(12, 10_000, 5_000)),
        (60_000, Backlog(12, 5_000, 5_000)),
        (4_000, Backlog(12, 333, 333)),
        (12, Backlog(12, 1, 1)),
        (1_200_000, Backlog(12, 50_000, 5_000)),
    ],
)
def test_every_object_of_a_backlog_is_full(events: int, made: Backlog) -> None:
    assert backlog(events, 12, 5_000) == made
    assert made.objects(made.flush_size) * made.flush_size == made.events
