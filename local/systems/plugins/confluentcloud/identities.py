"""Service accounts, and the roles that they have on the organisation's own cluster."""

import secrets

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from local.systems.kafka import users
from local.systems.plugins.confluentcloud import acls, rest
from local.systems.plugins.confluentcloud.cloud import Cloud, Cluster, changed, read
from local.systems.plugins.sources import terraform_confluent
from local.systems.plugins.stand_in import Created, Kind, Property, RefusedError
from local.systems.plugins.values import Plain

ROLE = "CloudClusterAdmin"
"""The only role that the stand-in knows."""

_API_VERSION, _KIND = "iam/v2", "ServiceAccount"


def _create_account(cloud: Cloud, inputs: Plain) -> Created:
    account, name = f"sa-{secrets.token_hex(3)}", inputs["displayName"]
    with changed(cloud.service_accounts) as accounts:
        _refuse_taken_name(accounts, account, name)
        accounts[account] = {"displayName": name, "description": inputs.get("description")}
    return Created(account)


def _refuse_taken_name(accounts: Plain, account: str, name: str) -> None:
    """Source: github.com/confluentinc/terraform-provider-confluent issue 28."""
    if any(known["displayName"] == name for other, known in accounts.items() if other != account):
        raise RefusedError(
            f'error creating Service Account "{name}": 409 Conflict: Service name is already in use.'
        )


def _read_account(cloud: Cloud, account: str, _state: Plain) -> Plain | None:
    known = read(cloud.service_accounts).get(account)
    return known and {"id": account, "apiVersion": _API_VERSION, "kind": _KIND, **known}


def _update_account(cloud: Cloud, account: str, _state: Plain, inputs: Plain) -> None:
    with changed(cloud.service_accounts) as accounts:
        _refuse_taken_name(accounts, account, inputs["displayName"])
        accounts[account] = {
            "displayName": inputs["displayName"],
            "description": inputs.get("description"),
        }


def _delete_account(cloud: Cloud, account: str, _state: Plain) -> None:
    with changed(cloud.service_accounts) as accounts:
        accounts.pop(account, None)


_BOUND = ("principal", "roleName", "crnPattern")


def _create_binding(cloud: Cloud, inputs: Plain) -> Created:
    if inputs["roleName"] != ROLE:
        raise RefusedError(f"the stand-in knows the role {ROLE} only, not {inputs['roleName']}")
    cluster = cloud.cluster_of(inputs["crnPattern"])
    acls.allow(_administrator(cluster), _everything(inputs["principal"]))
    binding = f"rb-{secrets.token_hex(3)}"
    with changed(cloud.role_bindings) as bindings:
        bindings[binding] = {name: inputs[name] for name in _BOUND}
    return Created(binding)


def _read_binding(cloud: Cloud, binding: str, state: Plain) -> Plain | None:
    known = read(cloud.role_bindings).get(binding)
    # Not a property of the binding: how long the creation waits.
    waits = {"disableWaitForReady": state.get("disableWaitForReady", False)}
    return known and {"id": binding, **known, **waits}


def _update_binding(_cloud: Cloud, _id: str, _state: Plain, _inputs: Plain) -> None:
    """Whether the creation waits is all that can change."""


def _delete_binding(cloud: Cloud, binding: str, state: Plain) -> None:
    cluster = cloud.cluster_of(state["crnPattern"])
    acls.forbid(_administrator(cluster), _everything(state["principal"]))
    with changed(cloud.role_bindings) as bindings:
        bindings.pop(binding, None)


def _administrator(cluster: Cluster) -> AdminClient:
    return rest.connect(cluster, users.ADMIN, users.read(cluster.users)[users.ADMIN])


def _everything(principal: str) -> list[AclBinding]:
    """What a CloudClusterAdmin may do with topics, groups and access rules, as rules of the broker."""
    return [
        AclBinding(
            kind,
            name,
            ResourcePatternType.LITERAL,
            principal,
            "*",
            AclOperation.ALL,
            AclPermissionType.ALLOW,
        )
        for kind, name in (
            (ResourceType.TOPIC, "*"),
            (ResourceType.GROUP, "*"),
            (ResourceType.BROKER, "kafka-cluster"),
        )
    ]


KINDS: dict[str, Kind[Cloud]] = {
    "confluentcloud:index/serviceAccount:ServiceAccount": Kind(
        properties={"displayName": Property(required=True), "description": Property()},
        outputs=("apiVersion", "kind"),
        create=_create_account,
        read=_read_account,
        update=_update_account,
        delete=_delete_account,
        source=terraform_confluent("resource_service_account.go", "v2, 06db857"),
    ),
    "confluentcloud:index/roleBinding:RoleBinding": Kind(
        properties={
            **{name: Property(required=True, replaces=True) for name in _BOUND},
            "disableWaitForReady": Property(),
        },
        create=_create_binding,
        read=_read_binding,
        update=_update_binding,
        delete=_delete_binding,
        source=terraform_confluent("resource_role_binding.go", "v2, 039b2a0"),
    ),
}
