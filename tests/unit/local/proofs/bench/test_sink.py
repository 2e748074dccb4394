"""A sample has what the worker used for the backlog, without its start."""

from local.base.processes import Usage
from local.proofs.bench import variants
from local.proofs.bench.sink import Sample, sample
from local.proofs.bench.site import Measurement

MEASURED = Measurement(
    events=1_200,
    seconds=2.0004,
    started=(Usage(3.0, 250_000_000),),
    ended=(Usage(8.5, 300_000_000),),
    objects=24,
    requests=72,
    stored_bytes=240_000,
)


def test_a_sample_leaves_out_what_was_used_before_the_events() -> None:
    found = sample(variants.DEFAULTS, MEASURED)

    assert found == Sample("this project's defaults", 1_200, 2.0, 5.5, 300.0, 24, 72, 0.24)


def test_a_bare_consumer_has_nothing_in_s3() -> None:
    found = sample(variants.BARE, MEASURED)

    assert (found.objects, found.requests, found.stored_mb) == (None, None, None)
    assert found.peak_mb == 300.0
