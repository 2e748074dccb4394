from typing import Any

import pulumi
import pytest
from pulumi.dynamic import Resource, ResourceProvider

from components.logzio.registration import LogzioAccount, LogzioShipping, LogzioShippingArgs
from tests.unit.components.recorder import Recorder, record

SHIPPING = "logexporter:shipping:LogzioShipping"
REGISTRATION = "pulumi-python:dynamic/logexporter:LogzioRegistration"
ACCOUNT = "pulumi-python:dynamic/logexporter:LogzioAccount"


def prefixes(count: int, directory: str = "topics") -> list[str]:
    return [f"{directory}/audit/partition={number}/" for number in range(count)]


def shipping(**changed: Any) -> Recorder:
    given: dict[str, Any] = {
        "base_url": "https://api.logz.io",
        "bucket": "archive",
        "region": "us-west-2",
        "prefixes": prefixes(12),
        "log_type": "confluent_audit",
        "role_arn": "arn:aws:iam::123456789012:role/reader",
    }
    return record(lambda: LogzioShipping("logzio", LogzioShippingArgs(**{**given, **changed})))


def names(recorder: Recorder) -> list[str]:
    return sorted(one.name for one in recorder.of_type(REGISTRATION))


def test_there_is_one_registration_per_partition() -> None:
    recorder = shipping()

    assert sorted(one.inputs["prefix"] for one in recorder.of_type(REGISTRATION)) == sorted(prefixes(12))
    assert {one.parent for one in recorder.of_type(REGISTRATION)} == {recorder.one(SHIPPING).urn}


def test_more_partitions_add_registrations_and_touch_no_other() -> None:
    twelve, twenty = shipping(), shipping(prefixes=prefixes(20))

    before = {one.name: one.inputs for one in twelve.of_type(REGISTRATION)}
    after = {one.name: one.inputs for one in twenty.of_type(REGISTRATION)}
    assert before.items() <= after.items()
    assert len(after) == 20


def test_another_topics_directory_keeps_the_names_so_that_it_is_seen_as_a_change() -> None:
    assert names(shipping()) == names(shipping(prefixes=prefixes(12, "elsewhere")))


def test_partitions_of_two_topics_have_names_of_their_own() -> None:
    both = shipping(prefixes=["topics/a/partition=0/", "topics/b/partition=0/"])

    assert names(both) == ["logzio-a-0", "logzio-b-0"]


def test_a_secret_key_is_a_secret_on_its_way_in_and_in_the_state() -> None:
    recorder = shipping(role_arn=None, access_key="AK", secret_key="marker-secret")

    for one in recorder.of_type(REGISTRATION):
        assert "secret_key" in one.secret_inputs
        assert "secret_key" in one.secret_outputs


def test_no_registration_has_anything_of_the_token() -> None:
    for one in shipping().of_type(REGISTRATION):
        assert not [name for name in one.inputs if "token" in name.lower()]


def test_registrations_come_after_what_their_component_depends_on() -> None:
    class Nothing(Resource):
        def __init__(self) -> None:
            super().__init__(ResourceProvider(), "first", {})

    def program() -> None:
        args = LogzioShippingArgs("https://x.example", "b", "us-west-2", prefixes(1), "t", role_arn="r")
        LogzioShipping("logzio", args, pulumi.ResourceOptions(depends_on=[Nothing()]))

    recorder = record(program)

    (first,) = (registration for registration in recorder.registrations if registration.name == "first")
    assert first.urn in recorder.one(REGISTRATION).dependencies


def test_ids_are_told_by_prefix() -> None:
    seen: list[dict[str, str]] = []

    def program() -> None:
        args = LogzioShippingArgs("https://x.example", "b", "us-west-2", prefixes(2), "t", role_arn="r")
        LogzioShipping("logzio", args).registration_ids.apply(seen.append)

    record(program)

    assert seen == [
        {"topics/audit/partition=0/": "logzio-audit-0-id", "topics/audit/partition=1/": "logzio-audit-1-id"}
    ]


def test_an_account_needs_its_address_only() -> None:
    recorder = record(lambda: LogzioAccount("account", "https://api.logz.io"))

    inputs = {name: value for name, value in recorder.one(ACCOUNT).inputs.items() if name != "__provider"}
    assert {name: value for name, value in inputs.items() if value is not None} == {
        "base_url": "https://api.logz.io"
    }


@pytest.mark.parametrize("resource", [REGISTRATION])
def test_the_provider_in_the_state_is_a_reference_without_a_secret(resource: str) -> None:
    for one in shipping().of_type(resource):
        assert "__provider" not in one.secret_inputs
        assert len(one.inputs["__provider"]) < 200
