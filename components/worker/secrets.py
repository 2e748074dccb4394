"""The VM's credentials in the parameter store, and the KMS key that encrypts them."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components import policies
from components.owner import Owner

ALIAS_NAME_LENGTH = 250  # of KMS's 256, which begin with `alias/`


def alias_name(owner: Owner, name: str) -> str:
    """The alias of the stack's key: letters, digits, `-` and `_` (KMS API reference, CreateAlias)."""
    alias = owner.resource_name(name, longest=ALIAS_NAME_LENGTH)
    # Project and stack may have a dot. Where one of them has, another stack may have a hyphen in its place.
    return f"alias/{owner.unique_name(name, ALIAS_NAME_LENGTH) if '.' in alias else alias}"


def secrets_key(
    parent: pulumi.Resource,
    name: str,
    *,
    owner: Owner,
    caller: aws.AwaitableGetCallerIdentityResult,
    tags: Mapping[str, str],
) -> pulumi.Input[str]:
    """Makes the key of the stack that encrypts the parameters; returns its ARN.

    The parameter store's default key would not do: its policy lets every principal of the account decrypt, and AWS's
    managed policy AmazonSSMManagedInstanceCore lets an instance read every parameter (AWS Systems Manager user guide,
    "Restricting decryption of SecureString parameter values").
    """
    child = pulumi.ResourceOptions(parent=parent)
    root_arn = f"arn:{_partition(caller)}:iam::{caller.account_id}:root"
    key = aws.kms.Key(
        name,
        description=f"{owner}: the credentials of the VM",
        policy=policies.to_json(policies.secrets_key(root_arn)),
        enable_key_rotation=True,
        tags=dict(tags),
        opts=child,
    )
    aws.kms.Alias(name, name=alias_name(owner, name), target_key_id=key.key_id, opts=child)
    return key.arn


def secrets_policy(
    parameters: Sequence[str],
    key_arn: pulumi.Input[str],
    region: str,
    caller: aws.AwaitableGetCallerIdentityResult,
) -> pulumi.Output[str]:
    """The policy that lets the VM read these parameters (names).

    It computes their ARNs itself: the right to use a key must exist before a parameter under that key does.
    """
    arns = [parameter_arn(name, region, caller) for name in parameters]
    return pulumi.Output.from_input(key_arn).apply(lambda arn: policies.to_json(policies.secrets(arns, arn)))


def parameter(
    parent: pulumi.Resource,
    name: str,
    *,
    credentials: str,
    parameter_name: str,
    value: Mapping[str, pulumi.Output[str]],
    key_arn: pulumi.Input[str],
    tags: Mapping[str, str],
    depends_on: Sequence[pulumi.Resource],
) -> pulumi.Resource:
    """Stores one pair of credentials as one parameter, so that a rotation never shows half a pair.

    `depends_on`: the VM's rights, so that a running VM can read a parameter at any time. While one key takes the place
    of another, it cannot for some seconds; the service retries longer than that at its start.
    """
    made = aws.ssm.Parameter(
        f"{name}-{credentials}-credentials",
        name=parameter_name,
        type="SecureString",
        key_id=key_arn,
        description=f"Read by the VM alone: its {credentials} credentials",
        # Secret, because a part of it is.
        value=pulumi.Output.json_dumps(value),
        tags=dict(tags),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=depends_on),
    )
    pulumi.Output.all(parameter_name, key_arn, made.key_id).apply(
        lambda known: _warn_of_another_key(parent, *known)
    )
    return made


def _warn_of_another_key(parent: pulumi.Resource, name: str, wanted: str, found: str) -> None:
    """Warns that a parameter is not under its key.

    The plugin names the key only when the key changes (terraform-provider-aws, internal/service/ssm/parameter.go,
    resourceParameterUpdate). For a new value without the name of a key, AWS's documentation says that the default key
    is used (AWS KMS developer guide, "How AWS Systems Manager Parameter Store uses AWS KMS"). The plugin reads back
    which key it is, and the next `up` corrects it: so does the second `up` of `make rotate`. Not tested on AWS.
    """
    if found != wanted and not pulumi.runtime.is_dry_run():
        pulumi.log.warn(
            f"parameter {name} is under {found}, not under {wanted}: run `pulumi up` again", parent
        )


def parameter_arn(name: str, region: str, caller: aws.AwaitableGetCallerIdentityResult) -> str:
    """The ARN of a parameter, which may not exist yet. `name` begins with a slash."""
    return f"arn:{_partition(caller)}:ssm:{region}:{caller.account_id}:parameter{name}"


def _partition(caller: aws.AwaitableGetCallerIdentityResult) -> str:
    """The AWS partition of the account: `aws`, `aws-us-gov`."""
    return caller.arn.split(":")[1]
