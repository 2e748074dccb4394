"""What is measured, and the figures made from it (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from local.base.processes import Usage

MB = 1_000_000


@dataclass(frozen=True)
class Configuration:
    """So many workers, each with so many tasks of its connector."""

    workers: int
    tasks: int

    @property
    def name(self) -> str:
        """`2 x 1`: two workers with one task each."""
        return f"{self.workers} x {self.tasks}"

    @property
    def members(self) -> int:
        """Of the consumer group: each task is one."""
        return self.workers * self.tasks


CONFIGURATIONS = (Configuration(1, 1), Configuration(1, 2), Configuration(2, 1), Configuration(2, 2))
"""The first one is what the others are compared with."""


def order() -> list[Configuration]:
    """Forwards, then backwards: a machine that gets busier or quieter meanwhile favours no configuration."""
    return [*CONFIGURATIONS, *reversed(CONFIGURATIONS)]


@dataclass(frozen=True)
class Backlog:
    """What a configuration finds in Kafka. All its objects are full, so that no run waits for a rotation."""

    partitions: int
    per_partition: int
    flush_size: int

    @property
    def events(self) -> int:
        """Of all partitions."""
        return self.partitions * self.per_partition

    @property
    def objects(self) -> int:
        """That it takes to archive them."""
        return self.events // self.flush_size


def backlog(events: int, partitions: int, flush_size: int) -> Backlog:
    """About so many events, the same number in each partition; objects of `flush_size`, or of fewer events at most."""
    share = max(1, events // partitions)
    size = min(flush_size, share)
    return Backlog(partitions, share // size * size, size)


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


def sample(
    configuration: Configuration,
    events: int,
    seconds: float,
    started: Sequence[Usage],
    ended: Sequence[Usage],
) -> Sample:
    """`started`, `ended`: what each worker had used before it archived, and after it."""
    return Sample(
        configuration,
        events,
        round(seconds, 2),
        round(sum(use.cpu_seconds for use in ended) - sum(use.cpu_seconds for use in started), 2),
        tuple(use.cpu_seconds for use in started),
        tuple(round(use.peak_bytes / MB, 1) for use in ended),
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
