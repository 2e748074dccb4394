"""Every IAM and bucket policy of the project, as data: each statement has its reason.

Pure text, without Pulumi resources: the components call these functions with the names they learn, `make render`
shows the policies, and the tests enforce them. Source of which call needs which action: AWS
Service Authorization Reference (S3, Systems Manager, STS) and the calls that the S3 sink makes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.archive import layout

VERSION = "2012-10-17"


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, with its reason.

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
        """The statement in IAM's form, without its reason."""
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
    """The right to use the bucket's KMS key, if it has a key."""
    if kms_key_arn is None:
        return []
    return [Statement(sid="UseKey", reason=reason, actions=actions, resources=[kms_key_arn])]


def writer(bucket: str, kms_key_arn: str | None) -> list[Statement]:
    """What the S3 sink may do: the article's three statements with two corrections.

    The action `s3:ListMultipartUpload` does not exist, and `s3:ListBucketMultipartUploads` has effect on the bucket
    only, so it moved from the third statement to the second.
    """
    return [
        Statement(
            sid="ListBuckets",
            reason="Kept from the article: the vendor's documentation requires it. No call of the sink needs it.",
            actions=["s3:ListAllMyBuckets"],
            resources=["arn:aws:s3:::*"],
        ),
        Statement(
            sid="FindBucket",
            reason="At its start the sink checks that the bucket exists, and before that the VM checks for keys ahead "
            "of its clock. After a crash the answer for a missing object must be 404, not 403, or events would be "
            "skipped.",
            actions=["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            resources=[bucket_arn(bucket)],
        ),
        Statement(
            sid="WriteObjects",
            reason="Each object is a multipart upload; the sink aborts a failed upload. After a crash it checks which "
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
            "A multipart upload to a bucket with a KMS key needs a data key, and decrypts it for each part.",
        ),
    ]


def reader(bucket: str, topics_dir: str, kms_key_arn: str | None) -> list[Statement]:
    """What Logz.io may do: find and read the archived objects."""
    return [
        Statement(
            sid="FindObjects",
            reason="Logz.io lists new objects in the bucket; it requires the right on the whole bucket.",
            actions=["s3:ListBucket", "s3:GetBucketLocation"],
            resources=[bucket_arn(bucket)],
        ),
        Statement(
            sid="ReadObjects",
            reason="Logz.io reads what the sink wrote: everything under the topics directory.",
            actions=["s3:GetObject"],
            resources=[f"{bucket_arn(bucket)}/{topics_dir}/*"],
        ),
        *_use_key(
            kms_key_arn,
            ["kms:Decrypt"],
            "S3 returns an object under a KMS key only to a caller that may decrypt with the key.",
        ),
    ]


def reader_trust(logzio_aws_account_id: str, external_id: str) -> list[Statement]:
    """Who may take the reader's role: Logz.io's AWS account, on behalf of this one Logz.io account.

    The external id keeps another customer of Logz.io from using this role.
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
    """What the VM needs to start: to read its own parameters, by name, and to use the key that encrypts them.

    Parameter Store calls KMS in the caller's name, with the parameter's ARN as encryption context (AWS Systems Manager
    user guide, "AWS KMS encryption for AWS Systems Manager Parameter Store SecureString parameters").
    """
    return [
        Statement(
            sid="ReadOwnSecrets",
            reason="The service fetches its credentials at each start. It may read no other parameter.",
            actions=["ssm:GetParameter"],
            resources=list(parameter_arns),
        ),
        _decrypt_parameters(
            "DecryptOwnSecrets",
            "Without it the VM could read its parameters only encrypted. The VM may use the key only through the "
            "parameter store, and only for its own parameters.",
            parameter_arns,
            key_arn,
        ),
    ]


def _decrypt_parameters(sid: str, reason: str, parameter_arns: Sequence[str], key_arn: str) -> Statement:
    region = key_arn.split(":")[3]
    return Statement(
        sid=sid,
        reason=reason,
        actions=["kms:Decrypt"],
        resources=[key_arn],
        condition={
            "StringEquals": {
                "kms:ViaService": f"ssm.{region}.amazonaws.com",
                "kms:EncryptionContext:PARAMETER_ARN": list(parameter_arns),
            }
        },
    )


def connector_settings(parameter_arns: Sequence[str]) -> list[Statement]:
    """What the VMs of a Connect cluster need to know what their connectors should be."""
    return [
        Statement(
            sid="ReadOwnConnectors",
            reason="The watchdog gives Connect the properties that these parameters have. They hold no secret.",
            actions=["ssm:GetParameter"],
            resources=list(parameter_arns),
        )
    ]


def worker_status(parameter_arns: Sequence[str]) -> list[Statement]:
    """What the VMs need to say that they run, or why a boot failed."""
    return [
        Statement(
            sid="WriteOwnStatus",
            reason="`pulumi up` waits for this line before it replaces the next VM. It may write no other parameter.",
            actions=["ssm:PutParameter"],
            resources=list(parameter_arns),
        )
    ]


def secrets_key(root_arn: str) -> list[Statement]:
    """The policy of the key that encrypts the parameters. `root_arn`: of the account's root user.

    KMS gives the same policy to a key without a policy (AWS KMS developer guide, "Default key policy"). Because it is
    declared here, the next `up` restores it if somebody changes it. It allows only the account's root user.
    """
    return [
        Statement(
            sid="IamPoliciesDecide",
            reason="The person who runs Pulumi manages the key and reads the decrypted parameters; the account's IAM "
            "policies say who may do so.",
            actions=["kms:*"],
            resources=["*"],
            principal={"AWS": root_arn},
        )
    ]


def worker_files(bucket: str, key: str, kms_key_arn: str | None) -> list[Statement]:
    """What the VM needs to boot: the archive of its own files."""
    return [
        Statement(
            sid="ReadOwnFiles",
            reason="The VM fetches its own files from the bucket at its first boot. It may read no other object.",
            actions=["s3:GetObject"],
            resources=[f"{bucket_arn(bucket)}/{key}"],
        ),
        *_use_key(kms_key_arn, ["kms:Decrypt"], "The bucket's key encrypts these files, too."),
    ]


def metrics(namespace: str) -> list[Statement]:
    """What the VM needs to report the result of its boot and the state of the pipeline."""
    return [
        Statement(
            sid="WriteOwnMetrics",
            reason="The metrics of loader and watchdog, in their own namespace. This action has no resource.",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            condition={"StringEquals": {"cloudwatch:namespace": namespace}},
        )
    ]


def reader_use(role_arn: str) -> list[Statement]:
    """What the VM needs to report when Logz.io last read. `role_arn`: of the reader's role."""
    return [
        Statement(
            sid="SeeWhenLogzioReads",
            reason="The watchdog reads when the reader's role was last used, for the alarm that Logz.io has stopped "
            "reading. It may look at no other role.",
            actions=["iam:GetRole"],
            resources=[role_arn],
        )
    ]


def canary(
    bucket: str,
    topics_dir: str,
    kms_key_arn: str | None,
    *,
    kafka_parameter_arn: str,
    secrets_key_arn: str,
    namespace: str,
) -> list[Statement]:
    """What the identity that runs `verify --publish` needs in AWS; the program does not make this identity."""
    return [
        Statement(
            sid="FindObjects",
            reason="`verify` lists the archive, to find objects that Logz.io has not read.",
            actions=["s3:ListBucket"],
            resources=[bucket_arn(bucket)],
        ),
        Statement(
            sid="ReadObjects",
            reason="`verify` reads events and originals, to search Logz.io for the ids of the events.",
            actions=["s3:GetObject"],
            resources=[f"{bucket_arn(bucket)}/{topics_dir}/*", f"{bucket_arn(bucket)}/{layout.ORIGINALS}/*"],
        ),
        *_use_key(kms_key_arn, ["kms:Decrypt"], "The bucket's key encrypts the objects that `verify` reads."),
        Statement(
            sid="ReadKafkaLogin",
            reason="`verify` compares the bucket with Kafka. Without this right it measures all the same, but says that "
            "Kafka could not be checked.",
            actions=["ssm:GetParameter"],
            resources=[kafka_parameter_arn],
        ),
        _decrypt_parameters(
            "DecryptKafkaLogin",
            "The parameter with Kafka's login is encrypted. The key serves only the parameter store, and only for this "
            "parameter.",
            [kafka_parameter_arn],
            secrets_key_arn,
        ),
        Statement(
            sid="WriteMetrics",
            reason="The measurement goes into the stack's namespace, and into no other. This action has no resource.",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            condition={"StringEquals": {"cloudwatch:namespace": namespace}},
        ),
    ]


def alarm_topic(topic_arn: str) -> list[Statement]:
    """Who may publish to the topic of the alarms. `topic_arn`: has the partition, the region and the account, too.

    Sources: AWS knowledge center, "cloudwatch-receive-sns-for-alarm-trigger", for the first statement (the ARN of an
    alarm has the account, so `aws:SourceAccount` would add nothing); Amazon SNS developer guide, "Security best
    practices", for the second one.
    """
    _, partition, _, region, account, _ = topic_arn.split(":")
    return [
        Statement(
            sid="AlarmsOfThisAccount",
            reason="CloudWatch publishes for the alarms of this account and region. No other account and no other "
            "service may; within the account, an IAM policy that allows sns:Publish is needed.",
            actions=["sns:Publish"],
            resources=[topic_arn],
            principal={"Service": "cloudwatch.amazonaws.com"},
            condition={
                "ArnLike": {"aws:SourceArn": f"arn:{partition}:cloudwatch:{region}:{account}:alarm:*"}
            },
        ),
        Statement(
            sid="OnlyTls",
            reason="Nobody may send a message in plain text, or change one on the wire.",
            effect="Deny",
            actions=["sns:Publish"],
            resources=[topic_arn],
            principal="*",
            condition={"Bool": {"aws:SecureTransport": "false"}},
        ),
    ]


def session_manager() -> list[Statement]:
    """What a shell through Session Manager needs on the VM's side.

    AWS's managed policy AmazonSSMManagedInstanceCore would also let the VM read every parameter.
    """
    return [
        Statement(
            sid="SessionManager",
            reason="A shell without an open port. The actions of its channels have no resource. That of the "
            "registration has: the instance, but its id is unknown before it starts with this role.",
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
    """The bucket's own policy, which applies to every caller.

    Each statement refuses by how the request came or what it names, never by who made it: a Deny by principal could lock
    out the owner. No statement refuses to read or to change this policy over TLS.
    """
    own_encryption = (
        {"s3:x-amz-server-side-encryption": "AES256"}
        if kms_key_arn is None
        # A request that names aws:kms without a key would use AWS's own key: it has no key header, so it is not equal.
        else {"s3:x-amz-server-side-encryption-aws-kms-key-id": kms_key_arn}
    )
    return [
        Statement(
            sid="OnlyTls",
            reason="Nobody may read audit events and signed requests on the wire.",
            effect="Deny",
            actions=["s3:*"],
            resources=[bucket_arn(name), f"{bucket_arn(name)}/*"],
            principal="*",
            condition={"Bool": {"aws:SecureTransport": "false"}},
        ),
        Statement(
            sid="OnlyTheBucketsEncryption",
            reason="Logz.io could not read an object with another encryption than the bucket's. An upload that names no "
            "encryption, like the sink's, gets the bucket's.",
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
            reason="The owner could not read objects under a key that only the uploader knows (SSE-C).",
            effect="Deny",
            actions=["s3:PutObject"],
            resources=[f"{bucket_arn(name)}/*"],
            principal="*",
            condition={"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
        ),
    ]
