"""Faults of a fleet: VMs that share the partitions.

A row that takes one VM down takes the one that reads the most partitions. It measures how long events waited for the
partitions of that VM and for the others apart.
"""

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from local.base.waiting import wait_until
from local.proofs.nemesis import operations, s3
from local.proofs.nemesis.fault import Injection, Watch
from local.proofs.nemesis.target import FaultError, Target

COUNT = 2
CUT_SECONDS = 90.0
"""How long a zone is cut off: longer than the session timeout of a consumer, 45 s."""

FROZEN_SECONDS = 80.0


def share(target: Target) -> dict[int, str]:
    """Makes the fleet, if there is one VM; returns who reads each partition once all VMs can take part."""
    target.set_count(COUNT)
    # Connect may give the tasks of a connector to one VM, and those of the other connector to the others.
    vms = target.workers if target.is_distributed else lambda: set(target.holders().values())

    def is_shared() -> bool:
        return len(target.holders()) >= target.partitions and len(vms()) == COUNT

    wait_until(is_shared, f"{COUNT} VMs share the partitions")
    return target.holders()


def plug_pulled(target: Target) -> Injection:
    holders, began = share(target), time.time()
    vm = busiest(holders)
    target.power("off", vm)
    try:
        wait_until_taken_over(target, vm)
        settle(target)
        target.wait_for_alarms("heartbeat")
    finally:
        target.power("on", vm)
    return Injection(watch=watch(began, holders, [vm]))


def zone_cut_off(target: Target) -> Injection:
    """The VM in it goes on without a network, and comes back with what it still had open."""
    holders, began = share(target), time.time()
    vm = busiest(holders)
    target.isolate(vm, isolated=True)
    try:
        wait_until_taken_over(target, vm)
        time.sleep(max(0.0, began + CUT_SECONDS - time.time()))
    finally:
        target.isolate(vm, isolated=False)
    return Injection(watch=watch(began, holders, [vm]))


def frozen_jvm(target: Target) -> Injection:
    """A consumer that is expelled without noticing."""
    holders, began = share(target), time.time()
    vm = busiest(holders)
    target.kill_jvm("STOP", vm)
    time.sleep(FROZEN_SECONDS)
    target.kill_jvm("CONT", vm)
    return Injection(watch=watch(began, holders, [vm]))


def successor_killed(target: Target) -> Injection:
    """The second VM takes over, completes an object, and is killed before its commit, while the first one goes on."""
    holders, began = share(target), time.time()
    vm = busiest(holders)
    moved = {partition for partition, holder in holders.items() if holder == vm}
    target.kill_jvm("STOP", vm)
    try:
        wait_until_taken_over(target, vm)
        taken_over = time.time()

        def completes() -> bool:
            return any(partition in moved and when > taken_over for partition, when in target.completed())

        wait_until(completes, "the second VM completes an object of a partition that it took over", poll=0.02)
        target.kill_jvm("KILL", _other(target, vm))
    finally:
        target.kill_jvm("CONT", vm)
    return Injection(watch=watch(began, holders, set(holders.values())))


def rolled(target: Target) -> Injection:
    holders, began = share(target), time.time()
    former = target.instances()
    target.replace_vm()
    if former & target.instances():
        raise FaultError(f"a former VM is still there: {former & target.instances()}")
    return Injection(watch=watch(began, holders, list(former)))


def broken_files(target: Target) -> Injection:
    share(target)
    return operations.wrong_checksum(target)


def stopped_in_order(target: Target) -> Injection:
    holders, began = share(target), time.time()
    vm = busiest(holders)
    other = _other(target, vm)
    # The watchdog of the VM that goes on counts the members.
    target.shorten("group.py", "MEASURE_SECONDS", s3.OFTEN_SECONDS, other)
    target.stop_service(vm)
    try:
        wait_until_taken_over(target, vm)
        settle(target)
        target.wait_for_alarms("members", "originals-members")
    finally:
        target.start_service(vm)
        target.restore("group.py", other)
    return Injection(watch=watch(began, holders, [vm]))


def both_reboot(target: Target) -> Injection:
    holders, began = share(target), time.time()
    vms = sorted(target.instances())
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda vm: target.run("systemctl", "--no-block", "reboot", check=False, vm=vm), vms))
    wait_until(lambda: _completed_since(target, began + 30), "objects are completed again")
    return Injection(watch=watch(began, holders, vms))


def counts(target: Target) -> Injection:
    """From one VM to three and back, while events flow."""
    began = time.time()
    target.set_count(1)
    for count in (3, 1):
        target.set_count(count)
        if len(target.instances()) != count:
            raise FaultError(f"{len(target.instances())} VMs, with a count of {count}")
    return Injection(watch=Watch(began, {"of the topic": frozenset(range(target.partitions))}))


def watch(began: float, holders: dict[int, str], vms: Iterable[str]) -> Watch:
    """Apart: the partitions that these VMs read, and the others."""
    lost = set(vms)
    theirs = frozenset(partition for partition, holder in holders.items() if holder in lost)
    return Watch(began, {"of that VM": theirs, "of the others": frozenset(holders) - theirs})


def settle(target: Target) -> None:
    """Lets each partition complete an object."""
    time.sleep(3 * target.rotation_seconds)


def busiest(holders: dict[int, str]) -> str:
    """The VM that reads the most partitions."""
    return Counter(holders.values()).most_common(1)[0][0]


def wait_until_taken_over(target: Target, vm: str) -> None:
    """Until other VMs read all partitions.

    Raises:
        WaitError: they did not in time.
    """

    def is_over() -> bool:
        holders = target.holders()
        return len(holders) >= target.partitions and vm not in holders.values()

    wait_until(is_over, "the other VMs have taken over", poll=0.5)


def _other(target: Target, vm: str) -> str:
    (other,) = target.instances() - {vm}
    return other


def _completed_since(target: Target, since: float) -> bool:
    return any(when > since for _, when in target.completed())
