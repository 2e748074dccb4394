"""Makes a failing list smaller: delta debugging (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing
Input", IEEE Transactions on Software Engineering 28 (2002), algorithm ddmin).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


def shrink(
    items: Sequence[T], fails: Callable[[list[T]], bool], may_try: Callable[[], bool] = lambda: True
) -> list[T]:
    """A part of `items` that still fails, and that no longer fails without any one of its items.

    Args:
        fails: whether a part, in the order of `items`, still fails. All of them do.
        may_try: asked before each try; once it says no, the smallest part so far is the answer.
    """
    if may_try() and fails([]):
        return []
    found, pieces = list(items), 2
    while len(found) > 1:
        for candidate, next_pieces in _candidates(found, pieces):
            if not may_try():
                return found
            if fails(candidate):
                found, pieces = candidate, next_pieces
                break
        else:
            if pieces >= len(found):
                return found
            pieces = min(len(found), 2 * pieces)
    return found


def _candidates(items: Sequence[T], pieces: int) -> Iterator[tuple[list[T], int]]:
    """Each of the pieces alone, then all without each; with the number of pieces if the candidate fails."""
    bounds = [len(items) * number // pieces for number in range(pieces + 1)]
    spans = list(pairwise(bounds))
    for first, last in spans:
        yield list(items[first:last]), 2
    # Of two pieces, all without the one is the other.
    if pieces > 2:
        for first, last in spans:
            yield [*items[:first], *items[last:]], max(2, pieces - 1)
