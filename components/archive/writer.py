"""ArchiveWriter: the identity that writes to the archive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi

from components import policies
from components.iam import Credentials, user_with_key
from components.owner import Owner


@dataclass(frozen=True)
class ArchiveWriterArgs:
    """`bucket` may be an output, so that no right exists before the bucket does.

    `path`, `permissions_boundary_arn`: of the IAM user. `key_generations`: see `components.key_generations`.
    """

    owner: Owner
    bucket: pulumi.Input[str]
    identity: Literal["user", "role"]
    tags: Mapping[str, str]
    path: str = "/"
    permissions_boundary_arn: str | None = None
    key_generations: Sequence[int] = (1,)
    kms_key_arn: str | None = None


class ArchiveWriter(pulumi.ComponentResource):
    """The S3 sink's identity: an IAM user with a key (as in the article), or the role of the VM.

    Outputs: `credentials` for `user`; `instance_policy`, the policy that the VM's role needs, for `role`. The other
    one is None.
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
