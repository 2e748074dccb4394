"""The figures are medians of the samples, and ratios to one worker with one task."""

from local.base.processes import Usage
from local.proofs.bench.site import Measurement
from local.proofs.bench.workers.figures import (
    CONFIGURATIONS,
    Configuration,
    Figures,
    Sample,
    figures,
    order,
    sample,
)

ONE, TWO = Configuration(1, 1), Configuration(2, 1)


def taken(configuration: Configuration, seconds: float, cpu: float, *peaks: float) -> Sample:
    return Sample(configuration, 12_000, seconds, cpu, tuple(3.0 for _ in peaks), peaks)


def every(*samples: Sample) -> list[Sample]:
    """With a sample for each configuration that has none."""
    known = {found.configuration for found in samples}
    others = (
        taken(configuration, 1, 1, 1.0) for configuration in CONFIGURATIONS if configuration not in known
    )
    return [*samples, *others]


def test_each_configuration_runs_twice_and_as_early_as_late() -> None:
    runs = order()

    places: dict[Configuration, list[int]] = {}
    for place, configuration in enumerate(runs):
        places.setdefault(configuration, []).append(place)
    assert places.keys() == set(CONFIGURATIONS)
    assert all(sum(found) == len(runs) - 1 and len(found) == 2 for found in places.values())


def test_a_sample_leaves_out_what_was_used_before_the_events() -> None:
    before = (Usage(3.0, 1), Usage(4.0, 1))
    after = (Usage(8.0, 300_000_000), Usage(10.5, 310_500_000))

    found = sample(TWO, Measurement(12_000, 6.0, before, after))

    assert found == Sample(TWO, 12_000, 6.0, 11.5, (3.0, 4.0), (300.0, 310.5))


def test_figures_are_medians_and_those_of_the_largest_worker() -> None:
    samples = every(taken(TWO, 4, 3, 300.0, 310.0), taken(TWO, 6, 5, 320.0, 290.0))

    found = figures(samples)

    assert found[TWO] == Figures(
        events_per_second=2_500,
        cpu_seconds=4.0,
        events_per_cpu_second=3_200,
        start_cpu_seconds=3.0,
        peak_mb=315,
    )
    assert list(found) == list(CONFIGURATIONS)


def test_ratios_are_to_another_configuration() -> None:
    base = Figures(1_000, 10.0, 200, 3.0, 300)

    assert Figures(1_500, 5.0, 400, 3.0, 150).ratios(base) == {
        "events_per_second": 1.5,
        "cpu_seconds": 0.5,
        "events_per_cpu_second": 2.0,
        "start_cpu_seconds": 1.0,
        "peak_mb": 0.5,
    }


def test_a_configuration_has_a_name() -> None:
    assert [configuration.name for configuration in CONFIGURATIONS] == ["1 x 1", "1 x 2", "2 x 1", "2 x 2"]
