"""Access rules of the broker, made by the API key of the resource."""

import re

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from local.base.waiting import wait_until
from local.systems.plugins.confluentcloud import rest
from local.systems.plugins.confluentcloud.cloud import Cloud
from local.systems.plugins.sources import terraform_confluent
from local.systems.plugins.stand_in import Created, Kind, Property, RefusedError
from local.systems.plugins.values import Plain

_RULE = ("resourceType", "resourceName", "patternType", "principal", "host", "operation", "permission")
_PRINCIPAL = re.compile(r"User:(\*$|(sa|u|pool)-)")


def _create(cloud: Cloud, inputs: Plain) -> Created:
    if not _PRINCIPAL.match(inputs["principal"]):
        raise RefusedError(
            "the principal must start with 'User:sa-' or 'User:u-' or 'User:pool-' or 'User:*'"
        )
    admin = rest.admin(cloud, inputs)
    with rest.refused("creating Kafka ACLs"):
        allow(admin, [_binding(inputs)])
    rule = "#".join(inputs[name] for name in _RULE)
    return Created(f"{inputs['kafkaCluster']['id']}/{rule}")


def _read(cloud: Cloud, acl_id: str, state: Plain) -> Plain | None:
    if not state:
        raise RefusedError(f"the stand-in does not import {acl_id}: the real plugin has variables for that")
    admin = rest.admin(cloud, state)
    with rest.refused("reading Kafka ACLs"):
        if not holds(admin, _binding(state)):
            return None
    kept = (*_RULE, "kafkaCluster", "restEndpoint", "credentials")
    return {"id": acl_id, **{name: state[name] for name in kept}}


def _update(cloud: Cloud, _id: str, _state: Plain, inputs: Plain) -> None:
    """Other credentials change nothing at the broker; they must be right."""
    rest.admin(cloud, inputs)


def _delete(cloud: Cloud, _id: str, state: Plain) -> None:
    admin = rest.admin(cloud, state)
    with rest.refused("deleting Kafka ACLs"):
        forbid(admin, [_binding(state)])


def _binding(properties: Plain) -> AclBinding:
    return AclBinding(
        # The names of Kafka's REST API; librdkafka calls the cluster a broker.
        ResourceType["BROKER" if properties["resourceType"] == "CLUSTER" else properties["resourceType"]],
        properties["resourceName"],
        ResourcePatternType[properties["patternType"]],
        properties["principal"],
        properties["host"],
        AclOperation[properties["operation"]],
        AclPermissionType[properties["permission"]],
    )


def allow(admin: AdminClient, bindings: list[AclBinding]) -> None:
    """Makes access rules; returns once the broker knows them.

    Raises:
        KafkaException: the client may not.
    """
    for made in admin.create_acls(bindings).values():
        made.result()
    wait_until(
        lambda: all(holds(admin, binding) for binding in bindings),
        "the broker has the access rules",
        seconds=rest.SECONDS,
        poll=0.05,
    )


def forbid(admin: AdminClient, bindings: list[AclBinding]) -> None:
    """Takes access rules away; those that are gone already do not count.

    Raises:
        KafkaException: the client may not.
    """
    for gone in admin.delete_acls([filter_of(binding) for binding in bindings]).values():
        gone.result()


def holds(admin: AdminClient, binding: AclBinding) -> bool:
    """Whether the broker has this very access rule."""
    return bool(admin.describe_acls(filter_of(binding)).result())


def filter_of(binding: AclBinding) -> AclBindingFilter:
    """What finds this very access rule."""
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


KINDS: dict[str, Kind[Cloud]] = {
    "confluentcloud:index/kafkaAcl:KafkaAcl": Kind(
        properties={
            **rest.IN_CLUSTER,
            **{name: Property(required=True, replaces=True) for name in _RULE},
            "restEndpoint": Property(required=True, replaces=True),
            "credentials": rest.CREDENTIALS,
        },
        secrets=frozenset({"credentials"}),
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        source=terraform_confluent("resource_kafka_acl.go", "text of 2023, 0d009b9"),
    ),
}
