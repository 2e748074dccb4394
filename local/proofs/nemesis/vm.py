"""Faults of the VM: its JVM, its power, its disk, its clock."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

from components.worker.connect import LOG_FOLDER, SERVICE
from local.base.waiting import wait_until
from local.proofs.nemesis import poison
from local.proofs.nemesis.fault import Injection, SkippedError
from local.proofs.nemesis.target import FaultError, Target

# --- the JVM


def kill_idle(target: Target) -> None:
    def is_quiet() -> bool:
        before = target.written()
        time.sleep(1.5)
        return target.written() == before

    wait_until(is_quiet, "the sink writes nothing for 1.5 s")
    target.kill_jvm()


def kill_in_upload(target: Target) -> None:
    # The upload is held in the middle, so that the kill surely hits it.
    target.fail_s3(answer="hang", times=None, seconds=600, calls=["UploadPart"])
    wait_until(lambda: target.hits() > 0, "an upload is under way", poll=0.1)
    target.kill_jvm()
    target.heal_s3()


def kill_before_commit(target: Target) -> None:
    # Offsets are committed every second: right after an object is complete, its offset is not committed.
    before = target.objects()
    wait_until(lambda: target.objects() > before, "an object is completed", poll=0.02)
    target.kill_jvm()


def stop_jvm(target: Target) -> None:
    began = time.time()
    target.kill_jvm("STOP")
    target.wait_for_journal("restarting the service: no answer", began)


# --- its power


def power_cut(target: Target) -> None:
    target.power("off")
    time.sleep(5)
    target.power("on")


# --- disks

_SMALL_DISK = "/run/small-disk"
# One small file system replaces the folders, with all that is in them. The journal is opened anew there.
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


def fill(*folders: str) -> Callable[[Target], Injection]:
    """A full disk under the folders, and a start of the service with it: events must flow all the same."""

    def inject(target: Target) -> Injection:
        # The watchdog's first run makes its own.
        wait_until(
            lambda: target.run("stat", *folders, check=False).count("File:") == len(folders),
            f"{', '.join(folders)} are there",
        )
        target.run("sh", "-ec", _MOVE, "sh", *folders)
        # Stopped first: the new process must not live on what the old one kept on the disk.
        target.run("systemctl", "stop", f"{SERVICE}.service")
        # It ends with "no space left", as it should.
        target.run("sh", "-c", _FILL, check=False)
        try:
            if target.run("mktemp", "-d", f"--tmpdir={folders[0]}", check=False):
                raise FaultError(f"{folders[0]} is not full")
            target.restart_service()
            wait_until(lambda: target.jvm() != 0, "the service starts on a full disk")
            written = target.written()
            wait_until(lambda: target.written() > written, "it archives on a full disk")
            sent = time.time()
            poison.produce(target, {"malformed JSON": b"{"})
            wait_until(lambda: poison.counted(target.journal(sent)) > 0, "a skipped event is counted")
        finally:
            # The disk itself stays: it has what was logged meanwhile.
            target.run("rm", "-r", f"{_SMALL_DISK}/filler")
        return Injection(
            note="started anew on the full disk, archived on it, and reported a skipped event",
            unrepresentable=1,
        )

    return inject


# --- the clock

_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def wrong_clock(target: Target) -> Injection:
    try:
        target.run("apt-get", "-q", "-y", "install", "--no-install-recommends", "libfaketime")
        target.run("test", "-f", _FAKETIME)
    except FaultError as error:
        raise SkippedError(f"libfaketime cannot be installed in the VM: {str(error)[:200]}") from None
    began, minutes = time.time(), _minutes_wrong(target)
    started = target.run("systemctl", "show", "--property=ExecStart", SERVICE)
    command = started.partition("argv[]=")[2].partition(";")[0].strip()
    # Without the last variable a JVM's waits end at once: it spins, and stopping it never ends.
    faked = f"LD_PRELOAD={_FAKETIME} FAKETIME=+{minutes}m FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_FORCE_MONOTONIC_FIX=0"
    unit = f"[Service]\nExecStart=\nExecStart=/usr/bin/env {faked} {command}\n"
    folder = f"/etc/systemd/system/{SERVICE}.service.d"
    target.run("mkdir", "-p", folder)
    target.run("sh", "-c", f"printf %s '{unit}' >{folder}/clock.conf")
    target.run("systemctl", "daemon-reload")
    target.restart_service()
    try:
        wait_until(lambda: _minutes_ahead(target) > minutes - 1, "the JVM's clock is wrong")
        objects = target.objects()
        wait_until(lambda: target.objects() >= objects + 20, "it archives with a wrong clock")
        ahead = _minutes_ahead(target)
    finally:
        target.run("rm", "-r", folder)
        target.run("systemctl", "daemon-reload")
        target.restart_service()
    target.wait_for_journal("a clock was ahead", began)
    return Injection(
        note=f"20 objects were completed by a JVM whose clock was {ahead:.0f} minutes ahead, and the start with the "
        "right one waits for their time"
    )


def _minutes_wrong(target: Target) -> int:
    # More than S3 accepts (15 minutes), if there is time.
    return 3 if target.short else 20


def _minutes_ahead(target: Target) -> float:
    """How far the newest line of the JVM's log is ahead of the time."""
    log = target.run("tail", "-n", "500", f"{LOG_FOLDER}/connect.log")
    stamps = re.findall(r"^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),", log, re.MULTILINE)
    newest = datetime.strptime(stamps[-1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return (newest - datetime.now(UTC)).total_seconds() / 60
