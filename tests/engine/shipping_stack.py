"""A stack of the Logz.io part alone: the real engine, the emulator, nothing else."""

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from local.base import paths
from local.stack import engine
from local.stack.deployment import clean_environment
from local.stack.pulumi import Pulumi
from local.systems.logzio.server import Emulator

PROGRAM = Path(__file__).parent / "shipping_program"
STACK = "test"
ROLE = "arn:aws:iam::123456789012:role/logzio-reader"

# The engine keeps plain settings in the state: a secret that is to be searched for there comes another way.
SECRET_VARIABLE = "SHIPPING_TEST_SECRET"


class Stack:
    """One stack of `shipping_program` in a folder of its own. Arguments of the program are in `arguments`."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.folder = folder
        self.emulator = emulator
        self.arguments: dict[str, Any] = {
            "base_url": emulator.url,
            "bucket": "archive",
            "partitions": [0, 1],
            "role_arn": ROLE,
        }
        self.output = ""
        """Everything that was printed so far."""
        found = engine.ensure()
        self.environment = {
            **clean_environment(),
            **found.environment(folder),
            "PYTHONPATH": str(paths.ROOT),
        }
        self._pulumi = Pulumi(found, PROGRAM, self.environment)
        self._config = folder / f"Pulumi.{STACK}.yaml"
        self.run("stack", "init", STACK, config=False)
        self.set_token(emulator.token)

    def set_token(self, token: str) -> None:
        """Puts the token into the stack's settings, as a secret inside the structured setting."""
        setting = "ccloud-logexporter:logzio.apiToken"
        file = ("--config-file", str(self._config), "-s", STACK)
        self._pulumi.run("config", "set", "--secret", "--path", setting, *file, given=token)

    def run(self, *arguments: str, config: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `pulumi`; what it says is kept."""
        done = self._pulumi.attempt(*self._options(arguments, config=config))
        self.output += done.stdout + done.stderr
        return done

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Starts `pulumi` in a process group of its own, to be interrupted."""
        return self._pulumi.start(*self._options(arguments, config=True), own_group=True)

    def _options(self, arguments: tuple[str, ...], *, config: bool) -> tuple[str, ...]:
        if not config:
            return arguments
        self._write_arguments()
        return (*arguments, "-s", STACK, "--config-file", str(self._config))

    def up(self) -> subprocess.CompletedProcess[str]:
        """`pulumi up`."""
        return self.run("up", "--yes", "--skip-preview")

    def preview(self) -> subprocess.CompletedProcess[str]:
        """`pulumi preview`, which fails on any change."""
        return self.run("preview", "--expect-no-changes", "--diff")

    def refresh(self) -> subprocess.CompletedProcess[str]:
        """`pulumi refresh`."""
        return self.run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> subprocess.CompletedProcess[str]:
        """`pulumi destroy`."""
        return self.run("destroy", "--yes", "--skip-preview")

    def cancel(self) -> None:
        """Removes the lock that a killed command left."""
        assert self.run("cancel", "--yes", STACK, config=False).returncode == 0

    def end_ghosts(self) -> None:
        """Ends the provider processes that a killed engine left: they do not end by themselves."""
        mark = f"PULUMI_HOME={self.environment['PULUMI_HOME']}".encode()
        for entry in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if mark in entry.read_bytes().split(b"\0"):
                    os.kill(int(entry.parent.name), signal.SIGKILL)

    def rotate_token(self, token: str) -> None:
        """Logz.io accepts another token from now on; the settings do not know it yet."""
        (self.folder / "logzio" / "token").write_text(token)

    def state(self) -> str:
        """The text of the state file and of its copies."""
        files = sorted(self.folder.rglob(f"{STACK}.json"))
        return "\n".join(file.read_text() for file in files)

    def resources(self) -> list[dict[str, Any]]:
        """The registrations in the state."""
        (file,) = [file for file in self.folder.rglob(f"{STACK}.json") if "stacks" in file.parts]
        resources = json.loads(file.read_text())["checkpoint"]["latest"].get("resources") or []
        return [resource for resource in resources if resource["type"].endswith(":LogzioRegistration")]

    def _write_arguments(self) -> None:
        content = yaml.safe_load(self._config.read_text()) if self._config.exists() else {}
        content.setdefault("config", {})["shipping:args"] = self.arguments
        self._config.write_text(yaml.safe_dump(content))


def described(stack: Stack) -> set[tuple[str, str]]:
    """Bucket and prefix of every registration that the program describes."""
    directory = stack.arguments.get("topics_dir", "topics")
    return {
        (stack.arguments["bucket"], f"{directory}/audit/partition={number}/")
        for number in stack.arguments["partitions"]
    }


def held(emulator: Emulator) -> list[tuple[str, str]]:
    """Bucket and prefix of every registration that Logz.io has, with repetitions."""
    return sorted(
        (registration["bucket"], registration["prefix"]) for registration in emulator.state()["registrations"]
    )
