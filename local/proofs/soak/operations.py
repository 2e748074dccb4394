"""What a person does with a running stack, and what must follow some faults by hand."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import yaml

from local.proofs.generator.unindexable import unindexable
from local.proofs.nemesis import poison
from local.proofs.nemesis.fault import Injection
from local.proofs.nemesis.target import FaultError, Target

_REPLAYED_DAYS = "0.2"


def set_setting(target: Target, choice: str) -> Injection:
    """`pulumi up` with a setting: `<section>.<name>=<value>`."""
    path, _, value = choice.partition("=")
    section, _, name = path.partition(".")
    former = target.deployment.set(section, name, yaml.safe_load(value))
    target.deployment.up(show=False)
    return Injection(note=f"before: {former}")


def set_count(target: Target, choice: str) -> None:
    """Another number of VMs."""
    target.set_count(int(choice))


def rotate(target: Target, choice: str) -> None:
    """`make rotate` of these keys.

    Raises:
        FaultError: it failed.
    """
    done = target.deployment.script("rotate", *choice.split(), "--yes")
    if done.returncode != 0:
        raise FaultError(f"make rotate {choice} failed: {done.stdout}{done.stderr}")


def refresh(target: Target, _: str) -> None:
    """`pulumi refresh`."""
    target.deployment.pulumi("refresh", "--yes", "--skip-preview")


def verify(target: Target, _: str) -> Injection:
    """`make verify`. Its exit code is on record: what it finds in the middle of a fault may be right."""
    code, _found = target.verify(time.time() - 3600)
    return Injection(note=f"exit code {code}")


def replay(target: Target, _: str) -> Injection:
    """`make replay` of what Logz.io has passed over."""
    output = target.replay("--unread", "--days", _REPLAYED_DAYS)
    sent = re.search(r"^sent: ([\d,]+)$", output, re.MULTILINE)
    return Injection(note=f"sent {sent[1] if sent else 'nothing'}")


def replace_lost_vm(target: Target, _: str) -> None:
    """A VM is terminated behind Pulumi's back; `pulumi refresh` and `pulumi up` make another one.

    Raises:
        FaultError: the terminated VM is still there.
    """
    lost = target.instance()
    target.deployment.aws("ec2").terminate_instances(InstanceIds=[lost])
    target.deployment.pulumi("refresh", "--yes", "--skip-preview")
    target.deployment.up(show=False)
    if lost in target.instances():
        raise FaultError(f"{lost} is still there")


def send_unindexable(target: Target, _: str) -> Injection:
    """Events of each kind that Logz.io cannot index."""
    events = list(unindexable(time.time_ns(), datetime.now(UTC)))
    poison.produce(target, {event.kind: event.encoded() for event in events})
    return Injection(unindexable=tuple(event.id for event in events))


def until_injected(
    inject: Callable[[Target], Injection | None], tries: int = 3
) -> Callable[[Target], Injection | None]:
    """A fault that only hits while events flow; while they do not, it is injected again, `tries` times at most."""

    def inject_again(target: Target) -> Injection | None:
        for _ in range(tries - 1):
            with suppress(FaultError):
                return inject(target)
        return inject(target)

    return inject_again


# --- after a fault that replaces a key behind Pulumi's back


def then_rotated(inject: Callable[[Target], Injection | None], key: str) -> Callable[[Target], None]:
    """The fault, and then `make rotate` of the key: the stack's own key is in use again."""

    def inject_and_rotate(target: Target) -> None:
        inject(target)
        rotate(target, key)
        _remove_foreign_keys(target)

    return inject_and_rotate


def _remove_foreign_keys(target: Target) -> None:
    """Deletes the writer's access keys that the stack does not know."""
    state = target.deployment.pulumi("stack", "export")
    iam = target.deployment.aws("iam")
    for key in iam.list_access_keys(UserName=target.writer)["AccessKeyMetadata"]:
        if key["AccessKeyId"] not in state:
            iam.delete_access_key(UserName=target.writer, AccessKeyId=key["AccessKeyId"])
