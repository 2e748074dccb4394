from pathlib import Path

import pytest

from components.settings import SECTIONS
from scripts import settings_table


def test_the_readme_has_the_table_of_the_settings_as_they_are() -> None:
    readme = settings_table.README.read_text()

    assert settings_table.replaced(readme) == readme, "run: .venv/bin/python -m scripts.settings_table"


def test_every_setting_has_its_row() -> None:
    rows = settings_table.table()

    for section, model in SECTIONS.items():
        for name, field in model.model_fields.items():
            assert f"`{section}.{field.alias or name}" in rows


def test_a_table_that_is_out_of_date_is_noticed(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{settings_table.BEGIN}\nold\n{settings_table.END}\nafter\n")

    with pytest.raises(SystemExit, match="not the one of the settings"):
        settings_table.main(check=True, readme=readme)

    settings_table.main(readme=readme)
    assert readme.read_text().startswith("before\n")
    assert readme.read_text().endswith("\nafter\n")
    with pytest.raises(SystemExit) as ended:
        settings_table.main(check=True, readme=readme)
    assert ended.value.code is None


def test_a_readme_without_markers_is_left_alone() -> None:
    with pytest.raises(ValueError, match="settings:begin"):
        settings_table.replaced("no markers")
