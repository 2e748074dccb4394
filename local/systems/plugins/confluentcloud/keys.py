"""API keys: a record of their owners, and the broker's users, who log in with them."""

import secrets

from local.systems.kafka import users
from local.systems.plugins.confluentcloud.cloud import Cloud, Cluster, changed, read
from local.systems.plugins.sources import terraform_confluent
from local.systems.plugins.stand_in import Created, Kind, Property, RefusedError
from local.systems.plugins.values import Plain

KEYS_PER_OWNER = 2
"""For the predefined service account of the audit log (confluent terraform-provider issue 292)."""

RECORDED = ("owner", "managedResource", "displayName", "description")


def _create(cloud: Cloud, inputs: Plain) -> Created:
    cluster = _cluster(cloud, inputs)
    key, secret = secrets.token_hex(8).upper(), secrets.token_urlsafe(48)
    owner = inputs["owner"]["id"]
    with changed(cluster.keys) as records:
        held = [record for record in records.values() if record["owner"]["id"] == owner]
        if cluster == cloud.audit_log and len(held) >= KEYS_PER_OWNER:
            raise RefusedError(
                f"error creating API Key: 402 Payment Required: {owner} has {len(held)} API keys already; "
                f"the limit for this service account is {KEYS_PER_OWNER}"
            )
        records[key] = {name: inputs.get(name) for name in RECORDED}
    # After its record: the broker remembers the owner of a key that has logged in.
    users.add(cluster.users, key, secret)
    return Created(key, {"secret": secret})


def _read(cloud: Cloud, key: str, state: Plain) -> Plain | None:
    cluster = _holder(cloud, key)
    if cluster is None:
        return None
    secret = users.read(cluster.users).get(key)
    if secret is None:
        return None
    return {
        "id": key,
        **read(cluster.keys)[key],
        "secret": secret,
        # Not a property of the key: how long the creation waits.
        "disableWaitForReady": state.get("disableWaitForReady", False),
    }


def _update(cloud: Cloud, key: str, _state: Plain, inputs: Plain) -> None:
    with changed(_cluster(cloud, inputs).keys) as records:
        records[key] = {name: inputs.get(name) for name in RECORDED}


def _delete(cloud: Cloud, key: str, _state: Plain) -> None:
    cluster = _holder(cloud, key)
    if cluster is not None:
        users.remove(cluster.users, key)
        with changed(cluster.keys) as records:
            records.pop(key, None)


def _cluster(cloud: Cloud, inputs: Plain) -> Cluster:
    return cloud.cluster((inputs.get("managedResource") or {}).get("id", ""))


def _holder(cloud: Cloud, key: str) -> Cluster | None:
    """The cluster that the key is of: an import knows the key only."""
    clusters = (cluster for cluster in (cloud.audit_log, cloud.own) if cluster is not None)
    return next((cluster for cluster in clusters if key in read(cluster.keys)), None)


_WHO = {"id": Property(required=True), "apiVersion": Property(required=True), "kind": Property(required=True)}

KINDS: dict[str, Kind[Cloud]] = {
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
