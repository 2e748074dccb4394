"""What the last `pulumi up` of this stack left, for a preview that can say what a change does."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.settings import NAMESPACE

# What 0.1 exported, and an output that only later versions have.
_OF_EVERY_VERSION = "instanceId"
CONSUMER_GROUP = "consumerGroup"
"""The output that names the connector's consumer group."""


def outputs() -> Mapping[str, Any]:
    """The stack's outputs as the last `up` left them; empty before the first one, and where they cannot be read.

    The engine's own function behind each StackReference (pkg/resource/deploy/builtins.go), which makes no resource.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        found = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value
    except Exception as error:  # noqa: BLE001  # the SDK raises no narrower one; a warning is not worth a failure
        # A backend from before projects had a place in stack names knows no such name.
        pulumi.log.warn(f"the stack's outputs cannot be read, so it is taken for a new one: {error}")
        return {}
    return (found or {}).get("outputs") or {}


def group_warning(left: Mapping[str, Any], group: str, connector: str) -> str | None:
    """What a change of the consumer group does; None if there is none.

    Args:
        left: the stack's outputs.
        group: the consumer group from now on.
        connector: the connector's name, from which 0.1 made the group's.
    """
    if _OF_EVERY_VERSION not in left:
        return None
    before = str(left.get(CONSUMER_GROUP, f"connect-{connector}"))
    if before == group:
        return None
    return (
        f"the consumer group changes from {before} to {group}. If the new one has read nothing yet, it reads the last 7 "
        f"days again, and Logz.io indexes them again. {NAMESPACE}:source.consumerGroup: {before} goes on where the "
        "connector stopped"
    )
