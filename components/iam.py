"""IAM resources that several components make: a user with its keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import key_generations
from components.former_name import renamed
from components.owner import Owner


@dataclass(frozen=True)
class Credentials:
    """Key of an IAM user; the secret part is a Pulumi secret."""

    access_key_id: pulumi.Output[str]
    secret_access_key: pulumi.Output[str]


def user_with_key(
    parent: pulumi.Resource,
    name: str,
    *,
    owner: Owner,
    policy: pulumi.Output[str],
    generations: Sequence[int],
    path: str,
    permissions_boundary_arn: str | None,
    tags: Mapping[str, str],
) -> Credentials:
    """Makes an IAM user with this policy and a key of each generation; returns the key of the last one."""
    child = pulumi.ResourceOptions(parent=parent)
    user = aws.iam.User(
        # The name shows in IAM which stack the user belongs to.
        owner.resource_name(name),
        # Deletes keys that somebody made by hand together with the user.
        force_destroy=True,
        path=path,
        permissions_boundary=permissions_boundary_arn,
        tags=dict(tags),
        opts=renamed(parent, name),
    )
    attached = aws.iam.UserPolicy(f"{name}-policy", user=user.name, policy=policy, opts=child)
    keys = [
        aws.iam.AccessKey(
            key_generations.resource_name(name, generation),
            user=user.name,
            opts=pulumi.ResourceOptions(
                parent=parent,
                # A key is made after the user has its rights.
                depends_on=[attached],
                # Somebody may have deactivated a key in an emergency: an `up` after a refresh must not activate it.
                ignore_changes=["status"],
            ),
        )
        for generation in generations
    ]
    return Credentials(keys[-1].id, pulumi.Output.secret(keys[-1].secret))
