import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import render

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = {
    "connect-standalone.properties",
    "s3-sink-connector.properties",
    "s3-auditlog-sink.service",
    "connect-log4j.properties",
    "user-data",
    "writer-policy.json",
    "reader-policy.json",
    "reader-trust-policy.json",
    "bucket-policy.json",
    "instance-secrets-policy.json",
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything rendered for the example stack, by the command, without any variable of an account."""
    folder = tmp_path_factory.mktemp("rendered")
    subprocess.run(
        [sys.executable, "-m", "scripts.render", "--stack", "dev", "--out", str(folder)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )
    return folder


def test_every_file_is_written_under_its_own_name_without_account_secret_or_engine(out: Path) -> None:
    assert {file.name for file in out.iterdir()} >= EXPECTED


def test_every_policy_is_a_policy_document(out: Path) -> None:
    for file in out.glob("*-policy.json"):
        assert json.loads(file.read_text())["Version"] == "2012-10-17", file.name


def test_every_statement_is_shown_with_its_reason(out: Path) -> None:
    reasons = json.loads((out / "policy-reasons.json").read_text())

    for file in out.glob("*-policy.json"):
        sids = {one["Sid"] for one in json.loads(file.read_text())["Statement"]}
        assert sids == set(reasons[file.name.removesuffix("-policy.json")]), file.name


def test_no_placeholder_of_a_secret_is_written(out: Path) -> None:
    for file in out.iterdir():
        assert not re.search(r"\bplaceholder\b", file.read_text()), file.name


def test_a_stack_that_does_not_exist_is_named() -> None:
    with pytest.raises(SystemExit, match=r"Pulumi\.nowhere\.yaml"):
        render.main(stack="nowhere")
