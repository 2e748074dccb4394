"""LogzioShipping: Logz.io is told of every partition's prefix. LogzioAccount: whom a role must trust."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi.dynamic import Resource

from components.logzio.provider import AccountProvider, RegistrationProvider


@dataclass(frozen=True)
class LogzioShippingArgs:
    """Logz.io reads with `role_arn`, or with `access_key` and `secret_key`.

    `base_url`: the account API. `region`: the bucket's. `prefixes`: one per Kafka partition, each ending with
    `<topic>/partition=<n>/`. `add_object_key`: each event gets a field with the key of its object.
    `adopt_existing`: take registrations over that are there already, rather than to refuse.
    """

    base_url: str
    bucket: pulumi.Input[str]
    region: str
    prefixes: Sequence[str]
    log_type: str
    add_object_key: bool = False
    adopt_existing: bool = False
    role_arn: pulumi.Input[str] | None = None
    access_key: pulumi.Input[str] | None = None
    secret_key: pulumi.Input[str] | None = None


class LogzioShipping(pulumi.ComponentResource):
    """One registration per partition.

    Logz.io reads a prefix in alphabetical order and never looks back: one registration over all partitions
    would lose most events.

    Outputs: `registration_ids`, prefix -> id.
    """

    registration_ids: pulumi.Output[dict[str, str]]

    def __init__(
        self, name: str, args: LogzioShippingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:shipping:LogzioShipping", name, None, opts)
        # What a component depends on is not passed on to its children by itself.
        child = pulumi.ResourceOptions(
            parent=self,
            depends_on=opts.depends_on if opts else None,
            additional_secret_outputs=["secret_key"],
        )
        registrations = {
            prefix: _Registration(f"{name}-{_partition_of(prefix)}", prefix, args, child)
            for prefix in args.prefixes
        }
        self.registration_ids = pulumi.Output.all(**{prefix: one.id for prefix, one in registrations.items()})
        self.register_outputs({"registrationIds": self.registration_ids})


class _Registration(Resource, module="logexporter", name="LogzioRegistration"):
    def __init__(
        self, name: str, prefix: str, args: LogzioShippingArgs, opts: pulumi.ResourceOptions
    ) -> None:
        secret = None if args.secret_key is None else pulumi.Output.secret(args.secret_key)
        super().__init__(
            RegistrationProvider(),
            name,
            {
                "base_url": args.base_url,
                "bucket": args.bucket,
                "prefix": prefix,
                "region": args.region,
                "log_type": args.log_type,
                "active": True,
                "add_object_key": args.add_object_key,
                "adopt_existing": args.adopt_existing,
                "role_arn": args.role_arn,
                "access_key": args.access_key,
                "secret_key": secret,
            },
            opts,
        )


class LogzioAccount(Resource, module="logexporter", name="LogzioAccount"):
    """What Logz.io says about the account of the token; `base_url` is the account API.

    Outputs: `account_id`; `aws_account_id` and `external_id`, which the reader's role must trust.
    """

    account_id: pulumi.Output[str]
    aws_account_id: pulumi.Output[str]
    external_id: pulumi.Output[str]

    def __init__(self, name: str, base_url: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            AccountProvider(),
            name,
            {"base_url": base_url, "account_id": None, "aws_account_id": None, "external_id": None},
            opts,
        )


def _partition_of(prefix: str) -> str:
    """`<topic>-<n>`: not the topics directory, so that a change of it is seen as a change (and warned of)."""
    topic, partition = prefix.strip("/").split("/")[-2:]
    return f"{topic}-{partition.removeprefix('partition=')}"
