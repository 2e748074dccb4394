"""The providers over their wire against the emulator: pickling, numbers, unknowns, secrets."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # Pulumi brings it, without types
import pulumi
import pytest
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from components.logzio.provider import AccountProvider, RegistrationProvider
from local.systems.logzio.server import Emulator
from tests.local.logzio.client_wire import Wire, spawned
from tests.local.logzio_support import running
from tests.unit.components.logzio.scripted import INPUTS, ROLE

MARKER = "marker-secret/of+the=key"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with running(tmp_path) as served:
        yield served


@pytest.fixture
def wire(emulator: Emulator) -> Iterator[Wire]:
    with spawned(RegistrationProvider()) as (provider, _):
        provider.configure(token=emulator.token)
        yield provider


def inputs(emulator: Emulator, **changed: Any) -> dict[str, Any]:
    return {**INPUTS, "base_url": emulator.url, **changed}


def with_key(emulator: Emulator, **changed: Any) -> dict[str, Any]:
    given = inputs(emulator, access_key="AKIAIOSFODNN7EXAMPLE", secret_key=MARKER, **changed)
    del given["role_arn"]
    return given


def test_a_registration_from_check_to_delete(wire: Wire, emulator: Emulator) -> None:
    checked, failures = wire.check(inputs(emulator))
    assert failures == {}
    id_, outputs = wire.create(checked)
    assert (id_, outputs["region"], outputs["account_id"]) == ("1", "US_WEST_2", "100001")
    assert not wire.diff(outputs, checked).replaces
    assert wire.diff(outputs, checked).changes == provider_pb2.DiffResponse.DIFF_NONE
    assert wire.read(id_, outputs) == (id_, outputs)
    changed, _ = wire.check(inputs(emulator, log_type="other"))
    assert wire.diff(outputs, changed).changes == provider_pb2.DiffResponse.DIFF_SOME
    assert wire.update(id_, outputs, changed)["log_type"] == "other"
    # The run that has made it goes on to use it.
    wire.delete(id_, outputs)
    assert wire.read(id_, outputs)[0] == id_
    with spawned(RegistrationProvider()) as (next_run, _):
        next_run.configure(token=emulator.token)
        next_run.delete(id_, outputs)
        assert emulator.state()["registrations"] == []
        assert next_run.read(id_, outputs) == ("", {})
        next_run.delete(id_, outputs)


def test_every_problem_is_an_error_of_its_property(wire: Wire, emulator: Emulator) -> None:
    _, failures = wire.check(inputs(emulator, region="mars-1", log_type="a b", bucket=None))

    assert failures.keys() == {"region", "log_type", "bucket"}


def test_an_unknown_value_of_a_preview_stays_unknown(wire: Wire, emulator: Emulator) -> None:
    unknown = dict.fromkeys(("role_arn", "bucket", "region", "log_type", "base_url", "prefix"), rpc.UNKNOWN)
    checked, failures = wire.check(inputs(emulator, **unknown))

    assert failures == {}
    assert {
        name for name, value in checked.items() if isinstance(value, pulumi.output.Unknown)
    } == unknown.keys()
    answer = wire.diff(inputs(emulator), inputs(emulator, **unknown))
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == []


def test_a_replacement_names_its_cause_and_its_order(wire: Wire, emulator: Emulator) -> None:
    moved = wire.diff(inputs(emulator), inputs(emulator, prefix="other/audit/partition=0/"))
    same_place = wire.diff(inputs(emulator), inputs(emulator, region="us-east-1"))

    assert (list(moved.replaces), moved.deleteBeforeReplace) == (["prefix"], False)
    assert (list(same_place.replaces), same_place.deleteBeforeReplace) == (["region"], True)


def test_drift_of_every_field_is_read(wire: Wire, emulator: Emulator) -> None:
    id_, outputs = wire.create(inputs(emulator))
    drifted = {
        "bucket": "elsewhere",
        "prefix": "p/",
        "region": "EU_WEST_1",
        "logsType": "drifted",
        "active": False,
        "addS3ObjectKeyAsLogField": True,
        "accessKey": "AK",
        "secretKey": "SK",
    }
    emulator._store.update(int(id_), drifted)

    _, seen = wire.read(id_, outputs)

    changed = {name for name in outputs.keys() | seen.keys() if outputs.get(name) != seen.get(name)}
    assert changed == {
        *("bucket", "prefix", "region", "log_type", "active", "add_object_key", "role_arn", "access_key")
    }
    assert wire.diff(seen, inputs(emulator)).changes == provider_pb2.DiffResponse.DIFF_SOME


def test_a_secret_key_survives_a_refresh_and_is_sent_with_every_update(
    wire: Wire, emulator: Emulator
) -> None:
    id_, outputs = wire.create(with_key(emulator))
    _, seen = wire.read(id_, outputs)
    assert seen["secret_key"] == MARKER

    wire.update(id_, seen, with_key(emulator, log_type="other"))

    (registration,) = emulator._store.registrations()
    assert registration.body["secretKey"] == MARKER


def test_a_role_replaces_a_key_in_place(wire: Wire, emulator: Emulator) -> None:
    id_, outputs = wire.create(with_key(emulator))

    changed = wire.update(id_, outputs, inputs(emulator))

    assert (changed["role_arn"], "access_key" in changed, "secret_key" in changed) == (ROLE, False, False)


def test_an_account_names_the_account_to_trust(emulator: Emulator) -> None:
    with spawned(AccountProvider()) as (wire, _):
        wire.configure(token=emulator.token)
        id_, outputs = wire.create({"base_url": emulator.url})

        assert id_ == outputs["account_id"] == "100001"
        assert outputs["external_id"].startswith("logzio:aws:extid:")
        assert wire.read(id_, outputs) == (id_, outputs)


def test_the_token_in_the_environment_wins_over_the_settings(emulator: Emulator) -> None:
    with spawned(RegistrationProvider(), LOGZIO_API_TOKEN=emulator.token) as (wire, _):
        wire.configure(token="marker-old-token")

        assert wire.create(inputs(emulator))[0] == "1"


def test_a_missing_token_has_an_error_of_its_own(emulator: Emulator) -> None:
    with spawned(RegistrationProvider()) as (wire, _):
        wire.configure(token=None)

        with pytest.raises(grpc.RpcError, match="LOGZIO_API_TOKEN"):
            wire.create(inputs(emulator))


def refused(wire: Wire, emulator: Emulator) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        wire.create(inputs(emulator))
    return str(caught.value.details())


@pytest.mark.parametrize(
    ("call", "code", "named"),
    [
        ("whoami", "expired-token", "API token is not accepted"),
        ("whoami", "region", "account in another region"),
        ("create", "empty-prefix", "registers no empty prefix"),
        ("create", "bucket-region", "set aws:region to the bucket's"),
        ("create", "no-bucket", "no bucket of this name"),
    ],
)
def test_each_cause_has_its_own_message(
    wire: Wire, emulator: Emulator, call: str, code: str, named: str
) -> None:
    emulator.fail(calls=[call], code=code)

    assert named in refused(wire, emulator)


def message(process: "subprocess.Popen[bytes]") -> str:
    process.kill()
    assert process.stderr is not None
    return process.stderr.read().decode()


@pytest.mark.parametrize("echo", ["logsType", "bucket"])
def test_no_secret_leaves_the_process_even_if_logzio_repeats_it(emulator: Emulator, echo: str) -> None:
    token = emulator.token
    with spawned(RegistrationProvider()) as (wire, process):
        wire.configure(token=token)
        # Both are refused, and Logz.io's messages repeat the secrets.
        wrong = {"logsType": {"log_type": f"{MARKER} {token}"}, "bucket": {"bucket": ""}}[echo]
        with pytest.raises(grpc.RpcError) as caught:
            wire.create(with_key(emulator, **wrong))
        everything = f"{caught.value} {message(process)}"

    for secret in (MARKER, token, "AKIAIOSFODNN7EXAMPLE"):
        assert secret not in everything


def test_a_refusal_is_shown_once_and_without_a_traceback(emulator: Emulator) -> None:
    with spawned(RegistrationProvider()) as (wire, process):
        wire.configure(token="marker-bad-token")
        refused(wire, emulator)

        assert "Traceback" not in message(process)


def test_forty_registrations_at_once_send_four_requests_at_a_time(wire: Wire, emulator: Emulator) -> None:
    def create(number: int) -> str:
        return wire.create(inputs(emulator, prefix=f"topics/audit/partition={number}/"))[0]

    with ThreadPoolExecutor(40) as pool:
        ids = list(pool.map(create, range(40)))

    assert len(set(ids)) == 40 == len(emulator.state()["registrations"])
    assert emulator.state()["most_at_once"] <= 4
