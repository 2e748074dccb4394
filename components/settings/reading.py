"""Reads the sections as they stand in a stack: all problems at once, no secret in any of them."""

import functools
import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG
from pydantic import SecretStr, ValidationError, create_model
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from components.logzio.facts import TOKEN_VARIABLE
from components.settings import platforms, stack_file
from components.settings.checks import number_as_text
from components.settings.problems import NAMESPACE, SettingsError, problem, unknown
from components.settings.rules import RULES
from components.settings.sections import MAX_TAGS, OWN_TAGS, SECTIONS, Section, Settings
from components.settings.words import accepted, annotation_at, bare, field_names


def load(raw: Mapping[str, Any], *, region: str | None, environ: Mapping[str, str]) -> Settings:
    """Settings from the sections as they stand in the stack file (`source` -> object, ...).

    Raises:
        SettingsError: with every problem at once.
    """
    problems: list[str] = []
    known: dict[str, Any] = {"region": region}
    given = {**raw, "logzio": _with_token(raw.get("logzio"), environ)}
    names = [*SECTIONS, "tags"]
    problems += [unknown(str(name), str(name), names) for name in given if name not in names]
    for section, model in SECTIONS.items():
        problems += _read(section, model, {} if given.get(section) is None else given[section], known)
    tags = _tags(given.get("tags"), problems)
    for needs, rule in RULES:
        # Rules look only at settings that are valid by themselves; the others are reported already.
        if all(name in known for name in needs):
            problems += rule(*(known[name] for name in needs))
    if problems or region is None:
        raise SettingsError(problems)
    return Settings(**{section: known[section] for section in SECTIONS}, tags=tags, region=region)


def from_pulumi(environ: Mapping[str, str]) -> Settings:
    """Settings of the stack that Pulumi runs, whatever the project is called in Pulumi.yaml.

    Raises:
        SettingsError: with every problem at once.
    """
    config = pulumi.Config(NAMESPACE)
    # pulumi.Config does not list its names, and a misspelt section is to be seen. The language host hands all of
    # them over in this variable, or the SDK's own host in this mapping.
    stack = {**json.loads(environ.get("PULUMI_CONFIG", "{}")), **CONFIG.get()}
    given = {name.partition(":")[2] for name in stack if name.startswith(f"{NAMESPACE}:")}
    names = sorted({*SECTIONS, "tags", *given})
    misplaced = _in_the_projects_namespace(stack)
    if misplaced:
        raise SettingsError(misplaced)
    # Not get_object: its error for a value that is not JSON quotes the value, and with it a secret.
    raw = {name: _parsed(config.get(name)) for name in names}
    return load(raw, region=pulumi.Config("aws").get("region"), environ=environ)


def _in_the_projects_namespace(stack: Mapping[str, Any]) -> list[str]:
    """Sections that `pulumi config set source ...` put under the name of a project that is called otherwise."""
    project = pulumi.get_project()
    if project == NAMESPACE:
        return []
    return [
        f"{project}:{name}: is not read; accepted: {NAMESPACE}:{name}, whatever the project is called"
        for name in (*SECTIONS, "tags")
        if f"{project}:{name}" in stack
    ]


def load_config(config: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Settings of a stack's whole configuration, secrets decrypted: `namespace:key` -> text, objects as JSON.

    Raises:
        SettingsError: with every problem at once.
    """
    return load(_sections(config), region=config.get("aws:region"), environ=environ)


def load_stack_file(path: Path, project: str = NAMESPACE) -> Settings:
    """Settings of a stack file without engine or secrets: each encrypted or missing secret is a placeholder.

    `project`: the name in Pulumi.yaml. What the file imports from environments is not known here.

    Raises:
        SettingsError: with every problem at once.
        OSError: the file cannot be read.
    """
    config = stack_file.config(path, project)
    sections = _sections(config)
    encrypted = [name for name, value in sections.items() if _is_encrypted(value)]
    if encrypted:
        raise SettingsError(
            problem(
                name,
                "is encrypted as a whole",
                f"`pulumi config set --secret --path {NAMESPACE}:{name}.<name>`",
            )
            for name in encrypted
        )
    raw = {name: _without_secrets(value) for name, value in sections.items()}
    source = raw.get("source")
    if isinstance(source, dict) and "apiKey" in source:
        source.setdefault("apiSecret", _PLACEHOLDER)
    try:
        return load(raw, region=config.get("aws:region"), environ={TOKEN_VARIABLE: _PLACEHOLDER})
    except SettingsError as found:
        imported = stack_file.imports(path)
        if not imported:
            raise
        misread = (
            f"{path.name}: environment: imports {', '.join(imported)}; only Pulumi can open that, so what it sets is "
            "missing here; accepted: the settings in the file itself"
        )
        raise SettingsError([*found.problems, misread]) from None


def secret(value: SecretStr) -> pulumi.Output[str]:
    """A secret as Pulumi keeps it: encrypted in the state and hidden in its output."""
    return pulumi.Output.secret(value.get_secret_value())


_NO_TIME = (
    "Logz.io shows each event at the time of its arrival, not at its own, and may mark it as an invalid log"
)
_TWO_TYPES = "an object where the first event of the day had text, or the other way round"


def warnings(settings: Settings, today: date) -> list[str]:
    """What works but deserves a look."""
    found = []
    support = platforms.warning(settings.worker.platform_version, today)
    if support is not None:
        found.append(f"{NAMESPACE}:worker.platformVersion is {support}")
    connector = settings.connector
    if connector.archive_sha256 is None:
        found.append(
            f"{NAMESPACE}:connector.archiveSha256 is not set: the connector's archive is installed unchecked"
        )
    if connector.format == "raw":
        found.append(
            f"{NAMESPACE}:connector.format is raw: {_NO_TIME}. An event that has {_TWO_TYPES} is not indexed"
        )
    elif connector.renames.get("time") != "@timestamp":
        found.append(f"{NAMESPACE}:connector.renames has no time: @timestamp: {_NO_TIME}")
    if connector.format == "json" and not connector.flatten:
        found.append(
            f"{NAMESPACE}:connector.flatten is false: Logz.io does not index an event that has {_TWO_TYPES}"
        )
    return found


def _read(section: str, model: type[Section], raw: Any, known: dict[str, Any]) -> list[str]:
    """Reads one section: the problems of its settings, each by itself.

    Enters into `known` the section if it is right as a whole, each setting that is right by itself
    (`worker.heap_mb`), and which settings were given at all (`worker given`, camelCase).
    """
    if not isinstance(raw, Mapping):
        return [problem(section, "is not an object", f"an {accepted(model)}")]
    raw = {str(name): value for name, value in raw.items() if value is not None}
    problems, wrong = [], set()
    try:
        value = known[section] = model.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = [_explained(section, model, one) for one in found]
        wrong = {str(one["loc"][0]) for one in found}
        value = _lenient(model).model_validate({name: raw[name] for name in raw if name not in wrong})
    for name, field in model.model_fields.items():
        if not wrong & {name, field.alias}:
            known[f"{section}.{name}"] = getattr(value, name)
    known[f"{section} given"] = {to_camel(name) for name in raw}
    return problems


@functools.cache
def _lenient(model: type[Section]) -> type[Section]:
    """The section with nothing required, to read what is right beside what is wrong."""
    required: dict[str, Any] = {
        name: (field.annotation, None) for name, field in model.model_fields.items() if field.is_required()
    }
    return create_model(model.__name__, __base__=model, **required)


_BOUNDS = {"greater_than_equal", "less_than_equal"}
_WRONG = {
    "missing": "is missing",
    "literal_error": "is none of these",
    "greater_than_equal": "{} is too small",
    "less_than_equal": "{} is too large",
}


def _explained(section: str, model: type[Section], found: ErrorDetails) -> str:
    """One error of the validation library as a line that never shows a text that was given."""
    location = [part for part in found["loc"] if part != "[key]"]
    setting = ".".join([section, *(str(part) for part in location)])
    kind = found["type"]
    if kind == "extra_forbidden":
        return unknown(setting, str(location[-1]), field_names(bare(annotation_at(model, location[:-1]))))
    if kind == "value_error":
        line = f"{NAMESPACE}:{setting}: {found['msg'].removeprefix('Value error, ')}"
    else:
        # Only a number is ever shown: no secret is one.
        wrong = _WRONG.get(kind, "is of another type").format(found["input"] if kind in _BOUNDS else None)
        line = problem(setting, wrong, accepted(annotation_at(model, location)))
    fields = model.model_fields.items()
    described = next(field for name, field in fields if location[0] in (name, field.alias))
    return f"{line}. {described.description}"


def _tags(raw: Any, problems: list[str]) -> dict[str, str]:
    """AWS's rules for tags, and IAM's, which takes names for the same that differ in case alone."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        problems.append(problem("tags", "is not an object", "an object: name to text"))
        return {}
    tags = {str(name): number_as_text(value) for name, value in raw.items()}
    for name, value in tags.items():
        text = re.compile(r"[\w .:/=+@-]*")
        if name.lower().startswith("aws:"):
            problems.append(
                problem(f"tags.{name}", "has a name that AWS keeps for itself", "no aws: before it")
            )
        elif not (0 < len(name) <= 128 and text.fullmatch(name)):
            problems.append(
                problem(f"tags.{name}", "is no name", "1 to 128 letters, digits, spaces and _.:/=+-@")
            )
        if not (isinstance(value, str) and len(value) <= 256 and text.fullmatch(value)):
            problems.append(
                problem(f"tags.{name}", "is no value", "up to 256 letters, digits, spaces and _.:/=+-@")
            )
    all_names = [*(name for name in OWN_TAGS if name not in tags), *tags]
    if len(all_names) > MAX_TAGS:
        most = MAX_TAGS - len(OWN_TAGS)
        problems.append(
            problem("tags", f"has {len(tags)} tags", f"at most {most}: an object in S3 takes {MAX_TAGS}")
        )
    if len({name.lower() for name in all_names}) < len(all_names):
        problems.append(
            problem(
                "tags",
                "has names that differ only in case, from each other or from the project's own",
                f"names that differ from each other and from {', '.join(OWN_TAGS)}",
            )
        )
    return tags


_PLACEHOLDER = "placeholder"


def _with_token(logzio: Any, environ: Mapping[str, str]) -> Any:
    token = environ.get(TOKEN_VARIABLE)
    if token and (logzio is None or isinstance(logzio, Mapping)):
        kept = {name: value for name, value in (logzio or {}).items() if name != "api_token"}
        return {**kept, "apiToken": token}
    return logzio


def _sections(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a stack's configuration has in the project's namespace."""
    return {
        name.removeprefix(f"{NAMESPACE}:"): _parsed(value)
        for name, value in config.items()
        if name.startswith(f"{NAMESPACE}:")
    }


def _parsed(value: Any) -> Any:
    """A section as Pulumi hands it over: JSON text. Other text stays, and is refused as no object."""
    if not isinstance(value, str):
        return value
    if value == "":
        # What a section is that has nothing under it: Pulumi says that it will be null one day.
        return None
    try:
        return json.loads(value)
    except ValueError:
        return value


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"secure"}


def _without_secrets(value: Any) -> Any:
    """An encrypted value stands in the file as {"secure": ...}."""
    if _is_encrypted(value):
        return _PLACEHOLDER
    if isinstance(value, dict):
        return {name: _without_secrets(inner) for name, inner in value.items()}
    return value
