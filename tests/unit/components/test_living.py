from typing import Any

import pulumi
import pytest

from components import living
from components.living import Living
from tests.unit.components.recorder import INVOKES, record

READ = "pulumi:pulumi:readStackOutputs"


def left(outputs: dict[str, Any]) -> Living:
    """What a program knows whose engine gives these outputs of the stack."""
    seen: list[Living] = []
    record(lambda: seen.append(living.read()), {**INVOKES, READ: {"outputs": outputs}})
    return seen[0]


def test_the_outputs_of_the_last_up_are_read() -> None:
    assert left({"region": "us-west-2", "consumerGroup": "own"}) == Living(
        exists=True, region="us-west-2", architecture="x86_64", consumer_group="own"
    )


def test_a_stack_without_outputs_is_new() -> None:
    assert left({}) == Living()


def test_outputs_that_the_backend_refuses_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        # As the SDK raises it, of no narrower class.
        raise Exception("invocation returned an error: organization name must be 'organization'")  # noqa: TRY002

    monkeypatch.setattr(pulumi.runtime, "invoke", refuse)
    monkeypatch.setattr(pulumi.log, "warn", lambda _: None)

    assert living.read() == Living()


@pytest.mark.parametrize(
    ("before", "group"),
    [
        (Living(), "new"),
        (Living(exists=True), "connect-sink"),
        (Living(exists=True, consumer_group="new"), "new"),
    ],
)
def test_the_first_up_and_the_same_group_give_no_warning(before: Living, group: str) -> None:
    assert living.group_warning(before, group, "sink") is None


@pytest.mark.parametrize(
    ("before", "former"),
    [(Living(exists=True), "connect-sink"), (Living(exists=True, consumer_group="own"), "own")],
)
def test_a_changed_group_gives_a_warning_with_the_setting_that_keeps_it(before: Living, former: str) -> None:
    warning = living.group_warning(before, "new", "sink")

    assert warning is not None
    assert f"from {former} to new" in warning
    assert f"ccloud-logexporter:source.consumerGroup: {former}" in warning
