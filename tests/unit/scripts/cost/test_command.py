"""make cost as a command."""

import json
import os
import socket
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from scripts import stack
from scripts.cost import __main__ as cost

app = Typer()
app.command()(cost.main)

STACK_FILE = """\
config:
  aws:region: {region}
  ccloud-logexporter:source:
    cluster: lkc-abc12
    environment: env-abc12
    serviceAccount: sa-abc12
    partitions: {{confluent-audit-log-events: 12}}
  ccloud-logexporter:archive: {{bucket: example-audit-log}}
"""


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def _offline_and_without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("AWS_", "CONFLUENT_", "LOGZIO_", "PULUMI_")):
            monkeypatch.delenv(name)
    # No `pulumi` either.
    monkeypatch.setenv("PATH", str(tmp_path))

    def refused(*_: object) -> None:
        raise AssertionError("the command used the network")

    monkeypatch.setattr(socket.socket, "connect", refused)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: ccloud-logexporter\n")
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    return tmp_path


def test_the_example_stack_is_estimated_without_anything_else() -> None:
    code, told = run("--stack", "dev")

    assert code == 0, told
    assert "sum without the listings" in told


def test_a_qualified_name_reads_the_same_file() -> None:
    assert run("--stack", "acme/ccloud-logexporter/dev") == run("--stack", "dev")


def test_the_assumptions_can_be_given() -> None:
    code, told = run(
        *("--stack", "dev", "--json", "--events-per-second", "50", "--event-bytes", "2000"),
        *("--listing-seconds", "60", "--age-days", "30", "--instance-usd", "0.01", "--confluent-usd", "0.1"),
    )

    content = json.loads(told)
    assert code == content["exit_code"] == 0
    assert content["assumed"] == {
        "events_per_second": 50,
        "event_bytes": 2000,
        "listing_seconds": 60,
        "age_days": 30,
    }
    vms = next(item for item in content["items"] if item["name"] == "VMs: instances")
    assert vms["usd"] == pytest.approx(7.3)
    assert any("at 0.1 a GB" in note for note in content["notes"])


def test_another_region_ends_with_two_and_an_estimate(folder: Path) -> None:
    (folder / "Pulumi.far.yaml").write_text(STACK_FILE.format(region="eu-central-1"))
    code, told = run("--stack", "far", "--json")

    assert code == 2
    assert json.loads(told)["usd"]["with_listings"] > 0


def test_a_missing_stack_file_ends_with_one(folder: Path) -> None:
    code, told = run("--stack", "nowhere")

    assert code == 1
    assert f"error: there is no Pulumi.nowhere.yaml in {folder}" in told


def test_refused_settings_end_with_one_and_are_named(folder: Path) -> None:
    (folder / "Pulumi.bad.yaml").write_text(STACK_FILE.format(region="us-west-2").replace("12}", "0}"))
    code, told = run("--stack", "bad")

    assert code == 1
    assert "source.partitions" in told


def test_settings_that_an_environment_may_hold_are_named_as_not_counted(folder: Path) -> None:
    (folder / "Pulumi.esc.yaml").write_text(
        f"environment: [acme/prod]\n{STACK_FILE.format(region='us-west-2')}"
    )
    code, told = run("--stack", "esc")

    assert code == 0, told
    assert "note: what only acme/prod sets" in told


def test_a_negative_rate_is_refused() -> None:
    code, told = run("--stack", "dev", "--events-per-second", "-1")

    assert code == 2
    assert "events-per-second" in told
