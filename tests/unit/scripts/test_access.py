"""Where the secrets of a look at a stack come from."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from components import settings
from components.logzio import redaction
from scripts.access import Access, AccessError
from tests.unit.components.test_settings import BY_ENDPOINT, BY_IDS


@dataclass
class Ssm:
    """The parameter store."""

    asked: list[dict[str, Any]] = field(default_factory=list)

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        return {"Parameter": {"Value": json.dumps({"key": "vm-key", "secret": "marker-vm-secret"})}}


@dataclass(frozen=True)
class Stack:
    """A stack whose endpoint is known, or not."""

    found: str | None
    owner: str = "prod"

    def bootstrap_servers(self) -> str | None:
        return self.found


def access(
    raw: dict[str, Any], found: str | None = None, ssm: Ssm | None = None, owner: str = "prod"
) -> Access:
    return Access(
        stack=Stack(found, owner),  # type: ignore[arg-type]  # as far as it is asked for
        settings=settings.load(raw, region="us-west-2", environ={}),
        client=lambda _: ssm or Ssm(),
        logzio=None,  # type: ignore[arg-type]  # not asked here
    )


def test_kafka_is_asked_with_the_vms_own_key_if_no_other_is_given() -> None:
    ssm = Ssm()

    config = access(BY_IDS, "pkc-1:9092", ssm).kafka({})

    assert (config["bootstrap.servers"], config["sasl.username"]) == ("pkc-1:9092", "vm-key")
    assert ssm.asked == [{"Name": "/ccloud-logexporter/prod/kafka-credentials", "WithDecryption": True}]
    assert redaction.clean("refused: marker-vm-secret") == "refused: [redacted]"


def test_in_a_project_of_another_name_the_parameter_carries_that_name() -> None:
    ssm = Ssm()

    access(BY_IDS, "pkc-1:9092", ssm, owner="audit/prod").kafka({})

    assert [one["Name"] for one in ssm.asked] == ["/ccloud-logexporter/audit/prod/kafka-credentials"]


def test_a_given_key_comes_before_the_vms() -> None:
    ssm = Ssm()

    config = access(BY_ENDPOINT, ssm=ssm).kafka({})

    assert config["sasl.username"] == BY_ENDPOINT["source"]["apiKey"]
    assert ssm.asked == []


def test_the_environment_comes_before_all() -> None:
    environ = {"KAFKA_API_KEY": "env-key", "KAFKA_API_SECRET": "marker-env-secret"}

    config = access(BY_ENDPOINT).kafka(environ)

    assert (config["sasl.username"], config["sasl.password"]) == ("env-key", "marker-env-secret")


def test_a_stack_that_was_never_made_says_what_to_do() -> None:
    with pytest.raises(AccessError, match="run `pulumi up` first"):
        access(BY_IDS).kafka({})
