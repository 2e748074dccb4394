"""A stack's settings while they are validated, when some of them may be wrong.

The views have the types of the sections, so that mypy refuses a misspelt name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.settings.sections import (
    Alarms,
    Archive,
    Connector,
    Fleet,
    Iam,
    Logzio,
    Section,
    Source,
    Worker,
    Writer,
)


class InvalidSettingError(Exception):
    """A validator read a setting that is wrong or missing. That setting's own problem is reported already."""


@dataclass(frozen=True)
class Sections:
    """A view of each section."""

    source: Source
    archive: Archive
    iam: Iam
    writer: Writer
    connector: Connector
    worker: Worker
    fleet: Fleet
    alarms: Alarms
    logzio: Logzio


@dataclass(frozen=True)
class Draft(Sections):
    """The settings as far as they are valid: reading an invalid one raises InvalidSettingError.

    Attributes:
        given: whether the stack file sets a setting, validly or not: `if draft.given.worker.heap_mb`. Each attribute is
            a bool at run time, whatever its type says: use it as a condition only.
        region: `aws:region`; None if it is missing.
    """

    given: Sections
    region: str | None


@dataclass(frozen=True)
class SectionDraft:
    """A section as the loader read it.

    Attributes:
        values: name of each valid setting (`heap_mb`) -> its value.
        given: name of each setting -> whether the stack file sets it; empty if the section is not an object.
        problems: a line for each problem with a setting of the section.
        section: the section itself; None if it has problems.
    """

    model: type[Section]
    values: Mapping[str, Any]
    given: Mapping[str, bool]
    problems: tuple[str, ...] = ()
    section: Section | None = None


def draft(sections: Mapping[str, SectionDraft], region: str | None) -> Draft:
    """The draft of all sections, by their names."""
    # A view has the attributes of a section, but is none: hence the type Any.
    valid: dict[str, Any] = {name: _View(read.model, read.values) for name, read in sections.items()}
    given: dict[str, Any] = {name: _View(read.model, read.given) for name, read in sections.items()}
    return Draft(**valid, given=Sections(**given), region=region)


class _View:
    """Has the settings of a section as attributes."""

    def __init__(self, model: type[Section], values: Mapping[str, Any]) -> None:
        self._model, self._values = model, values

    def __getattr__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name in self._model.model_fields:
            raise InvalidSettingError(name)
        raise AttributeError(f"{self._model.__name__} has no setting {name}")
