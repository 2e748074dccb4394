"""Generates the table of docs/settings.md from the settings: `make settings-table`."""

from pathlib import Path

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from components.settings.describe import accepted, annotation_at
from components.settings.sections import SECTIONS, Settings
from report_page.markdown import replaced

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
MARK = "settings"
"""Name of the table's markers in the page."""


def table() -> str:
    """A table in Markdown with a row for each setting; the accepted values are those of its check."""
    rows = ["| setting | type | default | description |", "|---|---|---|---|"]
    for section, model in SECTIONS.items():
        rows += _rows(section, model)
    tags = Settings.model_fields["tags"]
    rows.append(_row("tags", accepted(annotation_at(Settings, ["tags"])), tags))
    return "\n".join(rows)


def _rows(path: str, model: type[BaseModel]) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        full = f"{path}.{field.alias or name}"
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            rows += _rows(full, nested)
        else:
            rows.append(_row(full, accepted(annotation_at(model, [name])), field))
    return rows


def _row(path: str, taken: str, field: FieldInfo) -> str:
    return f"| `{path}` | {_escaped(taken)} | {_default(field)} | {_escaped(field.description or '')} |"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default is None or field.default in ({}, (), ""):
        return "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    if isinstance(field.default, tuple):
        return ", ".join(f"`{value}`" for value in field.default)
    if isinstance(field.default, dict):
        return ", ".join(f"`{name}: {value}`" for name, value in field.default.items())
    return f"`{field.default}`"


def _escaped(text: str) -> str:
    """Text for a cell: it cannot end the cell and, outside of code, is not HTML."""
    plain_and_code = text.replace("|", "\\|").split("`")
    plain_and_code[::2] = [plain.replace("<", "&lt;") for plain in plain_and_code[::2]]
    return "`".join(plain_and_code)


def main(page: Path = PAGE) -> None:
    """Writes the table into the page."""
    page.write_text(replaced(page.read_text(), {MARK: table()}))


if __name__ == "__main__":
    typer.run(main)
