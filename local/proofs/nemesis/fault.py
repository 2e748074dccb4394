"""What a row of the table of faults is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.proofs.nemesis.target import Target
from local.stack.deployment import Mode


class SkippedError(Exception):
    """This fault cannot be injected here; the message says why."""


@dataclass(frozen=True)
class Watch:
    """Whose events are timed from their production to their object.

    Attributes:
        since: seconds since the epoch; events that were produced earlier do not count.
        groups: what the partitions of each group are, in words -> the partitions.
    """

    since: float
    groups: Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class Injection:
    """What a fault did beside breaking things.

    Attributes:
        note: what was seen of it.
        ids: events that it produced itself and that must arrive.
        unindexable: further ones that must arrive, though Logz.io cannot index them.
        altered: those of `ids` whose archived copy has another value; the originals have the right one.
        unrepresentable: records that a JSON archive cannot hold; the log named each, and the originals have it.
        silent: records that the log did not name or that have no original, and unindexable events that did not
            arrive. They count as lost.
        watch: how long events waited is part of the row.
    """

    note: str = ""
    ids: tuple[str, ...] = ()
    unindexable: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    unrepresentable: int = 0
    silent: int = 0
    watch: Watch | None = None


@dataclass(frozen=True)
class Fault:
    """A row of the table.

    Attributes:
        name: its number in the table, which a person types.
        text: what fails, in words.
        inject: injects the fault, keeps it up and heals it; recovery is measured from its return.
        seen: what a person would have seen.
        patience: the most seconds from healing to the moment when nothing is behind any more.
        alarms: names of the alarms that would fire if the fault lasted, and must not once it is healed; others may.
        afterwards: undoes the preparation of the fault, once the row is closed.
        short: the modes in whose quick subset it is.
        modes: the modes of the stacks (`worker.mode`) that it can hit.
        new_partitions: the topic has more partitions afterwards.
    """

    name: str
    text: str
    inject: Callable[[Target], Injection | None]
    seen: str
    patience: float = 600.0
    short: tuple[Mode, ...] = ()
    modes: tuple[Mode, ...] = ("standalone",)
    new_partitions: bool = False
    alarms: tuple[str, ...] = ()
    afterwards: Callable[[Target], None] = lambda _target: None
