"""Every IAM and bucket policy of the project, as data: each statement carries the reason it exists.

Pure text, no Pulumi resource: the components apply these functions to the names they learn, `make render`
shows them, and the tests run them under an IAM enforcement. Source of which call needs which action: AWS
Service Authorization Reference (S3, Systems Manager, STS) and the calls that the S3 sink makes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = "2012-10-17"


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, and why it is there.

    `resources` is empty in a trust policy, `principal` in an identity policy.
    """

    sid: str
    reason: str
    actions: Sequence[str]
    resources: Sequence[str] = ()
    effect: str = "Allow"
    principal: str | Mapping[str, str] | None = None
    condition: Mapping[str, Mapping[str, str | Sequence[str]]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The statement as IAM takes it (the reason stays here)."""
        optional: dict[str, Any] = {
            "Principal": self.principal,
            "Resource": list(self.resources),
            "Condition": dict(self.condition),
        }
        return {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": list(self.actions),
            **{name: value for name, value in optional.items() if value},
        }


def to_json(statements: Sequence[Statement]) -> str:
    """The policy document of the statements."""
    return json.dumps(
        {"Version": VERSION, "Statement": [statement.document() for statement in statements]}, indent=2
    )


def bucket_arn(bucket: str) -> str:
    """The ARN of a bucket."""
    return f"arn:aws:s3:::{bucket}"


def _use_key(kms_key_arn: str | None, actions: Sequence[str], reason: str) -> list[Statement]:
    """The use of the bucket's KMS key, if it has one."""
    if kms_key_arn is None:
        return []
    return [Statement(sid="UseKey", reason=reason, actions=actions, resources=[kms_key_arn])]


def writer(bucket: str, kms_key_arn: str | None) -> list[Statement]:
    """What the S3 sink may do: the article's three statements with their two faults corrected.

    `s3:ListMultipartUpload` is no action at all, and `s3:ListBucketMultipartUploads` has effect on the bucket
    only, so it moved from the third statement to the second.
    """
    return [
        Statement(
            sid="ListBuckets",
            reason="Kept from the article: the vendor's documentation asks for it, though no call of the sink needs it.",
            actions=["s3:ListAllMyBuckets"],
            resources=["arn:aws:s3:::*"],
        ),
        Statement(
            sid="FindBucket",
            reason="The sink asks at its start whether the bucket exists, and the VM before it whether a key is ahead "
            "of its clock; after a crash a missing object must be told from a refused one (404, not 403), or events "
            "would be skipped.",
            actions=["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            resources=[bucket_arn(bucket)],
        ),
        Statement(
            sid="WriteObjects",
            reason="Each object is a multipart upload; a failed one is aborted; after a crash the sink looks which "
            "object it had finished.",
            actions=[
                "s3:PutObject",
                "s3:GetObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ],
            resources=[f"{bucket_arn(bucket)}/*"],
        ),
        *_use_key(
            kms_key_arn,
            ["kms:GenerateDataKey", "kms:Decrypt"],
            "An upload in parts to a bucket with a KMS key needs a data key, and decrypts it for each part.",
        ),
    ]


def reader(bucket: str, topics_dir: str, kms_key_arn: str | None) -> list[Statement]:
    """What Logz.io may do: find and read the archived objects, and nothing else."""
    return [
        Statement(
            sid="FindObjects",
            reason="Logz.io lists the bucket for new objects; it asks for the right on the whole bucket.",
            actions=["s3:ListBucket", "s3:GetBucketLocation"],
            resources=[bucket_arn(bucket)],
        ),
        Statement(
            sid="ReadObjects",
            reason="Logz.io reads what the sink wrote: everything below the topics directory.",
            actions=["s3:GetObject"],
            resources=[f"{bucket_arn(bucket)}/{topics_dir}/*"],
        ),
        *_use_key(
            kms_key_arn,
            ["kms:Decrypt"],
            "S3 returns an object under a KMS key only to who may decrypt with it.",
        ),
    ]


def reader_trust(logzio_aws_account_id: str, external_id: str) -> list[Statement]:
    """Who may take the reader's role: Logz.io's AWS account, on behalf of this one Logz.io account.

    The external id is what keeps another customer of Logz.io from naming this role as theirs.
    """
    return [
        Statement(
            sid="Logzio",
            reason="Logz.io fetches with this role; the external id binds it to one Logz.io account.",
            actions=["sts:AssumeRole"],
            principal={"AWS": f"arn:aws:iam::{logzio_aws_account_id}:root"},
            condition={"StringEquals": {"sts:ExternalId": external_id}},
        )
    ]


def instance_trust() -> list[Statement]:
    """Who may take the VM's role: EC2, for the VM."""
    return [
        Statement(
            sid="Instance",
            reason="The VM takes its role through EC2's metadata service.",
            actions=["sts:AssumeRole"],
            principal={"Service": "ec2.amazonaws.com"},
        )
    ]


def secrets(parameter_arns: Sequence[str], key_arn: str) -> list[Statement]:
    """What the VM needs to start: its own parameters, each by name, and the use of the key that encrypts them.

    Parameter Store calls KMS in the caller's name, with the parameter's ARN as encryption context (AWS Systems Manager
    user guide, "AWS KMS encryption for AWS Systems Manager Parameter Store SecureString parameters").
    """
    region = key_arn.split(":")[3]
    return [
        Statement(
            sid="ReadOwnSecrets",
            reason="The service fetches its credentials at each start; it may read no other parameter.",
            actions=["ssm:GetParameter"],
            resources=list(parameter_arns),
        ),
        Statement(
            sid="DecryptOwnSecrets",
            reason="Without it the VM could read its parameters only encrypted. The key serves the VM through the "
            "parameter store alone, and for its own parameters alone.",
            actions=["kms:Decrypt"],
            resources=[key_arn],
            condition={
                "StringEquals": {
                    "kms:ViaService": f"ssm.{region}.amazonaws.com",
                    "kms:EncryptionContext:PARAMETER_ARN": list(parameter_arns),
                }
            },
        ),
    ]


def secrets_key(root_arn: str) -> list[Statement]:
    """What holds for the key that encrypts the parameters. `root_arn`: of the account's root user.

    KMS gives the same policy to a key that is made without one (AWS KMS developer guide, "Default key policy"). Written
    out, it is put back if somebody changes it. Of the account, it allows the root user alone.
    """
    return [
        Statement(
            sid="IamPoliciesDecide",
            reason="Whoever runs Pulumi manages the key and reads the parameters decrypted, too; the account's IAM "
            "policies say who that is.",
            actions=["kms:*"],
            resources=["*"],
            principal={"AWS": root_arn},
        )
    ]


def worker_files(bucket: str, key: str, kms_key_arn: str | None) -> list[Statement]:
    """What the VM needs to boot: the one archive of its own files."""
    return [
        Statement(
            sid="ReadOwnFiles",
            reason="The VM fetches its own files from the bucket at its first boot; it may read no other object.",
            actions=["s3:GetObject"],
            resources=[f"{bucket_arn(bucket)}/{key}"],
        ),
        *_use_key(kms_key_arn, ["kms:Decrypt"], "The bucket's key encrypts these files, too."),
    ]


def metrics(namespace: str) -> list[Statement]:
    """What the VM needs to tell how its boot ended, and how the pipeline is."""
    return [
        Statement(
            sid="WriteOwnMetrics",
            reason="The loader's and the watchdog's metrics, in their own namespace; this action knows no resource.",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            condition={"StringEquals": {"cloudwatch:namespace": namespace}},
        )
    ]


def session_manager() -> list[Statement]:
    """What a shell through Session Manager needs on the VM's side.

    AWS's managed policy AmazonSSMManagedInstanceCore would also let the VM read every parameter.
    """
    return [
        Statement(
            sid="SessionManager",
            reason="A shell without an open port. Its channels know no resource; the registration would, but nobody "
            "knows the id of the instance before it starts with this role.",
            actions=[
                "ssm:UpdateInstanceInformation",
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            resources=["*"],
        )
    ]


def bucket(name: str, kms_key_arn: str | None) -> list[Statement]:
    """What holds for everybody who comes to the bucket.

    Each refusal asks how the request came or what it names, never who made it: a Deny by principal could lock
    out the owner. None of them refuses to read or to change this very policy over TLS.
    """
    own_encryption = (
        {"s3:x-amz-server-side-encryption": "AES256"}
        if kms_key_arn is None
        # A request that names aws:kms without a key would take AWS's own key: it has no key header to be equal.
        else {"s3:x-amz-server-side-encryption-aws-kms-key-id": kms_key_arn}
    )
    return [
        Statement(
            sid="OnlyTls",
            reason="Audit events and signed requests are not to be read on the wire.",
            effect="Deny",
            actions=["s3:*"],
            resources=[bucket_arn(name), f"{bucket_arn(name)}/*"],
            principal="*",
            condition={"Bool": {"aws:SecureTransport": "false"}},
        ),
        Statement(
            sid="OnlyTheBucketsEncryption",
            reason="An upload that names another encryption than the bucket's could not be read by Logz.io; one that "
            "names none, as the sink's, takes the bucket's.",
            effect="Deny",
            actions=["s3:PutObject"],
            resources=[f"{bucket_arn(name)}/*"],
            principal="*",
            condition={
                "Null": {"s3:x-amz-server-side-encryption": "false"},
                "StringNotEquals": own_encryption,
            },
        ),
        Statement(
            sid="NoKeyOfTheUploader",
            reason="Objects under a key that only the uploader knows would be lost to the owner (SSE-C).",
            effect="Deny",
            actions=["s3:PutObject"],
            resources=[f"{bucket_arn(name)}/*"],
            principal="*",
            condition={"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
        ),
    ]
