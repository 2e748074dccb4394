"""What there is of the stack already: its file, its secrets, its place in Pulumi's backend."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.settings import NAMESPACE, stack_file
from scripts.stack import ROOT, NoStackError, PulumiError, Stack, project_name

# What `pulumi stack init` writes, depending on what encrypts the stack's secrets.
_OF_A_STACK = {"encryptionsalt", "encryptedkey", "secretsprovider"}


class ChangedError(RuntimeError):
    """Somebody changed the stack file meanwhile."""


@dataclass(frozen=True)
class Present:
    """What there is.

    Attributes:
        stack: the stack by its name.
        file: of the stack, which need not exist.
        text: of the file; None if there is none.
        config: `namespace:name` -> value, decrypted as far as Pulumi could.
        environ: the environment, whose secrets override those of the stack.
        is_initialised: whether Pulumi's backend has the stack, as far as is known without Pulumi.
        no_pulumi: why Pulumi can keep no secrets; None if it can, once the stack is initialised.
    """

    stack: Stack
    file: Path
    text: str | None
    config: Mapping[str, Any] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    is_initialised: bool = False
    no_pulumi: str | None = None

    @classmethod
    def read(cls, name: str, environ: Mapping[str, str]) -> "Present":
        """Reads the file, and asks `pulumi` for the stack.

        Raises:
            SettingsError: the file is not a stack file.
        """
        stack = Stack(name)
        file = ROOT / f"Pulumi.{stack.short_name}.yaml"
        text = file.read_text() if file.exists() else None
        names = _names(text)
        config = stack_file.config(file, project_name()) if names & {"config", "environment"} else {}
        try:
            return cls(stack, file, text, {**config, **stack.config}, environ, is_initialised=True)
        except NoStackError:
            return cls(stack, file, text, config, environ)
        except PulumiError as error:
            is_initialised = bool(names & _OF_A_STACK)
            return cls(stack, file, text, config, environ, is_initialised, no_pulumi=str(error))

    def get(self, setting: str) -> Any:
        """The value of `source.cluster` or `aws:region`; None if it is not set. An encrypted value is an object."""
        section, _, name = setting.partition(".")
        found = self.config.get(f"{NAMESPACE}:{section}" if name else section)
        if not name:
            return None if found == "" else found
        try:
            values = json.loads(found) if isinstance(found, str) else found
        except ValueError:
            return None
        return values.get(name) if isinstance(values, Mapping) else None

    def readable(self, setting: str) -> str | None:
        """A text that is set and not encrypted."""
        found = self.get(setting)
        return found if isinstance(found, str) and found else None

    def write(self, text: str) -> None:
        """Writes the stack file at once, or not at all.

        Raises:
            ChangedError: it is no longer as it was read.
        """
        file = self.file.resolve()
        now = file.read_text() if file.exists() else None
        if now != self.text:
            raise ChangedError(
                f"somebody changed {self.file.name} meanwhile: nothing was written, run it again"
            )
        new = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            new.write_text(text)
            if now is not None:
                new.chmod(file.stat().st_mode & 0o777)
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)


def _names(text: str | None) -> set[str]:
    """The top-level names that have a value. `config` stands for a text that is no object at all."""
    try:
        found = yaml.safe_load(text or "")
    except yaml.YAMLError:
        return {"config"}
    if found is not None and not isinstance(found, dict):
        return {"config"}
    return {str(name) for name, value in (found or {}).items() if value is not None}
