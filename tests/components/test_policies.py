import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components import policies
from components.policies import Statement

GOLDEN = Path(__file__).parent.parent / "golden"
BUCKET = "logexporter-ccloud"
KEY = "arn:aws:kms:us-west-2:111122223333:key/0d6f5b0e-2f6e-4a35-9a53-2b8c7d1f0a11"
PARAMETER = "arn:aws:ssm:us-west-2:111122223333:parameter/ccloud-logexporter/dev/kafka-credentials"

EVERY_POLICY = {
    "writer": policies.writer(BUCKET, KEY),
    "reader": policies.reader(BUCKET, "topics", KEY),
    "reader trust": policies.reader_trust("111122223333", "logzio:aws:extid:1"),
    "instance trust": policies.instance_trust(),
    "secrets": policies.secrets([PARAMETER]),
    "session manager": policies.session_manager(),
    "bucket": policies.bucket(BUCKET),
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


def test_bucket_actions_stand_on_the_bucket_and_object_actions_on_its_objects() -> None:
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
        if statement.effect == "Allow":
            assert not [action for action in statement.actions if "*" in action], statement.sid


@pytest.mark.parametrize("name", EVERY_POLICY)
def test_only_session_manager_whose_actions_know_no_resource_is_allowed_on_everything(name: str) -> None:
    for statement in EVERY_POLICY[name]:
        assert ("*" in statement.resources) == (statement.sid == "SessionManager")


def test_session_manager_cannot_read_parameters() -> None:
    assert actions(policies.session_manager()) == {
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
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
    ],
)
def test_a_kms_key_gives_writer_and_reader_just_what_each_needs_of_it(
    statements: Sequence[Statement], granted: set[str]
) -> None:
    (use_key,) = [statement for statement in statements if statement.sid == "UseKey"]

    assert set(use_key.actions) == granted
    assert use_key.resources == [KEY]


def test_the_bucket_refuses_everybody_who_comes_without_tls_and_nobody_else() -> None:
    (statement,) = parsed(policies.bucket(BUCKET))["Statement"]

    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
