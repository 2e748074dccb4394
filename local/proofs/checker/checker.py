"""What a history shows: which events are lost, which came twice, and what differs, event by event.

A copy whose value is wrong does not count as a copy, and neither does one whose fields Logz.io did not index.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from components.archive import layout
from local.proofs.history.acknowledged import Acknowledged
from local.proofs.history.flow import Flow, flow
from local.proofs.history.history import Copy, History, Origin

KAFKA, ARCHIVE, DELIVERED = "Kafka", "bucket", "Logz.io"

_LISTED = 20
"""How many missing events and defects a result names; all are counted."""


@dataclass(frozen=True)
class Missing:
    """An event without a right copy in each place; partition and offset say where Kafka has it."""

    id: str
    partition: int
    offset: int
    absent_from: tuple[str, ...]


@dataclass(frozen=True)
class Defect:
    """Something that should not be where it is: a broken line, a wrong value, an event in the wrong file."""

    where: str
    what: str
    id: str | None = None


@dataclass(frozen=True)
class Result:
    """What the checker found: counts of events (ids) unless said, times in seconds since the epoch."""

    produced: int
    archived: int
    delivered: int
    """Events that Logz.io has in a right copy, or in one that it could not index."""
    indexed: int
    """Events that Logz.io has under their own type, with the right value in every field."""
    index_failures: int
    """Copies that Logz.io could not index by their fields."""
    first_failures: tuple[Defect, ...]
    missing: int
    first_missing: tuple[Missing, ...]
    defects: int
    first_defects: tuple[Defect, ...]
    archive_duplicates: int
    """Copies in the bucket beyond the first of each event."""
    delivered_duplicates: int
    """Copies in Logz.io beyond the first of each event."""
    duplicates: int
    """Copies beyond the first, per event in the place that has more of them."""
    unreadable_in_kafka: int
    """Records that are not a JSON object with an id: nothing can be compared for them."""
    originals_missing: int
    """Records with bytes that no object of originals holds, whatever they are."""
    first_originals_missing: tuple[tuple[int, int], ...]
    """Their partitions and offsets."""
    objects: int
    """Objects that Logz.io reads."""
    originals_objects: int
    sentinels: int
    foreign_objects: int
    first_object_at: float | None
    first_delivered_at: float | None
    flow: Flow | None
    """None without an event in Kafka."""

    @property
    def ok(self) -> bool:
        """Every event is archived, indexed and kept as an original, right and readable. Duplicates are allowed."""
        wrong = self.missing or self.defects or self.index_failures or self.originals_missing
        return self.produced > 0 and not wrong

    def explain(self) -> list[str]:
        """Lines for a person who wants to know what is wrong; empty if nothing is."""
        lines = [
            f"missing from {' and '.join(event.absent_from)}: event {event.id}, "
            f"partition {event.partition}, offset {event.offset}"
            for event in self.first_missing
        ]
        if self.missing > len(self.first_missing):
            lines.append(f"... {self.missing} events are missing in all")
        lines += [f"{failure.where}: {failure.what}" for failure in self.first_failures]
        if self.index_failures > len(self.first_failures):
            lines.append(f"... {self.index_failures} copies are not indexed in all")
        lines += [
            f"no original: partition {partition}, offset {offset}"
            for partition, offset in self.first_originals_missing
        ]
        if self.originals_missing > len(self.first_originals_missing):
            lines.append(f"... {self.originals_missing} originals are missing in all")
        lines += [f"{defect.where}: {defect.what}" for defect in self.first_defects]
        if self.defects > len(self.first_defects):
            lines.append(f"... {self.defects} defects in all")
        return lines


@dataclass(frozen=True)
class Losses:
    """What is new since the last look: events that each place lacks, and copies beyond the first of any event."""

    lost_in_bucket: int
    lost_in_logzio: int
    duplicates: int


class Checker:
    """Answers questions about a history, which may grow between them.

    What concerns single ids is cheap and asks whether a copy is there, whatever its value. `result` compares all values.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._lost_in_bucket: set[str] = set()
        self._lost_in_logzio: set[str] = set()
        self._duplicates = 0

    def unarchived(self, ids: Iterable[str]) -> set[str]:
        """Those that the bucket does not have where Logz.io reads."""
        return {event_id for event_id in ids if self._history.archived[event_id] == 0}

    def undelivered(self, ids: Iterable[str]) -> set[str]:
        """Those that Logz.io has not indexed by their fields."""
        return {event_id for event_id in ids if event_id not in self._history.indexed_at}

    def unshown(self, ids: Iterable[str]) -> set[str]:
        """Those that Logz.io does not have in any form."""
        return {event_id for event_id in ids if self._history.shown[event_id] == 0}

    def unkept(self, ids: Iterable[str]) -> set[str]:
        """Those that have no original. What was not read from Kafka has none."""
        origins, missing = self._history.origins, set(self._history.originals.missing())
        return {
            event_id
            for event_id in ids
            if (origin := origins.get(event_id)) is None or (origin.partition, origin.offset) in missing
        }

    def absent(self, ids: Collection[str]) -> set[str]:
        """Those that are missing from the bucket, its originals included, or that Logz.io has not indexed."""
        return self.unarchived(ids) | self.unkept(ids) | self.undelivered(ids)

    def complete_at(self, ids: Iterable[str]) -> float:
        """When the last of these events arrived, in seconds since the epoch; 0 without any. None may be absent."""
        return max((self._complete_at(event_id) for event_id in ids), default=0.0)

    def _complete_at(self, event_id: str) -> float:
        origin = self._history.origins[event_id]
        kept = self._history.originals.kept_at(origin.partition, origin.offset) or 0.0
        return max(self._history.indexed_at[event_id], kept)

    def duplicates(self) -> int:
        """Copies beyond the first, per event in the place that has more of them."""
        archived, shown = self._extra(self._history.archived), self._extra(self._history.shown)
        return sum((archived | shown).values())

    @property
    def lost(self) -> set[str]:
        """All that `new_losses` has reported so far, in either place."""
        return self._lost_in_bucket | self._lost_in_logzio

    def new_losses(self, ids: Collection[str]) -> Losses:
        """Of these events: how many each place newly lacks; and new copies beyond the first, of any event.

        Each loss and each duplicate is reported once.
        """
        in_bucket = (self.unarchived(ids) | self.unkept(ids)) - self._lost_in_bucket
        in_logzio = self.undelivered(ids) - self._lost_in_logzio
        self._lost_in_bucket |= in_bucket
        self._lost_in_logzio |= in_logzio
        before, self._duplicates = self._duplicates, self.duplicates()
        return Losses(len(in_bucket), len(in_logzio), self._duplicates - before)

    def counts(self) -> tuple[int, int, int]:
        """How many ids are in Kafka and, whatever their values, also in the bucket and in Logz.io."""
        ids = self._history.origins.keys()
        return len(ids), len(ids) - len(self.unarchived(ids)), len(ids) - len(self.unshown(ids))

    def originals_behind(self) -> int:
        """How many records are in no object of originals."""
        return self._history.originals.behind()

    def result(
        self, acknowledged: Iterable[Acknowledged] = (), *, in_any_form: Collection[str] = frozenset()
    ) -> Result:
        """Compares all that the history holds.

        Args:
            acknowledged: what the client saw accepted.
            in_any_form: events that must be in each place, though their copies have another value or are not indexed.
        """
        history = self._history
        defects: list[Defect] = []
        archived = self._check_archived(defects, in_any_form)
        failures: list[Defect] = []
        delivered, indexed = self._check_delivered(defects, failures, in_any_form)
        defects += [Defect(f"{ARCHIVE} {name}", what) for name, what in history.originals.defects()]
        originals_missing = history.originals.missing()
        not_in_kafka = [
            Missing(event.id, event.partition, event.offset, (KAFKA, ARCHIVE, DELIVERED))
            for event in acknowledged
            if event.id not in history.origins
        ]
        missing = [*not_in_kafka, *self._missing({ARCHIVE: archived, DELIVERED: delivered})]
        sentinels = sum(key.endswith("/" + layout.SENTINEL_NAME) for key in history.other_keys)
        return Result(
            produced=len(history.origins) + len(not_in_kafka),
            archived=len(archived),
            delivered=len(delivered),
            indexed=len(indexed),
            index_failures=len(failures),
            first_failures=tuple(failures[:_LISTED]),
            missing=len(missing),
            first_missing=tuple(missing[:_LISTED]),
            defects=len(defects),
            first_defects=tuple(defects[:_LISTED]),
            archive_duplicates=self._extra(history.archived).total(),
            delivered_duplicates=self._extra(history.shown).total(),
            duplicates=self.duplicates(),
            unreadable_in_kafka=history.unreadable_in_kafka,
            originals_missing=len(originals_missing),
            first_originals_missing=tuple(originals_missing[:_LISTED]),
            objects=len(history.objects),
            originals_objects=history.originals.objects,
            sentinels=sentinels,
            foreign_objects=len(history.other_keys) - sentinels,
            first_object_at=min((stored.modified for stored in history.objects.values()), default=None),
            first_delivered_at=history.first_delivered_at,
            flow=flow(history),
        )

    def _missing(self, places: Mapping[str, set[str]]) -> Iterator[Missing]:
        """The events in Kafka that a place lacks. `places`: name of a place -> ids of the events that it has."""
        for event_id, origin in self._history.origins.items():
            if absent := tuple(place for place, ids in places.items() if event_id not in ids):
                yield Missing(event_id, origin.partition, origin.offset, absent)

    def _extra(self, copies: Counter[str]) -> Counter[str]:
        """Copies of each event beyond the first, and beyond one for each further record in Kafka."""
        again = self._history.produced_again
        return Counter(
            {
                event_id: count - 1 - again[event_id]
                for event_id, count in copies.items()
                if count > 1 + again[event_id]
            }
        )

    def _check_archived(self, defects: list[Defect], in_any_form: Collection[str]) -> set[str]:
        """The ids with a right copy, or with any if that is enough."""
        right: set[str] = set()
        for name, stored in sorted(self._history.objects.items()):
            key = layout.parse_data_key(name)
            assert key is not None  # noqa: S101 -- only data objects are taken in
            last = key.start_offset - 1
            for number, copy in enumerate(stored.copies, 1):
                origin = self._history.origins.get(copy.id or "")
                what = None if copy.id in in_any_form else self._problem(copy, origin, ARCHIVE)
                if what is None:
                    right.add(str(copy.id))
                if origin is not None and copy.id not in self._history.produced_again:
                    what = what or _misplaced(key, origin, number, last)
                    last = origin.offset
                if what is not None:
                    defects.append(Defect(f"{ARCHIVE} {name} line {number}", what, copy.id))
        return right

    def _check_delivered(
        self, defects: list[Defect], failures: list[Defect], in_any_form: Collection[str]
    ) -> tuple[set[str], set[str]]:
        """The ids that are there in a right or an unindexed copy, and those in a right one."""
        there: set[str] = set()
        right: set[str] = set()
        for name, number, copy in self._history.delivered:
            where = f"{DELIVERED} {name} line {number}"
            if copy.id is not None and copy.id in in_any_form:
                there.add(copy.id)
                continue
            if copy.not_indexed is not None:
                failures.append(Defect(where, f"event {copy.id} is not indexed: {copy.not_indexed}", copy.id))
                if copy.id in self._history.origins:
                    there.add(copy.id)
                continue
            what = self._problem(copy, self._history.origins.get(copy.id or ""), DELIVERED)
            if what is None:
                right.add(str(copy.id))
            else:
                defects.append(Defect(where, what, copy.id))
        return there | right, right

    def _problem(self, copy: Copy, origin: Origin | None, place: str) -> str | None:
        """What is wrong with a copy; None if it is right."""
        if copy.problem is not None:
            return copy.problem
        if origin is None:
            return f"event {copy.id} was never produced"
        if copy.digest == (origin.digest if place == ARCHIVE else origin.delivered_digest):
            return None
        pipeline = self._history.pipeline
        if copy.time != origin.time:
            return f"`{pipeline.time_field}` is {copy.time!r}, the event's time is {origin.time!r}"
        if pipeline.type_field != "type" and copy.type != origin.type:
            return f"`{pipeline.type_field}` is {copy.type!r}, the event's type is {origin.type!r}"
        in_kafka = f"partition {origin.partition}, offset {origin.offset}"
        return f"event {copy.id} differs from the one in Kafka ({in_kafka})"


def _misplaced(key: layout.DataKey, origin: Origin, number: int, last: int) -> str | None:
    """A file holds ascending offsets of one partition, and its name the first of them."""
    if origin.partition != key.partition:
        return f"holds an event of partition {origin.partition}"
    if number == 1 and origin.offset != key.start_offset:
        return f"starts with offset {origin.offset}"
    if origin.offset <= last:
        return f"holds offset {origin.offset} after offset {last}"
    return None
