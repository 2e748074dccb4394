"""API keys: a record of who owns which, and the broker's users, who are let in with them."""

import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.base.files import write_atomically
from local.systems.kafka import users
from local.systems.plugins.sources import terraform_confluent
from local.systems.plugins.stand_in import Created, Kind, Property, RefusedError
from local.systems.plugins.values import Plain

KEYS_PER_OWNER = 2
"""For the predefined service account of the audit log (confluent terraform-provider issue 292)."""


@dataclass(frozen=True)
class Cluster:
    """The local broker: its address (host:port) and the file of those who may log in."""

    bootstrap: str
    users: Path

    @property
    def records(self) -> Path:
        """Owner and description of each key; the secrets are in `users` only."""
        return self.users.with_name("api-keys.json")


RECORDED = ("owner", "managedResource", "displayName", "description")


def _create(cluster: Cluster, inputs: Plain) -> Created:
    key, secret = secrets.token_hex(8).upper(), secrets.token_urlsafe(48)
    owner = inputs["owner"]["id"]
    with _records(cluster) as records:
        held = [record for record in records.values() if record["owner"]["id"] == owner]
        if len(held) >= KEYS_PER_OWNER:
            raise RefusedError(
                f"error creating API Key: 402 Payment Required: {owner} has {len(held)} API keys already; "
                f"the limit for this service account is {KEYS_PER_OWNER}"
            )
        records[key] = {name: inputs.get(name) for name in RECORDED}
        users.add(cluster.users, key, secret)
    return Created(key, {"secret": secret})


def _read(cluster: Cluster, key: str, state: Plain) -> Plain | None:
    with _records(cluster) as records:
        record = records.get(key)
    secret = users.read(cluster.users).get(key)
    if record is None or secret is None:
        return None
    return {
        "id": key,
        **record,
        "secret": secret,
        # Not in the cloud at all: how long the creation waits.
        "disableWaitForReady": state.get("disableWaitForReady", False),
    }


def _update(cluster: Cluster, key: str, _state: Plain, inputs: Plain) -> None:
    with _records(cluster) as records:
        records[key] = {name: inputs.get(name) for name in RECORDED}


def _delete(cluster: Cluster, key: str, _state: Plain) -> None:
    with _records(cluster) as records:
        records.pop(key, None)
        users.remove(cluster.users, key)


@contextmanager
def _records(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """The records by key, locked; what was changed is written when the block ends well."""
    file = cluster.records
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        records = json.loads(file.read_text()) if file.exists() else {}
        yield records
        write_atomically(file, json.dumps(records, indent=2))


_WHO = {"id": Property(required=True), "apiVersion": Property(required=True), "kind": Property(required=True)}

KINDS: dict[str, Kind[Cluster]] = {
    "confluentcloud:index/apiKey:ApiKey": Kind(
        properties={
            "owner": Property(required=True, replaces=True, fields=_WHO),
            "managedResource": Property(
                replaces=True,
                fields={**_WHO, "environment": Property(fields={"id": Property(required=True)})},
            ),
            "displayName": Property(),
            "description": Property(),
            "disableWaitForReady": Property(replaces=True),
        },
        outputs=("secret",),
        secrets=frozenset({"secret"}),
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        source=terraform_confluent("resource_api_key.go"),
    ),
}
