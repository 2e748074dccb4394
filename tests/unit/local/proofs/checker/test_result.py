"""The checker finds each planted defect, and nothing where nothing is wrong."""

import gzip
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.archive import layout
from components.worker.fields import flattened
from local.proofs.checker.checker import Checker, Result
from local.proofs.generator.events import events
from local.proofs.history.acknowledged import Acknowledged
from local.proofs.history.history import History, Pipeline
from local.proofs.history.places import DeliveredLine, DeliveredStore, Record, StoredObject
from local.proofs.history.reader import Reader

TOPIC = "confluent-audit-log-events"
PARTITIONS = 3
PER_FILE = 10


class FakeBucket:
    """Objects in memory; a changed content has another ETag."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.reads: list[str] = []

    def listing(self) -> Iterator[StoredObject]:
        for key, body in self.objects.items():
            yield StoredObject(key, str(hash(body)), 1000.0 + len(key))

    def read(self, key: str) -> bytes:
        self.reads.append(key)
        return self.objects[key]


class FakeTopic:
    """Records in memory; each is handed out once."""

    def __init__(self, records: list[Record]) -> None:
        self.coming = records

    def new_records(self) -> Iterator[Record]:
        records, self.coming = self.coming, []
        yield from records


class Place:
    """A pipeline that has done its work; each test breaks something before it looks."""

    def __init__(self, tmp_path: Path, count: int = 60) -> None:
        self.store = tmp_path / "store.sqlite"
        self.bucket_name = "archive"
        self.pipeline = Pipeline()
        self.records: list[Record] = []
        self.bucket = FakeBucket()
        self.rows: list[tuple[str, int, str]] = []
        self.files: dict[str, list[dict[str, Any]]] = {}
        for index, event in enumerate(events(count, 7, datetime(2026, 1, 1, tzinfo=UTC))):
            partition, offset = index % PARTITIONS, 100 + index // PARTITIONS
            self.records.append(Record(partition, offset, event.encoded(), 1000.0))
            start = offset - offset % PER_FILE
            self.files.setdefault(key_of(partition, start), []).append(event.value)

    def archive(self, renames: dict[str, str] | None = None) -> None:
        """Writes the files as the connector does, renamed and with other orders of keys."""
        renames = {"time": "@timestamp", "type": "event_type"} if renames is None else renames
        for key, values in self.files.items():
            lines = [{renames.get(name, name): value[name] for name in sorted(value)} for value in values]
            if self.pipeline.flatten:
                lines = [flattened(line) for line in lines]
            self.bucket.objects[key] = packed([json.dumps(line) for line in lines])
        self.keep_originals()

    def keep_originals(self) -> None:
        """One object for each partition, of all its records."""
        for partition in range(PARTITIONS):
            records = [record for record in self.records if record.partition == partition]
            if records:
                self.bucket.objects[original_key(partition, records[0].offset)] = original(records)

    def deliver(self) -> None:
        """Indexes the bucket's events as Logz.io does."""
        for key, body in self.bucket.objects.items():
            if not key.startswith("topics/"):
                continue
            for number, line in enumerate(gzip.decompress(body).decode().splitlines(), 1):
                event = (
                    {"@timestamp": "2026-12-31T00:00:00Z"} | json.loads(line) | {"type": "confluent_audit"}
                )
                self.rows.append((key, number, json.dumps(event)))

    def write_store(self) -> None:
        with sqlite3.connect(self.store) as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, registration_id INT,"
                " bucket TEXT, key TEXT, line INT, event_id TEXT, event TEXT, received_at REAL)"
            )
            database.execute("DELETE FROM events")
            database.executemany(
                "INSERT INTO events (bucket, key, line, event, received_at)"
                " VALUES ('archive', ?, ?, ?, 2000.5)",
                self.rows,
            )
        database.close()

    def checked(
        self, acknowledged: list[Acknowledged] | None = None, *, in_any_form: Collection[str] = ()
    ) -> Result:
        self.write_store()
        history = History(self.pipeline)
        store = DeliveredStore(self.store, self.bucket_name)
        Reader(history, self.bucket, store, FakeTopic(self.records)).read()
        return Checker(history).result(acknowledged or (), in_any_form=in_any_form)

    def edit_archived(self, key: str, edit: Callable[[list[str]], list[str]]) -> None:
        lines = gzip.decompress(self.bucket.objects[key]).decode().splitlines()
        self.bucket.objects[key] = packed(edit(lines))

    def edit_delivered(self, index: int, **changes: Any) -> None:
        key, number, event = self.rows[index]
        self.rows[index] = (key, number, json.dumps(json.loads(event) | changes))


def key_of(partition: int, offset: int) -> str:
    prefix = layout.partition_prefix("topics", TOPIC, partition)
    return f"{prefix}{TOPIC}+{partition}+{offset:020d}.json.gz"


def original_key(partition: int, offset: int) -> str:
    return key_of(partition, offset).replace("topics", "originals", 1)


def original(records: list[Record]) -> bytes:
    """What the connector makes of them."""
    return gzip.compress(b"".join(record.value + b"\n" for record in records if record.value is not None))


def packed(lines: list[str]) -> bytes:
    return gzip.compress("".join(f"{line}\n" for line in lines).encode())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """60 events of 3 partitions from offset 100 on, in 6 files of 10, all archived and delivered."""
    made = Place(tmp_path)
    made.archive()
    made.deliver()
    return made


def only_defect(result: Result) -> str:
    assert result.defects == 1
    return result.first_defects[0].what


def test_events_that_arrived_whole_have_no_defect(place: Place) -> None:
    result = place.checked()
    assert result.ok
    assert (result.produced, result.archived, result.delivered) == (60, 60, 60)
    assert (result.indexed, result.index_failures) == (60, 0)
    assert (result.objects, result.duplicates, result.defects) == (6, 0, 0)
    assert (result.originals_objects, result.originals_missing, result.foreign_objects) == (3, 0, 0)
    assert result.first_delivered_at == 2000.5
    assert result.explain() == []


def test_nothing_produced_proves_nothing(tmp_path: Path) -> None:
    assert not Place(tmp_path, count=0).checked().ok


def test_an_event_that_is_not_archived_is_named_with_its_place_in_kafka(place: Place) -> None:
    lost = json.loads(gzip.decompress(place.bucket.objects[key_of(1, 110)]).decode().splitlines()[-1])["id"]
    place.edit_archived(key_of(1, 110), lambda lines: lines[:-1])
    result = place.checked()
    assert not result.ok
    assert (result.missing, result.archived, result.delivered) == (1, 59, 60)
    event = result.first_missing[0]
    assert (event.id, event.partition, event.offset, event.absent_from) == (lost, 1, 119, ("bucket",))
    assert f"event {lost}, partition 1, offset 119" in result.explain()[0]


def test_a_file_that_logzio_passed_over_is_missing_there_alone(place: Place) -> None:
    place.rows = [row for row in place.rows if row[0] != key_of(2, 110)]
    result = place.checked()
    assert (result.missing, result.archived, result.delivered) == (10, 60, 50)
    assert {event.absent_from for event in result.first_missing} == {("Logz.io",)}
    assert {event.partition for event in result.first_missing} == {2}


def test_an_event_that_kafka_acknowledged_and_lost_is_missing(place: Place) -> None:
    result = place.checked([Acknowledged("gone", 2, 999, "2026-01-01T00:00:00Z")])
    assert (result.produced, result.missing) == (61, 1)
    assert result.first_missing[0].absent_from == ("Kafka", "bucket", "Logz.io")


def test_an_event_that_was_never_produced_is_a_defect(place: Place) -> None:
    place.records.pop()
    place.keep_originals()
    result = place.checked()
    assert result.missing == 0
    assert {defect.what.split(" ", 2)[2] for defect in result.first_defects} == {"was never produced"}
    assert result.defects == 2


def test_overlapping_files_after_a_crash_are_duplicates_and_no_defect(place: Place) -> None:
    """As the connector leaves them: the same records again, in a file that starts one offset later."""
    again = gzip.decompress(place.bucket.objects[key_of(0, 100)]).decode().splitlines()[1:]
    place.bucket.objects[key_of(0, 101)] = packed(again)
    place.rows.append(place.rows[0])
    result = place.checked()
    assert result.ok
    assert (result.archive_duplicates, result.delivered_duplicates, result.duplicates) == (9, 1, 10)


def test_a_duplicate_in_both_places_is_one_duplicate(place: Place) -> None:
    again = gzip.decompress(place.bucket.objects[key_of(0, 100)]).decode().splitlines()[1:]
    place.bucket.objects[key_of(0, 101)] = packed(again)
    place.rows.clear()
    place.deliver()
    result = place.checked()
    assert (result.archive_duplicates, result.delivered_duplicates, result.duplicates) == (9, 9, 9)


def test_an_event_produced_twice_may_arrive_twice(place: Place) -> None:
    record = place.records[-1]
    place.records.append(record._replace(offset=120))
    place.keep_originals()
    line = gzip.decompress(place.bucket.objects[key_of(2, 110)]).decode().splitlines()[-1]
    place.bucket.objects[key_of(2, 120)] = packed([line])
    place.rows.append(place.rows[-1])
    result = place.checked()
    assert result.ok
    assert (result.produced, result.duplicates) == (60, 0)


def test_events_in_another_order_than_kafkas_are_a_defect(place: Place) -> None:
    place.edit_archived(key_of(0, 110), lambda lines: [lines[0], lines[2], lines[1], *lines[3:]])
    result = place.checked()
    assert result.missing == 0
    assert only_defect(result) == "holds offset 111 after offset 112"


def test_a_file_named_after_another_offset_than_its_first_is_a_defect(place: Place) -> None:
    place.bucket.objects[key_of(0, 109)] = place.bucket.objects.pop(key_of(0, 110))
    assert only_defect(place.checked()) == "starts with offset 110"


def test_an_event_in_the_file_of_another_partition_is_a_defect(place: Place) -> None:
    moved = gzip.decompress(place.bucket.objects[key_of(0, 110)]).decode().splitlines()[-1]
    place.edit_archived(key_of(0, 110), lambda lines: lines[:-1])
    place.edit_archived(key_of(1, 110), lambda lines: [*lines, moved])
    result = place.checked()
    assert result.missing == 0
    assert only_defect(result) == "holds an event of partition 0"


def test_a_wrong_timestamp_in_logzio_is_named_and_the_event_counts_as_missing(place: Place) -> None:
    place.edit_delivered(5, **{"@timestamp": "2026-01-01T09:00:00Z"})
    result = place.checked()
    assert (result.missing, result.delivered) == (1, 59)
    assert only_defect(result).startswith(
        "`@timestamp` is '2026-01-01T09:00:00Z', the event's time is '2026-01-01T"
    )


def test_a_wrong_timestamp_in_the_bucket_is_named(place: Place) -> None:
    place.edit_archived(
        key_of(0, 100),
        lambda lines: [json.dumps(json.loads(lines[0]) | {"@timestamp": None}), *lines[1:]],
    )
    assert only_defect(place.checked()).startswith("`@timestamp` is None")


def test_a_wrong_event_type_is_named(place: Place) -> None:
    place.edit_delivered(5, event_type="something else")
    assert only_defect(place.checked()).startswith(
        "`event_type` is 'something else', the event's type is 'io."
    )


def test_another_log_type_is_named(place: Place) -> None:
    place.edit_delivered(5, type="other")
    assert only_defect(place.checked()) == "`type` is 'other', not the log type 'confluent_audit'"


@pytest.mark.parametrize(
    "marked",
    [
        {"type": "logzio-index-failure", "tags": ["Can't get text on a START_OBJECT"]},
        {"type": "logzio-invalid-log", "tags": ["MAX_JSON_DEPTH"]},
        # The newest edition of Logz.io's page: `type` stays.
        {"tags": ["logzio-index-failure"]},
    ],
)
def test_an_event_that_logzio_did_not_index_is_delivered_and_a_defect(
    place: Place, marked: dict[str, Any]
) -> None:
    place.edit_delivered(5, **marked)
    result = place.checked()
    assert not result.ok
    assert (result.delivered, result.indexed, result.index_failures) == (60, 59, 1)
    assert (result.missing, result.defects) == (0, 0)
    (explained,) = result.explain()
    assert explained.startswith(f"Logz.io {place.rows[5][0]} line {place.rows[5][1]}: event ")
    assert f"is not indexed: {', '.join([*filter(None, [marked.get('type')]), *marked['tags']])}" in explained


def test_a_right_copy_beside_one_that_was_not_indexed_is_still_a_defect(place: Place) -> None:
    place.rows.append(place.rows[5])
    place.edit_delivered(5, type="logzio-index-failure")
    result = place.checked()
    assert (result.indexed, result.index_failures, result.duplicates, result.ok) == (60, 1, 1, False)


def test_an_event_in_any_form_need_not_be_indexed(place: Place) -> None:
    place.edit_delivered(5, type="logzio-invalid-log", tags=["MAX_JSON_DEPTH"])
    event_id = str(json.loads(place.rows[5][2])["id"])

    assert place.checked(in_any_form={event_id}).ok
    assert not place.checked(in_any_form={"another"}).ok


def test_an_event_in_any_form_may_have_another_value_in_both_places(place: Place) -> None:
    place.edit_delivered(5, subject="x")
    event_id = str(json.loads(place.rows[5][2])["id"])
    key, number, _ = place.rows[5]
    place.edit_archived(
        key,
        lambda lines: [
            line if at != number else json.dumps(json.loads(line) | {"subject": "x"})
            for at, line in enumerate(lines, 1)
        ],
    )

    assert place.checked(in_any_form={event_id}).ok
    assert place.checked().missing == 1


def test_an_event_in_any_form_is_missing_from_a_place_that_does_not_have_it(place: Place) -> None:
    event_id = str(json.loads(place.rows.pop(5)[2])["id"])

    (missing,) = place.checked(in_any_form={event_id}).first_missing

    assert (missing.id, missing.absent_from) == (event_id, ("Logz.io",))


def test_events_that_are_archived_nested_are_wrong_where_they_should_be_flattened(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.pipeline = replace(place.pipeline, flatten=False)
    place.archive()
    place.deliver()
    place.pipeline = Pipeline()
    assert place.checked().missing == 60


@pytest.mark.parametrize("change", [{"subject": "x"}, {"added": 1}, {"data_methodName": None}])
def test_a_changed_value_is_a_defect(place: Place, change: dict[str, Any]) -> None:
    place.edit_delivered(5, **change)
    result = place.checked()
    assert result.missing == 1
    assert "differs from the one in Kafka (partition " in only_defect(result)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ('{"id": "half', "is not a JSON object"),
        ("", "is not a JSON object"),
        ("[1, 2]", "is not a JSON object"),
        ('{"id": NaN}', "is not a JSON object"),
        ('"{\\"id\\": \\"a string of JSON\\"}"', "is not a JSON object"),
        ('{"no": "id"}', "has no id"),
    ],
)
def test_a_broken_line_is_a_defect_with_its_number(place: Place, broken: str, what: str) -> None:
    place.edit_archived(key_of(1, 100), lambda lines: [*lines, broken])
    result = place.checked()
    assert only_defect(result) == what
    assert result.first_defects[0].where == f"bucket {key_of(1, 100)} line 11"
    assert result.missing == 0


def test_an_object_that_cannot_be_unpacked_is_a_defect(place: Place) -> None:
    place.bucket.objects[key_of(1, 100)] = place.bucket.objects[key_of(1, 100)][:-20]
    result = place.checked()
    assert result.missing == 10
    assert only_defect(result).startswith("cannot be unpacked: ")


def test_a_broken_row_in_logzio_is_a_defect(place: Place) -> None:
    place.rows.append((key_of(1, 100), 11, "not JSON"))
    assert only_defect(place.checked()) == "is not a JSON object"


def test_sentinels_and_foreign_objects_are_counted_and_not_read(place: Place) -> None:
    for partition in range(PARTITIONS):
        place.bucket.objects[layout.sentinel_key("topics", TOPIC, partition)] = b""
    place.bucket.objects["topics/another-topic/partition=0/another-topic+0+00000000000000000000.json"] = b"{}"
    place.bucket.objects["notes.txt"] = b"by hand"
    result = place.checked()
    assert result.ok
    assert (result.objects, result.sentinels, result.foreign_objects) == (6, 3, 2)
    assert all(layout.parse_data_key(key) for key in place.bucket.reads)


def test_objects_that_overlap_after_a_rewind_hold_copies_and_lack_nothing(tmp_path: Path) -> None:
    """As the sink writes them when offsets 100 and on come again: under a later stamp, in files of other lengths."""
    place = Place(tmp_path, count=90)
    values = {key: place.files.pop(key) for key in list(place.files)}
    for partition in range(PARTITIONS):
        in_order = [
            event for key in sorted(values) if f"partition={partition}/" in key for event in values[key]
        ]
        for opened, first, last in ((1, 100, 110), (2, 110, 115), (3, 100, 125), (4, 125, 130)):
            folder = layout.stamped_start("topics", TOPIC, partition, opened)
            key = f"{folder}/{TOPIC}+{partition}+{first:020d}.json.gz"
            place.files[key] = in_order[first - 100 : last - 100]
    place.archive()
    place.deliver()

    result = place.checked()

    assert result.ok
    assert (result.objects, result.archived, result.delivered) == (12, 90, 90)
    assert (result.archive_duplicates, result.delivered_duplicates, result.duplicates) == (45, 45, 45)


def test_rows_of_another_bucket_are_left_out(place: Place) -> None:
    place.bucket_name = "another"
    assert place.checked().delivered == 0


def test_numbers_are_compared_by_value_and_not_by_their_form(place: Place) -> None:
    event = {"id": "n", "time": "t", "type": "x", "data": [1e3, 2.5, 12345678901234567890]}
    sent = json.dumps(event).replace("1000.0", "1e3").replace("2.5", "2.50")
    assert "1e3, 2.50" in sent
    place.records.append(Record(0, 120, sent.encode(), 1000.0))
    place.keep_originals()
    renamed = '{"data":[1000.0,2.5,12345678901234567890],"@timestamp":"t","event_type":"x","id":"n"}'
    place.bucket.objects[key_of(0, 120)] = packed([renamed])
    place.rows.append((key_of(0, 120), 1, renamed[:-1] + ',"type":"confluent_audit"}'))
    assert place.checked().ok


def test_an_integer_that_lost_its_last_digits_is_a_defect(place: Place) -> None:
    place.records.append(
        Record(0, 120, b'{"id":"n","time":"t","type":"x","big":123456789012345678901234567890}', 1000.0)
    )
    place.keep_originals()
    place.bucket.objects[key_of(0, 120)] = packed(
        ['{"id":"n","@timestamp":"t","event_type":"x","big":-4362896299872285998}']
    )
    result = place.checked()
    assert result.first_missing[0].absent_from == ("bucket", "Logz.io")
    assert "differs" in only_defect(result)


def test_records_that_are_no_events_are_counted(place: Place) -> None:
    place.records += [
        Record(0, 120 + n, value, 1000.0) for n, value in enumerate((None, b"[]", b"\xff", b'{"id": 5}'))
    ]
    place.keep_originals()
    result = place.checked()
    assert result.ok
    assert result.unreadable_in_kafka == 4


def test_raw_events_keep_their_own_names(tmp_path: Path) -> None:
    """Logz.io writes the log type over the event's type and adds the time of arrival."""
    place = Place(tmp_path)
    place.pipeline = replace(place.pipeline, renames={}, flatten=False)
    place.archive(renames={})
    place.deliver()
    assert place.checked().ok


def test_files_without_compression_are_read(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.archive()
    place.deliver()
    for key in list(place.bucket.objects):
        place.bucket.objects[key.removesuffix(".gz")] = gzip.decompress(place.bucket.objects.pop(key))
    assert place.checked().ok


def test_a_second_look_reads_only_what_is_new(place: Place) -> None:
    place.write_store()
    history, topic = History(place.pipeline), FakeTopic(place.records[:30])
    reader = Reader(history, place.bucket, DeliveredStore(place.store, "archive"), topic)
    reader.read()
    place.bucket.reads.clear()
    topic.coming = place.records[30:]
    reader.read()
    result = Checker(history).result()
    assert place.bucket.reads == []
    assert result.ok
    assert result.duplicates == 0


def test_an_object_written_anew_takes_the_place_of_the_old_one(place: Place) -> None:
    place.write_store()
    history = History(place.pipeline)
    checker = Checker(history)
    reader = Reader(history, place.bucket, DeliveredStore(place.store, "archive"), FakeTopic(place.records))
    whole = place.bucket.objects[key_of(0, 110)]
    place.edit_archived(key_of(0, 110), lambda lines: lines[:2])
    reader.read()
    assert checker.counts() == (60, 52, 60)
    place.bucket.objects[key_of(0, 110)] = whole
    reader.read()
    assert checker.counts() == (60, 60, 60)
    assert checker.result().archive_duplicates == 0


def test_a_store_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert list(DeliveredStore(tmp_path / "none.sqlite", "archive").new_rows()) == []


def test_rows_that_were_skipped_are_not_handed_out(place: Place) -> None:
    place.write_store()
    store = DeliveredStore(place.store, "archive")
    store.skip()
    with sqlite3.connect(place.store) as database:
        database.execute(
            "INSERT INTO events (bucket, key, line, event, received_at) VALUES ('archive', 'k', 1, '{}', 1)"
        )
    database.close()

    assert [row.key for row in store.new_rows()] == ["k"]


def test_all_missing_events_are_counted_and_the_first_ones_named(tmp_path: Path) -> None:
    result = Place(tmp_path, count=500).checked()
    assert result.missing == 500
    assert len(result.first_missing) == 20
    assert "... 500 events are missing in all" in result.explain()
    assert (result.originals_missing, len(result.first_originals_missing)) == (500, 20)
    assert result.explain()[-1] == "... 500 originals are missing in all"


def test_a_record_without_an_original_is_named_with_its_place_in_kafka(place: Place) -> None:
    kept = [record for record in place.records if record.partition == 1]
    place.bucket.objects[original_key(1, 100)] = original(kept[:-1])
    result = place.checked()
    assert not result.ok
    assert (result.missing, result.originals_missing, result.defects) == (0, 1, 0)
    assert result.explain() == [f"no original: partition 1, offset {kept[-1].offset}"]


def test_an_original_that_differs_in_one_byte_is_a_defect(place: Place) -> None:
    kept = [record for record in place.records if record.partition == 1]
    changed = kept[3]._replace(value=(kept[3].value or b"").replace(b"{", b"["))
    place.bucket.objects[original_key(1, 100)] = original([*kept[:3], changed, *kept[4:]])
    result = place.checked()
    assert result.originals_missing == len(kept) - 3
    assert only_defect(result) == f"differs from Kafka's record at offset {kept[3].offset}"


def test_a_stack_without_originals_misses_none(place: Place) -> None:
    place.pipeline = replace(place.pipeline, originals=False)
    for partition in range(PARTITIONS):
        del place.bucket.objects[original_key(partition, 100)]
    assert place.checked().ok


def test_a_delivered_line_holds_what_the_store_says(place: Place) -> None:
    place.write_store()
    first = next(DeliveredStore(place.store, "archive").new_rows())
    key, number, event = place.rows[0]
    assert first == DeliveredLine(key, number, event, 2000.5)
