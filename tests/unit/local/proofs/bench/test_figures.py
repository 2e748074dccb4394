"""Figures are medians of the rounds, ratios are of samples of the same round."""

import pytest

from local.proofs.bench.figures import (
    PER_CPU_SECOND,
    RATE,
    REQUESTS,
    STORED,
    Comparison,
    Spread,
    compare,
    medians,
    percentile,
    spread,
)
from local.proofs.bench.sink import Sample


def taken(variant: str, rate: float, *, requests: int | None = 36) -> Sample:
    """1,200 events, at so many in a second."""
    return Sample(variant, 1_200, 1_200 / rate, 2.0, 300.0, 12, requests, None if requests is None else 2.4)


def shown(found: Comparison | None) -> tuple[float, float] | None:
    """Value and ratio, without what floating point adds."""
    return None if found is None else (round(found.value, 6), round(found.ratio, 6))


def test_a_figure_is_the_median_and_a_ratio_is_of_the_same_round() -> None:
    # The machine was ten times slower in the second round. Medians of both, divided, would give 200 / 100.
    rounds = [
        [taken("base", 100), taken("mine", 200)],
        [taken("base", 10), taken("mine", 40)],
        [taken("base", 120), taken("mine", 360)],
    ]

    assert shown(compare(rounds, RATE, "mine", "base")) == (200, 3)
    assert shown(compare(rounds, RATE, "base", "base")) == (100, 1)


def test_cpu_requests_and_bytes_are_per_event() -> None:
    rounds = [[taken("mine", 100)]]

    assert shown(compare(rounds, PER_CPU_SECOND, "mine", "mine")) == (600, 1)
    assert shown(compare(rounds, REQUESTS, "mine", "mine")) == (3_000, 1)
    assert shown(compare(rounds, STORED, "mine", "mine")) == (200, 1)


def test_the_bare_consumer_has_no_figures_of_s3() -> None:
    rounds = [[taken("base", 100), taken("bare", 900, requests=None)]]

    assert compare(rounds, REQUESTS, "bare", "base") is None
    assert compare(rounds, REQUESTS, "base", "bare") is None
    assert shown(compare(rounds, RATE, "bare", "base")) == (900, 9)


@pytest.mark.parametrize(
    ("percent", "found"), [(1, 1), (50, 10), (50.1, 11), (95, 19), (95.5, 20), (100, 20)]
)
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(percent: float, found: float) -> None:
    values = [float(value) for value in range(20, 0, -1)]

    assert percentile(values, percent) == found


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert [percentile([7.5], percent) for percent in (0.1, 50, 100)] == [7.5, 7.5, 7.5]


def test_times_have_a_median_and_both_ends() -> None:
    assert spread([5.0, 1.0, 2.0]) == Spread(2.0, 1.0, 5.0)
    assert medians([{"up": 30.0, "preview": 4.0}, {"up": 20.0, "preview": 5.0}]) == {
        "up": Spread(25.0, 20.0, 30.0),
        "preview": Spread(4.5, 4.0, 5.0),
    }
