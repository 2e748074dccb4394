"""What the answers of the systems mean for a new stack."""

import json

import pytest
from pydantic import TypeAdapter

from components.settings.types import BucketName
from scripts.new import lookup
from scripts.preflight.model import Account, CheckError, State

DESCRIBED = {"cluster_id": "lkc-a1", "environment_id": "env-a1", "service_account_id": "sa-a1"}


def test_the_ids_and_the_topic_are_read() -> None:
    found = lookup.audit_log(json.dumps({**DESCRIBED, "topic_name": "events", "later": 1}))

    assert found == {
        "source.cluster": "lkc-a1",
        "source.environment": "env-a1",
        "source.serviceAccount": "sa-a1",
        "topic": "events",
    }


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "Cluster | lkc-a1", json.dumps({**DESCRIBED, "cluster_id": None})]
)
def test_something_else_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(
        ValueError, match="accepted: JSON with cluster_id, environment_id, service_account_id"
    ):
        lookup.audit_log(text)


@pytest.mark.parametrize("stack", ["prod", "Team_A.x", "-", "a" * 100])
def test_every_candidate_is_a_name_of_a_bucket(stack: str) -> None:
    names = lookup.bucket_names(stack, "123456789012")

    assert len({*names}) == len(names) == 9
    bucket_name: TypeAdapter[str] = TypeAdapter(BucketName)
    assert [name for name in names if bucket_name.validate_python(name) != name] == []


def test_a_region_that_accepts_the_token_wins_over_those_that_do_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(_token: str, url: str) -> Account:
        if "-ca" in url:
            return Account("7")
        raise CheckError("does not answer")

    monkeypatch.setattr(lookup, "logzio_account", ask)

    assert lookup.logzio_region("a-token") == ("ca", Account("7"))


def test_a_token_is_refused_only_if_every_region_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_token: str, url: str) -> Account:
        raise CheckError("refused", state=State.UNKNOWN if "-uk" in url else State.BROKEN)

    monkeypatch.setattr(lookup, "logzio_account", ask)

    with pytest.raises(CheckError) as caught:
        lookup.logzio_region("a-token")

    assert caught.value.state is State.UNKNOWN
