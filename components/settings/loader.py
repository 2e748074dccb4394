"""Loads the settings of a stack. It reports all problems at once, and shows no secret in any of them."""

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
from pydantic_core import ErrorDetails

from components.logzio.facts import TOKEN_VARIABLE
from components.settings import platforms, stack_file
from components.settings.describe import accepted, annotation_at, bare, field_names
from components.settings.draft import SectionDraft, draft
from components.settings.errors import NAMESPACE, SettingsError, problem, unknown
from components.settings.sections import (
    MAX_TAGS,
    OWN_TAGS,
    SECTIONS,
    SESSION_SECONDS,
    Fleet,
    Section,
    Settings,
)
from components.settings.types import number_as_text
from components.settings.validators import validate


def load(raw: Mapping[str, Any], *, region: str | None, environ: Mapping[str, str]) -> Settings:
    """Settings from the sections of a stack file (`source` -> object, ...).

    Raises:
        SettingsError: with every problem at once.
    """
    given = {**raw, "logzio": _with_token(raw.get("logzio"), environ)}
    names = [*SECTIONS, "tags"]
    problems = [unknown(str(name), str(name), names) for name in given if name not in names]
    read = {section: _read(section, model, given.get(section)) for section, model in SECTIONS.items()}
    for section in read.values():
        problems += section.problems
    tags = _tags(given.get("tags"), problems)
    problems += validate(draft(read, region))
    if problems or region is None:
        raise SettingsError(problems)
    sections: dict[str, Any] = {name: section.section for name, section in read.items()}
    return Settings(**sections, tags=tags, region=region)


def from_pulumi(environ: Mapping[str, str]) -> Settings:
    """Settings of the stack that Pulumi runs, whatever the project is called in Pulumi.yaml.

    Raises:
        SettingsError: with every problem at once.
    """
    config = pulumi.Config(NAMESPACE)
    # pulumi.Config does not list its names, and a misspelt section must be reported. Pulumi's language host passes all
    # of them in this variable, the SDK's own host in this mapping.
    stack = {**json.loads(environ.get("PULUMI_CONFIG", "{}")), **CONFIG.get()}
    given = {name.partition(":")[2] for name in stack if name.startswith(f"{NAMESPACE}:")}
    names = sorted({*SECTIONS, "tags", *given})
    misplaced = _in_the_projects_namespace(stack)
    if misplaced:
        raise SettingsError(misplaced)
    # Not get_object: its error for a value that is not JSON quotes the value, which may hold a secret.
    raw = {name: _parsed(config.get(name)) for name in names}
    return load(raw, region=pulumi.Config("aws").get("region"), environ=environ)


def _in_the_projects_namespace(stack: Mapping[str, Any]) -> list[str]:
    """Sections that `pulumi config set source ...` put under the project's name, where that is another one."""
    project = pulumi.get_project()
    if project == NAMESPACE:
        return []
    return [
        f"{project}:{name}: is not read; accepted: {NAMESPACE}:{name}, whatever the project is called"
        for name in (*SECTIONS, "tags")
        if f"{project}:{name}" in stack
    ]


def load_config(config: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Settings from a stack's whole configuration, secrets decrypted: `namespace:key` -> text, objects as JSON.

    Raises:
        SettingsError: with every problem at once.
    """
    return load(_sections(config), region=config.get("aws:region"), environ=environ)


def load_stack_file(path: Path, project: str = NAMESPACE) -> Settings:
    """Settings from a stack file, without engine or secrets: each encrypted or missing secret is a placeholder.

    `project`: the name in Pulumi.yaml. Settings that the file imports from environments are not known here.

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
        source.setdefault("apiSecret", PLACEHOLDER)
    try:
        return load(raw, region=config.get("aws:region"), environ={TOKEN_VARIABLE: PLACEHOLDER})
    except SettingsError as found:
        imported = stack_file.imports(path)
        if not imported:
            raise
        misread = (
            f"{path.name}: environment: imports {', '.join(imported)}; only Pulumi can open that, so its settings are "
            "missing here; accepted: the settings in the file itself"
        )
        raise SettingsError([*found.problems, misread]) from None


def secret(value: SecretStr) -> pulumi.Output[str]:
    """A Pulumi secret: encrypted in the state and hidden in the output of commands."""
    return pulumi.Output.secret(value.get_secret_value())


_NO_TIME = (
    "Logz.io shows each event at the time of its arrival, not at its own, and may mark it as an invalid log"
)
_TWO_TYPES = "an object where the first event of the day had text, or the other way round"


def warnings(settings: Settings, today: date) -> list[str]:
    """Lines on settings that work but may surprise."""
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
    return found + _alarm_warnings(settings) + _fleet_warnings(settings)


def _alarm_warnings(settings: Settings) -> list[str]:
    worker = settings.worker
    if worker.alarm_topic_arn is not None and not worker.metrics:
        return [f"{NAMESPACE}:worker.alarmTopicArn is set, but worker.metrics is false: there are no alarms"]
    if worker.alarm_topic_arn is None and worker.metrics and not settings.alarms.email:
        return [
            f"{NAMESPACE}:alarms.email has no address, and worker.alarmTopicArn is not set: alarms show only in "
            "CloudWatch, and nobody gets a message of them"
        ]
    return []


def _fleet_warnings(settings: Settings) -> list[str]:
    found = []
    if settings.worker.mode == "standalone" and settings.fleet != Fleet():
        found.append(f"{NAMESPACE}:fleet is set, but worker.mode is standalone: nothing uses it")
    count, rotation = settings.worker.count, settings.connector.rotation_seconds
    partitions = len(settings.topic_partitions)
    if count > partitions:
        found.append(
            f"{NAMESPACE}:worker.count is {count}, and the topics have {partitions} partitions: the other VMs only wait"
        )
    if count > 1 and rotation < SESSION_SECONDS:
        found.append(
            f"{NAMESPACE}:connector.rotationSeconds is {rotation}: below {SESSION_SECONDS}, a VM that hangs may archive "
            "more events twice, as Kafka gives its partitions to another VM after that time"
        )
    return found


def _read(name: str, model: type[Section], raw: Any) -> SectionDraft:
    """Reads one section; the valid settings beside those that are wrong, too."""
    if raw is None:
        raw = {}
    if not isinstance(raw, Mapping):
        return SectionDraft(model, {}, {}, (problem(name, "is not an object", f"an {accepted(model)}"),))
    raw = {str(setting): value for setting, value in raw.items() if value is not None}
    aliases = {setting: {setting, field.alias} for setting, field in model.model_fields.items()}
    given = {setting: not names.isdisjoint(raw) for setting, names in aliases.items()}
    try:
        section = model.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False)
    else:
        return SectionDraft(model, dict(section), given, section=section)
    wrong = {str(detail["loc"][0]) for detail in found}
    valid = _lenient(model).model_validate({setting: raw[setting] for setting in raw if setting not in wrong})
    values = {setting: value for setting, value in valid if wrong.isdisjoint(aliases[setting])}
    return SectionDraft(model, values, given, tuple(_explained(name, model, detail) for detail in found))


@functools.cache
def _lenient(model: type[Section]) -> type[Section]:
    """The section without required settings, to read the valid settings beside those that are wrong."""
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
    """One error of the validation library as a line. It never shows a text that the stack file has."""
    location = [part for part in found["loc"] if part != "[key]"]
    setting = ".".join([section, *(str(part) for part in location)])
    kind = found["type"]
    if kind == "extra_forbidden":
        return unknown(setting, str(location[-1]), field_names(bare(annotation_at(model, location[:-1]))))
    if kind == "value_error":
        line = f"{NAMESPACE}:{setting}: {found['msg'].removeprefix('Value error, ')}"
    else:
        # Only numbers are shown, because no secret is a number.
        wrong = _WRONG.get(kind, "is of another type").format(found["input"] if kind in _BOUNDS else None)
        line = problem(setting, wrong, accepted(annotation_at(model, location)))
    fields = model.model_fields.items()
    described = next(field for name, field in fields if location[0] in (name, field.alias))
    return f"{line}. {described.description}"


def _tags(raw: Any, problems: list[str]) -> dict[str, str]:
    """Checks tags by AWS's rules. For IAM, names that differ only in case are the same name."""
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
                problem(
                    f"tags.{name}", "has a name that AWS reserves", "a name that does not begin with aws:"
                )
            )
        elif not (0 < len(name) <= 128 and text.fullmatch(name)):
            problems.append(
                problem(
                    f"tags.{name}", "is not a valid name", "1 to 128 letters, digits, spaces and _.:/=+-@"
                )
            )
        if not (isinstance(value, str) and len(value) <= 256 and text.fullmatch(value)):
            problems.append(
                problem(
                    f"tags.{name}", "is not a valid value", "up to 256 letters, digits, spaces and _.:/=+-@"
                )
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


PLACEHOLDER = "placeholder"
"""What `load_stack_file` gives for a secret that is encrypted or missing."""


def _with_token(logzio: Any, environ: Mapping[str, str]) -> Any:
    token = environ.get(TOKEN_VARIABLE)
    if token and (logzio is None or isinstance(logzio, Mapping)):
        kept = {name: value for name, value in (logzio or {}).items() if name != "api_token"}
        return {**kept, "apiToken": token}
    return logzio


def _sections(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a stack's configuration in the project's namespace, by section."""
    return {
        name.removeprefix(f"{NAMESPACE}:"): _parsed(value)
        for name, value in config.items()
        if name.startswith(f"{NAMESPACE}:")
    }


def _parsed(value: Any) -> Any:
    """A section, which Pulumi passes as JSON text. Other text stays as it is, and is refused as not an object."""
    if not isinstance(value, str):
        return value
    if value == "":
        # Pulumi's value of an empty section, which it announces to become null.
        return None
    try:
        return json.loads(value)
    except ValueError:
        return value


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"secure"}


def _without_secrets(value: Any) -> Any:
    """The value with a placeholder for each encrypted part, {"secure": ...} in the file."""
    if _is_encrypted(value):
        return PLACEHOLDER
    if isinstance(value, dict):
        return {name: _without_secrets(inner) for name, inner in value.items()}
    return value
