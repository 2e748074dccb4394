"""Generations of the keys that the program makes; a rotation is declared with them.

A setting `keyGenerations` lists the generations of a key that exist. The last one is in use; the one before it is
kept while the VM or Logz.io changes over. IAM gives a user two keys at most, and Confluent Cloud the audit log's
service account, so there are never more.
"""

import re

_MOST = 2

_NAME = re.compile(r"(?P<identity>.+)-key-(?P<generation>\d+)")


def check(generations: tuple[int, ...]) -> tuple[int, ...]:
    """A list of generations as a rotation goes through them: [1], [1, 2], [2], [2, 3] ...

    Raises:
        ValueError: it is another list.
    """
    first = generations[0] if generations else 0
    if not 1 <= len(generations) <= _MOST or generations != tuple(range(first, first + len(generations))):
        raise ValueError("is no list of generations")
    return generations


def resource_name(identity: str, generation: int) -> str:
    """The name of the Pulumi resource of a key: ("writer", 2) -> writer-key-2."""
    return f"{identity}-key-{generation}"


def parse_resource_name(name: str) -> tuple[str, int] | None:
    """The inverse; None for a name that is not a key's."""
    match = _NAME.fullmatch(name)
    return (match["identity"], int(match["generation"])) if match else None
