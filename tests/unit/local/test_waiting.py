"""The one waiter."""

import pytest

from local.base.waiting import WaitError, wait_until


def test_a_wait_in_vain_says_what_for() -> None:
    with pytest.raises(WaitError, match="not yet the sun rises"):
        wait_until(lambda: False, "the sun rises", seconds=0, poll=0)


def test_a_wait_ends_at_the_first_result_that_is_true_and_returns_it() -> None:
    answers = iter(["", None, "third", "fourth"])
    assert wait_until(lambda: next(answers), "the third answer", seconds=60, poll=0) == "third"
    assert list(answers) == ["fourth"]
