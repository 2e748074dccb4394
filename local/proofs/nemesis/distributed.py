"""Faults of a Connect cluster: the Kafka cluster with its state, its leader, the links between its VMs."""

import time

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AclOperation,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from local.base.waiting import wait_until
from local.proofs.nemesis import fleet, s3
from local.proofs.nemesis.fault import Injection, Watch
from local.proofs.nemesis.target import FaultError, Target
from local.systems.kafka import access_rules
from local.systems.plugins.confluentcloud import acls

AWAY_SECONDS = 60.0
CUT_SECONDS = 90.0

LOOK = ("fleet.py", "LOOK_SECONDS")
"""Module and constant of the watchdog: seconds between two looks at the cluster with Connect's state."""


def own_cluster_away(target: Target) -> Injection:
    holders, began = fleet.share(target), time.time()
    _look_often(target, often=True)
    target.stop_own_cluster()
    try:
        target.wait_for_alarms("fleet-cluster")
        time.sleep(max(0.0, began + AWAY_SECONDS - time.time()))
    finally:
        target.start_own_cluster()
        away = time.time() - began
        _look_often(target, often=False)
    return Injection(note=f"away for {away:.0f} s", watch=Watch(began, {"of the topic": frozenset(holders)}))


def leader_killed(target: Target) -> Injection:
    holders = fleet.share(target)
    leader = wait_until(target.leader, "a worker leads")
    began = time.time()
    target.power("off", leader)
    pulled = time.time()
    try:
        wait_until(lambda: target.leader() not in (None, leader), "another worker leads", poll=0.5)
        led = time.time() - pulled
        fleet.wait_until_taken_over(target, leader)
        fleet.settle(target)
        target.wait_for_alarms("heartbeat")
    finally:
        target.power("on", leader)
    return Injection(
        note=f"another worker led after {led:.0f} s", watch=fleet.watch(began, holders, [leader])
    )


def link_cut(target: Target) -> Injection:
    """The VMs do not reach each other, and reach everything else: a follower cannot ask its leader."""
    holders, began = fleet.share(target), time.time()
    (follower,) = target.instances() - {wait_until(target.leader, "a worker leads")}
    target.link(follower, "down")
    try:
        time.sleep(CUT_SECONDS)
        if len(target.holders()) < len(holders):
            raise FaultError("a task stopped")
    finally:
        target.link(follower, "up")
    return Injection(note="all tasks ran on", watch=fleet.watch(began, holders, [follower]))


def wrong_policy(target: Target) -> Injection:
    """A worker that starts meanwhile refuses to; those that run go on."""
    holders, began = fleet.share(target), time.time()
    vm = fleet.busiest(holders)
    admin, topic = target.own_cluster(), target.fleet_topic("configs")
    _look_often(target, often=True)
    _set_policy(admin, topic, "delete")
    try:
        target.kill_jvm("KILL", vm)
        target.wait_for_journal("is required to have 'cleanup.policy=compact'", began)
        target.wait_for_alarms("fleet-topics")
    finally:
        _set_policy(admin, topic, "compact")
        _look_often(target, often=False)
    return Injection(
        note="the worker that was started meanwhile refused to, and started once it was compacted again",
        watch=fleet.watch(began, holders, [vm]),
    )


def status_right_revoked(target: Target) -> Injection:
    """Connect goes on with the states as they were last written."""
    holders, began = fleet.share(target), time.time()
    vm = fleet.busiest(holders)
    admin, topic = target.own_cluster(), target.fleet_topic("status")
    written = access_rules.matching(kind=ResourceType.TOPIC, name=topic, operation=AclOperation.WRITE)
    rules = admin.describe_acls(written).result()
    if not rules:
        raise FaultError(f"nobody has the right to write into {topic}")
    acls.forbid(admin, rules)
    try:
        target.kill_jvm("KILL", vm)
        time.sleep(AWAY_SECONDS)
    finally:
        acls.allow(admin, rules)
    return Injection(watch=fleet.watch(began, holders, [vm]))


def stopped_in_order(target: Target) -> Injection:
    """Connect moves the tasks of a worker that leaves at once."""
    holders, began = fleet.share(target), time.time()
    vm = fleet.busiest(holders)
    target.stop_service(vm)
    try:
        fleet.wait_until_taken_over(target, vm)
        fleet.settle(target)
    finally:
        target.start_service(vm)
    return Injection(watch=fleet.watch(began, holders, [vm]))


def modes(target: Target) -> Injection:
    """`worker.mode: standalone` and back by `pulumi up`: the VMs of both modes are in the same consumer groups."""
    holders, began = fleet.share(target), time.time()
    former = target.instances()
    for mode in ("standalone", "distributed"):
        target.deployment.set("worker", "mode", mode)
        target.deployment.up()
    if former & target.instances():
        raise FaultError(f"a former VM is still there: {former & target.instances()}")
    return Injection(watch=fleet.watch(began, holders, former))


def _set_policy(admin: AdminClient, topic: str, policy: str) -> None:
    entry = ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for done in admin.incremental_alter_configs([changed]).values():
        done.result()


def _look_often(target: Target, *, often: bool) -> None:
    """Makes every watchdog look at the cluster with Connect's state every half a minute, or as it does by itself."""
    for vm in sorted(target.instances()):
        if often:
            target.shorten(*LOOK, s3.OFTEN_SECONDS, vm)
        else:
            target.restore(LOOK[0], vm)
