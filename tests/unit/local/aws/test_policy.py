"""The evaluation of policy documents, without a server."""

from typing import Any

import pytest

from local.systems.aws.policy import Access, Decision, UnsupportedPolicyError, decide, matches


def statement(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **elements}


def verdict(
    *statements: dict[str, Any], action: str = "s3:GetObject", resource: str = "r", **context: str
) -> Decision:
    access = Access(action, resource, {key.replace("_", ":"): [value] for key, value in context.items()})
    return decide([{"Version": "2012-10-17", "Statement": list(statements)}], access)


def test_an_explicit_deny_wins_over_an_allow_before_it() -> None:
    assert verdict(statement(), statement(Effect="Deny")) is Decision.DENY


def test_without_a_matching_statement_the_decision_is_neutral() -> None:
    assert verdict(statement(), action="s3:PutObject") is Decision.NEUTRAL


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("arn:aws:s3:::b/topics/*", "arn:aws:s3:::b/topics/a/b", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::a.b/*", "arn:aws:s3:::axb/k", False),
        ("arn:aws:s3:::b/k+0", "arn:aws:s3:::b/k+0", True),
        ("partition=?", "partition=1", True),
        ("partition=?", "partition=10", False),
    ],
)
def test_only_star_and_question_mark_are_wildcards(pattern: str, value: str, expected: bool) -> None:
    assert matches(pattern, value) is expected


def test_action_names_do_not_depend_on_case() -> None:
    assert verdict(statement(Action="S3:getobject")) is Decision.ALLOW


def test_a_not_action_statement_excludes_its_actions() -> None:
    all_but_deletes = {"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*"}
    assert verdict(all_but_deletes) is Decision.ALLOW
    assert verdict(all_but_deletes, action="s3:DeleteObject") is Decision.NEUTRAL


def test_a_condition_that_does_not_match_makes_its_statement_neutral_not_a_refusal() -> None:
    conditional = statement(Condition={"StringEquals": {"s3:prefix": "topics/"}})
    assert verdict(conditional, s3_prefix="other/") is Decision.NEUTRAL
    assert verdict(conditional, statement(), s3_prefix="other/") is Decision.ALLOW
    assert verdict(conditional, s3_prefix="topics/") is Decision.ALLOW


def test_a_deny_without_tls_does_not_apply_to_a_request_with_tls() -> None:
    deny = statement(Effect="Deny", Action="s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    assert verdict(deny, aws_securetransport="true") is Decision.NEUTRAL
    assert verdict(deny, aws_securetransport="false") is Decision.DENY


def test_a_missing_key_fails_a_positive_test_and_passes_a_negated_one() -> None:
    assert verdict(statement(Condition={"StringEquals": {"s3:prefix": "a"}})) is Decision.NEUTRAL
    assert verdict(statement(Condition={"StringNotEquals": {"s3:prefix": "a"}})) is Decision.ALLOW
    assert verdict(statement(Condition={"StringEqualsIfExists": {"s3:prefix": "a"}})) is Decision.ALLOW


def test_an_upload_with_another_encryption_differs_from_one_without_encryption() -> None:
    key = "s3:x-amz-server-side-encryption"
    other = statement(Effect="Deny", Condition={"Null": {key: "false"}, "StringNotEquals": {key: "AES256"}})
    assert verdict(other) is Decision.NEUTRAL
    assert verdict(other, **{key: "AES256"}) is Decision.NEUTRAL
    assert verdict(other, **{key: "aws:kms"}) is Decision.DENY


def test_a_negated_test_holds_only_if_no_value_matches() -> None:
    neither = statement(Condition={"StringNotEquals": {"s3:prefix": ["a", "b"]}})
    assert verdict(neither, s3_prefix="c") is Decision.ALLOW
    assert verdict(neither, s3_prefix="b") is Decision.NEUTRAL


@pytest.mark.parametrize(
    "unknown",
    [
        statement(Condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}),
        statement(Resource="arn:aws:s3:::b/${aws:username}"),
        statement(NotPrincipal="*"),
    ],
)
def test_an_unknown_element_is_an_error_and_never_granted(unknown: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedPolicyError):
        verdict(unknown, aws_currenttime="2029-01-01T00:00:00Z")
