"""Access rules (ACLs) of a broker."""

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it imports them, without __all__
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)


def matching(
    *,
    kind: ResourceType = ResourceType.ANY,
    name: str | None = None,
    principal: str | None = None,
    operation: AclOperation = AclOperation.ANY,
) -> AclBindingFilter:
    """What finds the rules with all of these; what is left out may be anything.

    Args:
        kind, name: of the resource.
        principal: as in `User:sa-1`.
    """
    return AclBindingFilter(
        kind,
        name,  # type: ignore[arg-type]  # its types do not know that None means any
        ResourcePatternType.ANY,
        principal,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        operation,
        AclPermissionType.ANY,
    )
