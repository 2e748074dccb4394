"""The README's table of settings, from the settings themselves: `python -m scripts.settings_table [--check]`."""

import sys
import types
import typing
from pathlib import Path

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from components.settings import SECTIONS, Settings

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- settings:begin -->"
END = "<!-- settings:end -->"


def table() -> str:
    """Markdown: a row for each setting."""
    rows = ["| setting | type | default | |", "|---|---|---|---|"]
    for section, model in SECTIONS.items():
        rows += _rows(section, model)
    tags = Settings.model_fields["tags"]
    rows.append(_row("tags", tags))
    return "\n".join(rows)


def _rows(path: str, model: type[BaseModel]) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        full = f"{path}.{field.alias or name}"
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            rows += _rows(full, nested)
        else:
            rows.append(_row(full, field))
    return rows


def _row(path: str, field: FieldInfo) -> str:
    return (
        f"| `{path}` | {_type(field.annotation)} | {_default(field)} | {_escaped(field.description or '')} |"
    )


def _type(annotation: object) -> str:
    """What a person writes: text, number, yes or no, one of some words, a list or an object."""
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(one) for one in arguments if one is not type(None))
    if origin is typing.Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin is tuple:
        return "list of text"
    if origin is dict:
        return f"object: name to {_type(arguments[1])}"
    names: dict[object, str] = {str: "text", int: "number", bool: "`true`, `false`", SecretStr: "secret"}
    return names[annotation]


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default is None or field.default in ({}, ""):
        return "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    if isinstance(field.default, tuple):
        return ", ".join(f"`{one}`" for one in field.default)
    if isinstance(field.default, dict):
        return ", ".join(f"`{name}: {value}`" for name, value in field.default.items())
    return f"`{field.default}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def replaced(readme: str) -> str:
    """The README with the table of today.

    Raises:
        ValueError: a marker is missing.
    """
    before, found_begin, rest = readme.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not found_begin or not found_end:
        raise ValueError(f"the README needs {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main(check: bool = False, readme: Path = README) -> None:
    """Writes the table into the README, or (--check) says whether it is the one of today."""
    current = readme.read_text()
    wanted = replaced(current)
    if check:
        sys.exit(
            None if current == wanted else "the README's table of settings is not the one of the settings"
        )
    readme.write_text(wanted)


if __name__ == "__main__":
    typer.run(main)
