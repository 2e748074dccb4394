"""What is measured, and the figures made from it (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from local.proofs.bench.backlog import MB
from local.proofs.bench.site import Measurement


@dataclass(frozen=True)
class Configuration:
    """So many workers, each with so many tasks of its connector."""

    workers: int
    tasks: int

    @property
    def name(self) -> str:
        """`2 x 1`: two workers with one task each."""
        return f"{self.workers} x {self.tasks}"


CONFIGURATIONS = (Configuration(1, 1), Configuration(1, 2), Configuration(2, 1), Configuration(2, 2))
"""The first one is what the others are compared with."""


def order() -> list[Configuration]:
    """Forwards, then backwards: a machine that gets busier or quieter meanwhile favours no configuration."""
    return [*CONFIGURATIONS, *reversed(CONFIGURATIONS)]


@dataclass(frozen=True)
class Sample:
    """One configuration archived the backlog once.

    Attributes:
        seconds: from the moment when the tasks may read the events, to the last object.
        cpu_seconds: of all workers meanwhile.
        start_cpu_seconds: of each worker before that: its start, and the join of its group.
        peak_mb: the most resident memory of each worker, since its start, in MB (1,000,000 bytes).
    """

    configuration: Configuration
    events: int
    seconds: float
    cpu_seconds: float
    start_cpu_seconds: tuple[float, ...]
    peak_mb: tuple[float, ...]


def sample(configuration: Configuration, measured: Measurement) -> Sample:
    """What was measured of a configuration."""
    return Sample(
        configuration,
        measured.events,
        round(measured.seconds, 2),
        round(measured.cpu_seconds, 2),
        tuple(use.cpu_seconds for use in measured.started),
        tuple(round(use.peak_bytes / MB, 1) for use in measured.ended),
    )


@dataclass(frozen=True)
class Figures:
    """Medians of a configuration's samples. `start_cpu_seconds`: of one worker. `peak_mb`: of its largest worker."""

    events_per_second: float
    cpu_seconds: float
    events_per_cpu_second: float
    start_cpu_seconds: float
    peak_mb: float

    def ratios(self, base: "Figures") -> dict[str, float]:
        """Each figure, divided by that of `base`."""
        mine, others = asdict(self), asdict(base)
        return {name: round(value / others[name], 2) for name, value in mine.items()}


def figures(samples: Iterable[Sample]) -> Mapping[Configuration, Figures]:
    """The figures of each configuration, in the order of `CONFIGURATIONS`."""
    known = list(samples)
    return {
        configuration: _figures([found for found in known if found.configuration == configuration])
        for configuration in CONFIGURATIONS
    }


def _figures(samples: Sequence[Sample]) -> Figures:
    return Figures(
        round(median(found.events / found.seconds for found in samples)),
        round(median(found.cpu_seconds for found in samples), 1),
        round(median(found.events / found.cpu_seconds for found in samples)),
        round(median(seconds for found in samples for seconds in found.start_cpu_seconds), 1),
        round(median(max(found.peak_mb) for found in samples)),
    )
