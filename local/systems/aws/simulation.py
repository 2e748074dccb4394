"""SimulatePrincipalPolicy, which moto lacks, with the evaluation that `authorization` enforces by.

Source: IAM API reference, "SimulatePrincipalPolicy". It evaluates the principal's own policies, with the condition keys
that the request gives and no others; each action on each resource, `*` if the request names none. An ARN of a role
session is refused. Not evaluated here, as the local AWS has none: permissions boundaries, policies of organisations.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from local.systems.aws import authorization, inventory
from local.systems.aws.policy import Access, Decision, decide

_MOST = 100
"""Results in an answer, unless the request says otherwise."""

_DECISIONS = {Decision.ALLOW: "allowed", Decision.DENY: "explicitDeny", Decision.NEUTRAL: "implicitDeny"}


class SimulationError(ServiceException):
    """A refused simulation; moto renders it in IAM's protocol."""


def install() -> None:
    """Adds the action to moto's IAM."""
    response: Any = IamResponse
    response.simulate_principal_policy = _simulate


def _simulate(response: Any) -> ActionResult:
    given: Mapping[str, Any] = response.params
    policies = _policies(str(given["PolicySourceArn"]))
    results = list(_results(given, policies))
    start, most = int(given.get("Marker") or 0), int(given.get("MaxItems") or _MOST)
    is_truncated = start + most < len(results)
    answer = {"EvaluationResults": results[start : start + most], "IsTruncated": is_truncated}
    return ActionResult({**answer, "Marker": str(start + most)} if is_truncated else answer)


def _results(given: Mapping[str, Any], policies: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    context = {
        entry["ContextKeyName"].lower(): [str(value) for value in entry["ContextKeyValues"]]
        for entry in given.get("ContextEntries") or ()
    }
    for action in given["ActionNames"]:
        for resource in given.get("ResourceArns") or ["*"]:
            decision = decide(policies, Access(action, resource, context))
            yield {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": _DECISIONS[decision],
                "MatchedStatements": [],
                "MissingContextValues": [],
            }


def _policies(arn: str) -> tuple[dict[str, Any], ...]:
    account, _, path = arn.partition("::")[2].partition(":")
    kind, name = path.partition("/")[0], path.rpartition("/")[2]
    if not arn.startswith("arn:aws:iam::") or kind not in ("user", "role"):
        raise SimulationError("InvalidInput", f"Invalid Entity Arn: {arn}")
    found = inventory.iam_entity(account, kind, name)
    if found is None or found.arn != arn:
        raise SimulationError("NoSuchEntity", f"The {kind} with name {name} cannot be found.")
    read = authorization.user_policies if kind == "user" else authorization.role_policies
    return read(account, found)
