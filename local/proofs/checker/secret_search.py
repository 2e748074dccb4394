"""Looks for secrets where none may be: in the state, on the VMs' disks, in logs."""

import base64
import json
import os
import stat
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from local.stack.deployment import LocalDeployment
from local.systems.kafka import users
from local.systems.vm import shell


def forms(secret: str) -> set[bytes]:
    """A secret as it is, in base64, in a URL and in a JSON or properties text."""
    raw = secret.encode()
    quoted = {urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1], secret.replace("=", "\\=")}
    return {raw, base64.b64encode(raw).rstrip(b"="), *(form.encode() for form in quoted)}


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, with its content."""
    # Unlike Path.rglob, os.walk goes on where a running VM has just removed something.
    for parent, _, names in os.walk(folder):
        for file in (Path(parent, name) for name in names):
            # Sockets, pipes and links (which lead out of a VM's file system) hold nothing.
            with suppress(FileNotFoundError):
                if stat.S_ISREG(file.lstat().st_mode):
                    yield str(file.relative_to(folder)), file.read_bytes()


def found_in(secrets: Mapping[str, str], places: Iterable[tuple[str, bytes]]) -> dict[str, set[str]]:
    """Place -> the secrets that stand there, as they are or in another writing. `secrets`: by what they are."""
    written = {(what, form) for what, secret in secrets.items() for form in forms(secret)}
    found: dict[str, set[str]] = {}
    for place, content in places:
        for what, form in written:
            if form in content:
                found.setdefault(place, set()).add(what)
    return found


def secrets_of(deployment: LocalDeployment) -> dict[str, str]:
    """The secrets that a running stack has now, by what they are."""
    found = {"Logz.io's API token": (deployment.state / "logzio" / "token").read_text().strip()}
    for key, secret in users.read(users.file(deployment.state)).items():
        if key != users.ADMIN:
            found[f"secret of API key {key}"] = secret
    state = json.loads(deployment.pulumi("stack", "export", "--show-secrets"))
    for resource in state["deployment"].get("resources", ()):
        if resource["type"] == "aws:iam/accessKey:AccessKey":
            found[f"secret of access key {resource['id']}"] = _opened(resource["outputs"]["secret"])
    return found


def _opened(secret: Any) -> str:
    """A secret of a state that was exported with its secrets shown."""
    return str(json.loads(secret["plaintext"]))


def places(deployment: LocalDeployment) -> Iterator[tuple[str, bytes]]:
    """Where no secret may be in plain: stack file, the engine's files, logs, the VMs' disks, consoles and journals."""
    yield "stack file", deployment.stack_file.read_bytes()
    for folder in ("pulumi", "logs"):
        for name, content in files_below(deployment.state / folder):
            yield f"{folder}/{name}", content
    for vm in sorted((deployment.state / "vm").glob("i-*")):
        yield from _of_vm(vm)


def _of_vm(vm: Path) -> Iterator[tuple[str, bytes]]:
    for name, content in files_below(vm / "disk" / "upper"):
        yield f"{vm.name}:/{name}", content
    with suppress(FileNotFoundError):
        yield f"console of {vm.name}", (vm / "console.log").read_bytes()
    # A VM that does not run has its journal on its disk alone.
    with suppress(RuntimeError):
        journal = shell.run(vm, ["journalctl", "--all", "--output=export", "--no-pager"])
        yield f"journal of {vm.name}", journal.stdout.encode()
