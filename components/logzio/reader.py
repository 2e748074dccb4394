"""ArchiveReader: the identity with which Logz.io reads the archive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components import policies
from components.former_name import renamed
from components.iam import Credentials, user_with_key
from components.logzio.registration import LogzioAccount
from components.owner import Owner


@dataclass(frozen=True)
class ArchiveReaderArgs:
    """`logzio_url`: the account API, which knows whom the role must trust.

    `topics_dir`: the first part of the keys that Logz.io reads. `path`, `permissions_boundary_arn`: of the IAM role or
    user. `key_generations`: see `components.key_generations`.
    """

    owner: Owner
    bucket: pulumi.Input[str]
    topics_dir: str
    authentication: Literal["role", "keys"]
    logzio_url: str
    tags: Mapping[str, str]
    path: str = "/"
    permissions_boundary_arn: str | None = None
    key_generations: Sequence[int] = (1,)
    kms_key_arn: str | None = None


class ArchiveReader(pulumi.ComponentResource):
    """Logz.io's identity: a role that only this Logz.io account can take, or an IAM user with a key.

    Outputs: `role_arn` for `role`, `credentials` for `keys`. The other one is None.
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
            self.credentials = user_with_key(
                self,
                name,
                owner=args.owner,
                policy=policy,
                generations=args.key_generations,
                path=args.path,
                permissions_boundary_arn=args.permissions_boundary_arn,
                tags=args.tags,
            )
        self.register_outputs({})

    def _role(self, name: str, args: ArchiveReaderArgs, policy: pulumi.Output[str]) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        account = LogzioAccount(f"{name}-logzio-account", args.logzio_url, opts=child)
        role = aws.iam.Role(
            # The name shows in IAM which stack the role belongs to.
            args.owner.resource_name(name),
            description="Read by Logz.io: archived audit events",
            assume_role_policy=pulumi.Output.all(account.aws_account_id, account.external_id).apply(
                lambda known: policies.to_json(policies.reader_trust(*known))
            ),
            path=args.path,
            permissions_boundary=args.permissions_boundary_arn,
            tags=dict(args.tags),
            opts=renamed(self, name),
        )
        attached = aws.iam.RolePolicy(f"{name}-policy", role=role.name, policy=policy, opts=child)
        # Logz.io tests the role when the registration is made: the role must have its rights by then.
        return pulumi.Output.all(role.arn, attached.id).apply(lambda known: str(known[0]))
