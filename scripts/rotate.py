"""Walks a person through the rotation of keys: `python -m scripts.rotate kafka writer --stack prod`.

`pulumi up` makes a new key beside the old one and switches to it. Only when events have arrived with the new key,
another `pulumi up` removes the old one. The state of a rotation is read from the stack's settings and state, so after
an interruption at any step the same command continues there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from components.logzio.errors import LogzioError
from components.settings import Settings, SettingsError
from scripts import proof as proofs
from scripts.proof import Proof, ProofError
from scripts.stack import PulumiError, Stack


class Key(StrEnum):
    """A key that can be rotated."""

    KAFKA = "kafka"
    WRITER = "writer"
    READER = "reader"
    FLEET = "fleet"


@dataclass(frozen=True)
class Place:
    """Where a key is: its `section` of the settings, its `identity` in resource names, and whether the VM uses it."""

    section: str
    identity: str
    on_the_vm: bool


PLACES: Mapping[Key, Place] = {
    Key.KAFKA: Place("source", "audit-log", on_the_vm=True),
    Key.WRITER: Place("writer", "writer", on_the_vm=True),
    Key.READER: Place("logzio", "reader", on_the_vm=False),
    Key.FLEET: Place("fleet", "fleet", on_the_vm=True),
}


class RotationError(RuntimeError):
    """The rotation cannot begin or go on; the message says why and what to do."""


@dataclass(frozen=True)
class RotationState:
    """State of a key's rotation: `given`, its generations in the settings, and `present`, those in the stack's state."""

    given: tuple[int, ...]
    present: frozenset[int]

    @property
    def is_under_way(self) -> bool:
        """Whether a rotation has begun and is not finished."""
        return self.present != set(self.given) or len(self.given) > 1

    def next_step(self) -> tuple[int, ...]:
        """The generations that the settings must have now.

        Raises:
            RotationError: there is no such key yet, or its generations do not fit those of the settings.
        """
        newest = self.given[-1]
        if not self.present:
            raise RotationError("the stack has no such key yet: run `pulumi up` first")
        if len(self.given) > 1:
            return self.given
        if newest - 1 in self.present:
            # The old key is still there. Someone may have edited the file by hand: prove the new key before removing
            # the old one.
            return (newest - 1, newest)
        if newest not in self.present:
            raise RotationError(
                f"the settings say generation {newest}, and the stack has {sorted(self.present)}"
            )
        return (newest, newest + 1)


def rotate(
    keys: Iterable[Key],
    given: Settings,
    stack: Stack,
    prove: Callable[[list[Key]], None],
    *,
    yes: bool,
    say: Callable[[str], None],
) -> None:
    """Takes each key to its next generation, or finishes the rotation that was interrupted.

    Raises:
        RotationError: the program does not make this key, or there is no such key yet.
        Any error of `stack` and `prove`: the old keys still exist, and the same call continues there.
    """
    keys = list(dict.fromkeys(keys))
    for key in keys:
        _require_own_key(key, given)
    present = stack.keys()
    states = {
        key: RotationState(_generations(key, given), frozenset(present.get(PLACES[key].identity, ())))
        for key in keys
    }
    under_way = [key for key in keys if states[key].is_under_way]
    for key in keys:
        if under_way and key not in under_way:
            say(f"{key}: left as it is, until the rotation that was interrupted is finished")
    steps = {key: states[key].next_step() for key in under_way or keys}
    begun = {PLACES[key].section: step for key, step in steps.items() if step != _generations(key, given)}
    if begun:
        say(f"1. a new key beside the old one: {_shown(begun)}")
        stack.set_generations(begun)
    say("2. pulumi up makes the new keys and switches to them")
    stack.up(yes=yes)
    say("3. proof that events flow with them")
    prove(list(steps))
    for key in steps:
        stack.drop_generation(PLACES[key].section)
    say("4. pulumi up removes the old keys")
    stack.up(yes=yes)
    for key, step in steps.items():
        say(f"{key}: generation {step[-1]} is in use, and the only one")


def _generations(key: Key, given: Settings) -> tuple[int, ...]:
    section: tuple[int, ...] = getattr(given, PLACES[key].section).key_generations
    return section


def _require_own_key(key: Key, given: Settings) -> None:
    if key is Key.KAFKA and given.source.api_key is not None:
        raise RotationError(
            "kafka: the key is given, not made by the program. Make a second one (`confluent api-key create`), set "
            "source.apiKey and source.apiSecret, run `pulumi up`, and delete the old one (`confluent api-key delete`) "
            "when events with a later time are in Logz.io"
        )
    if key is Key.WRITER and given.writer.identity == "role":
        raise RotationError("writer: writer.identity is role, which has no key")
    if key is Key.FLEET and given.worker.mode == "standalone":
        raise RotationError("fleet: worker.mode is standalone, which has no such key")
    if key is Key.FLEET and given.fleet.api_key is not None:
        raise RotationError(
            "fleet: the key is given, not made by the program. Make a second one, set fleet.apiKey and fleet.apiSecret, "
            "run `pulumi up`, and delete the old one when events with a later time are in Logz.io"
        )
    if key is Key.READER and given.logzio.authentication == "role":
        raise RotationError("reader: logzio.authentication is role, which has no key")


def _shown(generations: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{section}.keyGenerations {list(known)}" for section, known in generations.items())


def prove(keys: Iterable[Key], given: Settings, proof: Proof, *, ask: Callable[[str], bool]) -> None:
    """Waits until every VM uses the new keys and an event has arrived in Logz.io after that.

    `ask` asks a person, who must check a VM that sends no metrics.

    Raises:
        ProofError: no event arrived in time, or the person said no.
    """
    credentials = [key.value for key in keys if PLACES[key].on_the_vm]
    versions = proof.versions(credentials)
    if credentials and given.worker.metrics:
        proof.wait_for_vms(versions)
    elif credentials and not ask(
        "worker.metrics is off, so only the VMs themselves tell which credentials they use. Does the last line of "
        f"`sudo journalctl -u s3-auditlog-sink -g 'versions of the credentials'` on each of them have {versions}?"
    ):
        raise ProofError(
            "a VM does not use the new credentials yet: VM 1 takes them within two minutes, each further VM three "
            "minutes later"
        )
    proof.wait_for_event()


def main(
    keys: Annotated[list[Key], typer.Argument(help="Keys to rotate.")],
    stack: Annotated[str, typer.Option(help="Name of the stack.")],
    yes: Annotated[bool, typer.Option(help="Run `pulumi up` without asking.")] = False,
    minutes: Annotated[float, typer.Option(help="Minutes to wait for each proof.")] = 30,
) -> None:
    """Rotates keys: makes new ones, proves that events flow with them, removes the old ones.

    Can be run again after an interruption at any step.
    """
    known = Stack(stack)
    try:
        given = known.settings()
        proof = proofs.proof(given, known.owner, known.aws_profile(), minutes=minutes, say=typer.echo)
        _require_account(known.aws_account(), proof.aws_account())
        _require_person(given, yes=yes)

        rotate(
            keys,
            given,
            known,
            lambda changed: prove(changed, given, proof, ask=typer.confirm),
            yes=yes,
            say=typer.echo,
        )
    except (RotationError, SettingsError) as problem:
        raise _ended(str(problem)) from None
    except (ProofError, PulumiError, LogzioError, BotoCoreError, ClientError) as problem:
        raise _ended(
            f"{problem}\nOld keys that are still there stay valid: run the same command again, or take the new "
            "generation out of keyGenerations and run `pulumi up` to go back."
        ) from None


def _require_account(stacks: str | None, callers: str) -> None:
    if stacks is not None and stacks != callers:
        raise RotationError(
            f"the stack is in AWS account {stacks}, and the AWS credentials in this environment belong to {callers}: "
            "export the ones that `pulumi up` uses (aws:profile is honoured, aws:assumeRoles is not)"
        )


def _require_person(given: Settings, *, yes: bool) -> None:
    if yes and not given.worker.metrics:
        raise RotationError(
            "--yes needs worker.metrics: true: without metrics a person must check which credentials the VM uses"
        )


def _ended(problem: str) -> typer.Exit:
    typer.echo(f"error: {problem}", err=True)
    return typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
