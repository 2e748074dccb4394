"""The `pulumi` command of one stack: its settings, its state, `up`."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from components import key_generations, settings
from components.owner import Owner
from components.settings import NAMESPACE, Settings
from scripts.verification.registrations import Made

_PARAMETER = "aws:ssm/parameter:Parameter"
_SOURCE = "logexporter:source:AuditLogSource"
_REGISTRATION = "LogzioRegistration"
_KEYS = ("aws:iam/accessKey:AccessKey", "confluentcloud:index/apiKey:ApiKey")

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

    @property
    def owner(self) -> str:
        """What the stack's resources carry, see `components.owner.Owner.path`."""
        return Owner(project_name(), self.short_name).path

    def settings(self) -> Settings:
        """What the stack file says, secrets decrypted.

        Raises:
            SettingsError: with every problem at once.
            PulumiError: there is no such stack, or its secrets cannot be decrypted.
        """
        return settings.load_config(self._config, os.environ)

    def aws_profile(self) -> str | None:
        """The profile that `pulumi up` takes AWS credentials from; None for the environment's own."""
        return self._config.get("aws:profile")

    def aws_account(self) -> str | None:
        """The account that the stack is in; None before it was made."""
        arns = (
            resource.get("outputs", {}).get("arn")
            for resource in self._resources
            if resource["type"] == _PARAMETER
        )
        return next((str(arn).split(":")[4] for arn in arns if arn), None)

    def bootstrap_servers(self) -> str | None:
        """The endpoint of the audit-log cluster that the stack found; None before it was made."""
        outputs = (resource.get("outputs", {}) for resource in self._resources if resource["type"] == _SOURCE)
        return next(
            (str(output["bootstrapServers"]) for output in outputs if "bootstrapServers" in output), None
        )

    def registrations(self) -> list[Made]:
        """The registrations in Logz.io that the stack made."""
        return [
            _made({**resource["outputs"], "id": resource["id"]})
            for resource in self._resources
            if resource["type"].endswith(_REGISTRATION) and resource.get("id")
        ]

    def keys(self) -> dict[str, set[int]]:
        """The keys in the stack's state: whose (`writer`) -> generations."""
        found: dict[str, set[int]] = {}
        for resource in self._resources:
            key = key_generations.parse_resource_name(resource["urn"].rpartition("::")[2])
            if key is not None and resource["type"] in _KEYS:
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

    # Both are read once: what is changed here is not asked for again.

    @cached_property
    def _config(self) -> dict[str, str]:
        # The output holds every secret in plain: it is parsed, and goes nowhere else.
        config = json.loads(self._say("config", "--json", "--show-secrets"))
        return {name: str(one["value"]) for name, one in config.items()}

    @cached_property
    def _resources(self) -> list[dict[str, Any]]:
        """What the stack has made; secrets stay encrypted."""
        state = json.loads(self._say("stack", "export"))
        resources = state["deployment"].get("resources") or []
        # `delete`: replaced already, and only to be removed.
        return [resource for resource in resources if not resource.get("delete")]

    def _say(self, *arguments: str) -> str:
        command = [_pulumi(), *arguments, "--stack", self.name, "--non-interactive", "--color=never"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
        if done.returncode != 0:
            raise PulumiError(f"`pulumi {' '.join(arguments[:2])}` failed: {done.stderr.strip()}")
        return done.stdout


def project_name() -> str:
    """The project's name in Pulumi.yaml."""
    return str(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["name"])


def _made(outputs: Mapping[str, Any]) -> Made:
    def text(name: str) -> str | None:
        # What Pulumi keeps encrypted is an object here.
        value = outputs.get(name)
        return value if isinstance(value, str) and value else None

    created_at = text("created_at")
    return Made(
        id=int(outputs["id"]),
        prefix=text("prefix") or "",
        role_arn=text("role_arn"),
        access_key=text("access_key"),
        created_at=datetime.fromisoformat(created_at) if created_at else None,
    )


def _pulumi() -> str:
    found = shutil.which("pulumi")
    if found is None:
        raise PulumiError("there is no `pulumi` on PATH: see https://www.pulumi.com/docs/install/")
    return found


def _path(section: str, index: int) -> str:
    return f"{NAMESPACE}:{section}.keyGenerations[{index}]"
