"""Resources that got another logical name."""

from collections.abc import Sequence

import pulumi


def renamed(
    parent: pulumi.Resource, former: str, depends_on: Sequence[pulumi.Resource] = ()
) -> pulumi.ResourceOptions:
    """Options of a resource whose logical name was `former`: there it stays the same one and keeps its physical name."""
    return pulumi.ResourceOptions(parent=parent, depends_on=depends_on, aliases=[pulumi.Alias(name=former)])
