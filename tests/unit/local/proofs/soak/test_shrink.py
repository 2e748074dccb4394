"""A failing list shrinks to what it takes to fail."""

from collections.abc import Callable, Collection

import pytest

from local.proofs.soak.shrink import shrink


def holds(needed: Collection[int]) -> Callable[[list[int]], bool]:
    return lambda kept: set(needed) <= set(kept)


@pytest.mark.parametrize("needed", [[0], [19], [3, 4], [0, 19], [2, 9, 17], list(range(20))])
def test_only_what_it_takes_to_fail_is_left(needed: list[int]) -> None:
    assert shrink(range(20), holds(needed)) == needed


def test_one_of_several_causes_is_enough() -> None:
    found = shrink(range(20), lambda kept: 5 in kept or {11, 12} <= set(kept))

    assert found in ([5], [11, 12])


def test_the_order_is_kept() -> None:
    tries: list[list[int]] = []

    def fails(kept: list[int]) -> bool:
        tries.append(kept)
        return {4, 7, 8} <= set(kept)

    assert shrink(range(12), fails) == [4, 7, 8]
    assert all(kept == sorted(kept) for kept in tries)


def test_what_fails_without_any_item_shrinks_to_nothing() -> None:
    assert shrink(range(20), lambda _: True) == []


def test_without_time_the_smallest_part_so_far_is_the_answer() -> None:
    tries = iter([True] * 3)

    found = shrink(range(16), holds([5]), lambda: next(tries, False))

    assert 5 in found
    assert len(found) < 16


def test_without_any_time_all_is_left() -> None:
    assert shrink(range(4), holds([1]), lambda: False) == [0, 1, 2, 3]
