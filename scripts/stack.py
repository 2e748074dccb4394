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
from components.running_stack import RunningStack
from components.settings import NAMESPACE, Settings
from scripts.verify.registrations import StackRegistration

_BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
_INSTANCE = "aws:ec2/instance:Instance"
_STACK = "pulumi:pulumi:Stack"
_PARAMETER = "aws:ssm/parameter:Parameter"
_SOURCE = "logexporter:source:AuditLogSource"
_REGISTRATION = "LogzioRegistration"
_KEYS = ("aws:iam/accessKey:AccessKey", "confluentcloud:index/apiKey:ApiKey")

ROOT = Path(__file__).resolve().parents[1]


class PulumiError(RuntimeError):
    """A `pulumi` command failed; the message has the command, and its output if that was not shown."""


class NoStackError(PulumiError):
    """`pulumi` works, and its backend has no stack of this name."""


@dataclass(frozen=True)
class Stack:
    """A stack of the project, by its name (`prod`, or `organisation/prod`)."""

    name: str

    @property
    def short_name(self) -> str:
        """The name as the program knows it."""
        return self.name.rpartition("/")[2]

    @property
    def file(self) -> Path:
        """The file that `pulumi` reads too: PULUMI_OPTION_CONFIG_FILE if set, otherwise `Pulumi.<stack>.yaml`."""
        given = os.environ.get("PULUMI_OPTION_CONFIG_FILE")
        return Path(given) if given else ROOT / f"Pulumi.{self.short_name}.yaml"

    @property
    def owner(self) -> str:
        """The owner's name on the stack's resources, see `components.owner.Owner.path`."""
        return Owner(project_name(), self.short_name).path

    def settings(self) -> Settings:
        """The settings in the stack file, secrets decrypted.

        Raises:
            SettingsError: with every problem at once.
            PulumiError: there is no such stack, or its secrets cannot be decrypted.
        """
        return settings.load_config(self.config, os.environ)

    def aws_profile(self) -> str | None:
        """The profile whose AWS credentials `pulumi up` uses; None for those of the environment."""
        return self.config.get("aws:profile")

    def aws_account(self) -> str | None:
        """The AWS account of the stack; None before the first `up`."""
        arns = (
            resource.get("outputs", {}).get("arn")
            for resource in self._resources
            if resource["type"] == _PARAMETER
        )
        return next((str(arn).split(":")[4] for arn in arns if arn), None)

    def bootstrap_servers(self) -> str | None:
        """The endpoint of the audit-log cluster that the stack looked up; None before the first `up`."""
        outputs = (resource.get("outputs", {}) for resource in self._resources if resource["type"] == _SOURCE)
        return next(
            (str(output["bootstrapServers"]) for output in outputs if "bootstrapServers" in output), None
        )

    def registrations(self) -> list[StackRegistration]:
        """The registrations in Logz.io that the stack made."""
        return [
            _made({**resource["outputs"], "id": resource["id"]})
            for resource in self._resources
            if resource["type"].endswith(_REGISTRATION) and resource.get("id")
        ]

    def buckets(self) -> set[str]:
        """Names of the buckets in the stack's state."""
        outputs = (
            resource.get("outputs", {}) for resource in self._resources if resource["type"] in _BUCKETS
        )
        return {str(output["bucket"]) for output in outputs if "bucket" in output}

    def has_vm(self) -> bool:
        """Whether an `up` made the VM."""
        return any(resource["type"] == _INSTANCE for resource in self._resources)

    def images(self) -> set[str]:
        """The ids of the images that the VMs were made from."""
        outputs = (
            resource.get("outputs", {}) for resource in self._resources if resource["type"] == _INSTANCE
        )
        return {str(output["ami"]) for output in outputs if "ami" in output}

    def architecture(self) -> str | None:
        """The VMs' architecture; None before the first `up`."""
        outputs = (resource.get("outputs", {}) for resource in self._resources if resource["type"] == _STACK)
        return RunningStack.parse(next(outputs, {})).architecture

    def keys(self) -> dict[str, set[int]]:
        """The keys in the stack's state: identity (`writer`) -> generations."""
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
        self._run("config", "set-all", "--path", *values)

    def drop_generation(self, section: str) -> None:
        """Removes the first of two generations of a section from the stack file."""
        self._run("config", "rm", "--path", _path(section, 0))

    def init(self) -> None:
        """Makes the stack in Pulumi's backend, and selects it.

        Raises:
            PulumiError: it could not be made, for instance because no passphrase is given.
        """
        self._run("stack", "init")

    def set_secret(self, name: str, value: str) -> None:
        """Writes a secret into the stack file, encrypted. `name`: `logzio.apiToken`, or with a namespace of its own.

        Raises:
            PulumiError: there is no such stack, or its secrets cannot be encrypted.
        """
        self._run("config", "set", "--secret", *secret_name(name), given=value)

    def up(self, *, yes: bool) -> None:
        """Runs `pulumi up` in the terminal; with `yes`, without questions.

        Raises:
            PulumiError: it failed, or the person said no.
        """
        command = [_pulumi(), "up", "--stack", self.name, *(["--yes", "--skip-preview"] if yes else [])]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise PulumiError("`pulumi up` failed; see its output above")

    # Both are read once: no caller needs the values that this object changes.

    @cached_property
    def config(self) -> dict[str, str]:
        """The whole configuration: `namespace:key` -> text, objects as JSON.

        It has every secret in plain text, and must go nowhere else.

        Raises:
            PulumiError: there is no such stack, or its secrets cannot be decrypted.
        """
        config = json.loads(self._run("config", "--json", "--show-secrets"))
        return {name: str(entry["value"]) for name, entry in config.items()}

    @cached_property
    def _resources(self) -> list[dict[str, Any]]:
        """The resources in the stack's state; secrets stay encrypted."""
        state = json.loads(self._run("stack", "export"))
        resources = state["deployment"].get("resources") or []
        # `delete`: already replaced, and waiting for its removal.
        return [resource for resource in resources if not resource.get("delete")]

    def _run(self, *arguments: str, given: str = "") -> str:
        """What the command prints. `given` goes to its standard input: the way for a secret, never an argument."""
        command = [_pulumi(), *arguments, "--stack", self.name, "--non-interactive", "--color=never"]
        done = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, check=False, text=True)
        if done.returncode != 0:
            kind = NoStackError if "no stack named" in done.stderr else PulumiError
            raise kind(f"`pulumi {' '.join(arguments[:2])}` failed: {done.stderr.strip()}")
        return done.stdout


def secret_name(setting: str) -> list[str]:
    """The arguments of `pulumi config set` that name a setting: `logzio.apiToken`, or with a namespace of its own."""
    return [setting] if ":" in setting else ["--path", f"{NAMESPACE}:{setting}"]


def project_name() -> str:
    """The project's name in Pulumi.yaml."""
    return str(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["name"])


def _made(outputs: Mapping[str, Any]) -> StackRegistration:
    def text(name: str) -> str | None:
        # An encrypted value is an object here.
        value = outputs.get(name)
        return value if isinstance(value, str) and value else None

    created_at = text("created_at")
    return StackRegistration(
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
