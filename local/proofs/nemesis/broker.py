"""Faults of the broker and of the network to it, and of the offsets that it keeps."""

import time

from components.settings import Connector
from local.base.waiting import wait_until
from local.proofs.nemesis.fault import Injection
from local.proofs.nemesis.target import FaultError, Target
from local.systems.kafka import users


def restart(target: Target) -> None:
    target.restart_broker()


def stop(target: Target) -> None:
    target.stop_broker()
    time.sleep(30 if target.short else 120)
    target.start_broker()


def refuse_login(target: Target) -> None:
    key, secret = target.kafka_credentials()
    users_file = users.file(target.state)
    users.remove(users_file, key)
    # Open connections stay; new ones are refused.
    target.restart_broker()
    time.sleep(60)
    users.add(users_file, key, secret)


# --- what was archived and not committed is read again

DEFAULT_ROTATION = Connector().rotation_seconds
SILENT_SECONDS = 75
"""Longer than a consumer's session (45 s by Kafka's default), and than a rotation by this project's."""


def silent_network(target: Target) -> Injection:
    rotate_every(target, DEFAULT_ROTATION)
    # Objects are completed at whole minutes. Their commit comes up to a second later.
    time.sleep(DEFAULT_ROTATION - time.time() % DEFAULT_ROTATION)
    target.silence_kafka(silent=True)
    time.sleep(SILENT_SECONDS)
    uncommitted = target.uncommitted()
    target.silence_kafka(silent=False)
    if uncommitted < 2:
        raise FaultError("the silence did not fall between an object and its commit")
    return Injection(note=f"{uncommitted} objects of a partition were completed and not committed")


def rotate_every(target: Target, seconds: int) -> None:
    """Restarts the service with another rotation, and waits until it archives and commits with it."""
    before, objects = target.jvm(), target.objects()
    target.set_rotation(seconds)
    wait_until(lambda: target.jvm() not in (0, before), "the service has another rotation")
    wait_until(lambda: target.objects() > objects and target.uncommitted() == 0, "it archives and commits")


def refuse_commits(target: Target) -> Injection:
    uncommitted = _without_commits(target, objects=5)
    target.refuse_commits(refused=False)
    return Injection(note=f"{uncommitted} objects of a partition were completed meanwhile")


def expel_consumer(target: Target) -> Injection:
    before = target.jvm()
    uncommitted = _without_commits(target, objects=2)
    target.kill_jvm("STOP")
    target.refuse_commits(refused=False)
    # Kafka's default session timeout is 45 s.
    time.sleep(60)
    target.kill_jvm("CONT")
    wait_until(lambda: target.uncommitted() == 0, "the consumer is back and commits")
    if target.jvm() != before:
        raise FaultError("another JVM runs")
    return Injection(note=f"the JVM is the same; {uncommitted} objects of a partition were not committed")


def kill_uncommitted(target: Target) -> Injection:
    uncommitted = _without_commits(target, objects=2)
    target.kill_jvm()
    target.refuse_commits(refused=False)
    return Injection(note=f"{uncommitted} objects of a partition were not committed")


def _without_commits(target: Target, objects: int) -> int:
    """Refuses commits until so many objects of a partition are completed; returns how many there are."""
    target.refuse_commits(refused=True)
    wait_until(lambda: target.uncommitted() >= objects, f"{objects} objects are not committed")
    return target.uncommitted()
