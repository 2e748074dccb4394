"""Reads stack files as Pulumi's engine does, for commands that run without the engine.

The engine reads YAML with go-yaml (gopkg.in/yaml.v3, resolve.go), which is mostly YAML 1.2, and passes values on as
JSON. PyYAML reads YAML 1.1, where `yes` is a boolean, `13:30` the number 810 and `012345678901` a text. Here each plain
scalar gets the value that the engine gives it; a test compares both.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from components.settings.errors import NAMESPACE, SettingsError

_TAG = "tag:yaml.org,2002:"
_PLAIN = "!plain"
_CONSTANTS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOT_FINITE = {
    f"{sign}.{name}" for sign in ("", "+", "-") for name in ("inf", "Inf", "INF", "nan", "NaN", "NAN")
}
_INT = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))"
)
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(Z|[-+]\d{2}:\d{2})| (\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?)?"
)


def config(path: Path, project: str = NAMESPACE) -> Mapping[str, Any]:
    """The configuration in a stack file: `namespace:name` -> text, list or object, as the engine passes it on.

    A name without a namespace belongs to the project.

    Raises:
        SettingsError: it is not a stack file.
        OSError: it cannot be read.
    """
    stack = _document(path)
    # A stack file may have only `environment:`.
    given = stack.get("config", {} if "environment" in stack else None)
    if not isinstance(given, Mapping):
        raise _not_a_stack_file(path)
    return {name if ":" in name else f"{project}:{name}": _passed_on(value) for name, value in given.items()}


def imports(path: Path) -> list[str]:
    """The environments (Pulumi ESC) that a stack file imports settings from. Reading them needs an account.

    Raises:
        SettingsError: it is not a stack file.
        OSError: it cannot be read.
    """
    environment = _document(path).get("environment")
    found = environment.get("imports") if isinstance(environment, Mapping) else environment
    names = found if isinstance(found, list) else []
    # An import may be an object with options: {name: {merge: false}}.
    imports = [next(iter(name), "") if isinstance(name, Mapping) else str(name) for name in names]
    return imports or (["environment"] if environment else [])


def _document(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.load(path.read_text(), _Loader)  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, ValueError):  # its message quotes the file
        found = None
    if not isinstance(found, Mapping):
        raise _not_a_stack_file(path)
    return found


def _not_a_stack_file(path: Path) -> SettingsError:
    return SettingsError([f"{path.name}: is not a stack file; accepted: YAML with config:"])


class _Loader(yaml.SafeLoader):
    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is not yaml.ScalarNode or not implicit[0]:
            return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]  # PyYAML has no types here
        return f"{_TAG}merge" if value == "<<" else _PLAIN

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if any(key in keys[:index] for index, key in enumerate(keys)):
            # go-yaml refuses a repeated key; PyYAML would take its last value.
            raise yaml.constructor.ConstructorError(None, None, "a key is repeated", node.start_mark)
        self.flatten_mapping(node)
        # Keys become texts at once: in a Python dict, 1 and true would be the same key.
        return {
            _key(self.construct_object(key)): self.construct_object(value, deep) for key, value in node.value
        }


def _construct_plain(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    return scalar(str(loader.construct_scalar(node)))


def _passed_on(value: Any) -> Any:
    """The engine passes a scalar outside of a section on as text, and null as empty text."""
    if value is None:
        return ""
    return value if isinstance(value, str | list | Mapping) else json.dumps(value)


def _refuse_tag(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    raise yaml.constructor.ConstructorError(None, None, f"the tag {node.tag} is not known", node.start_mark)


_Loader.add_constructor(_PLAIN, _construct_plain)
for _name in ("null", "bool", "int", "float", "binary", "timestamp", "omap", "pairs", "set"):
    # Nobody tags a scalar by hand, so this does not reproduce what go-yaml does with a tag.
    _Loader.add_constructor(f"{_TAG}{_name}", _refuse_tag)


def scalar(text: str) -> Any:
    """The value that the engine gives to a scalar without quotes.

    Raises:
        ValueError: a number that JSON does not have (`.inf`, `.nan`).
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text in _NOT_FINITE:
        raise ValueError("the engine cannot pass this number on")
    date = _date(text)
    if date is not None:
        return date
    if text[0] not in "+-.0123456789":
        return text
    plain = text if text[0] == "." else text.replace("_", "")
    whole = _int(plain)
    if whole is not None:
        return whole
    return _float(plain) if _FLOAT.fullmatch(plain) else text


def _int(plain: str) -> int | float | None:
    """A whole number; octal if it begins with 0. A number beyond signed 64 bits loses digits."""
    match = _INT.fullmatch(plain)
    if match is None:
        return None
    digits, base = next((match[name], base) for name, base in _BASES.items() if match[name])
    number = int(f"{match['sign']}{digits}", base)
    if -(2**63) <= number < 2**63:
        return number
    return _float(str(number)) if number < 2**64 and not match["sign"] else None


def _float(plain: str) -> float | int:
    """The number as JSON has it, where 1e3 is 1000."""
    number = float(plain)
    if not math.isfinite(number):
        raise ValueError("the engine cannot pass this number on")
    # Go writes the shortest digits that give this number: 9223372036854775809 becomes 9223372036854776000.
    return int(Decimal(repr(number))) if number.is_integer() and abs(number) < 1e21 else number


def _date(text: str) -> str | None:
    """A date or time as text in Go's format; None for other text."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, *time = match.groups()
    hour, minute, second = (int(part or 0) for part in (time[0:3] if time[0] else time[5:8]))
    try:
        local = datetime(int(year), int(month), int(day), hour, minute, second)  # noqa: DTZ001  # the zone is added below
    except ValueError:
        return None
    fraction = (time[3] or time[8] or "").rstrip("0").rstrip(".")
    offset = (time[4] or "Z").replace(":", "")
    zone = "+0000 UTC" if offset in ("Z", "+0000", "-0000") else f"{offset} {offset}"
    return f"{local:%Y-%m-%d %H:%M:%S}{fraction} {zone}"


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    return "<nil>" if key is None else json.dumps(key)
