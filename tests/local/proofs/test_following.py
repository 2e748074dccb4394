"""Feed and check against a real broker and a real S3 API; the connector and Logz.io are played by the test."""

import gzip
import json
import sqlite3
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.archive import layout
from components.worker.fields import flattened
from local.base import paths, processes
from local.proofs.checker.checker import Checker
from local.proofs.checker.following import any_archived, wait_until_complete
from local.proofs.checker.left_behind import in_aws, in_confluent_cloud
from local.proofs.client import feed
from local.proofs.demo.report import s3_requests
from local.proofs.history import acknowledged
from local.proofs.history.history import History
from local.proofs.history.places import Bucket, DeliveredStore, Record, Topic
from local.proofs.history.reader import Reader
from local.stack.deployment import aws_client, clean_environment
from local.systems.kafka import client


@dataclass(frozen=True)
class Servers:
    state: Path
    aws_endpoint: str

    def aws(self, service: Any) -> Any:
        return aws_client(self.state, self.aws_endpoint, service)

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.aws("s3"), "archive")

    @property
    def store(self) -> Path:
        return self.state / "logzio" / "store.sqlite"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    state = tmp_path_factory.mktemp("stack")
    environment = {**clean_environment(), "PYTHONPATH": str(paths.ROOT)}
    try:
        ready = {
            name: processes.start(
                state,
                name,
                [sys.executable, "-m", f"local.systems.{name}", "--state", str(state)],
                env=environment,
                cwd=paths.ROOT,
            ).ready
            for name in ("aws", "kafka")
        }
        servers = Servers(state, f"http://127.0.0.1:{ready['aws']['port']}")
        servers.aws("s3").create_bucket(
            Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        yield servers
    finally:
        processes.stop_all(state)


class Player:
    """Plays the connector and Logz.io: archives and indexes whatever is new in Kafka."""

    def __init__(self, servers: Servers) -> None:
        self._s3 = servers.aws("s3")
        self._topic = Topic(client.client_config(servers.state), client.TOPIC)
        servers.store.parent.mkdir(exist_ok=True)
        self._database = sqlite3.connect(servers.store, check_same_thread=False)
        self._database.execute(
            "CREATE TABLE events (seq INTEGER PRIMARY KEY, registration_id INT, bucket TEXT, key TEXT,"
            " line INT, event_id TEXT, event TEXT, received_at REAL)"
        )

    def pass_on(self, *, losing_last_line: bool = False) -> None:
        files: dict[int, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        originals: dict[int, list[Record]] = defaultdict(list)
        for record in self._topic.new_records():
            originals[record.partition].append(record)
            event = json.loads(record.value or b"")
            renamed = {"@timestamp": event.pop("time"), "event_type": event.pop("type")} | event
            files[record.partition].append((record.offset, flattened(renamed)))
        for partition, events in files.items():
            prefix = layout.partition_prefix("topics", client.TOPIC, partition)
            key = f"{prefix}{client.TOPIC}+{partition}+{events[0][0]:020d}.json.gz"
            body = "".join(json.dumps(event) + "\n" for _, event in events)
            self._s3.put_object(Bucket="archive", Key=key, Body=gzip.compress(body.encode()))
            kept = b"".join((record.value or b"") + b"\n" for record in originals[partition])
            original_key = key.replace("topics", layout.ORIGINALS, 1)
            self._s3.put_object(Bucket="archive", Key=original_key, Body=gzip.compress(kept))
            indexed = events[:-1] if losing_last_line and partition == 0 else events
            rows = [
                (key, n, json.dumps(event | {"type": "confluent_audit"}))
                for n, (_, event) in enumerate(indexed)
            ]
            with self._database:
                self._database.executemany(
                    "INSERT INTO events (bucket, key, line, event, received_at) VALUES ('archive', ?, ?, ?, 5.0)",
                    rows,
                )

    def close(self) -> None:
        self._topic.close()
        self._database.close()


def test_the_check_follows_events_to_the_end_and_names_the_one_that_is_lost(servers: Servers) -> None:
    player = Player(servers)
    kafka = client.client_config(servers.state)
    topic = Topic(kafka, client.TOPIC)
    history = History()
    reader = Reader(history, servers.bucket, DeliveredStore(servers.store, "archive"), topic)
    checker = Checker(history)
    output: list[str] = []
    try:
        sentinel = layout.sentinel_key("topics", client.TOPIC, 0)
        servers.aws("s3").put_object(Bucket="archive", Key=sentinel, Body=b"")
        assert not any_archived(servers.bucket)

        assert feed(servers.state, kafka, 2000, progress=output.append) == 2000
        later = threading.Timer(1.5, player.pass_on)
        later.start()
        wait_until_complete(reader, checker, still_seconds=600, poll_seconds=0.2, say=output.append)
        later.join()
        result = checker.result(acknowledged.read(servers.state))
        assert result.ok
        assert (result.produced, result.archived, result.delivered) == (2000, 2000, 2000)
        assert (result.objects, result.sentinels, result.duplicates) == (12, 1, 0)
        assert result.flow is not None
        assert 0 <= time.time() - result.flow.begins < 3600
        assert sum(result.flow.produced) == sum(result.flow.archived) == 2000
        assert (result.originals_objects, result.originals_missing) == (12, 0)
        assert abs((result.first_object_at or 0) - time.time()) < 600
        assert any_archived(servers.bucket)
        assert output[-1] == "  events in Kafka 2000, in the bucket 2000, in Logz.io 2000, originals behind 0"

        assert feed(servers.state, kafka, 1000) == 1000
        player.pass_on(losing_last_line=True)
        wait_until_complete(reader, checker, still_seconds=0)
        result = checker.result(acknowledged.read(servers.state))
        assert (result.produced, result.missing, result.delivered) == (3000, 1, 2999)
        assert result.first_missing[0].absent_from == ("Logz.io",)
        assert result.first_missing[0].partition == 0
        assert s3_requests(servers.aws_endpoint).keys() == {"deployer"}
        assert s3_requests(servers.aws_endpoint)["deployer"] > 20
    finally:
        player.close()
        topic.close()


def test_the_local_stack_itself_is_not_left_behind(servers: Servers) -> None:
    # The bucket is the test's own.
    assert list(in_aws(servers.aws)) == ["S3 bucket archive"]
    assert list(in_confluent_cloud(servers.state)) == []
