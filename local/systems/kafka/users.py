"""Who may log in to a broker: a file that the broker reads at each authentication.

`{"users": {"KEY": "SECRET"}}`, readable by its owner only, replaced as a whole.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.base.files import locked, write_atomically

ADMIN = "local-admin"
"""The only user that may write and administer: the producer and the checks use it."""


def file(state: Path) -> Path:
    """The users' file of a stack."""
    return state / "kafka" / "users.json"


def read(users_file: Path) -> dict[str, str]:
    """Secrets by key; empty when there is no file yet."""
    if not users_file.exists():
        return {}
    users: dict[str, str] = json.loads(users_file.read_text())["users"]
    return users


def add(users_file: Path, key: str, secret: str) -> None:
    """Accepts `key` with `secret` from now on; replaces its former secret."""
    with _changed(users_file) as users:
        users[key] = secret


def remove(users_file: Path, key: str) -> None:
    """Refuses `key` from now on. Connections that are already open stay."""
    with _changed(users_file) as users:
        users.pop(key, None)


@contextmanager
def _changed(users_file: Path) -> Iterator[dict[str, str]]:
    with locked(users_file.with_suffix(".lock")):
        users = read(users_file)
        yield users
        write_atomically(users_file, json.dumps({"users": users}, indent=2), mode=0o600)
