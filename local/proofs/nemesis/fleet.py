"""Faults of a fleet: VMs that share the partitions.

Each row takes down the VM that reads the most partitions, and notes the longest time in which a partition got no object:
of the partitions of that VM, and of the others.
"""

import itertools
import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from components.worker.connect import SERVICE
from local.base.waiting import wait_until
from local.proofs.nemesis import operations
from local.proofs.nemesis.fault import Injection
from local.proofs.nemesis.target import FaultError, Target
from local.systems.kafka.client import PARTITIONS

COUNT = 2
CUT_SECONDS = 90.0
"""How long a zone is cut off: longer than the session timeout of a consumer, 45 s."""

FROZEN_SECONDS = 80.0


def share(target: Target) -> dict[int, str]:
    """Makes the fleet, if there is one VM; returns who reads each partition once all VMs share them."""
    target.set_count(COUNT)

    def is_shared() -> bool:
        holders = target.holders()
        return len(holders) >= PARTITIONS and len(set(holders.values())) == COUNT

    wait_until(is_shared, f"{COUNT} VMs share the partitions")
    return target.holders()


def plug_pulled(target: Target) -> Injection:
    holders, began = share(target), time.time()
    vm = _busiest(holders)
    target.power("off", vm)
    _wait_until_taken_over(target, vm)
    note = pauses(target, began, holders, [vm])
    target.power("on", vm)
    return Injection(note)


def zone_cut_off(target: Target) -> Injection:
    """The VM in it goes on without a network, and comes back with what it still had open."""
    holders, began = share(target), time.time()
    vm = _busiest(holders)
    target.isolate(vm, isolated=True)
    _wait_until_taken_over(target, vm)
    time.sleep(max(0.0, began + CUT_SECONDS - time.time()))
    target.isolate(vm, isolated=False)
    return Injection(pauses(target, began, holders, [vm]))


def frozen_jvm(target: Target) -> Injection:
    """A consumer that is expelled without noticing."""
    holders, began = share(target), time.time()
    vm = _busiest(holders)
    target.kill_jvm("STOP", vm)
    time.sleep(FROZEN_SECONDS)
    target.kill_jvm("CONT", vm)
    return Injection(pauses(target, began, holders, [vm]))


def successor_killed(target: Target) -> Injection:
    """The second VM takes over, completes an object, and is killed before its commit, while the first one goes on."""
    holders, began = share(target), time.time()
    vm = _busiest(holders)
    target.kill_jvm("STOP", vm)
    _wait_until_taken_over(target, vm)
    moved = {partition for partition, holder in holders.items() if holder == vm}
    taken_over = time.time()

    def completes() -> bool:
        return any(partition in moved and when > taken_over for partition, when in target.completed())

    wait_until(completes, "the second VM completes an object of a partition that it took over", poll=0.02)
    (other,) = set(holders.values()) - {vm}
    target.kill_jvm("KILL", other)
    target.kill_jvm("CONT", vm)
    return Injection(pauses(target, began, holders, list(set(holders.values()))))


def rolled(target: Target) -> Injection:
    holders, began = share(target), time.time()
    former = target.instances()
    target.replace_vm()
    if former & target.instances():
        raise FaultError(f"a former VM is still there: {former & target.instances()}")
    return Injection(pauses(target, began, holders, list(former)))


def broken_files(target: Target) -> Injection:
    share(target)
    return operations.wrong_checksum(target)


def stopped_in_order(target: Target) -> Injection:
    holders, began = share(target), time.time()
    vm = _busiest(holders)
    target.run("systemctl", "stop", f"{SERVICE}.service", vm=vm)
    _wait_until_taken_over(target, vm)
    time.sleep(3 * target.rotation_seconds)
    target.run("systemctl", "start", "--no-block", f"{SERVICE}.service", vm=vm)
    return Injection(pauses(target, began, holders, [vm]))


def both_reboot(target: Target) -> Injection:
    holders, began = share(target), time.time()
    vms = sorted(set(holders.values()))
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda vm: target.run("systemctl", "--no-block", "reboot", check=False, vm=vm), vms))
    wait_until(lambda: _objects_since(target, began + 30), "objects are completed again")
    return Injection(pauses(target, began, holders, vms))


def counts(target: Target) -> Injection:
    """From one VM to three and back, while events flow."""
    began = time.time()
    target.set_count(1)
    for count in (3, 1):
        target.set_count(count)
        if len(target.instances()) != count:
            raise FaultError(f"{len(target.instances())} VMs, with a count of {count}")
    return Injection(pauses(target, began, {}, []))


def pauses(target: Target, began: float, holders: dict[int, str], vms: Iterable[str]) -> str:
    """The longest pauses since a moment, in words: of the partitions of these VMs, and of the others.

    It looks at the partitions that got objects before, as not every partition gets an event in each rotation. It waits
    for their first object after now: the pause of a partition ends with an object.
    """
    now, lost = time.time(), set(vms)
    before = _objects_since(target, began - 6 * target.rotation_seconds, until=began)
    busy = {partition for partition, count in before.items() if count > 1}
    wait_until(lambda: busy <= set(_objects_since(target, now)), "every busy partition gets objects again")
    times = defaultdict(list)
    for partition, when in target.completed():
        times[partition].append(when)
    longest = {partition: _longest(sorted(times[partition]), began) for partition in busy}
    theirs = [pause for partition, pause in longest.items() if holders.get(partition) in lost]
    others = [pause for partition, pause in longest.items() if holders.get(partition) not in lost]
    parts = []
    if theirs:
        parts.append(f"longest pause of the partitions of that VM {max(theirs):.0f} s")
    if others:
        parts.append(f"longest pause of {'the others' if theirs else 'a partition'} {max(others):.0f} s")
    return ", ".join(parts)


def _longest(times: list[float], since: float) -> float:
    """The longest time between two objects of which the later one came after `since`."""
    gaps = [later - earlier for earlier, later in itertools.pairwise(times) if later >= since]
    return max(gaps, default=0.0)


def _objects_since(target: Target, since: float, until: float = math.inf) -> Counter[int]:
    """Partition -> how many objects it got between two moments."""
    return Counter(partition for partition, when in target.completed() if since < when <= until)


def _busiest(holders: dict[int, str]) -> str:
    return Counter(holders.values()).most_common(1)[0][0]


def _wait_until_taken_over(target: Target, vm: str) -> None:
    def is_over() -> bool:
        holders = target.holders()
        return len(holders) >= PARTITIONS and vm not in holders.values()

    wait_until(is_over, "the other VMs have taken over", poll=0.5)
