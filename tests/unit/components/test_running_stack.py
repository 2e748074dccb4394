from datetime import date
from typing import Any

import pulumi
import pytest

from components import running_stack
from components.running_stack import RunningStack
from components.settings import SettingsError
from tests.unit.components.recorder import INVOKES, record

READ = "pulumi:pulumi:readStackOutputs"


def left(outputs: dict[str, Any]) -> RunningStack:
    """What a program knows whose engine gives these outputs of the stack."""
    seen: list[RunningStack] = []
    record(lambda: seen.append(running_stack.read()), {**INVOKES, READ: {"outputs": outputs}})
    return seen[0]


def test_the_outputs_of_the_last_up_are_read() -> None:
    assert left({"region": "us-west-2", "consumerGroup": "own"}) == RunningStack(
        exists=True, region="us-west-2", architecture="x86_64", consumer_group="own"
    )


def test_a_stack_without_outputs_is_new() -> None:
    assert left({}) == RunningStack()


def test_outputs_that_the_backend_refuses_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        # As the SDK raises it, of no narrower class.
        raise Exception("invocation returned an error: organization name must be 'organization'")  # noqa: TRY002

    monkeypatch.setattr(pulumi.runtime, "invoke", refuse)
    monkeypatch.setattr(pulumi.log, "warn", lambda _: None)

    assert running_stack.read() == RunningStack()


@pytest.mark.parametrize(
    ("before", "group"),
    [
        (RunningStack(), "new"),
        (RunningStack(exists=True), "connect-sink"),
        (RunningStack(exists=True, consumer_group="new"), "new"),
    ],
)
def test_the_first_up_and_the_same_group_give_no_warning(before: RunningStack, group: str) -> None:
    assert running_stack.group_warning(before, group, "sink") is None


@pytest.mark.parametrize(
    ("before", "former"),
    [(RunningStack(exists=True), "connect-sink"), (RunningStack(exists=True, consumer_group="own"), "own")],
)
def test_a_changed_group_gives_a_warning_with_the_setting_that_keeps_it(
    before: RunningStack, former: str
) -> None:
    warning = running_stack.group_warning(before, "new", "sink")

    assert warning is not None
    assert f"from {former} to new" in warning
    assert f"ccloud-logexporter:source.consumerGroup: {former}" in warning


LAST_DAY, DAY_AFTER = date(2027, 7, 25), date(2027, 7, 26)
"""Of the support for platform 7.7."""


def require_supported(running: RunningStack, day: date, *, allowed: bool = False) -> None:
    running_stack.require_supported_platform(running, "7.7", day, allow_unsupported=allowed)


def test_a_new_stack_on_a_platform_past_its_end_is_refused() -> None:
    require_supported(RunningStack(), LAST_DAY)

    with pytest.raises(SettingsError, match=r"worker\.platformVersion: 7\.7 is not supported any more"):
        require_supported(RunningStack(), DAY_AFTER)


def test_a_platform_past_its_end_is_accepted_if_the_stack_runs_or_the_settings_allow_it() -> None:
    require_supported(RunningStack(exists=True), DAY_AFTER)
    require_supported(RunningStack(), DAY_AFTER, allowed=True)
