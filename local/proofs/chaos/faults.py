"""The table of faults: what goes wrong, how it is healed, and what the person would have seen."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AdminClient,
    NewPartitions,
)

from components.settings import Connector
from components.worker.connect import LOG_FOLDER, SERVICE, STATE_FOLDER
from local.base.waiting import wait_until
from local.proofs.chaos import poison
from local.proofs.chaos.poison import Struck
from local.proofs.chaos.stage import ChaosError, SkippedError, Stage
from local.stack import pulumi
from local.systems.kafka import client, users
from local.systems.kafka.client import PARTITIONS, TOPIC


@dataclass(frozen=True)
class Fault:
    """A row of the table.

    Attributes:
        strike: injects the fault, keeps it up and heals it; recovery is measured from its return.
        seen: what the person would have seen.
        patience: the most seconds from healing to the moment when nothing is behind any more.
        afterwards: undoes the preparation of the fault, once the row is closed.
        short: belongs to the quick subset.
    """

    name: str
    text: str
    strike: Callable[[Stage], Struck | None]
    seen: str
    patience: float = 600.0
    short: bool = False
    new_partitions: bool = False
    afterwards: Callable[[Stage], None] = lambda _stage: None


# --- 1. the JVM


def kill_idle(stage: Stage) -> None:
    def is_quiet() -> bool:
        before = stage.written()
        time.sleep(1.5)
        return stage.written() == before

    wait_until(is_quiet, "the sink writes nothing for 1.5 s")
    stage.kill_jvm()


def kill_in_upload(stage: Stage) -> None:
    # The upload is held in the middle, so that the kill surely hits it.
    stage.fail_s3(answer="hang", times=None, seconds=600, calls=["UploadPart"])
    wait_until(lambda: stage.struck() > 0, "an upload is under way", poll=0.1)
    stage.kill_jvm()
    stage.heal_s3()


def kill_before_commit(stage: Stage) -> None:
    # Offsets are committed every second: right after an object stands, its offset is not committed.
    before = stage.objects()
    wait_until(lambda: stage.objects() > before, "an object is completed", poll=0.02)
    stage.kill_jvm()


# --- 2. the VM


def power_cut(stage: Stage) -> None:
    stage.power("off")
    time.sleep(5)
    stage.power("on")


def replace(stage: Stage) -> None:
    stage.replace_vm()


# --- 3. the broker


def restart_broker(stage: Stage) -> None:
    stage.stop_broker()
    stage.start_broker()


def stop_broker(stage: Stage) -> None:
    stage.stop_broker()
    time.sleep(30 if stage.short else 120)
    stage.start_broker()


def refuse_login(stage: Stage) -> None:
    key, secret = _kafka_credentials(stage)
    users_file = users.file(stage.state)
    users.remove(users_file, key)
    # Open connections stay; new ones are refused.
    restart_broker(stage)
    time.sleep(60)
    users.add(users_file, key, secret)


# --- 4. S3


def burst(stage: Stage) -> None:
    for status in (503, 500, 503, 500):
        stage.fail_s3(status=status, times=8)
        time.sleep(5)
    wait_until(stage.s3_is_healed, "the last request was struck")


def _s3_minute(**fault: object) -> Callable[[Stage], None]:
    def strike(stage: Stage) -> None:
        seconds = 30 if stage.short else 60
        stage.fail_s3(times=None, seconds=seconds, **fault)
        over = time.monotonic() + seconds
        wait_until(lambda: stage.struck() > 0, "a request of the sink is struck", seconds=seconds)
        time.sleep(max(0.0, over - time.monotonic()))
        stage.heal_s3()

    return strike


# --- 5. secrets


def rotate_kafka_secret(stage: Stage) -> None:
    began = time.time()
    key, _ = _kafka_credentials(stage)
    new = f"rotated-{time.time_ns()}"
    stage.put_parameter("kafka", {"key": key, "secret": new})
    users.add(users.file(stage.state), key, new)
    restart_broker(stage)
    stage.wait_for_journal("restarting the service: new credentials for kafka", began)


def rotate_s3_key(stage: Stage) -> None:
    began = time.time()
    iam = stage.deployment.aws("iam")
    old = iam.list_access_keys(UserName=stage.writer)["AccessKeyMetadata"]
    # The worst order: the old key is dead before anybody knows the new one.
    for key in old:
        iam.delete_access_key(UserName=stage.writer, AccessKeyId=key["AccessKeyId"])
    time.sleep(10)
    new = iam.create_access_key(UserName=stage.writer)["AccessKey"]
    pair = {"access_key_id": new["AccessKeyId"], "secret_access_key": new["SecretAccessKey"]}
    stage.put_parameter("writer", pair)
    stage.wait_for_journal("restarting the service: new credentials for writer", began)


# --- 7. disks

_SMALL_DISK = "/run/small-disk"
# One small file system takes the place of the folders, with all that is in them. The journal is opened anew there.
_MOVE = f"""
mkdir -p {_SMALL_DISK}
mount -t tmpfs -o mode=755,size=128m,nr_inodes=4k small-disk {_SMALL_DISK}
for folder in "$@"; do
    mkdir -p "{_SMALL_DISK}$folder"
    cp -a "$folder/." "{_SMALL_DISK}$folder"
    mount --bind "{_SMALL_DISK}$folder" "$folder"
done
systemctl restart systemd-journald.service
"""
# No byte is free, and no inode: a tmpfs would still make folders, which take a block of a real disk.
_FILL = f"""
mkdir {_SMALL_DISK}/filler
dd if=/dev/zero of={_SMALL_DISK}/filler/bytes bs=4k
number=0
while touch "{_SMALL_DISK}/filler/$number"; do number=$((number + 1)); done
"""


def _fill(*folders: str) -> Callable[[Stage], Struck]:
    """A full disk under the folders, and a start of the service with it: events must flow all the same."""

    def strike(stage: Stage) -> Struck:
        # The watchdog's first run makes its own.
        wait_until(
            lambda: stage.run("stat", *folders, check=False).count("File:") == len(folders),
            f"{', '.join(folders)} are there",
        )
        stage.run("sh", "-ec", _MOVE, "sh", *folders)
        # Stopped first: what the old process kept on the disk is not to be what the new one lives on.
        stage.run("systemctl", "stop", f"{SERVICE}.service")
        # It ends with "no space left": that is what it is for.
        stage.run("sh", "-c", _FILL, check=False)
        try:
            if stage.run("mktemp", "-d", f"--tmpdir={folders[0]}", check=False):
                raise ChaosError(f"{folders[0]} is not full")
            stage.restart_service()
            wait_until(lambda: stage.jvm() != 0, "the service starts on a full disk")
            written = stage.written()
            wait_until(lambda: stage.written() > written, "it archives on a full disk")
            sent = time.time()
            poison.produce(stage, {"malformed JSON": b"{"})
            wait_until(lambda: poison.counted(stage.journal(sent)) > 0, "a skipped event is counted")
        finally:
            # The disk itself stays, as what was logged meanwhile is on it.
            stage.run("rm", "-r", f"{_SMALL_DISK}/filler")
        return Struck(
            note="started anew on the full disk, archived on it, and told of a skipped event",
            unrepresentable=1,
        )

    return strike


# --- 8. boots

CLOUD_INIT_LOG = "/var/log/cloud-init-output.log"


def failing_downloads(stage: Stage) -> None:
    for kind in ("/pool/", "/archives/"):
        stage.fail_packages(kind, 3)
    stage.replace_vm()


def wrong_checksum(stage: Stage) -> Struck:
    right = stage.deployment.set("connector", "archiveSha256", "0" * 64)
    pulumi.up(stage.deployment)
    stage.wait_for_boot("error")
    enabled = stage.run("systemctl", "is-enabled", SERVICE, check=False).strip()
    if enabled == "enabled":
        raise ChaosError("the service is enabled after a boot that failed")
    said = stage.run("grep", "-h", "-e", "FAILED in step", "-e", "BootFailed", CLOUD_INIT_LOG, check=False)
    stage.deployment.set("connector", "archiveSha256", right)
    pulumi.up(stage.deployment)
    told = " / ".join(said.splitlines())
    return Struck(note=f"`cloud-init status`: error; the service: {enabled or 'not there'}; {told}")


def unreadable_secrets(stage: Stage) -> Struck:
    iam = stage.deployment.aws("iam")
    role = next(
        str(one["RoleName"])
        for one in iam.list_roles()["Roles"]
        if "ec2.amazonaws.com" in str(one["AssumeRolePolicyDocument"])
    )
    denied = (
        '{"Version": "2012-10-17", "Statement":'
        ' [{"Effect": "Deny", "Action": "ssm:GetParameter", "Resource": "*"}]}'
    )
    iam.put_role_policy(RoleName=role, PolicyName="not-yet", PolicyDocument=denied)
    try:
        stage.replace_vm()

        def waits() -> bool:
            return any("attempt 2" in line for line in stage.journal(0))

        wait_until(waits, "the first start waits for its secrets")
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="not-yet")
    return Struck(note="journal: parameter ..., attempt 1 of 30, 2 of 30, then RUNNING")


# --- 9. partitions


def add_partitions(stage: Stage) -> None:
    admin = AdminClient(client.client_config(stage.state))
    for made in admin.create_partitions([NewPartitions(TOPIC, PARTITIONS + 2)]).values():
        made.result()
    # Soon: what is archived before its registration is made is never fetched by Logz.io.
    stage.deployment.set("source", "partitions", {TOPIC: PARTITIONS + 2})
    pulumi.up(stage.deployment)


# --- 10. the clock

_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def wrong_clock(stage: Stage) -> Struck:
    try:
        stage.run("apt-get", "-q", "-y", "install", "--no-install-recommends", "libfaketime")
        stage.run("test", "-f", _FAKETIME)
    except ChaosError as error:
        raise SkippedError(f"libfaketime cannot be installed in the VM: {str(error)[:200]}") from None
    began, minutes = time.time(), _minutes_wrong(stage)
    started = stage.run("systemctl", "show", "--property=ExecStart", SERVICE)
    command = started.partition("argv[]=")[2].partition(";")[0].strip()
    # Without the last one, a JVM's waits end at once: it spins, and a stop of it does not end.
    faked = f"LD_PRELOAD={_FAKETIME} FAKETIME=+{minutes}m FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_FORCE_MONOTONIC_FIX=0"
    unit = f"[Service]\nExecStart=\nExecStart=/usr/bin/env {faked} {command}\n"
    folder = f"/etc/systemd/system/{SERVICE}.service.d"
    stage.run("mkdir", "-p", folder)
    stage.run("sh", "-c", f"printf %s '{unit}' >{folder}/clock.conf")
    stage.run("systemctl", "daemon-reload")
    stage.restart_service()
    wait_until(lambda: _minutes_ahead(stage) > minutes - 1, "the JVM's clock is wrong")
    objects = stage.objects()
    wait_until(lambda: stage.objects() >= objects + 20, "it archives with a wrong clock")
    ahead = _minutes_ahead(stage)
    stage.run("rm", "-r", folder)
    stage.run("systemctl", "daemon-reload")
    stage.restart_service()
    stage.wait_for_journal("a clock was ahead", began)
    return Struck(
        note=f"20 objects were completed by a JVM whose clock was {ahead:.0f} minutes ahead, and the start with the "
        "right one waits for their time"
    )


def _minutes_wrong(stage: Stage) -> int:
    # More than S3 bears (15 minutes), if there is time.
    return 3 if stage.short else 20


def _minutes_ahead(stage: Stage) -> float:
    """How far the newest line of the JVM's log is ahead of the time."""
    log = stage.run("tail", "-n", "500", f"{LOG_FOLDER}/connect.log")
    stamps = re.findall(r"^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),", log, re.MULTILINE)
    newest = datetime.strptime(stamps[-1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return (newest - datetime.now(UTC)).total_seconds() / 60


# --- 11. Logz.io


_PASSED_OVER_SECONDS = 30
_SETTLED_SECONDS = 60


def logzio_down(stage: Stage) -> Struck:
    """Out of reach, then back with its daily quota used up: what it reads then is gone for it, though not for us."""
    began = time.time()
    stage.fail_logzio(down=True)
    time.sleep(60 if stage.short else 300)
    before = stage.passed_over()
    stage.pass_over(on=True)
    stage.fail_logzio(down=False)
    try:
        # All that came while it was away, and some of what comes now.
        time.sleep(_PASSED_OVER_SECONDS)
    finally:
        stage.pass_over(on=False)
    objects = stage.passed_over() - before
    # Until something newer was read of each partition: what was passed over is then a gap.
    time.sleep(_SETTLED_SECONDS)
    settled = ("--fetch-minutes", str(_SETTLED_SECONDS / 2 / 60))
    code, seen = stage.verify(began, *settled)
    missing = _missing(seen)
    if code != 1 or not missing:
        raise ChaosError(f"make verify sees nothing of {objects} objects that were passed over: {seen}")
    said = stage.replay("--unread", "--days", str((time.time() - began) / 86400), *settled)
    _, seen = stage.verify(began, *settled)
    if left := _missing(seen):
        raise ChaosError(f"{left} events are missing after make replay: {said}")
    sent = re.search(r"^sent: ([\d,]+)$", said, re.MULTILINE)
    return Struck(
        note=f"{objects} objects were passed over; `make verify` says so (exit code 1), `make replay` sent "
        f"{sent[1] if sent else 'no'} events, and `make verify` finds them"
    )


def _missing(seen: dict[str, Any]) -> int:
    """Events of objects that `make verify` takes for unread and did not find."""
    partitions = (partition for chain in seen["chains"] for partition in chain["partitions"])
    return sum(unread["missing"] for partition in partitions for unread in partition["unread"])


# --- 12. what only the watchdog heals

_CONNECTOR = Connector().name
STUCK_SECONDS = 120
_WATCHDOG = "/usr/local/lib/s3-auditlog-sink/watchdog"
# Module, constant, seconds.
SHORTENED = (("decisions.py", "STUCK_SECONDS", STUCK_SECONDS), ("group.py", "MEASURE_SECONDS", 30))


def fail_to_the_ceiling(stage: Stage) -> None:
    began = time.time()
    stage.fail_s3(status=403, times=None, seconds=1200)
    stage.wait_for_journal(f"restarting the service: {_CONNECTOR} RUNNING/FAILED", began)
    stage.heal_s3()


def stop_jvm(stage: Stage) -> None:
    began = time.time()
    stage.kill_jvm("STOP")
    stage.wait_for_journal("restarting the service: no answer", began)


def stand_still(stage: Stage) -> Struck:
    began = time.time()
    # Half an hour of waiting would show nothing more.
    for module, name, seconds in SHORTENED:
        stage.run("sed", "-i.kept", "-E", f"s/^({name} = )[0-9]+$/\\1{seconds}/", f"{_WATCHDOG}/{module}")
    stage.fail_s3(answer="hang", times=None, seconds=1800)
    try:
        stage.wait_for_journal(f"restarting the service: {_CONNECTOR} RUNNING/RUNNING", began)
        # Long enough for a second restart, which would not help either.
        time.sleep(STUCK_SECONDS + 60)
    finally:
        stage.heal_s3()
        for module, _, _ in SHORTENED:
            stage.run("mv", f"{_WATCHDOG}/{module}.kept", f"{_WATCHDOG}/{module}")
    restarts = sum(line.startswith("restarting the service") for line in stage.journal(began))
    if restarts != 1:
        raise ChaosError(f"the watchdog restarted the service {restarts} times")
    return Struck(note="one restart")


# --- 13. what was archived and not committed is read again

DEFAULT_ROTATION = Connector().rotation_seconds
SILENT_SECONDS = 75
"""Longer than a consumer's session (45 s by Kafka's default), and than a rotation by ours."""


def silent_network(stage: Stage) -> Struck:
    _rotate_every(stage, DEFAULT_ROTATION)
    # Objects are completed at whole minutes. Their commit comes up to a second later.
    time.sleep(DEFAULT_ROTATION - time.time() % DEFAULT_ROTATION)
    stage.silence_kafka(silent=True)
    time.sleep(SILENT_SECONDS)
    uncommitted = stage.uncommitted()
    stage.silence_kafka(silent=False)
    if uncommitted < 2:
        raise ChaosError("the silence did not fall between an object and its commit")
    return Struck(note=f"{uncommitted} objects of a partition were completed and not committed")


def _rotate_every(stage: Stage, seconds: int) -> None:
    """Restarts the service with another rotation, and waits until it archives and commits with it."""
    before, objects = stage.jvm(), stage.objects()
    stage.set_rotation(seconds)
    wait_until(lambda: stage.jvm() not in (0, before), "the service has another rotation")
    wait_until(lambda: stage.objects() > objects and stage.uncommitted() == 0, "it archives and commits")


def refuse_commits(stage: Stage) -> Struck:
    uncommitted = _without_commits(stage, objects=5)
    stage.refuse_commits(refused=False)
    return Struck(note=f"{uncommitted} objects of a partition were completed meanwhile")


def expel_consumer(stage: Stage) -> Struck:
    before = stage.jvm()
    uncommitted = _without_commits(stage, objects=2)
    stage.kill_jvm("STOP")
    stage.refuse_commits(refused=False)
    # Kafka's default session timeout is 45 s.
    time.sleep(60)
    stage.kill_jvm("CONT")
    wait_until(lambda: stage.uncommitted() == 0, "the consumer is back and commits")
    if stage.jvm() != before:
        raise ChaosError("the JVM is another one")
    return Struck(note=f"the JVM is the same; {uncommitted} objects of a partition were not committed")


def kill_uncommitted(stage: Stage) -> Struck:
    uncommitted = _without_commits(stage, objects=2)
    stage.kill_jvm()
    stage.refuse_commits(refused=False)
    return Struck(note=f"{uncommitted} objects of a partition were not committed")


def _without_commits(stage: Stage, objects: int) -> int:
    """Refuses commits until so many objects of a partition are completed; returns how many there are."""
    stage.refuse_commits(refused=True)
    wait_until(lambda: stage.uncommitted() >= objects, f"{objects} objects are not committed")
    return stage.uncommitted()


def _kafka_credentials(stage: Stage) -> tuple[str, str]:
    """The VM's key and its secret, as the broker knows them."""
    known = users.read(users.file(stage.state))
    return next((key, secret) for key, secret in known.items() if key != users.ADMIN)


FAULTS = (
    Fault("1a", "JVM killed (-9) while idle", kill_idle, "systemd starts it again after 5 s", short=True),
    Fault("1b", "JVM killed in the middle of an upload", kill_in_upload, "an unfinished upload that expires"),
    Fault(
        "1c",
        "JVM killed after an upload, before its offset commit",
        kill_before_commit,
        "the object's events come again: the sink finds it and goes on, or writes a file that overlaps",
        short=True,
    ),
    Fault("2a", "VM powered off hard, booted again", power_cut, "an instance that was off", short=True),
    Fault("2b", "VM replaced through `pulumi up`", replace, "one VM deleted, one created"),
    Fault("3a", "broker restarted", restart_broker, "warnings of the Kafka client"),
    Fault("3b", "broker gone for 2 minutes", stop_broker, "warnings of the Kafka client"),
    Fault(
        "3c",
        "authentication refused for a minute",
        refuse_login,
        "SaslAuthenticationException, task FAILED, started again by the watchdog",
    ),
    Fault("4a", "S3: bursts of 500 and 503", burst, "retries in the log", short=True),
    Fault("4b", "S3: 60 s of timeouts", _s3_minute(answer="hang"), "no new object for a minute"),
    Fault(
        "4c",
        "S3: 403 for a minute",
        _s3_minute(status=403),
        "AccessDenied, task FAILED, started again by the watchdog",
        short=True,
    ),
    Fault(
        "4d",
        # Deleting the bucket itself would delete the archive; the sink cannot tell the difference.
        "S3: the bucket missing and back (NoSuchBucket to every request of the sink)",
        _s3_minute(status=404, code="NoSuchBucket"),
        "NoSuchBucket, task FAILED, started again by the watchdog",
    ),
    Fault(
        "5a",
        "Kafka secret rotated, old one dead",
        rotate_kafka_secret,
        "one restart of the service: the watchdog notices the new version",
    ),
    Fault(
        "5b",
        "S3 key rotated, old one dead",
        rotate_s3_key,
        "InvalidAccessKeyId, then one restart of the service: the watchdog notices the new version",
    ),
    Fault(
        "6",
        "poison events",
        poison.strike,
        "a line with topic, partition and offset for each skipped record, no contents",
        short=True,
    ),
    Fault(
        "7a", "disk full in /var/log", _fill("/var/log"), "FreeDiskPercent 0, no new lines in the log file"
    ),
    Fault(
        "7b",
        # The VM's disk is the machine's own here: every folder that anything writes into is on a full one instead.
        "disk full in / (each folder of it that is written into)",
        _fill("/var/log", STATE_FOLDER, f"{STATE_FOLDER}-watchdog", "/var/tmp", "/tmp"),  # noqa: S108  # the VM's own
        "FreeDiskPercent 0 for /var/log, no new lines in the log file",
    ),
    Fault(
        "8a",
        "first three package and connector downloads fail",
        failing_downloads,
        "a boot that takes longer",
    ),
    Fault("8b", "connector archive with a wrong checksum", wrong_checksum, "a boot in error"),
    Fault("8c", "secrets not readable at first boot", unreadable_secrets, "a later start"),
    Fault(
        "9",
        "partitions added to the topic",
        add_partitions,
        "`pulumi up` with the new number makes their registrations",
        new_partitions=True,
    ),
    Fault(
        "10",
        "clock 20 minutes ahead, then right again (the JVM's, libfaketime)",
        wrong_clock,
        "times in the log that are ahead; S3 refuses the first request (RequestTimeTooSkewed), and the AWS SDK"
        " corrects for it; ClockAheadSeconds and its alarm until the time has passed",
        patience=2400.0,
    ),
    Fault(
        "11",
        "Logz.io's API and fetcher down for 5 minutes, then passing over what it reads for half a minute",
        logzio_down,
        "events that `make verify` misses, until `make replay` has sent them",
    ),
    Fault(
        "12a",
        "S3: 403 until the watchdog has tried all it has (about 6 minutes)",
        fail_to_the_ceiling,
        "task FAILED, started again three times in vain, then a restart of the service",
    ),
    Fault(
        "12b",
        "JVM that does not answer (SIGSTOP)",
        stop_jvm,
        "no answer for five minutes, then a restart of the service",
    ),
    Fault(
        "12c",
        f"standstill: S3 never answers, the task is said to run (the watchdog's 30 minutes cut to {STUCK_SECONDS} s)",
        stand_still,
        "SecondsStuck grows, then one restart of the service, and no second one",
    ),
    Fault(
        "13a",
        f"network to Kafka silent for {SILENT_SECONDS} s from just after a rotation, at the default rotation",
        silent_network,
        "warnings of the Kafka client, no new object for two minutes; the group has expelled the consumer and takes it"
        " back",
        afterwards=lambda stage: _rotate_every(stage, stage.rotation_seconds),
    ),
    Fault(
        "13b",
        "offset commits refused while fetching goes on",
        refuse_commits,
        "warnings of failed commits; SecondsStuck grows",
    ),
    Fault(
        "13c",
        "consumer expelled with two short objects not committed, and back in the same JVM",
        expel_consumer,
        "warnings of the Kafka client; what was not committed is read again",
    ),
    Fault(
        "13d",
        "JVM killed (-9) with two short objects not committed",
        kill_uncommitted,
        "systemd starts it again after 5 s; what was not committed is read again",
    ),
)
