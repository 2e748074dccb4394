"""The `pulumi` command of one stack: its settings, its state, `up`."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components import generations, settings
from components.settings import NAMESPACE, Settings

ROOT = Path(__file__).resolve().parents[1]


class PulumiError(RuntimeError):
    """A `pulumi` command failed; the message says which, and what it said if that was not shown."""


@dataclass(frozen=True)
class Stack:
    """A stack of the project, by its name (`prod`, or `organisation/prod`)."""

    name: str

    @property
    def short_name(self) -> str:
        """The name as the program knows it."""
        return self.name.rpartition("/")[2]

    def settings(self) -> Settings:
        """What the stack file says, secrets decrypted.

        Raises:
            SettingsError: with every problem at once.
            PulumiError: there is no such stack, or its secrets cannot be decrypted.
        """
        # Its output holds every secret in plain: it is parsed, and goes nowhere else.
        config = json.loads(self._say("config", "--json", "--show-secrets"))
        sections = {
            name.removeprefix(f"{NAMESPACE}:"): json.loads(one["value"])
            for name, one in config.items()
            if name.startswith(f"{NAMESPACE}:")
        }
        region = config.get("aws:region", {}).get("value")
        return settings.load(sections, region=region, environ=os.environ)

    def keys(self) -> dict[str, set[int]]:
        """The keys in the stack's state: whose (`writer`) -> generations."""
        # Secrets stay encrypted in it.
        state: Any = json.loads(self._say("stack", "export"))
        found: dict[str, set[int]] = {}
        for resource in state["deployment"].get("resources") or ():
            key = generations.parse_resource_name(resource["urn"].rpartition("::")[2])
            if key is not None:
                found.setdefault(key[0], set()).add(key[1])
        return found

    def set_generations(self, wanted: Mapping[str, Sequence[int]]) -> None:
        """Writes `keyGenerations` of these sections into the stack file, all at once."""
        values = [
            f"--plaintext={_path(section, index)}={generation}"
            for section, known in wanted.items()
            for index, generation in enumerate(known)
        ]
        self._say("config", "set-all", "--path", *values)

    def drop_generation(self, section: str) -> None:
        """Takes the first of two generations of a section out of the stack file."""
        self._say("config", "rm", "--path", _path(section, 0))

    def up(self, *, yes: bool) -> None:
        """`pulumi up`, as a person runs it; `yes` asks nothing.

        Raises:
            PulumiError: it failed, or the person said no.
        """
        command = [_pulumi(), "up", "--stack", self.name, *(["--yes", "--skip-preview"] if yes else [])]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise PulumiError("`pulumi up` did not end well; what it said stands above")

    def _say(self, *arguments: str) -> str:
        command = [_pulumi(), *arguments, "--stack", self.name, "--non-interactive", "--color=never"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
        if done.returncode != 0:
            raise PulumiError(f"`pulumi {' '.join(arguments[:2])}` failed: {done.stderr.strip()}")
        return done.stdout


def _pulumi() -> str:
    found = shutil.which("pulumi")
    if found is None:
        raise PulumiError("there is no `pulumi` on PATH: see https://www.pulumi.com/docs/install/")
    return found


def _path(section: str, index: int) -> str:
    return f"{NAMESPACE}:{section}.keyGenerations[{index}]"
