"""Generations of the keys that the program makes. They declare a rotation.

A setting `keyGenerations` lists the generations of a key that exist. The last generation is in use; the previous one
stays while the VM or Logz.io changes over. IAM allows a user two keys, and Confluent Cloud allows the audit log's
service account two, so there are never more.
"""

import re

_MOST = 2

_NAME = re.compile(r"(?P<identity>.+)-key-(?P<generation>\d+)")


def check(generations: tuple[int, ...]) -> tuple[int, ...]:
    """Checks that a rotation passes through this list: [1], [1, 2], [2], [2, 3] ...

    Raises:
        ValueError: it does not.
    """
    first = generations[0] if generations else 0
    if not 1 <= len(generations) <= _MOST or generations != tuple(range(first, first + len(generations))):
        raise ValueError("is no list of generations")
    return generations


def resource_name(identity: str, generation: int) -> str:
    """Name of the Pulumi resource of a key: ("writer", 2) -> writer-key-2."""
    return f"{identity}-key-{generation}"


def parse_resource_name(name: str) -> tuple[str, int] | None:
    """The inverse of `resource_name`; None if the name is not the name of a key."""
    match = _NAME.fullmatch(name)
    return (match["identity"], int(match["generation"])) if match else None
