"""The runbook on a running stack: the fault of an alarm, its first look as it is written, its fix, its end.

`local.proofs.nemesis.projection` says whether an alarm would fire. A command on the VM runs as the user that Session
Manager gives a person.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    NewPartitions,
)

from components.archive import layout
from components.worker.alarms import alarms
from components.worker.connect import SERVICE
from local.base import http
from local.base.paths import ROOT
from local.base.system_packages import ensure
from local.base.waiting import wait_until
from local.proofs.nemesis import poison
from local.proofs.nemesis.target import WATCHDOG, Target
from local.stack.deployment import BUCKET, STACK
from local.stack.pulumi import PulumiError
from local.systems.kafka.client import PARTITIONS, TOPIC, client_config
from tests import runbook
from tests.local.booted import booted
from tests.long import LONG

# It takes about half an hour, and no other test waits for it.
pytestmark = LONG

PERSON = "ssm-user"
"""Session Manager's user, who may use sudo (release notes of amazon-ssm-agent 2.3.68.0)."""

INSTANCE_STOPPED = r'"stopped"'
REFUSED = r"(?s)Task is being killed.*Status Code: 403"

SHOWS = {
    "heartbeat": INSTANCE_STOPPED,
    "members": INSTANCE_STOPPED,
    "originals-members": INSTANCE_STOPPED,
    "boot": r"S3 connector",
    "task": REFUSED,
    "originals-task": REFUSED,
    "restarts": REFUSED,
    "stuck": r"partitions? [\d, ]*5.*offsets are not archived, the oldest for 2 h \(group (?!.*originals)",
    "originals-stuck": r"offsets are not archived, the oldest for 2 h \(group .*originals",
    "expired": rf"expired before it was archived: topic {TOPIC}, partition 0, offsets \d+ to \d+ \(",
    "foreign": r"foreign member of group \S+: client id another-worker,",
    "memory": r"java\.lang\.OutOfMemoryError",
    "skipped": rf"skipped event: topic {TOPIC}, partition {poison.PARTITION}, offset \d+",
    "disk": r"/var/log",
    "partitions": rf"source\.partitions does not: {TOPIC} {PARTITIONS}\.",
    "clock-ahead": r"a clock was ahead: an object's key has the time 20",
    "clock": r"System clock synchronized: ",
    "canary": r"1 registration\(s\) missing",
    "logzio": r"1 registration\(s\) missing",
}
"""What the first look of an alarm must show of its fault."""


@dataclass
class OnCall:
    """A person with the runbook. `prepared`: VMs on which the person has a user."""

    target: Target
    prepared: set[str] = field(default_factory=set)

    @property
    def stack(self) -> Any:
        return self.target.deployment

    def looks(self, alarm: str, vm: str | None = None) -> str:
        """What the first look prints."""
        entry = runbook.entries()[alarm]
        command = runbook.command(entry).replace("<project>", "ccloud-logexporter").replace("<stack>", STACK)
        if "` on the VM" in runbook.first_look(entry):
            self.arrive()
            return self.target.run("runuser", "-u", PERSON, "--", "sh", "-c", command, vm=vm)
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=ROOT,
            env=self.stack.environment(),
            capture_output=True,
            check=False,
            text=True,
        )
        return done.stdout + done.stderr

    def sees(self, alarm: str, vm: str | None = None) -> None:
        """Looks, and finds the fault."""
        seen = self.looks(alarm, vm)
        assert re.search(SHOWS[alarm], seen), seen[-4000:]

    def arrive(self) -> None:
        """Makes what Session Manager's agent makes, and lets the watchdog look at the groups at each run."""
        for vm in self.target.instances() - self.prepared:
            # cloud-init has made /etc/sudoers before.
            kept = ("-o", "Dpkg::Options::=--force-confold")
            self.target.run("apt-get", "-q", "-y", *kept, "install", "--no-install-recommends", "sudo", vm=vm)
            self.target.run("useradd", "--create-home", PERSON, vm=vm)
            rule = f"echo '{PERSON} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/ssm-agent-users"
            self.target.run("sh", "-c", rule, vm=vm)
            often = "s/^(MEASURE_SECONDS = )[0-9]+$/\\11/"
            self.target.run("sed", "-i", "-E", often, f"{WATCHDOG}/group.py", vm=vm)
            self.prepared.add(vm)

    def reports(self) -> frozenset[str]:
        """Lets the watchdog of each VM that is on run; the alarms that would fire."""
        self.arrive()
        for vm in self.target.instances():
            self.target.run("systemctl", "start", f"{SERVICE}-watchdog.service", check=False, vm=vm)
        return self.target.firing()

    def is_called(self, *names: str) -> None:
        """Until each of these alarms would have fired."""
        seen: set[str] = set()

        def has_fired() -> bool:
            seen.update(self.reports())
            return seen >= set(names)

        wait_until(has_fired, f"firing: {', '.join(names)}", poll=2)

    def is_done(self, *names: str) -> None:
        """Until none of these alarms would fire."""
        wait_until(lambda: self.reports().isdisjoint(names), f"not firing: {', '.join(names)}", poll=2)

    def repairs(self) -> None:
        """`pulumi refresh` and `pulumi up`, as many entries say."""
        self.stack.pulumi("refresh", "--yes")
        self.stack.up(show=False)


@pytest.fixture(scope="module")
def on_call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnCall]:
    with booted(tmp_path_factory.mktemp("runbook")) as stack:
        person = OnCall(Target(stack))
        produce(person, dict.fromkeys(range(PARTITIONS), 20))
        person.is_done("stuck", "originals-stuck", "task", "originals-task")
        yield person


def produce(on_call: OnCall, numbers: dict[int, int], age: timedelta = timedelta()) -> None:
    """Events by partition, which Kafka got so long ago."""
    at = datetime.now(UTC) - age
    producer = Producer(client_config(on_call.target.state))
    for partition, number in numbers.items():
        for _ in range(number):
            event = {"id": str(uuid.uuid4()), "time": at.isoformat(), "type": "example"}
            producer.produce(
                TOPIC, json.dumps(event).encode(), partition=partition, timestamp=int(at.timestamp() * 1000)
            )
    assert producer.flush(60) == 0


def test_every_alarm_is_tried() -> None:
    every = alarms(originals=True, count=2, canary=True, reader_role=True)

    assert SHOWS.keys() == {alarm.name for alarm in every}


@contextmanager
def another_worker(on_call: OnCall) -> Iterator[None]:
    """A consumer in the connector's group that is not of this stack."""
    consumer = Consumer(
        {
            **client_config(on_call.target.state),
            "client.id": "another-worker",
            "group.id": on_call.target.group,
            "enable.auto.commit": False,
        }
    )
    joined, ended = threading.Event(), threading.Event()
    consumer.subscribe([TOPIC], on_assign=lambda *_: joined.set())

    def polls() -> None:
        """A consumer that does not poll takes no part in a rebalance, and the others wait for it for minutes."""
        while not ended.is_set():
            consumer.poll(1)

    thread = threading.Thread(target=polls)
    thread.start()
    try:
        # Asking the consumer itself would wait for as long as the thread polls.
        wait_until(joined.is_set, "it is a member")
        yield
    finally:
        ended.set()
        thread.join()
        consumer.close()


def test_records_that_are_not_events_another_worker_and_new_partitions(on_call: OnCall) -> None:
    kafka = AdminClient(client_config(on_call.target.state))
    with another_worker(on_call):
        poison.produce(on_call.target, {"malformed JSON": b"{"})
        for made in kafka.create_partitions([NewPartitions(TOPIC, PARTITIONS + 1)]).values():
            made.result()
        on_call.is_called("foreign", "partitions")
        on_call.sees("foreign")
        on_call.sees("partitions")
    on_call.is_called("skipped")
    on_call.sees("skipped")

    on_call.stack.set("source", "partitions", {TOPIC: PARTITIONS + 1})
    on_call.stack.up(show=False)
    on_call.target.replay("--unread")

    on_call.is_done("foreign", "partitions", "skipped")


def test_a_bucket_policy_that_refuses_the_writer(on_call: OnCall) -> None:
    s3 = on_call.stack.aws("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    user = on_call.stack.aws("iam").get_user(UserName=on_call.target.writer)["User"]["Arn"]
    denied = {
        "Effect": "Deny",
        "Principal": {"AWS": user},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    policy["Statement"].append(denied)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    produce(on_call, {0: 20, 5: 20}, age=timedelta(hours=2))

    on_call.is_called("task", "originals-task", "restarts", "stuck", "originals-stuck")
    for alarm in ("task", "originals-task", "restarts", "stuck", "originals-stuck"):
        on_call.sees(alarm)
    _expire(on_call, partition=0, left=5)
    on_call.is_called("expired")
    on_call.sees("expired")

    on_call.repairs()

    on_call.is_done("task", "originals-task", "restarts", "stuck", "originals-stuck", "expired")


def _expire(on_call: OnCall, partition: int, left: int) -> None:
    """Deletes all events of a partition but the last ones, as Kafka's retention does."""
    kafka = AdminClient(client_config(on_call.target.state))
    consumer = Consumer({**client_config(on_call.target.state), "group.id": "none"})
    _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), timeout=60)
    consumer.close()
    for deleted in kafka.delete_records([TopicPartition(TOPIC, partition, end - left)]).values():
        deleted.result()


def test_a_key_whose_time_is_still_to_come(on_call: OnCall) -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=2)
    key = layout.partition_prefix("topics", TOPIC, 4) + f"{TOPIC}-{ahead:%Y%m%dT%H%M%S}.000Z/{TOPIC}+4+x"
    on_call.stack.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"")
    on_call.target.run("systemctl", "restart", "--no-block", f"{SERVICE}.service")

    on_call.is_called("clock-ahead")
    on_call.sees("clock-ahead")
    # The entry says to wait.
    on_call.is_done("clock-ahead")
    on_call.stack.aws("s3").delete_object(Bucket=BUCKET, Key=key)


def test_a_lost_registration(on_call: OnCall) -> None:
    (lost, *_) = on_call.stack.outputs()["registrationIds"].values()
    token = (on_call.target.state / "logzio" / "token").read_text()
    answer = http.delete(
        f"{on_call.stack.logzio}/v1/log-shipping/s3-buckets/{lost}", headers={"X-API-TOKEN": token}
    )
    answer.raise_for_status()

    for alarm in ("canary", "logzio"):
        on_call.sees(alarm)
    on_call.repairs()

    assert "registration(s) missing" not in on_call.looks("canary")


def test_a_full_disk_and_a_clock(on_call: OnCall) -> None:
    # The disk is this machine's own and the clock, too: their alarms are tried elsewhere.
    on_call.target.run("fallocate", "--length", "400M", "/var/log/filler")
    on_call.sees("disk")
    on_call.sees("clock")
    on_call.target.run("rm", "/var/log/filler")


def test_a_heap_that_is_too_small(on_call: OnCall) -> None:
    small = "s/-Xms[0-9]+m -Xmx[0-9]+m/-Xms16m -Xmx16m/"
    on_call.target.run("sed", "-i", "-E", small, "/etc/s3-auditlog-sink/environment")
    on_call.target.restart_service()

    on_call.is_called("memory")
    on_call.sees("memory")
    on_call.stack.set("worker", "heapMb", 768)
    on_call.stack.up(show=False)

    on_call.is_done("memory")


def test_a_boot_that_fails(on_call: OnCall) -> None:
    former = on_call.target.instances()
    right = on_call.stack.set("connector", "archiveSha256", "0" * 64)
    with pytest.raises(PulumiError) as failed:
        on_call.stack.up(show=False)
    (vm,) = on_call.target.instances() - former

    assert vm in str(failed.value)
    assert "boot" in on_call.target.firing()
    on_call.sees("boot", vm)
    on_call.stack.set("connector", "archiveSha256", right)
    on_call.stack.up(show=False)

    on_call.is_done("boot")


@pytest.fixture
def _aws_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The AWS CLI on PATH. It reads AWS_ENDPOINT_URL from version 2.13 on, and Debian 12 has an earlier one.

    So a script of its name gives the local AWS as an option: without that, the CLI would ask the real AWS.
    """
    if shutil.which("aws") is None:
        if platform.freedesktop_os_release()["ID"] == "ubuntu":
            pytest.skip("Ubuntu has the AWS CLI as a snap alone: install it")
        ensure(["awscli"])
    script = tmp_path / "aws"
    script.write_text(f'#!/bin/sh\nexec {shutil.which("aws")} --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("_aws_cli")
def test_a_stopped_instance_and_one_that_is_gone(on_call: OnCall) -> None:
    ec2, (instance,) = on_call.stack.aws("ec2"), on_call.target.instances()
    ec2.stop_instances(InstanceIds=[instance])
    wait_until(lambda: "heartbeat" in on_call.target.firing(), "firing: heartbeat", poll=2)
    for alarm in ("heartbeat", "members", "originals-members"):
        on_call.sees(alarm)
    ec2.start_instances(InstanceIds=[instance])
    wait_until(lambda: "heartbeat" not in on_call.target.firing(), "not firing: heartbeat", poll=2)

    ec2.terminate_instances(InstanceIds=[instance])
    wait_until(lambda: "heartbeat" in on_call.target.firing(), "firing: heartbeat", poll=2)
    assert '"terminated"' in on_call.looks("heartbeat")
    on_call.repairs()
    wait_until(lambda: "heartbeat" not in on_call.target.firing(), "not firing: heartbeat", poll=2)
