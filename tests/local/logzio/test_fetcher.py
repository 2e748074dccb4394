"""The fetcher against the local AWS: what it reads, in which order, with which rights."""

import gzip
import json
import os
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from components import policies
from components.archive import layout
from local.base import http, processes
from local.base.paths import ROOT
from local.base.waiting import wait_until
from local.stack.deployment import aws_client
from local.systems.aws.accounts import LOGZIO_ACCOUNT
from local.systems.logzio import fetcher
from local.systems.logzio.server import Emulator
from tests.local.logzio_support import BODY, BUCKETS, api, running

DIRECTORY = "topics"
PREFIX = layout.partition_prefix(DIRECTORY, "audit", 0)
NOW = 1_795_672_862_123
"""For the stamps of keys: a time in 2026, in milliseconds."""


@dataclass
class Site:
    """A local AWS with a bucket, a role and a key for Logz.io, and an emulator whose fetcher polls on demand."""

    emulator: Emulator
    state: Path
    endpoint: str
    bucket: str
    role: str
    key: dict[str, str]

    def aws(self, service: Any) -> Any:
        return aws_client(self.state, self.endpoint, service)

    def body(self, **changed: Any) -> dict[str, Any]:
        return {**BODY, "bucket": self.bucket, "prefix": PREFIX, "arn": self.role, **changed}

    def register(self, **changed: Any) -> int:
        with api(self.emulator) as http:
            made = http.post(BUCKETS, json=self.body(**changed))
        assert made.status_code == 201, made.text
        return int(made.json()["id"])

    def put(self, key: str, *events: object, content: bytes | None = None) -> None:
        body = "".join(json.dumps(event) + "\n" for event in events).encode() if content is None else content
        self.aws("s3").put_object(Bucket=self.bucket, Key=key, Body=gzip.compress(body) if events else body)

    def look(self) -> None:
        assert self.emulator._fetcher is not None
        self.emulator._fetcher.look()

    def events(self) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.state / "logzio" / "store.sqlite")) as database:
            rows = database.execute("SELECT key, line, event_id, event FROM events ORDER BY seq").fetchall()
        return [
            {"key": key, "line": line, "event_id": id_, **json.loads(event)} for key, line, id_, event in rows
        ]

    def last_error(self) -> str | None:
        (registration,) = self.emulator.state()["registrations"]
        error: str | None = registration["last_error"]
        return error


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    state = tmp_path_factory.mktemp("logzio")
    server = processes.start(
        state,
        "aws",
        [sys.executable, "-m", "local.systems.aws", "--state", str(state)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    yield state, f"http://127.0.0.1:{server.ready['port']}"
    processes.stop(state, "aws")


@pytest.fixture
def site(aws: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    # Tests poll when they are ready.
    monkeypatch.setattr(fetcher, "POLL_SECONDS", 3600.0)
    state, endpoint = aws
    (tmp_path / "aws").symlink_to(state / "aws")
    with running(tmp_path, endpoint) as emulator:
        # `look` is called from here; the thread would not end its long wait for it anyway.
        bucket = f"bucket-{uuid.uuid4().hex[:12]}"
        aws_client(state, endpoint, "s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        details = api(emulator).get(f"{BUCKETS}/aws-assume-role-details").json()
        trust = policies.reader_trust(details["logzioAWSAccountId"], details["assignedExternalId"])
        reader = policies.to_json(policies.reader(bucket, DIRECTORY, None))
        role, key = identities(aws_client(state, endpoint, "iam"), policies.to_json(trust), reader)
        yield Site(emulator, tmp_path, endpoint, bucket, role, key)


def identities(iam: Any, trust: str, policy: str) -> tuple[str, dict[str, str]]:
    """A role and the key of a user, both with the rights of ArchiveReader."""
    name = f"reader-{uuid.uuid4().hex[:12]}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return role, {"accessKey": key["AccessKeyId"], "secretKey": key["SecretAccessKey"]}


def data_key(offset: int, partition: int = 0, opened: int | None = None) -> str:
    key = layout.key_start(DIRECTORY, "audit", partition, offset) + ".json.gz"
    if opened is None:
        return key
    return f"{layout.stamped_start(DIRECTORY, 'audit', partition, opened)}/{key.rpartition('/')[2]}"


def event(number: int) -> dict[str, Any]:
    return {"id": f"e{number}", "@timestamp": "2026-03-01T12:00:00.123Z", "event_type": "x"}


def ids(site: Site) -> list[str]:
    return [stored["id"] for stored in site.events()]


def test_each_look_uses_the_role_as_iam_shows(site: Site) -> None:
    name = site.role.rpartition("/")[2]

    def last_used() -> Any:
        return site.aws("iam").get_role(RoleName=name)["Role"]["RoleLastUsed"].get("LastUsedDate")

    def is_used_again() -> bool:
        site.look()
        again: bool = last_used() > first
        return again

    site.register()
    assert last_used() is None
    site.look()
    first = last_used()
    # Times may have whole seconds.
    wait_until(is_used_again, "the role is used again")


def test_a_role_must_trust_the_local_account_of_logzio(site: Site) -> None:
    with api(site.emulator) as http:
        details = http.get(f"{BUCKETS}/aws-assume-role-details").json()

    assert details["logzioAWSAccountId"] == LOGZIO_ACCOUNT


@pytest.mark.parametrize("with_key", [False, True], ids=["role", "key"])
def test_events_are_read_with_the_registrations_key_or_role(site: Site, with_key: bool) -> None:
    body = site.body(**site.key) if with_key else site.body()
    if with_key:
        del body["arn"]
    with api(site.emulator) as http:
        assert http.post(BUCKETS, json=body).status_code == 201
    site.put(data_key(0), event(0), event(1))

    site.look()

    assert ids(site) == ["e0", "e1"]
    assert [(stored["key"], stored["line"], stored["event_id"]) for stored in site.events()] == [
        (data_key(0), 0, "e0"),
        (data_key(0), 1, "e1"),
    ]


def test_keys_are_read_in_alphabetical_order_and_never_twice(site: Site) -> None:
    site.register()
    for offset in (30, 10, 20):
        site.put(data_key(offset), event(offset))

    site.look()
    site.look()

    assert ids(site) == ["e10", "e20", "e30"]


def test_a_key_that_sorts_before_the_last_one_is_never_read(site: Site) -> None:
    site.register()
    site.put(data_key(20), event(20))
    site.look()
    site.put(data_key(10), event(10))

    site.look()

    assert ids(site) == ["e20"]


def test_a_later_stamp_is_read_whatever_the_first_offset(site: Site) -> None:
    site.register()
    site.put(data_key(20, opened=NOW), event(20))
    site.look()
    site.put(data_key(10, opened=NOW + 1), event(10))
    site.put(data_key(30, opened=NOW - 1), event(30))

    site.look()

    assert ids(site) == ["e20", "e10"]


def test_a_prefix_that_was_read_without_stamps_is_still_read_with_them(
    site: Site,
) -> None:
    site.register()
    site.put(f"{PREFIX}{layout.SENTINEL_NAME}", content=b"")
    for offset in (10, 20):
        site.put(data_key(offset), event(offset))
    site.look()
    bare = data_key(30, opened=NOW).replace("/audit-", "/")
    assert bare < data_key(20)
    site.put(bare, event(30))
    site.put(data_key(15, opened=NOW), event(15))
    site.put(data_key(40, opened=NOW + 1), event(40))

    site.look()

    assert ids(site) == ["e10", "e20", "e15", "e40"]


def test_an_object_without_a_stamp_is_never_read_after_one_with_a_stamp(site: Site) -> None:
    site.register()
    site.put(data_key(10, opened=NOW), event(10))
    site.look()
    site.put(data_key(20), event(20))

    site.look()

    assert ids(site) == ["e10"]


def test_one_registration_over_all_partitions_loses_events(site: Site) -> None:
    site.register(prefix=f"{DIRECTORY}/")
    site.put(data_key(0, partition=9), event(9))
    site.look()
    site.put(data_key(0, partition=1), event(1))

    site.look()

    assert ids(site) == ["e9"]


def test_one_registration_for_each_partition_loses_none(site: Site) -> None:
    for partition in (1, 9):
        site.register(prefix=f"{DIRECTORY}/audit/partition={partition}/")
    site.put(data_key(0, partition=9), event(9))
    site.look()
    site.put(data_key(0, partition=1), event(1))

    site.look()

    assert ids(site) == ["e9", "e1"]


def test_an_object_older_than_the_registration_is_not_read(site: Site) -> None:
    site.put(data_key(0), event(0))
    # S3 has times in whole seconds.
    time.sleep(1.1)
    site.register()
    site.put(data_key(1), event(1))

    site.look()

    assert ids(site) == ["e1"]


def test_an_empty_sentinel_is_not_an_event(site: Site) -> None:
    site.register()
    site.put(f"{PREFIX}!logzio-init", content=b"")

    site.look()

    assert site.events() == []
    assert site.last_error() is None


def test_a_restart_reads_no_object_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.register()
    site.put(data_key(0), event(0))
    site.look()
    site.emulator.stop()
    monkeypatch.setattr(fetcher, "POLL_SECONDS", 0.05)

    with running(site.state, site.endpoint) as again:
        site.put(data_key(1), event(1))
        wait_until(lambda: again.state()["events"] == 2, "both events are read", poll=0.05)

    assert ids(site) == ["e0", "e1"]


def test_a_missing_right_to_read_is_an_error_until_the_role_has_it(
    site: Site,
) -> None:
    site.register()
    site.put(data_key(0), event(0))
    name = site.role.rpartition("/")[2]
    site.aws("iam").delete_role_policy(RoleName=name, PolicyName="p")

    site.look()
    assert "AccessDenied" in str(site.last_error())
    assert site.events() == []

    reader = policies.to_json(policies.reader(site.bucket, DIRECTORY, None))
    site.aws("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=reader)
    site.look()
    assert site.last_error() is None
    assert ids(site) == ["e0"]


@pytest.mark.parametrize("wrong", ["account", "external id"])
def test_a_role_that_does_not_trust_this_account_is_refused(site: Site, wrong: str) -> None:
    account = "999999999999" if wrong == "account" else LOGZIO_ACCOUNT
    trust = policies.to_json(policies.reader_trust(account, "logzio:aws:extid:of-somebody-else"))
    name = site.role.rpartition("/")[2]
    site.aws("iam").update_assume_role_policy(RoleName=name, PolicyDocument=trust)

    with api(site.emulator) as http:
        refused = http.post(BUCKETS, json=site.body())

    assert refused.status_code == 400
    assert "AssumeRole" in refused.json()["message"]
    assert site.emulator.state()["registrations"] == []


def test_a_key_that_aws_does_not_know_is_refused(site: Site) -> None:
    body = {**site.body(), "accessKey": "AKIAIOSFODNN7EXAMPLE", "secretKey": "no"}
    del body["arn"]

    with api(site.emulator) as http:
        refused = http.post(BUCKETS, json=body)

    assert refused.status_code == 400
    assert "InvalidClientTokenId" in refused.json()["message"]


def test_an_inactive_registration_is_not_polled(site: Site) -> None:
    site.register(active=False)
    site.put(data_key(0), event(0))

    site.look()

    assert site.events() == []


def test_a_paused_fetcher_reads_nothing(site: Site) -> None:
    site.register()
    site.put(data_key(0), event(0))
    with api(site.emulator) as http:
        http.post("/_emulator/fetcher", json={"paused": True})
        site.look()
        assert site.events() == []
        http.post("/_emulator/fetcher", json={"paused": False})

    site.look()

    assert ids(site) == ["e0"]


def test_an_event_gets_the_type_of_its_registration_and_keeps_its_time(site: Site) -> None:
    site.register(addS3ObjectKeyAsLogField=True)
    site.put(data_key(0), {**event(0), "type": "io.confluent.kafka.server/authorization"})

    site.look()

    (indexed,) = site.events()
    assert indexed["type"] == "confluent_audit"
    assert indexed["@timestamp"] == "2026-03-01T12:00:00.123Z"
    assert indexed["s3_object_key"] == data_key(0)


def test_a_line_that_is_not_a_json_object_becomes_text(site: Site) -> None:
    site.register()
    line = json.dumps(event(1)).encode()
    site.put(data_key(0), content=gzip.compress(b"not json\n" + line + b"\n[1]\n"))

    site.look()

    assert [stored.get("message") for stored in site.events()] == ["not json", None, "[1]"]


def test_a_line_separator_inside_a_string_does_not_end_an_event(site: Site) -> None:
    site.register()
    line = json.dumps({**event(1), "text": "a\u2028b"}, ensure_ascii=False)
    site.put(data_key(0), content=f"{line}\n".encode())

    site.look()

    assert [stored["text"] for stored in site.events()] == ["a\u2028b"]


def test_an_index_failure_is_marked_and_a_fields_type_outlives_a_restart(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.register()
    site.put(data_key(0), {**event(0), "principal": "User:sa-1"}, {**event(1), "principal": {"id": "u-1"}})
    site.look()
    site.emulator.stop()
    monkeypatch.setattr(fetcher, "POLL_SECONDS", 0.05)

    with running(site.state, site.endpoint) as again:
        site.put(data_key(1), {**event(2), "principal": {"id": "u-1"}}, {**event(3), "long": "x" * 32_701})
        wait_until(lambda: again.state()["events"] == 4, "all events are read", poll=0.05)

    assert [stored["type"] for stored in site.events()] == [
        "confluent_audit",
        "logzio-index-failure",
        "logzio-index-failure",
        "logzio-invalid-log",
    ]


def test_an_object_that_is_too_large_is_skipped_and_recorded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetcher, "MAX_OBJECT_BYTES", 100)
    site.register()
    site.put(data_key(0), content=b"x" * 101)
    site.put(data_key(1), event(1))

    site.look()

    assert [refusal["key"] for refusal in site.emulator.state()["refused"]] == [data_key(0)]
    assert ids(site) == ["e1"]


def test_a_damaged_object_is_skipped_and_recorded(site: Site) -> None:
    site.register()
    site.put(data_key(0), content=gzip.compress(b"{}" * 100)[:20])
    site.put(data_key(1), event(1))

    site.look()

    assert [refusal["key"] for refusal in site.emulator.state()["refused"]] == [data_key(0)]
    assert ids(site) == ["e1"]


def test_a_search_finds_events_that_arrived(site: Site) -> None:
    site.register()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    site.put(data_key(0), {"id": "e0", "@timestamp": now})
    site.look()
    query = {"query_string": {"query": "type:confluent_audit", "allow_leading_wildcard": False}}

    with api(site.emulator) as logzio:
        answer = logzio.post("/v1/search", json={"size": 1, "query": query})

    assert answer.status_code == 200
    assert answer.json()["hits"]["total"] == 1


def test_the_emulator_runs_as_a_process_and_ends_with_sigterm(aws: tuple[Path, str]) -> None:
    state, endpoint = aws
    server = processes.start(
        state,
        "logzio",
        [sys.executable, "-m", "local.systems.logzio", "--state", str(state), "--aws-endpoint", endpoint],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    token = (state / "logzio" / "token").read_text()
    base = f"http://127.0.0.1:{server.ready['port']}"

    answer = http.get(f"{base}/v2/whoami", headers={"X-API-TOKEN": token})
    processes.stop(state, "logzio")

    assert answer.status_code == 200
    with pytest.raises(httpx.ConnectError):
        http.get(base)
