import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import parliament
import pytest

from components import policies
from components.policies import Statement
from local.systems.aws.policy import Access, Decision, decide

# The statement of a key's policy that the account's IAM policies decide; it allows nobody by itself.
LEFT_TO_IAM = "IamPoliciesDecide"
GOLDEN = Path(__file__).parents[2] / "golden"
BUCKET = "logexporter-ccloud"
KEY = "arn:aws:kms:us-west-2:111122223333:key/0d6f5b0e-2f6e-4a35-9a53-2b8c7d1f0a11"
PARAMETER = "arn:aws:ssm:us-west-2:111122223333:parameter/ccloud-logexporter/dev/kafka-credentials"
TOPIC = "arn:aws:sns:us-west-2:111122223333:alarms"
WORKER_FILES = f"worker-files/{'0' * 64}.tar.bz2"

EVERY_POLICY = {
    "writer": policies.writer(BUCKET, KEY),
    "reader": policies.reader(BUCKET, "topics", KEY),
    "reader trust": policies.reader_trust("111122223333", "logzio:aws:extid:1"),
    "instance trust": policies.instance_trust(),
    "secrets": policies.secrets([PARAMETER], KEY),
    "secrets key": policies.secrets_key("arn:aws:iam::111122223333:root"),
    "session manager": policies.session_manager(),
    "metrics": policies.metrics("ccloud-logexporter"),
    "reader use": policies.reader_use("arn:aws:iam::111122223333:role/logexporter/reader"),
    "canary": policies.canary(
        BUCKET,
        "topics",
        KEY,
        kafka_parameter_arn=PARAMETER,
        secrets_key_arn=KEY,
        namespace="ccloud-logexporter",
    ),
    "worker status": policies.worker_status([PARAMETER]),
    "connector settings": policies.connector_settings([PARAMETER]),
    "worker files": policies.worker_files(BUCKET, WORKER_FILES, KEY),
    "bucket": policies.bucket(BUCKET, KEY),
    "alarm topic": policies.alarm_topic(TOPIC),
}


def parsed(statements: Sequence[Statement]) -> Any:
    return json.loads(policies.to_json(statements))


def actions(statements: Sequence[Statement]) -> set[str]:
    return {action for statement in statements for action in statement.actions}


def test_the_writers_policy_is_the_articles_with_its_two_faults_corrected() -> None:
    golden = json.loads((GOLDEN / "writer-policy.json").read_text())

    assert parsed(policies.writer(BUCKET, None)) == golden


def test_the_writer_holds_no_action_that_does_not_exist() -> None:
    assert "s3:ListMultipartUpload" not in actions(policies.writer(BUCKET, None))


def test_bucket_actions_name_the_bucket_and_object_actions_its_objects() -> None:
    bucket_level = {"s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"}
    for statement in [*policies.writer(BUCKET, KEY), *policies.reader(BUCKET, "topics", KEY)]:
        for action in set(statement.actions) - {"s3:ListAllMyBuckets"}:
            if action.startswith("s3:"):
                on_objects = [resource.endswith("/*") for resource in statement.resources]
                assert on_objects == [action not in bucket_level], (statement.sid, action)


@pytest.mark.parametrize("name", EVERY_POLICY)
def test_every_statement_says_why_it_is_there(name: str) -> None:
    for statement in EVERY_POLICY[name]:
        assert len(statement.reason.split()) >= 5, statement.sid


@pytest.mark.parametrize("name", EVERY_POLICY)
def test_nothing_is_allowed_by_a_wildcard_action(name: str) -> None:
    for statement in EVERY_POLICY[name]:
        if statement.effect == "Allow" and statement.sid != LEFT_TO_IAM:
            assert not [action for action in statement.actions if "*" in action], statement.sid


def test_the_keys_policy_allows_nobody_but_leaves_it_to_the_accounts_iam_policies() -> None:
    (statement,) = parsed(EVERY_POLICY["secrets key"])["Statement"]

    # A key's policy that does not let its account manage the key would leave a key that nobody can change.
    assert statement == {
        "Sid": LEFT_TO_IAM,
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": ["kms:*"],
        # In a key's policy: this key.
        "Resource": ["*"],
    }


def test_the_vm_uses_the_secrets_key_only_for_its_own_parameters() -> None:
    _, decrypt = parsed(policies.secrets([PARAMETER], KEY))["Statement"]

    assert (decrypt["Action"], decrypt["Resource"]) == (["kms:Decrypt"], [KEY])
    assert decrypt["Condition"] == {
        "StringEquals": {
            "kms:ViaService": "ssm.us-west-2.amazonaws.com",
            "kms:EncryptionContext:PARAMETER_ARN": [PARAMETER],
        }
    }


def published(source: str, secure: str = "true", action: str = "sns:Publish") -> Decision:
    """What the topic's policy says to CloudWatch, for an alarm with this ARN."""
    context = {"aws:sourcearn": [source], "aws:securetransport": [secure]}
    statements = [parsed(policies.alarm_topic(TOPIC))]

    def cloudwatch(element: Any) -> bool:
        return element in ("*", {"Service": "cloudwatch.amazonaws.com"})

    return decide(statements, Access(action, TOPIC, context), cloudwatch)


def test_only_alarms_of_the_topics_account_and_region_publish_to_it_and_only_over_tls() -> None:
    own = "arn:aws:cloudwatch:us-west-2:111122223333:alarm:worker-heartbeat"

    assert published(own) is Decision.ALLOW
    assert published(own, secure="false") is Decision.DENY
    assert published(own, action="sns:Subscribe") is Decision.NEUTRAL
    assert published(own.replace("111122223333", "444455556666")) is Decision.NEUTRAL
    assert published(own.replace("us-west-2", "eu-west-1")) is Decision.NEUTRAL
    assert published("arn:aws:s3:::somebody-elses-bucket") is Decision.NEUTRAL


def test_every_policy_of_the_project_is_held_here() -> None:
    made = {
        name
        for name, function in inspect.getmembers(policies, inspect.isfunction)
        if inspect.signature(function).return_annotation == list[Statement] and not name.startswith("_")
    }

    assert {name.replace(" ", "_") for name in EVERY_POLICY} == made


# What AWS's linter has to say all the same: policy, finding -> why it stays.
KEPT_FINDINGS: Mapping[tuple[str, str], str] = {
    (
        "writer",
        "RESOURCE_MISMATCH",
    ): "s3:ListAllMyBuckets is on arn:aws:s3:::* as in the article; it grants the same",
    ("secrets key", "PERMISSIONS_MANAGEMENT_ACTIONS"): "it leaves them to the account's IAM policies",
    ("secrets key", "RESOURCE_STAR"): "in a key's policy it means this key",
    ("reader trust", "MALFORMED"): "a trust policy has no resource: its role is the resource",
    ("instance trust", "MALFORMED"): "a trust policy has no resource: its role is the resource",
    (
        "bucket",
        "MISMATCHED_TYPE_BUT_USABLE",
    ): "an ARN that must be equal, not like: a key id holds no wildcard",
}


def test_the_linter_finds_no_unknown_action_resource_or_condition() -> None:
    found = {
        (name, finding.issue): finding.detail
        for name, statements in EVERY_POLICY.items()
        for finding in lint(statements)
    }

    assert {key: detail for key, detail in found.items() if key not in KEPT_FINDINGS} == {}
    assert set(KEPT_FINDINGS) <= set(found), "a reason for a finding that is not there any more"


def test_the_linter_would_find_the_articles_faults() -> None:
    unknown = Statement("One", "", ["s3:ListMultipartUpload"], ["arn:aws:s3:::b/*"])
    misplaced = Statement("Two", "", ["s3:ListBucketMultipartUploads"], ["arn:aws:s3:::b/*"])

    assert [finding.issue for finding in lint([unknown])] == ["UNKNOWN_ACTION"]
    assert [finding.issue for finding in lint([misplaced])] == ["RESOURCE_MISMATCH"]


def lint(statements: Sequence[Statement]) -> list[Any]:
    """What parliament finds, with AWS's tables of actions, resources and condition keys."""
    analyzed = parliament.analyze_policy_string(policies.to_json(statements), include_community_auditors=True)
    return list(analyzed.findings)


# Actions that could stand on a resource and yet stand on all.
ON_EVERYTHING_ALL_THE_SAME: Mapping[str, str] = {
    "ssm:UpdateInstanceInformation": "the instance's id is not known before it starts with this role",
}


@pytest.mark.parametrize("name", EVERY_POLICY)
def test_only_actions_that_know_no_resource_are_allowed_on_everything(name: str) -> None:
    for statement in EVERY_POLICY[name]:
        if "*" in statement.resources and statement.sid != LEFT_TO_IAM:
            with_resource = {action for action in statement.actions if resource_types(action)}
            assert with_resource <= set(ON_EVERYTHING_ALL_THE_SAME), statement.sid


def resource_types(action: str) -> set[str]:
    """The kinds of resource that AWS knows for an action."""
    prefix, _, name = action.partition(":")
    (privilege,) = [
        privilege
        for service in parliament.iam_definition
        if service["prefix"] == prefix
        for privilege in service["privileges"]
        if privilege["privilege"] == name
    ]
    return {type_["resource_type"] for type_ in privilege["resource_types"] if type_["resource_type"]}


def test_session_manager_cannot_read_parameters() -> None:
    assert actions(policies.session_manager()) == {
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    }


def test_the_canary_reads_events_and_originals_and_changes_nothing() -> None:
    granted = EVERY_POLICY["canary"]
    (read,) = [statement for statement in granted if "s3:GetObject" in statement.actions]

    assert read.resources == [f"arn:aws:s3:::{BUCKET}/{folder}/*" for folder in ("topics", "originals")]
    assert actions(granted) == {
        "s3:ListBucket",
        "s3:GetObject",
        "kms:Decrypt",
        "ssm:GetParameter",
        "cloudwatch:PutMetricData",
    }


def test_logzio_reads_only_below_the_topics_directory_and_writes_nothing() -> None:
    granted = parsed(policies.reader(BUCKET, "exports", None))["Statement"]

    assert granted[1]["Resource"] == [f"arn:aws:s3:::{BUCKET}/exports/*"]
    assert actions(policies.reader(BUCKET, "exports", None)) == {
        "s3:ListBucket",
        "s3:GetBucketLocation",
        "s3:GetObject",
    }


def test_the_readers_role_trusts_one_logzio_account_on_behalf_of_one_customer() -> None:
    (statement,) = parsed(policies.reader_trust("111122223333", "logzio:aws:extid:1"))["Statement"]

    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "logzio:aws:extid:1"}}


@pytest.mark.parametrize(
    ("statements", "granted"),
    [
        (policies.writer(BUCKET, KEY), {"kms:GenerateDataKey", "kms:Decrypt"}),
        (policies.reader(BUCKET, "topics", KEY), {"kms:Decrypt"}),
        (policies.worker_files(BUCKET, WORKER_FILES, KEY), {"kms:Decrypt"}),
    ],
)
def test_a_kms_key_gives_each_just_what_it_needs_of_it(
    statements: Sequence[Statement], granted: set[str]
) -> None:
    (use_key,) = [statement for statement in statements if statement.sid == "UseKey"]

    assert set(use_key.actions) == granted
    assert use_key.resources == [KEY]


def put(key_header: str | None = None, **headers: str) -> Access:
    """An upload; `headers` as S3 names them without `x-amz-server-side-encryption-`."""
    context = {"aws:securetransport": ["true"]}
    context |= {f"s3:x-amz-server-side-encryption-{name}": [value] for name, value in headers.items()}
    if key_header is not None:
        context["s3:x-amz-server-side-encryption"] = [key_header]
    return Access("s3:PutObject", f"arn:aws:s3:::{BUCKET}/topics/t/o", context)


def verdict(access: Access, kms_key_arn: str | None) -> Decision:
    document = parsed(policies.bucket(BUCKET, kms_key_arn))
    return decide([document], access, lambda principal: principal == "*")


@pytest.mark.parametrize("kms_key_arn", [None, KEY])
@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:PutBucketPolicy", "s3:ListBucket"])
def test_requests_without_tls_are_refused(action: str, kms_key_arn: str | None) -> None:
    resource = f"arn:aws:s3:::{BUCKET}" + ("/k" if action.endswith("Object") else "")

    plain, secure = (Access(action, resource, {"aws:securetransport": [tls]}) for tls in ("false", "true"))

    assert verdict(plain, kms_key_arn) is Decision.DENY
    assert verdict(secure, kms_key_arn) is Decision.NEUTRAL


@pytest.mark.parametrize(
    ("kms_key_arn", "upload", "expected"),
    [
        (None, put(), Decision.NEUTRAL),
        (None, put("AES256"), Decision.NEUTRAL),
        (None, put("aws:kms"), Decision.DENY),
        (None, put("aws:kms", **{"aws-kms-key-id": KEY}), Decision.DENY),
        (None, put(**{"customer-algorithm": "AES256"}), Decision.DENY),
        (KEY, put(), Decision.NEUTRAL),
        (KEY, put("aws:kms", **{"aws-kms-key-id": KEY}), Decision.NEUTRAL),
        (KEY, put("aws:kms", **{"aws-kms-key-id": KEY + "0"}), Decision.DENY),
        (KEY, put("aws:kms"), Decision.DENY),
        (KEY, put("AES256"), Decision.DENY),
        (KEY, put("aws:kms:dsse", **{"aws-kms-key-id": KEY + "0"}), Decision.DENY),
        (KEY, put(**{"customer-algorithm": "AES256"}), Decision.DENY),
    ],
)
def test_an_upload_that_names_another_encryption_than_the_buckets_is_refused(
    kms_key_arn: str | None, upload: Access, expected: Decision
) -> None:
    assert verdict(upload, kms_key_arn) is expected


@pytest.mark.parametrize("kms_key_arn", [None, KEY])
def test_no_refusal_depends_on_the_caller(kms_key_arn: str | None) -> None:
    of_the_caller = ("principal", "userid", "username", "sourceip", "sourcevpc", "mfa", "source")
    for statement in parsed(policies.bucket(BUCKET, kms_key_arn))["Statement"]:
        keys = [key for keys in statement["Condition"].values() for key in keys]
        assert statement["Effect"] == "Deny"
        assert statement["Principal"] == "*"
        assert "NotPrincipal" not in statement
        assert keys
        assert not [key for key in keys if any(word in key.lower() for word in of_the_caller)], keys
