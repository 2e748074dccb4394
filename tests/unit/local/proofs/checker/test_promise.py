"""What a stack promises beside its events: each breach is named."""

from pathlib import Path

import pytest

from components.archive import layout
from local.proofs.checker import promise, secret_search
from local.systems.kafka.client import TOPIC


def registered(*partitions: int) -> list[dict[str, str]]:
    return [{"prefix": layout.partition_prefix("topics", TOPIC, partition)} for partition in partitions]


def rules(*partitions: int) -> list[str]:
    return [violation.rule for violation in promise.of_registrations(registered(*partitions), 3)]


def test_one_registration_for_each_partition_is_right() -> None:
    assert rules(0, 1, 2) == []


@pytest.mark.parametrize(
    ("partitions", "rule"),
    [((0, 1, 1, 2), "registered twice"), ((0, 1, 2, 3), "registered twice"), ((0, 2), "not registered")],
)
def test_a_registration_too_many_or_too_few_is_a_violation(partitions: tuple[int, ...], rule: str) -> None:
    assert rules(*partitions) == [rule]


@pytest.mark.parametrize("form", ["s3cr=t/1", "czNjcj10LzE", "s3cr%3Dt%2F1", "s3cr\\=t/1"])
def test_a_secret_is_found_in_each_form(form: str, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "aws.log").write_text(f"before {form} after")
    (tmp_path / "other").write_text("nothing")

    found = secret_search.found_in({"the key": "s3cr=t/1"}, secret_search.files_below(tmp_path))

    assert found == {"logs/aws.log": {"the key"}}


def test_a_search_for_changes_reads_the_end_of_each_file_that_changed(tmp_path: Path) -> None:
    file = tmp_path / "aws.log"
    file.write_text("the beginning and the end")
    changed = file.stat().st_ctime

    assert list(secret_search.files_below(tmp_path, changed_since=changed, most=7)) == [
        ("aws.log", b"the end")
    ]
    assert list(secret_search.files_below(tmp_path, changed_since=changed + 1)) == []


def test_a_secret_in_plain_is_a_violation_that_names_it_and_its_place() -> None:
    found = {"logs/aws.log": {"the token", "the key"}}

    (violation,) = promise.of_secrets(found)

    assert violation == promise.Violation("a secret in plain", "logs/aws.log: the key, the token")
