from typing import Any

import pulumi
import pytest

from components import former
from tests.components.recorder import INVOKES, record

READ = "pulumi:pulumi:readStackOutputs"


def left(answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The outputs that a program sees whose engine answers so."""
    seen: dict[str, Any] = {}
    record(lambda: seen.update(former.outputs()), {**INVOKES, **answers})
    return seen


def test_the_outputs_of_the_last_up_are_read() -> None:
    assert left({READ: {"outputs": {"instanceId": "i-1"}}}) == {"instanceId": "i-1"}


@pytest.mark.parametrize("answer", [{}, {"outputs": None}, {"outputs": {}}])
def test_a_stack_without_outputs_left_none(answer: dict[str, Any]) -> None:
    assert left({READ: answer}) == {}


def test_outputs_that_the_backend_refuses_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        # As the SDK raises it, of no narrower class.
        raise Exception("invocation returned an error: organization name must be 'organization'")  # noqa: TRY002

    monkeypatch.setattr(pulumi.runtime, "invoke", refuse)

    assert former.outputs() == {}


@pytest.mark.parametrize(
    ("outputs", "group"),
    [
        ({}, "new"),
        ({"instanceId": "i-1"}, "connect-sink"),
        ({"instanceId": "i-1", "consumerGroup": "new"}, "new"),
    ],
)
def test_the_first_up_and_the_same_group_are_no_reason_to_warn(outputs: dict[str, str], group: str) -> None:
    assert former.group_warning(outputs, group, "sink") is None


@pytest.mark.parametrize(
    ("outputs", "before"),
    [({"instanceId": "i-1"}, "connect-sink"), ({"instanceId": "i-1", "consumerGroup": "own"}, "own")],
)
def test_another_group_is_told_with_the_setting_that_keeps_the_former(
    outputs: dict[str, str], before: str
) -> None:
    warning = former.group_warning(outputs, "new", "sink")

    assert warning is not None
    assert f"from {before} to new" in warning
    assert f"ccloud-logexporter:source.consumerGroup: {before}" in warning
