"""Evaluation of AWS policy documents.

moto's own evaluation reads `Resource` as a regular expression, refuses where a condition does not match
(AWS goes on to the next statement) and knows the `StringEquals` operator only. This evaluation follows the
"policy evaluation logic" and the "IAM JSON policy elements" pages of the IAM user guide, as far as the
policies of this project need. An element that it does not know is an error, never silently granted or ignored.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any


class UnsupportedPolicyError(ValueError):
    """A policy holds an element that this evaluation does not know."""


class Decision(Enum):
    """The result of a set of statements for one request."""

    ALLOW = "allow"
    DENY = "deny"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Access:
    """One permission that a request needs: an action on a resource, under condition keys.

    Attributes:
        action: with its service, as in `s3:PutObject`.
        resource: an ARN, or `*` for actions without resource-level permissions.
        context: condition keys in lower case, with their values.
    """

    action: str
    resource: str
    context: Mapping[str, Sequence[str]]


Document = Mapping[str, Any]
PrincipalTest = Callable[[Any], bool]


def decide(documents: Iterable[Document], access: Access, principal: PrincipalTest | None = None) -> Decision:
    """Evaluates documents together: an explicit deny wins, then an allow.

    Args:
        documents: parsed policy documents of one kind.
        access: what is asked for.
        principal: for resource and trust policies, tells whether a `Principal` element means the caller.

    Raises:
        UnsupportedPolicyError: a document holds an element that is not known here.
    """
    decision = Decision.NEUTRAL
    for document in documents:
        for statement in _as_list(document["Statement"]):
            if not _applies(statement, access, principal):
                continue
            if statement["Effect"] == "Deny":
                return Decision.DENY
            decision = Decision.ALLOW
    return decision


def matches(pattern: str, value: str) -> bool:
    """IAM's wildcards: `*` any run of characters, `?` one character, everything else is literal."""
    return _wildcard(pattern).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _wildcard(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), re.DOTALL)


def _applies(statement: Mapping[str, Any], access: Access, principal: PrincipalTest | None) -> bool:
    known = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"}
    if unknown := statement.keys() - known:
        raise UnsupportedPolicyError(f"policy element {sorted(unknown)} is not known here")
    return (
        _names_action(statement, access.action)
        and (principal is None or principal(statement.get("Principal")))
        and _names_resource(statement, access.resource)
        and _conditions_hold(statement.get("Condition", {}), access.context)
    )


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    def named(patterns: Any) -> bool:
        return any(matches(pattern.lower(), action.lower()) for pattern in _as_list(patterns))

    if "NotAction" in statement:
        return not named(statement["NotAction"])
    return named(statement["Action"])


def _names_resource(statement: Mapping[str, Any], resource: str) -> bool:
    def named(patterns: Any) -> bool:
        for pattern in _as_list(patterns):
            if "${" in pattern:
                raise UnsupportedPolicyError(f"policy variable in {pattern!r} is not known here")
        return any(matches(pattern, resource) for pattern in _as_list(patterns))

    if "NotResource" in statement:
        return not named(statement["NotResource"])
    # A trust policy has no Resource: it belongs to its role.
    return "Resource" not in statement or named(statement["Resource"])


def _conditions_hold(
    conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, Sequence[str]]
) -> bool:
    return all(
        _condition_holds(operator, context.get(key.lower()), [str(value) for value in _as_list(expected)])
        for operator, keys in conditions.items()
        for key, expected in keys.items()
    )


def _condition_holds(operator: str, actual: Sequence[str] | None, expected: Sequence[str]) -> bool:
    if operator == "Null":
        return (actual is None) == (expected[0].lower() == "true")
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = "Not" in name
    test = _TESTS.get(name.replace("Not", ""))
    if test is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise UnsupportedPolicyError(f"condition operator {operator!r} is not known here")
    if not actual:
        # IAM: a missing key fails a positive test and passes a negated one.
        return if_exists or negated or quantifier == "ForAllValues"
    verdicts = [any(test(value, wanted) for wanted in expected) != negated for value in actual]
    return any(verdicts) if quantifier == "ForAnyValue" else all(verdicts)


def _in_network(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": lambda value, wanted: matches(wanted, value),
    "ArnEquals": lambda value, wanted: matches(wanted, value),
    "ArnLike": lambda value, wanted: matches(wanted, value),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
    "IpAddress": _in_network,
}


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
