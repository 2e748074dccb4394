"""How settings are added to the text of a stack file."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.settings import load_stack_file, stack_file
from scripts.new.text import FormError, added, header

WHOLE: dict[str, Any] = {
    "aws:region": "us-west-2",
    "source.cluster": "lkc-abc12",
    "source.environment": "env-abc12",
    "source.serviceAccount": "sa-abc12",
    "source.partitions": {"confluent-audit-log-events": 12},
    "archive.bucket": "example-audit-log",
    "logzio.region": "eu",
    "alarms.email": ("on-call@example.com",),
}


def test_a_new_file_is_a_stack_file_with_a_comment_for_each_setting(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(added(header("prod"), WHOLE))

    found = load_stack_file(file)

    assert (found.region, found.source.cluster, found.logzio.region) == ("us-west-2", "lkc-abc12", "eu")
    assert found.source.partitions == {"confluent-audit-log-events": 12}
    assert found.alarms.email == ("on-call@example.com",)
    lines = file.read_text().splitlines()
    values = [
        number for number, line in enumerate(lines) if line.strip().split(":")[0] in ("bucket", "cluster")
    ]
    assert all(lines[number - 1].lstrip().startswith("# ") for number in values)
    assert max(len(line) for line in lines) <= 120
    assert lines[1].startswith("# docs/settings.md")


def test_what_is_there_stays_line_by_line() -> None:
    before = (
        "# ours\n"
        "encryptionsalt: v1:abc\n"
        "config:\n"
        "    # where we are\n"
        "    aws:region: eu-west-1    # Dublin\n"
        "    ccloud-logexporter:source:\n"
        "          # from Confluent\n"
        "          cluster: lkc-xyz\n"
        "\n"
        "    other:thing: kept"
    )

    text = added(before, {"source.environment": "env-abc12", "archive.bucket": "example-audit-log"})

    lines = text.splitlines()
    assert [line for line in before.splitlines() if line not in lines] == []
    assert yaml.safe_load(text) == {
        "encryptionsalt": "v1:abc",
        "config": {
            "aws:region": "eu-west-1",
            "ccloud-logexporter:source": {"cluster": "lkc-xyz", "environment": "env-abc12"},
            "ccloud-logexporter:archive": {"bucket": "example-audit-log"},
            "other:thing": "kept",
        },
    }
    # A comment stays above its setting.
    assert lines.index("          # from Confluent") + 1 == lines.index("          cluster: lkc-xyz")


@pytest.mark.parametrize("before", ["", "encryptionsalt: v1:abc\n", "config:\n", "config: # none yet\n"])
def test_a_file_without_settings_gets_them(before: str) -> None:
    found = yaml.safe_load(added(before, {"archive.bucket": "example-audit-log"}))

    assert found["config"] == {"ccloud-logexporter:archive": {"bucket": "example-audit-log"}}


def test_a_section_by_its_short_name_is_the_same_section() -> None:
    text = added("config:\n  source:\n    cluster: lkc-xyz\n", {"source.environment": "env-abc12"})

    assert yaml.safe_load(text)["config"] == {"source": {"cluster": "lkc-xyz", "environment": "env-abc12"}}


@pytest.mark.parametrize(
    "before",
    [
        "config: {}\n",
        "config: {'aws:region': us-west-2}\n",
        "config:\n  ccloud-logexporter:archive: {retentionDays: 7}\n",
        "- no\n- object\n",
        "config: [\n",
    ],
)
def test_a_form_that_takes_no_line_is_refused_with_what_to_add(before: str) -> None:
    with pytest.raises(FormError, match=r'add by hand: archive\.bucket: "example-audit-log"'):
        added(before, {"archive.bucket": "example-audit-log"})


@pytest.mark.parametrize(
    "value", ["yes", "null", "1e3", "012", "a: b", "x #y", "it's", "-", "2026-01-01", "~"]
)
def test_a_text_stays_a_text(value: str, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(added("", {"archive.bucket": value}))

    assert stack_file.config(file)["ccloud-logexporter:archive"] == {"bucket": value}
