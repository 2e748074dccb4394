"""The role of the VMs."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components import policies
from components.former_name import renamed
from components.owner import Owner


def make_role(
    parent: pulumi.Resource,
    name: str,
    *,
    owner: Owner,
    rights: Mapping[str, pulumi.Input[str]],
    path: str,
    permissions_boundary_arn: str | None,
    tags: Mapping[str, str],
) -> tuple[aws.iam.InstanceProfile, list[pulumi.Resource]]:
    """Makes the role and its instance profile; returns the profile, and the policies that the VMs wait for.

    `rights`: name of a right -> policy document.
    """
    role = aws.iam.Role(
        owner.resource_name(name),
        description="The VM that archives the audit log",
        assume_role_policy=policies.to_json(policies.instance_trust()),
        path=path,
        permissions_boundary=permissions_boundary_arn,
        tags=dict(tags),
        opts=renamed(parent, name),
    )
    granted: list[pulumi.Resource] = [
        aws.iam.RolePolicy(
            f"{name}-{right}", role=role.name, policy=document, opts=pulumi.ResourceOptions(parent=parent)
        )
        for right, document in rights.items()
    ]
    profile = aws.iam.InstanceProfile(
        owner.resource_name(name),
        path=path,
        role=role.name,
        tags=dict(tags),
        opts=renamed(parent, name),
    )
    return profile, granted
