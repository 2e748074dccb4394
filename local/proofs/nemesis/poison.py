"""Records that are hard to archive or to index, and what becomes of each."""

import json
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from components.archive import layout
from components.logzio import facts as logzio_facts
from components.worker.fields import flattened
from local.base import objects
from local.base.waiting import WaitError, wait_until
from local.proofs.history import reader
from local.proofs.history.history import PIPELINE
from local.proofs.history.places import Bucket, DeliveredStore
from local.proofs.nemesis.fault import Injection
from local.proofs.nemesis.target import Target
from local.systems.kafka.client import TOPIC, client_config

PARTITION = 3

BEYOND_LOGZIO = "8 MB"
"""Of the readable events the one that Logz.io cannot index: a value of more than 32,700 characters."""

BEYOND_JSON = "an integer over 64 bits"
"""The one that the archive has with another value: Connect's converter reads JSON's numbers into 64 bits."""

# What Connect's LogReporter writes for a record that was skipped.
_SKIPPED = re.compile(r"topic='([^']+)', partition=(\d+), offset=(\d+)")


def unreadable(event_id: str) -> dict[str, bytes]:
    """Records that are not a JSON object."""
    return {
        "malformed JSON": b'{"id":"' + event_id.encode() + b'","data":',
        "a JSON array": b'["' + event_id.encode() + b'"]',
        "invalid UTF-8": b'{"id":"' + event_id.encode() + b'","data":"\xff\xfe"}',
    }


def readable() -> dict[str, dict[str, Any]]:
    """Events that are extreme JSON objects."""
    nested: Any = "the bottom"
    for _ in range(100):
        nested = {"deeper": nested}
    data: dict[str, Any] = {
        "100-level nesting": nested,
        BEYOND_JSON: 2**80 + 1,
        BEYOND_LOGZIO: "x" * 8_000_000,
    }
    return {name: _event(value) for name, value in data.items()}


def _event(data: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "specversion": "1.0",
        "source": "crn://confluent.cloud/",
        "type": "io.confluent.kafka.server/authorization",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "data": data,
    }


def inject(target: Target) -> Injection:
    """Produces one record of each kind and waits until each is archived or named in the log."""
    began = time.time()
    shown = reader.delivered(target.deployment)
    shown.skip()
    events, skipped = readable(), unreadable(str(uuid.uuid4()))
    sent = {**skipped, **{name: json.dumps(event).encode() for name, event in events.items()}}
    offsets = produce(target, {"null": None, **sent})
    _wait_until_passed(target, began, sent, offsets, skipped)
    named = named_offsets(target.journal(began), PARTITION)
    unnamed = [name for name in skipped if offsets[name] not in named]
    unkept = _unkept(target, sent)
    silent = [name for name in skipped if name in unnamed or name in unkept]
    archived = _archived(target, (event["id"] for event in events.values()), max(offsets.values()))
    beyond = str(events[BEYOND_LOGZIO]["id"])
    is_marked = False
    with suppress(WaitError):
        is_marked = wait_until(
            lambda: _is_marked(shown, beyond), f"Logz.io has marked the event of {BEYOND_LOGZIO}"
        )
    notes = [
        f"skipped: {', '.join(name for name in skipped if name not in silent)}",
        f"metric SkippedEvents: {counted(target.journal(began))}, a null (no event) among them",
        *(
            _note(name, event, archived.get(event["id"]), is_marked=is_marked)
            for name, event in events.items()
        ),
        f"NO ORIGINAL of {unkept}" if unkept else "originals: each of them, byte for byte",
        *([f"NOT NAMED in the log: {', '.join(unnamed)}"] if unnamed else []),
    ]
    arrived = is_marked and beyond in archived
    return Injection(
        note="; ".join(notes),
        ids=tuple(event["id"] for event in events.values() if event["id"] != beyond),
        unindexable=(beyond,),
        altered=(str(events[BEYOND_JSON]["id"]),),
        unrepresentable=len(skipped) - len(silent),
        silent=len(silent) + (0 if arrived else 1),
    )


def _wait_until_passed(
    target: Target,
    began: float,
    sent: Mapping[str, bytes],
    offsets: Mapping[str, int],
    skipped: Collection[str],
) -> None:
    """Waits until the log names all that were `skipped`, and the sink has passed the last record of those `sent`.

    It does not fail: the report of the fault names what did not pass.
    """

    def is_past() -> bool:
        named = named_offsets(target.journal(began), PARTITION)
        all_named = all(offsets[name] in named for name in skipped)
        passed = all_named and _last_archived(target) > max(offsets.values())
        return passed and counted(target.journal(began)) >= len(skipped) and not _unkept(target, sent)

    with suppress(WaitError):
        wait_until(is_past, "the sink has passed the poison")


def _note(name: str, event: Mapping[str, Any], copy: Mapping[str, Any] | None, *, is_marked: bool) -> str:
    """What became of a readable event. `copy`: the archived one. `is_marked`: Logz.io shows that of `BEYOND_LOGZIO`."""
    if copy is None:
        return f"{name}: not archived"
    other = "" if _has_fields(copy, event) else " WITH ANOTHER VALUE (format raw keeps it)"
    invalid = ", in Logz.io an invalid log" if name == BEYOND_LOGZIO and is_marked else ""
    return f"{name}: archived{other}{invalid}"


def _has_fields(copy: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    return flattened({"data": event["data"]}).items() <= copy.items()


def _is_marked(shown: DeliveredStore, event_id: str) -> bool:
    """Whether a new row of Logz.io shows an event as one that it could not index."""
    found = [json.loads(row.event) for row in shown.new_rows() if event_id in row.event]
    return any(event.get("id") == event_id and logzio_facts.failure(event) for event in found)


def produce(target: Target, values: Mapping[str, bytes | None]) -> dict[str, int]:
    """Sends the records to one partition; their offsets by name.

    Raises:
        RuntimeError: one was not accepted.
    """
    producer = Producer({**client_config(target.state), "message.max.bytes": 20_000_000})
    offsets: dict[str, int] = {}

    def record(name: str) -> Callable[[KafkaError | None, Message], None]:
        def delivered(error: KafkaError | None, message: Message) -> None:
            offset = message.offset()
            if error is None and offset is not None:
                offsets[name] = offset

        return delivered

    for name, value in values.items():
        producer.produce(TOPIC, value, partition=PARTITION, on_delivery=record(name))
    producer.flush(60)
    if missing := values.keys() - offsets.keys():
        raise RuntimeError(f"Kafka did not accept {sorted(missing)}")
    return offsets


def named_offsets(journal: list[str], partition: int) -> set[int]:
    """The offsets of a partition that the journal names as skipped."""
    found = (_SKIPPED.search(line) for line in journal)
    return {int(match[3]) for match in found if match and match[1] == TOPIC and int(match[2]) == partition}


def counted(journal: list[str]) -> int:
    """How many skipped records the watchdog's metric has reported."""
    beats = (line.removeprefix("heartbeat ") for line in journal if line.startswith("heartbeat "))
    return sum(int(json.loads(beat).get("SkippedEvents", 0)) for beat in beats)


def _unkept(target: Target, sent: Mapping[str, bytes]) -> list[str]:
    """The records whose bytes are in no object of originals."""
    bucket = reader.bucket(target.deployment)
    contents = [objects.content(key, bucket.read(key)) for key in _keys(bucket, layout.ORIGINALS)]
    return [name for name, value in sent.items() if not any(value + b"\n" in content for content in contents)]


def _keys(bucket: Bucket, topics_dir: str) -> list[str]:
    """Keys of the partition's data objects."""
    prefix = layout.partition_prefix(topics_dir, TOPIC, PARTITION)
    listed = (listed.key for listed in bucket.listing(prefix))
    return [key for key in listed if layout.parse_data_key(key) is not None]


def _last_archived(target: Target) -> int:
    """The largest first offset of an object: everything before it is archived or was skipped."""
    return max(map(_start, _keys(reader.bucket(target.deployment), PIPELINE.topics_dir)), default=-1)


def _archived(target: Target, ids: Iterable[str], last: int) -> dict[str, dict[str, Any]]:
    """The archived copies of these events; no object with one begins after the offset `last`."""
    bucket = reader.bucket(target.deployment)
    missing, found = set(ids), dict[str, dict[str, Any]]()
    # The newest first: they are in one of these, in several after a rewind.
    for key in reversed([key for key in _keys(bucket, PIPELINE.topics_dir) if _start(key) <= last]):
        if not missing:
            break
        for line in objects.lines(key, bucket.read(key)):
            event = json.loads(line)
            if event.get("id") in missing:
                missing.remove(event["id"])
                found[event["id"]] = event
    return found


def _start(key: str) -> int:
    parsed = layout.parse_data_key(key)
    return -1 if parsed is None else parsed.start_offset
