"""ArchiveWriter and ArchiveReader: who may write to the archive, and who may read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_aws as aws

from components import generations, names, policies
from components.settings import Iam
from components.shipping.registration import LogzioAccount


@dataclass(frozen=True)
class Credentials:
    """The key of an IAM user; the secret part is a Pulumi secret."""

    access_key_id: pulumi.Output[str]
    secret_access_key: pulumi.Output[str]


@dataclass(frozen=True)
class ArchiveWriterArgs:
    """`bucket` may be an output, so that no right is given before its bucket is there."""

    bucket: pulumi.Input[str]
    identity: Literal["user", "role"]
    tags: Mapping[str, str]
    iam: Iam = field(default_factory=Iam)
    key_generations: Sequence[int] = (1,)
    kms_key_arn: str | None = None


class ArchiveWriter(pulumi.ComponentResource):
    """The S3 sink's identity: an IAM user with a key (the article's way), or the VM's own role.

    Outputs: `credentials` for `user`; `instance_policy`, the policy that the VM's role needs, for `role`. What
    does not apply is None.
    """

    credentials: Credentials | None = None
    instance_policy: pulumi.Output[str] | None = None

    def __init__(
        self, name: str, args: ArchiveWriterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:access:ArchiveWriter", name, None, opts)
        policy = pulumi.Output.from_input(args.bucket).apply(
            lambda bucket: policies.to_json(policies.writer(bucket, args.kms_key_arn))
        )
        if args.identity == "role":
            self.instance_policy = policy
        else:
            self.credentials = _user_with_key(self, name, policy, args)
        self.register_outputs({})


@dataclass(frozen=True)
class ArchiveReaderArgs:
    """`logzio_url`: the account API, which knows whom the role must trust."""

    bucket: pulumi.Input[str]
    topics_dir: str
    authentication: Literal["role", "keys"]
    logzio_url: str
    tags: Mapping[str, str]
    iam: Iam = field(default_factory=Iam)
    key_generations: Sequence[int] = (1,)
    kms_key_arn: str | None = None


class ArchiveReader(pulumi.ComponentResource):
    """Logz.io's identity: a role that only this Logz.io account can take, or an IAM user with a key.

    Outputs: `role_arn` for `role`, `credentials` for `keys`. What does not apply is None.
    """

    role_arn: pulumi.Output[str] | None = None
    credentials: Credentials | None = None

    def __init__(
        self, name: str, args: ArchiveReaderArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:access:ArchiveReader", name, None, opts)
        policy = pulumi.Output.from_input(args.bucket).apply(
            lambda bucket: policies.to_json(policies.reader(bucket, args.topics_dir, args.kms_key_arn))
        )
        if args.authentication == "role":
            self.role_arn = self._role(name, args, policy)
        else:
            self.credentials = _user_with_key(self, name, policy, args)
        self.register_outputs({})

    def _role(self, name: str, args: ArchiveReaderArgs, policy: pulumi.Output[str]) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        account = LogzioAccount(f"{name}-logzio-account", args.logzio_url, opts=child)
        role = aws.iam.Role(
            _own_name(name),
            description="Read by Logz.io: archived audit events",
            assume_role_policy=pulumi.Output.all(account.aws_account_id, account.external_id).apply(
                lambda known: policies.to_json(policies.reader_trust(*known))
            ),
            path=args.iam.path,
            permissions_boundary=args.iam.permissions_boundary_arn,
            tags=dict(args.tags),
            opts=_formerly(self, name),
        )
        granted = aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=policy, opts=child)
        # Logz.io tries the role when it is told of it: its rights must be there by then.
        return pulumi.Output.all(role.arn, granted.id).apply(lambda known: str(known[0]))


def _own_name(what: str) -> str:
    """So that whoever looks into IAM sees which stack it is of."""
    return names.resource(pulumi.get_project(), pulumi.get_stack(), what)


def _formerly(parent: pulumi.Resource, name: str) -> pulumi.ResourceOptions:
    """Version 0.1 called it by `name` alone: it stays the same user or role there, with its name in AWS."""
    return pulumi.ResourceOptions(parent=parent, aliases=[pulumi.Alias(name=name)])


def _user_with_key(
    parent: pulumi.Resource,
    name: str,
    policy: pulumi.Output[str],
    args: ArchiveWriterArgs | ArchiveReaderArgs,
) -> Credentials:
    """An IAM user that can do what the policy says, with a key of each generation; the last one's is returned."""
    child = pulumi.ResourceOptions(parent=parent)
    # force_destroy: a key that somebody made by hand goes with the user.
    user = aws.iam.User(
        _own_name(name),
        force_destroy=True,
        path=args.iam.path,
        permissions_boundary=args.iam.permissions_boundary_arn,
        tags=dict(args.tags),
        opts=_formerly(parent, name),
    )
    granted = aws.iam.UserPolicy(f"{name}-policy", user=user.name, policy=policy, opts=child)
    keys = [
        aws.iam.AccessKey(
            generations.resource_name(name, generation),
            user=user.name,
            opts=pulumi.ResourceOptions(
                parent=parent,
                # A key comes after its rights.
                depends_on=[granted],
                # One that was deactivated in an emergency is not to come back to life by an `up` after a refresh.
                ignore_changes=["status"],
            ),
        )
        for generation in args.key_generations
    ]
    return Credentials(keys[-1].id, pulumi.Output.secret(keys[-1].secret))
