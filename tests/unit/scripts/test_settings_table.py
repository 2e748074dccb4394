from pathlib import Path

import pytest

from components.settings.sections import SECTIONS
from report_page.markdown import replaced
from scripts import settings_table


def test_the_page_has_the_table_of_the_settings_as_they_are() -> None:
    page = settings_table.PAGE.read_text()

    assert replaced(page, {settings_table.MARK: settings_table.table()}) == page, "run: make settings-table"


def test_every_setting_has_its_row() -> None:
    rows = settings_table.table()

    for section, model in SECTIONS.items():
        for name, field in model.model_fields.items():
            assert f"`{section}.{field.alias or name}" in rows


def test_only_the_table_of_the_page_is_replaced(tmp_path: Path) -> None:
    begin, end = "<!-- settings:begin -->", "<!-- settings:end -->"
    page = tmp_path / "settings.md"
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")

    settings_table.main(page)

    assert page.read_text() == f"before\n{begin}\n{settings_table.table()}\n{end}\nafter\n"


@pytest.mark.parametrize(
    "row",
    [
        "| `archive.bucket` | text: 3 to 63 of a-z",
        "| `source.topics` | list, each: text",
        "| `source.partitions` | object, each value: whole number, 1 to 1000 | **required** |",
        "| `source.apiSecret` | secret | none |",
        "| `connector.format` | `json`, `raw` | `json` |",
        "| `connector.rotationSeconds` | whole number, 5 to 3600 | `60` |",
        "| `archive.destroyWithData` | `true`, `false` | `false` |",
        "| `worker.endpoints.s3` | text: https://host",
        "| `tags` | object, each value: text | none |",
    ],
)
def test_a_row_shows_the_accepted_values(row: str) -> None:
    assert row in settings_table.table()


def test_no_cell_is_taken_for_html_or_ends_early() -> None:
    for row in settings_table.table().splitlines():
        outside_of_code = "".join(row.split("`")[::2])

        assert "<" not in outside_of_code
        assert row.replace("\\|", "").count("|") == 5
