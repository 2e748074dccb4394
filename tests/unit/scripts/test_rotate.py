"""The steps of a rotation, against a stack that is played; interruptions at each of them."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from components import settings
from components.settings import Settings
from scripts.proof import ProofError
from scripts.rotate import (
    PLACES,
    Key,
    RotationError,
    RotationState,
    _require_account,
    _require_person,
    prove,
    rotate,
)
from scripts.stack import Stack
from tests.unit.components.test_settings import BY_ENDPOINT, BY_IDS, changed


class CutOffError(Exception):
    """Somebody pressed a key."""


@dataclass
class PlayedStack:
    """Settings and state, as `pulumi up` would change them; ends before the call that `interrupt` counts down to."""

    generations: dict[str, tuple[int, ...]]
    state: dict[str, set[int]]
    interrupt: int = 1000
    calls: list[str] = field(default_factory=list)

    def settings(self) -> Settings:
        raw = changed("logzio.authentication", "keys", BY_IDS)
        for section, known in self.generations.items():
            raw = changed(f"{section}.keyGenerations", list(known), raw)
        return settings.load(raw, region="us-west-2", environ={})

    def keys(self) -> dict[str, set[int]]:
        return {identity: set(known) for identity, known in self.state.items()}

    def set_generations(self, wanted: Mapping[str, tuple[int, ...]]) -> None:
        self._called(f"set {dict(wanted)}")
        self.generations |= wanted

    def drop_generation(self, section: str) -> None:
        self._called(f"drop {section}")
        self.generations[section] = self.generations[section][1:]

    def up(self, *, yes: bool) -> None:
        assert yes
        self._called("up")
        self.settings()
        for place in PLACES.values():
            self.state[place.identity] = set(self.generations[place.section])

    def prove(self, keys: list[Key]) -> None:
        self._called(f"prove {[key.value for key in keys]}")
        for key in keys:
            assert len(self.state[PLACES[key].identity]) == 2, "both keys are valid while it is proven"

    def _called(self, call: str) -> None:
        self.interrupt -= 1
        if self.interrupt < 0:
            raise CutOffError
        self.calls.append(call)


def played(*known: int, interrupt: int = 1000) -> PlayedStack:
    return PlayedStack(
        {place.section: known for place in PLACES.values()},
        {place.identity: set(known) for place in PLACES.values()},
        interrupt,
    )


def run(stack: PlayedStack, *keys: Key) -> list[str]:
    output: list[str] = []
    rotate(keys, stack.settings(), cast("Stack", stack), stack.prove, yes=True, say=output.append)
    return output


def test_a_new_key_is_proven_before_the_old_one_goes() -> None:
    stack = played(1)

    run(stack, Key.WRITER)

    assert stack.calls == ["set {'writer': (1, 2)}", "up", "prove ['writer']", "drop writer", "up"]
    assert stack.generations["writer"] == (2,)
    assert stack.state["writer"] == {2}
    assert stack.state["audit-log"] == {1}


def test_several_keys_go_together() -> None:
    stack = played(4)

    keys = Key.KAFKA, Key.WRITER, Key.READER
    run(stack, *keys)

    assert stack.calls.count("up") == 2
    assert {stack.generations[PLACES[key].section] for key in keys} == {(5,)}


# The steps of two keys: set, up, prove, drop, drop, up.
@pytest.mark.parametrize("interrupt", range(6))
def test_after_an_interruption_at_any_step_the_same_call_finishes_it(interrupt: int) -> None:
    stack = played(1, interrupt=interrupt)
    with pytest.raises(CutOffError):
        run(stack, Key.KAFKA, Key.WRITER)
    proven_before = [call for call in stack.calls if call.startswith("prove")]

    stack.interrupt, stack.calls = 1000, []
    run(stack, Key.KAFKA, Key.WRITER)

    assert stack.generations["source"] == stack.generations["writer"] == (2,)
    assert stack.state["audit-log"] == stack.state["writer"] == {2}
    assert proven_before or any(call.startswith("prove") for call in stack.calls)


def test_a_proof_that_fails_leaves_both_keys() -> None:
    stack = played(1)

    def fails(_: list[Key]) -> None:
        raise ProofError("nothing came")

    with pytest.raises(ProofError):
        rotate([Key.WRITER], stack.settings(), cast("Stack", stack), fails, yes=True, say=lambda _: None)

    assert stack.state["writer"] == {1, 2}
    assert stack.generations["writer"] == (1, 2)


def test_an_interrupted_rotation_is_finished_before_another_key_begins() -> None:
    stack = played(1)
    stack.generations["writer"] = (2,)
    stack.state["writer"] = {1, 2}

    output = run(stack, Key.WRITER, Key.KAFKA)

    assert stack.state["writer"] == {2}
    assert stack.generations["source"] == (1,)
    assert any(line.startswith("kafka: left as it is") for line in output)


def test_an_old_key_removed_by_hand_comes_back_until_the_proof() -> None:
    stack = played(1)
    stack.generations["writer"] = (2,)
    stack.state["writer"] = {1, 2}

    run(stack, Key.WRITER)

    assert stack.calls == ["set {'writer': (1, 2)}", "up", "prove ['writer']", "drop writer", "up"]


def test_a_jump_that_was_written_by_hand_keeps_the_old_key_until_the_new_one_is_proven() -> None:
    stack = played(1)
    stack.generations["writer"] = (2,)

    run(stack, Key.WRITER)

    assert stack.calls == ["set {'writer': (1, 2)}", "up", "prove ['writer']", "drop writer", "up"]


def test_a_stack_without_the_key_must_be_made_first() -> None:
    with pytest.raises(RotationError, match="run `pulumi up` first"):
        RotationState((1,), frozenset()).next_step()


def test_settings_that_skip_a_generation_are_refused() -> None:
    with pytest.raises(RotationError, match=r"say generation 5, and the stack has \[1, 2\]"):
        RotationState((5,), frozenset({1, 2})).next_step()


def test_credentials_of_another_account_are_refused() -> None:
    with pytest.raises(RotationError, match="the stack is in AWS account 1"):
        _require_account("1", "2")
    _require_account("1", "1")
    # Nothing was made yet.
    _require_account(None, "2")


@pytest.mark.parametrize(
    ("key", "raw", "message"),
    [
        (Key.KAFKA, BY_ENDPOINT, "the key is given, not made by the program"),
        (Key.WRITER, changed("writer.identity", "role"), "writer.identity is role, which has no key"),
        (Key.READER, BY_ENDPOINT, "logzio.authentication is role, which has no key"),
        (Key.FLEET, BY_ENDPOINT, "worker.mode is standalone, which has no such key"),
        (
            Key.FLEET,
            changed(
                "fleet",
                {
                    "bootstrapServers": "own.example.com:9092",
                    "apiKey": "OWNKEY1234",
                    "apiSecret": "own-secret",
                },
                changed("worker.mode", "distributed"),
            ),
            "fleet: the key is given, not made by the program",
        ),
    ],
)
def test_a_key_that_the_program_does_not_make_is_refused_with_the_reason(
    key: Key, raw: dict[str, Any], message: str
) -> None:
    stack = played(1)

    with pytest.raises(RotationError, match=message):
        rotate(
            [key],
            settings.load(raw, region="us-west-2", environ={}),
            cast("Stack", stack),
            stack.prove,
            yes=True,
            say=lambda _: None,
        )

    assert stack.calls == []


@dataclass
class PlayedProof:
    """Writes down what is waited for."""

    waited: list[object] = field(default_factory=list)

    def versions(self, credentials: list[str]) -> dict[str, int]:
        return dict.fromkeys(credentials, 7)

    def wait_for_vms(self, wanted: Mapping[str, int]) -> None:
        self.waited.append(dict(wanted))

    def wait_for_event(self) -> None:
        self.waited.append("event")


@pytest.fixture
def proof() -> Any:
    return PlayedProof()


def by_ids(metrics: bool) -> Settings:
    return settings.load(changed("worker.metrics", metrics, BY_IDS), region="us-west-2", environ={})


def refuse(_: str) -> bool:
    return False


def test_the_vm_switches_before_an_event_counts(proof: Any) -> None:
    prove([Key.KAFKA, Key.WRITER], by_ids(metrics=True), proof, ask=refuse)

    assert proof.waited == [{"kafka": 7, "writer": 7}, "event"]


def test_the_vm_does_not_use_the_readers_key(proof: Any) -> None:
    prove([Key.READER], by_ids(metrics=True), proof, ask=refuse)

    assert proof.waited == ["event"]


def test_yes_needs_metrics() -> None:
    with pytest.raises(RotationError, match=r"--yes needs worker\.metrics: true"):
        _require_person(by_ids(metrics=False), yes=True)

    _require_person(by_ids(metrics=False), yes=False)
    _require_person(by_ids(metrics=True), yes=True)


@pytest.mark.parametrize(("answer", "waited"), [(True, ["event"]), (False, [])])
def test_without_metrics_a_person_must_look(proof: Any, answer: bool, waited: list[object]) -> None:
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return answer

    with nullcontext() if answer else pytest.raises(ProofError):
        prove([Key.KAFKA], by_ids(metrics=False), proof, ask=ask)

    assert proof.waited == waited
    assert "{'kafka': 7}" in asked[0]
