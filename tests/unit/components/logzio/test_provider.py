import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pulumi
import pytest
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from pulumi.runtime import rpc

from components.logzio import provider
from components.logzio.model import Registered, Registration
from components.logzio.provider import AccountProvider, ProviderError, RegistrationProvider
from tests.unit.components.logzio.scripted import INPUTS, ROLE, shown

KEYS = {"role_arn": None, "access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "marker-secret"}


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["provider"])
    monkeypatch.setattr(provider, "_said", set())
    monkeypatch.setattr(RegistrationProvider, "_in_use", set())
    monkeypatch.setattr(RegistrationProvider, "_wanted", set())


def failures(**changed: Any) -> dict[str, str]:
    result = RegistrationProvider().check({}, {**INPUTS, **changed})
    return {failure.property: failure.reason for failure in result.failures}


def checked(**changed: Any) -> dict[str, Any]:
    return RegistrationProvider().check({}, {**INPUTS, **changed}).inputs


def diff(olds: dict[str, Any], news: dict[str, Any]) -> tuple[bool | None, list[str] | None, bool | None]:
    result = RegistrationProvider().diff("7", {**INPUTS, "account_id": "1", **olds}, {**INPUTS, **news})
    return result.changes, result.replaces, result.delete_before_replace


def test_good_inputs_have_no_problem() -> None:
    assert failures() == {}
    assert failures(**KEYS) == {}


@pytest.mark.parametrize("form", ["us-west-2", "US_WEST_2", "us_west_2"])
def test_every_form_of_a_region_becomes_one(form: str) -> None:
    assert checked(region=form)["region"] == "US_WEST_2"


def test_no_prefix_and_an_empty_prefix_become_one() -> None:
    assert checked(prefix=None)["prefix"] == checked(prefix="")["prefix"] == ""


def test_an_address_loses_its_last_slash() -> None:
    assert checked(base_url="https://api.logz.io/")["base_url"] == "https://api.logz.io"


def test_a_region_that_logzio_cannot_read_is_refused_with_those_it_can() -> None:
    assert "eu-north-1" in failures(region="eu-north-1")["region"]
    assert "us-west-2" in failures(region="eu-north-1")["region"]


def test_all_problems_are_told_at_once() -> None:
    found = failures(bucket=None, region="mars-1", log_type="two words", role_arn=None, base_url="ftp://x")

    assert found.keys() == {"bucket", "region", "log_type", "role_arn", "base_url"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"role_arn": None}, "role_arn"),
        ({"access_key": "AKIA", "secret_key": "s"}, "role_arn"),
        ({"role_arn": None, "access_key": "AKIA"}, "secret_key"),
        ({"role_arn": None, "secret_key": "s"}, "access_key"),
    ],
)
def test_either_a_role_or_a_whole_key_is_asked_for(given: dict[str, Any], named: str) -> None:
    assert list(failures(**given)) == [named]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1", "https://x.example"]
)
def test_plain_http_is_for_this_machine_only(url: str) -> None:
    assert failures(base_url=url) == {}


@pytest.mark.parametrize("url", ["http://api.logz.io", "http://127.0.0.1.example:80", "api.logz.io"])
def test_an_address_that_would_show_the_token_is_refused(url: str) -> None:
    assert list(failures(base_url=url)) == ["base_url"]


@pytest.mark.parametrize("name", ["bucket", "region", "log_type", "role_arn", "base_url", "prefix"])
@pytest.mark.parametrize("unknown", [rpc.UNKNOWN, pulumi.output.UNKNOWN], ids=["text", "object"])
def test_what_is_unknown_in_a_preview_passes(name: str, unknown: object) -> None:
    assert failures(**{name: unknown}) == {}
    assert checked(**{name: unknown})[name] == unknown


def test_an_unknown_key_passes() -> None:
    assert failures(role_arn=None, access_key=rpc.UNKNOWN, secret_key=rpc.UNKNOWN) == {}


@pytest.mark.parametrize(
    ("olds", "news"),
    [
        ({}, {}),
        ({"region": "US_WEST_2"}, {"region": "us-west-2"}),
        ({"prefix": ""}, {"prefix": None}),
        ({"access_key": None}, {}),
        ({"base_url": "https://api.logz.io/"}, {}),
        ({}, {"adopt_existing": True}),
    ],
)
def test_equal_forms_are_not_a_change(olds: dict[str, Any], news: dict[str, Any]) -> None:
    assert diff(olds, news) == (False, [], False)


@pytest.mark.parametrize("change", [{"bucket": "other"}, {"prefix": "x/audit/partition=0/"}])
def test_a_registration_of_another_place_is_made_before_the_old_is_deleted(change: dict[str, Any]) -> None:
    assert diff({}, change) == (True, list(change), False)


@pytest.mark.parametrize("change", [{"region": "us-east-1"}, {"base_url": "https://api-eu.logz.io"}])
def test_a_registration_of_the_same_place_is_deleted_before_its_replacement(change: dict[str, Any]) -> None:
    assert diff({}, change) == (True, list(change), True)


@pytest.mark.parametrize(
    "change",
    [{"log_type": "x"}, {"active": False}, {"add_object_key": True}, {"role_arn": f"{ROLE}2"}, KEYS],
    ids=lambda change: next(iter(change)),
)
def test_everything_else_is_changed_in_place(change: dict[str, Any]) -> None:
    assert diff({}, change) == (True, [], False)


def test_a_new_secret_key_is_sent_in_place() -> None:
    assert diff(KEYS, {**KEYS, "secret_key": "marker-new"}) == (True, [], False)


def test_what_is_unknown_may_change_but_replaces_nothing_yet() -> None:
    assert diff({}, {"role_arn": rpc.UNKNOWN}) == (True, [], False)
    assert diff({}, {"bucket": rpc.UNKNOWN}) == (True, [], False)


def test_a_change_of_the_bucket_warns_of_what_stays_unread(
    capsys: pytest.CaptureFixture[str],
) -> None:
    diff({}, {"bucket": "other"})
    diff({}, {"bucket": "other"})

    assert capsys.readouterr().err.count("objects under s3://archive/topics/") == 1


def test_more_object_fields_warn_of_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    diff({}, {"add_object_key": True})

    assert capsys.readouterr().err == ""


def configured(
    setting: str | None, kind: type[RegistrationProvider] = RegistrationProvider
) -> RegistrationProvider:
    made = kind()
    made.configure(ConfigureRequest(Config({"ccloud-logexporter:logzio": setting}, "ccloud-logexporter")))
    return made


def test_the_error_of_a_missing_token_names_both_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOGZIO_API_TOKEN", raising=False)

    with pytest.raises(ProviderError, match=r"LOGZIO_API_TOKEN.*logzio\.apiToken"):
        configured(None).create(INPUTS)


def test_a_bug_also_shows_as_clean_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOGZIO_API_TOKEN", raising=False)
    made = configured('{"apiToken": "marker-of-the-token"}')

    def broken(*_: object) -> None:
        raise KeyError("marker-of-the-token")

    monkeypatch.setattr(provider, "_client", broken)

    with pytest.raises(ProviderError) as caught:
        made.create(INPUTS)
    assert str(caught.value) == "'[redacted]'"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_account_is_asked_anew_when_its_address_changes() -> None:
    accounts = AccountProvider()

    assert accounts.diff("1", {"base_url": "a"}, {"base_url": "b"}).changes
    assert not accounts.diff("1", {"base_url": "a", "external_id": "x"}, {"base_url": "a"}).changes


def test_an_instance_has_no_content_that_could_get_into_the_state() -> None:
    assert vars(RegistrationProvider()) == vars(AccountProvider()) == {}


CREATED_AT = "2026-01-02T03:04:05+00:00"


@dataclass
class Played:
    """A client whose registration was made by this process, or was there."""

    is_new: bool
    deleted: list[int] = field(default_factory=list)

    def account_id(self) -> str:
        return "1"

    def create(self, _: Registration, *, adopt: bool) -> Registered:  # noqa: ARG002  # the client's signature
        return replace(Registered.parse(shown(7)), is_new=self.is_new)

    def read(self, id_: int, _: str | None) -> Registered:
        return Registered.parse(shown(id_))

    def update(self, id_: int, _: Registration) -> Registered:
        return Registered.parse(shown(id_))

    def delete(self, id_: int, _: str | None) -> None:
        self.deleted.append(id_)


@pytest.mark.parametrize("is_new", [True, False])
def test_the_time_of_creation_is_an_output_of_a_new_registration_only(
    monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    monkeypatch.setattr(provider, "_client", lambda *_: Played(is_new))
    before = datetime.now(UTC).replace(microsecond=0)

    outs = configured('{"apiToken": "token-7"}').create(INPUTS).outs or {}

    assert ("created_at" in outs) is is_new
    if is_new:
        assert before <= datetime.fromisoformat(outs["created_at"]) <= datetime.now(UTC)


@pytest.mark.parametrize("known", [{"created_at": CREATED_AT}, {}])
def test_the_time_of_creation_outlives_refresh_and_change_and_is_no_difference(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, str]
) -> None:
    monkeypatch.setattr(provider, "_client", lambda *_: Played(is_new=False))
    made, olds = configured('{"apiToken": "token-7"}'), {**INPUTS, "account_id": "1", **known}

    for result in (made.read("7", olds), made.update("7", olds, {**INPUTS, "active": False})):
        assert (result.outs or {}).get("created_at") == known.get("created_at")
    assert diff(known, {}) == (False, [], False)


@pytest.mark.parametrize(
    ("checked_first", "news", "deleted"),
    [(True, {}, []), (True, {"bucket": "other"}, [7]), (False, {}, [7])],
    ids=["kept by the program", "replaced by the program", "compared by a refresh only"],
)
def test_a_registration_is_deleted_unless_the_run_goes_on_to_use_it(
    monkeypatch: pytest.MonkeyPatch, checked_first: bool, news: dict[str, Any], deleted: list[int]
) -> None:
    client = Played(is_new=False)
    monkeypatch.setattr(provider, "_client", lambda *_: client)
    if checked_first:
        checked(**news)
    diff({}, news)

    configured('{"apiToken": "token-7"}').delete("7", {**INPUTS, "account_id": "1"})

    assert client.deleted == deleted
