import json
import os
from pathlib import Path

import pytest
import yaml
from typer import Typer
from typer.testing import CliRunner

from components.settings import load_stack_file
from scripts import render, stack
from tests.unit.components.recorder import STACK, record_program

app = Typer()
app.command()(render.main)

EXAMPLE = "dev"
OWN_KEY = """\
config:
  aws:region: us-west-2
  ccloud-logexporter:source:
    bootstrapServers: pkc-abc12.us-west-2.aws.confluent.cloud:9092
    apiKey: ABCDEFGH
    apiSecret: {secure: AAABBBCCC}
    partitions: {confluent-audit-log-events: 12}
  ccloud-logexporter:archive: {bucket: logexporter-ccloud}
  ccloud-logexporter:writer: {identity: role}
  ccloud-logexporter:logzio: {authentication: keys}
"""
WATCHDOG = (
    *("__init__", "__main__", "aws", "clock", "connect", "credentials", "decisions", "fleet"),
    *("group", "journal", "kafka", "main", "memory", "metrics", "reader", "service", "status", "system"),
)
BY_USER = OWN_KEY.replace("identity: role", "identity: user")


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.output


@pytest.fixture
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("AWS_", "CONFLUENT_", "LOGZIO_", "PULUMI_")):
            monkeypatch.delenv(name)


@pytest.mark.usefixtures("no_account")
def test_every_rendered_file_of_the_example_stack_is_written_under_its_own_name(tmp_path: Path) -> None:
    code, output = run("--stack", EXAMPLE, "--out", str(tmp_path / "out"))

    assert code == 0, output
    written = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert {str(file.relative_to(tmp_path / "out")) for file in written} == {
        "OrderedPartitioner.java",
        "check_keys.py",
        "keys.json",
        "audit-log-client.properties",
        # Of apt's preferences.
        "s3-auditlog-sink",
        "connect-standalone.properties",
        "s3-sink-connector.properties",
        "originals-connector.properties",
        "connect-log4j.properties",
        "s3-auditlog-sink.service",
        "s3-auditlog-sink.conf",
        "environment",
        "install.env",
        "secrets.json",
        "fetch_secrets.py",
        "install-s3-auditlog-sink",
        "user-data",
        "policies.md",
        "bucket-policy.json",
        "deployer-policy.json",
        "deployer-worker-policy.json",
        "writer-policy.json",
        "reader-policy.json",
        "reader-trust.json",
        "vm-trust.json",
        "vm-secrets-policy.json",
        "secrets-key-policy.json",
        "vm-session-manager-policy.json",
        "vm-files-policy.json",
        "vm-status-policy.json",
        "vm-metrics-policy.json",
        "vm-reader-use-policy.json",
        "watchdog.json",
        *(f"watchdog/{module}.py" for module in WATCHDOG),
        "load-s3-auditlog-sink",
        "loader.env",
        "s3-auditlog-sink-install.service",
        "s3-auditlog-sink-watchdog.service",
        "s3-auditlog-sink-watchdog.timer",
        "s3-auditlog-sink-journald.conf",
        "60s3-auditlog-sink",
        "s3-auditlog-sink-time.conf",
        "s3-auditlog-sink-time.sources",
    }


def test_every_policy_is_json_with_statements(tmp_path: Path) -> None:
    run("--stack", EXAMPLE, "--out", str(tmp_path))

    documents = [json.loads(file.read_text()) for file in tmp_path.glob("*-*.json")]
    assert len(documents) == 14
    assert all(document["Statement"] for document in documents)


def test_values_that_need_an_account_are_placeholders(tmp_path: Path) -> None:
    run("--stack", EXAMPLE, "--out", str(tmp_path))

    assert "<endpoint of lkc-abc12>" in (tmp_path / "connect-standalone.properties").read_text()
    assert "<external id of the Logz.io account>" in (tmp_path / "reader-trust.json").read_text()
    assert json.loads((tmp_path / "watchdog.json").read_text())["reader"]["role"] == render.READER_ROLE
    assert f":role/{render.READER_ROLE}" in (tmp_path / "vm-reader-use-policy.json").read_text()


def test_the_rendered_files_are_those_of_the_program(tmp_path: Path) -> None:
    """So the names of the parameters, which both make up, are the same too."""
    file = tmp_path / "Pulumi.own.yaml"
    file.write_text(BY_USER)
    config = yaml.safe_load(BY_USER)["config"]
    config["ccloud-logexporter:source"]["apiSecret"] = "made-up"
    config["ccloud-logexporter:logzio"]["apiToken"] = "made-up"
    program = record_program(
        {name: value if isinstance(value, str) else json.dumps(value) for name, value in config.items()}
    )

    contents = render.rendered(load_stack_file(file), STACK)
    assert contents["user-data"] == program.one("aws:ec2/instance:Instance").inputs["userData"]


def test_a_role_writes_without_a_key_and_keys_need_no_trust(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.own.yaml"
    file.write_text(OWN_KEY)
    contents = render.rendered(load_stack_file(file), "own")

    assert "aws.access.key.id" not in contents["s3-sink-connector.properties"]
    assert "writer-credentials" not in contents["vm-secrets-policy.json"]
    assert "reader-trust.json" not in contents


def test_a_canary_has_a_policy_and_takes_the_vms_look_at_the_role_away(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.own.yaml"
    file.write_text(
        OWN_KEY.replace("authentication: keys", "authentication: role")
        + "  ccloud-logexporter:alarms: {canary: true}\n"
    )
    contents = render.rendered(load_stack_file(file), "own")

    assert "/own/kafka-credentials" in contents["canary-policy.json"]
    assert "CcloudLogexporter/own" in contents["canary-policy.json"]
    assert "vm-reader-use-policy.json" not in contents
    assert json.loads(contents["watchdog.json"])["reader"] is None


def test_the_secret_of_a_stack_file_is_not_rendered_even_encrypted(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.own.yaml"
    file.write_text(OWN_KEY)

    assert not any("AAABBBCCC" in text for text in render.rendered(load_stack_file(file), "own").values())


def test_a_missing_stack_file_is_reported_and_nothing_is_written(tmp_path: Path) -> None:
    code, output = run("--stack", "nowhere", "--out", str(tmp_path / "out"))

    assert code == 1
    assert "there is no Pulumi.nowhere.yaml" in output
    assert not (tmp_path / "out").exists()


def test_a_qualified_name_of_a_stack_reads_the_same_file(tmp_path: Path) -> None:
    code, output = run("--stack", f"acme/ccloud-logexporter/{EXAMPLE}", "--out", str(tmp_path / "qualified"))
    run("--stack", EXAMPLE, "--out", str(tmp_path / "plain"))

    assert code == 0, output
    for file in (tmp_path / "plain").iterdir():
        if file.is_file():
            assert (tmp_path / "qualified" / file.name).read_text() == file.read_text()


def test_settings_that_an_environment_may_hold_are_named_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: ccloud-logexporter\n")
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    (tmp_path / "Pulumi.esc.yaml").write_text("environment: [acme/prod]\n")
    (tmp_path / "Pulumi.full.yaml").write_text(f"environment: [acme/prod]\n{OWN_KEY}")

    code, output = run("--stack", "esc", "--out", str(tmp_path / "out"))
    assert code == 1
    assert "environment: imports acme/prod; only Pulumi can open that" in output
    code, output = run("--stack", "full", "--out", str(tmp_path / "out"))
    assert code == 0, output
    assert "note: what only acme/prod sets" in output


def test_a_time_without_quotes_is_read_as_the_engine_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.own.yaml"
    file.write_text(OWN_KEY + "  ccloud-logexporter:worker: {rebootTime: 13:30}\n")

    assert load_stack_file(file).worker.reboot_time == "13:30"


def test_all_problems_of_the_settings_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: ccloud-logexporter\n")
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    (tmp_path / "Pulumi.bad.yaml").write_text(
        OWN_KEY.replace("logexporter-ccloud", "A.b").replace("12}", "0}")
    )
    code, output = run("--stack", "bad", "--out", str(tmp_path / "out"))

    assert code == 1
    assert "archive.bucket" in output
    assert "source.partitions" in output


@pytest.mark.usefixtures("no_account")
def test_every_statement_is_shown_with_its_reason(tmp_path: Path) -> None:
    run("--stack", EXAMPLE, "--out", str(tmp_path))
    shown = (tmp_path / "policies.md").read_text()

    for file in tmp_path.glob("*.json"):
        for statement in json.loads(file.read_text()).get("Statement", []):
            line = next(line for line in shown.splitlines() if line.startswith(f"- {statement['Sid']}: "))
            assert len(line.partition(". ")[2].split()) >= 5, line
