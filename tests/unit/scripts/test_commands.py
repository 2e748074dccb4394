"""make verify and make replay as commands: what ends them before they begin, what `verify` publishes and writes."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from scripts.access import Access
from scripts.replay import __main__ as replay
from scripts.verify import __main__ as verify
from scripts.verify.model import Report
from tests.unit.scripts.verify.test_evaluate import FINE, ago, report


def run(main: object, *arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(main)  # type: ignore[type-var]  # any function
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def _no_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_an_unreadable_stack_does_not_count_as_broken() -> None:
    code, told = run(verify.main, "--stack", "prod")

    assert code == 2
    assert "error: there is no `pulumi` on PATH" in told


def test_a_replay_needs_a_selection() -> None:
    code, told = run(replay.main, "--stack", "prod")

    assert code == 2
    assert "exactly one of" in told


def test_an_invalid_time_is_refused_with_the_accepted_format() -> None:
    code, told = run(replay.main, "--stack", "prod", "--from", "yesterday")

    assert code == 2
    assert "accepted is ISO 8601" in told


def test_a_stack_that_cannot_be_read_sends_nothing() -> None:
    code, told = run(replay.main, "--stack", "prod", "--unread", "--yes")

    assert code == 2
    assert "pulumi" in told


@dataclass
class CloudWatch:
    """Keeps what it is given, or refuses it."""

    refuses: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)

    def put_metric_data(self, **request: Any) -> None:
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutMetricData")
        self.sent.append(request)


def verified(
    monkeypatch: pytest.MonkeyPatch, cloudwatch: CloudWatch, seen: Report, *arguments: str
) -> tuple[int, str]:
    """`verify` of a stack of which this was seen."""
    access = SimpleNamespace(
        stack=SimpleNamespace(owner="prod"), client=lambda service: {"cloudwatch": cloudwatch}[service]
    )
    monkeypatch.setattr(Access, "of", lambda _: access)
    monkeypatch.setattr(verify, "Collector", lambda *_: SimpleNamespace(report=lambda: seen))
    return run(verify.main, "--stack", "prod", *arguments)


LATE = report(replace(FINE, behind=7, behind_since=ago(minutes=90)))


@pytest.mark.parametrize(("seen", "seconds", "code"), [(report(), 0.0, 0), (LATE, 5400.0, 1)])
def test_verify_publishes_one_figure_in_the_namespace_of_the_stack(
    monkeypatch: pytest.MonkeyPatch, seen: Report, seconds: float, code: int
) -> None:
    cloudwatch = CloudWatch()

    ended, told = verified(monkeypatch, cloudwatch, seen, "--publish")

    assert ended == code
    assert cloudwatch.sent == [
        {
            "Namespace": "CcloudLogexporter/prod",
            "MetricData": [{"MetricName": "SecondsMissingInLogzio", "Value": seconds, "Unit": "Seconds"}],
        }
    ]
    assert f"published: SecondsMissingInLogzio {seconds:.0f} in CcloudLogexporter/prod" in told


def test_verify_alone_publishes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cloudwatch = CloudWatch()

    assert verified(monkeypatch, cloudwatch, LATE)[0] == 1
    assert cloudwatch.sent == []


def test_what_was_not_measured_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    cloudwatch = CloudWatch()
    blind = report(not_seen={"Logz.io": "no answer"})

    code, told = verified(monkeypatch, cloudwatch, blind, "--publish")

    assert (code, cloudwatch.sent) == (2, [])
    assert "not published: SecondsMissingInLogzio could not be measured" in told


@pytest.mark.parametrize(("seen", "code"), [(report(), 2), (LATE, 1)])
def test_a_refusal_of_cloudwatch_is_told_after_the_report(
    monkeypatch: pytest.MonkeyPatch, seen: Report, code: int
) -> None:
    ended, told = verified(monkeypatch, CloudWatch(refuses=True), seen, "--publish")

    assert ended == code
    assert "error: not published: An error occurred (AccessDenied)" in told


def test_the_page_is_written_beside_the_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "new" / "report.html"

    code, told = verified(monkeypatch, CloudWatch(), report(), "--json", "--html", str(file))

    assert code == 0
    assert "stack prod" in file.read_text()
    printed, _, path = told.rpartition("the report as a page: ")
    assert json.loads(printed)["stack"] == "prod"
    assert path.strip() == str(file)


def test_a_page_that_cannot_be_written_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    page = str(tmp_path / "file" / "report.html")

    code, told = verified(monkeypatch, CloudWatch(), report(), "--html", page)

    assert code == 2
    assert "error: --html" in told
    assert str(tmp_path / "file") in told
    assert "stack prod: in order" in told
