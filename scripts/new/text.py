"""Adds settings, each with a comment, to the text of a stack file (pure). Every line that is there stays."""

import copy
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from components.settings import NAMESPACE, stack_file
from components.settings.sections import SECTIONS

_WIDTH = 116
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._:/@-]*")
_SETTINGS = "docs/settings.md"

Entries = Mapping[str, tuple[yaml.Node, yaml.Node]]


class FormError(RuntimeError):
    """Nothing can be added to the text as it is written; the message has the settings to add by hand."""


def header(stack: str) -> str:
    """The first lines of a new stack file."""
    return (
        f"# The settings of the stack {stack}. `make new STACK={stack}` began this file, and adds what is missing.\n"
        f"# {_SETTINGS} has every setting with its default; examples/ has stack files for other cases.\n"
        "# Secrets belong here only encrypted, as `pulumi config set --secret` writes them.\n"
    )


def added(text: str, settings: Mapping[str, Any]) -> str:
    """The text of a stack file with further settings.

    Args:
        text: of the file; empty for a new one.
        settings: setting -> value, `aws:region` or `source.cluster`; none of them is in the text.

    Raises:
        FormError: the text has another form than lines of `name: value`, so that no line can be added.
    """
    try:
        insertions = list(_insertions(text, _sections(settings)))
        lines = text.splitlines()
        for place, new in reversed(insertions):
            lines[place:place] = new
        made = "\n".join(lines) + "\n"
        if yaml.safe_load(made) != _expected(yaml.safe_load(text), settings):
            raise _refusal(settings)
    except yaml.YAMLError:
        raise _refusal(settings) from None
    return made


def _refusal(settings: Mapping[str, Any]) -> FormError:
    named = ", ".join(f"{setting}: {json.dumps(value)}" for setting, value in settings.items())
    return FormError(f"nothing can be added to the stack file as it is written; add by hand: {named}")


def _sections(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Name in the file -> names and values below it; a setting outside of a section is its own only name."""
    found: dict[str, dict[str, Any]] = {}
    for setting, value in settings.items():
        section, _, name = setting.partition(".")
        found.setdefault(f"{NAMESPACE}:{section}" if name else section, {})[name or section] = value
    return found


def _insertions(text: str, sections: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[int, list[str]]]:
    """Number of a line -> what to add before it; in the order of the lines."""
    root = yaml.compose(text, yaml.SafeLoader)
    top = _entries(root)
    if "config" not in top:
        yield len(text.splitlines()), ["config:", *_blocks(sections, 2)]
        return
    config = _entries(top["config"][1])
    indent = _indent(config, 2)
    known = {name: _known(config, name) for name in sections}
    absent = {name: values for name, values in sections.items() if known[name] is None}
    if absent:
        yield top["config"][0].end_mark.line + 1, _blocks(absent, indent)
    below = [
        (found[0].end_mark.line + 1, _lines(name, sections[name], _indent(_entries(found[1]), indent + 2)))
        for name, found in known.items()
        if found is not None
    ]
    yield from sorted(below)


def _known(config: Entries, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    # A name without a namespace belongs to the project.
    return config.get(name) or config.get(name.removeprefix(f"{NAMESPACE}:"))


def _entries(node: yaml.Node | None) -> Entries:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value}


def _indent(entries: Entries, otherwise: int) -> int:
    return next((key.start_mark.column for key, _ in entries.values()), otherwise)


def _blocks(sections: Mapping[str, Mapping[str, Any]], indent: int) -> list[str]:
    found = []
    for name, values in sections.items():
        model = SECTIONS.get(name.removeprefix(f"{NAMESPACE}:"))
        if model is None:
            found += _lines(name, values, indent)
        else:
            found += _comment(f"{(model.__doc__ or '').splitlines()[0]} {_SETTINGS}", indent)
            found += [f"{' ' * indent}{name}:", *_lines(name, values, indent + 2)]
    return found


def _lines(section: str, values: Mapping[str, Any], indent: int) -> list[str]:
    found = []
    for name, value in values.items():
        found += _comment(_meaning(section, name), indent)
        margin = " " * indent
        if isinstance(value, Mapping):
            found += [
                f"{margin}{name}:",
                *(f"{margin}  {_scalar(inner)}: {_scalar(value[inner])}" for inner in value),
            ]
        else:
            found.append(f"{margin}{name}: {_scalar(value)}")
    return found


def _meaning(section: str, name: str) -> str:
    """What a setting means, as in the table of docs/settings.md."""
    model = SECTIONS.get(section.removeprefix(f"{NAMESPACE}:"))
    if model is None:
        return f"The AWS region of the bucket and of the VM, best the audit-log cluster's. {_SETTINGS}"
    fields = {field.alias: field for field in model.model_fields.values()}
    return str(fields[name].description)


def _comment(text: str, indent: int) -> list[str]:
    margin = f"{' ' * indent}# "
    return textwrap.wrap(
        text, _WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
    )


def _scalar(value: Any) -> str:
    """A value on one line, which PyYAML and the engine's YAML read alike."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_scalar(inner) for inner in value)}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and _is_itself(value):
        return value
    return json.dumps(value)


def _is_itself(text: str) -> bool:
    """Whether both readers take the text without quotes as text; PyYAML takes `yes`, for one, as a boolean."""
    return bool(stack_file.scalar(text) == text == yaml.safe_load(text))


def _expected(before: Any, settings: Mapping[str, Any]) -> Any:
    made = copy.deepcopy(before) or {}
    if not isinstance(made, dict):
        raise _refusal(settings)
    config = made["config"] = made.get("config") or {}
    for name, values in _sections(settings).items():
        short = name.removeprefix(f"{NAMESPACE}:")
        if name == next(iter(values)):
            config[name] = values[name]
        else:
            key = short if short in config and name not in config else name
            config[key] = {**(config.get(key) or {}), **_plain(values)}
    return made


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
