"""Looks for secrets where none may be: in the state, on the VMs' disks, in logs, in command lines."""

import base64
import json
import os
import stat
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from components.worker.config import parameter_name
from local.stack.deployment import STACK, LocalDeployment
from local.systems.kafka import users
from local.systems.vm import shell


def forms(secret: str) -> set[bytes]:
    """A secret as it is, in base64, in a URL and in a JSON or properties text."""
    raw = secret.encode()
    quoted = {urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1], secret.replace("=", "\\=")}
    return {raw, base64.b64encode(raw).rstrip(b"="), *(form.encode() for form in quoted)}


def files_below(
    folder: Path, *, changed_since: float = 0.0, most: int | None = None
) -> Iterator[tuple[str, bytes]]:
    """Every file by its path below the folder, with its content.

    Args:
        changed_since: epoch seconds; files that were last changed before are left out.
        most: only so many bytes at the end of a file are read; all if None.
    """
    # Unlike Path.rglob, os.walk goes on where a running VM has just removed something.
    for parent, _, names in os.walk(folder):
        for file in (Path(parent, name) for name in names):
            if (content := _content(file, changed_since, most)) is not None:
                yield str(file.relative_to(folder)), content


def _content(file: Path, changed_since: float, most: int | None) -> bytes | None:
    """As `files_below` gives it; None if the file is left out, or is not there."""
    try:
        status = file.lstat()
        # Sockets, pipes and links (which lead out of a VM's file system) hold nothing.
        if not stat.S_ISREG(status.st_mode) or status.st_ctime < changed_since:
            return None
        with file.open("rb") as content:
            if most is not None:
                content.seek(max(0, status.st_size - most))
            return content.read()
    except FileNotFoundError:
        return None


def found_in(secrets: Mapping[str, str], places: Iterable[tuple[str, bytes]]) -> dict[str, set[str]]:
    """Searches the content of each place for each secret in every form.

    Args:
        secrets: name of a secret -> the secret.
        places: name of a place, and its content.

    Returns:
        Name of a place -> the names of the secrets in it. A place without any is left out.
    """
    sought = {(name, form) for name, secret in secrets.items() for form in forms(secret)}
    found: dict[str, set[str]] = {}
    for place, content in places:
        for name, form in sought:
            if form in content:
                found.setdefault(place, set()).add(name)
    return found


def secrets_of(deployment: LocalDeployment) -> dict[str, str]:
    """Name -> secret: those in use, and those in the state. It starts the engine, which takes seconds."""
    found = secrets_in_use(deployment, deployment.aws("ssm"))
    state = json.loads(deployment.pulumi("stack", "export", "--show-secrets"))
    for resource in state["deployment"].get("resources", ()):
        if resource["type"] == "aws:iam/accessKey:AccessKey":
            found[_of_access_key(resource["id"])] = _decrypted(resource["outputs"]["secret"])
    return found


def secrets_in_use(deployment: LocalDeployment, ssm: Any) -> dict[str, str]:
    """Name -> secret: what Logz.io and Kafka accept now, and what the VMs write with. `ssm`: a client of the stack's."""
    found = {"Logz.io's API token": (deployment.state / "logzio" / "token").read_text().strip()}
    for key, secret in users.read(users.file(deployment.state)).items():
        if key != users.ADMIN:
            found[f"secret of API key {key}"] = secret
    # A VM that writes as its role has none.
    with suppress(ssm.exceptions.ParameterNotFound):
        answer = ssm.get_parameter(Name=parameter_name(STACK, "writer"), WithDecryption=True)
        writer = json.loads(answer["Parameter"]["Value"])
        found[_of_access_key(writer["access_key_id"])] = writer["secret_access_key"]
    return found


def _of_access_key(key: str) -> str:
    return f"secret of access key {key}"


def _decrypted(secret: Any) -> str:
    """A secret of a state that was exported with its secrets shown."""
    return str(json.loads(secret["plaintext"]))


def places(deployment: LocalDeployment) -> Iterator[tuple[str, bytes]]:
    """Name and content of each place where no secret may be in plain: `files`, and the VMs' journals."""
    yield from files(deployment)
    for vm in _vms(deployment):
        # A VM that does not run has its journal on its disk alone.
        with suppress(RuntimeError):
            journal = shell.run(vm, ["journalctl", "--all", "--output=export", "--no-pager"])
            yield f"journal of {vm.name}", journal.stdout.encode()


def files(
    deployment: LocalDeployment, *, changed_since: float = 0.0, most: int | None = None
) -> Iterator[tuple[str, bytes]]:
    """Stack file, the engine's files, the servers' logs, the VMs' disks and consoles. Arguments as of `files_below`."""
    yield "stack file", deployment.stack_file.read_bytes()
    folders = {name: deployment.state / name for name in ("pulumi", "logs")}
    for vm in _vms(deployment):
        folders[f"{vm.name}:"] = vm / "disk" / "upper"
        if (console := _content(vm / "console.log", changed_since, most)) is not None:
            yield f"console of {vm.name}", console
    for place, folder in folders.items():
        for name, content in files_below(folder, changed_since=changed_since, most=most):
            yield f"{place}/{name}", content


def _vms(deployment: LocalDeployment) -> list[Path]:
    """The folder of each VM."""
    return sorted((deployment.state / "vm").glob("i-*"))


def arguments() -> Iterator[tuple[str, bytes]]:
    """Name and command line of each process of this machine, the VMs' among them: every user can read it (proc(5))."""
    for process in Path("/proc").glob("[0-9]*"):
        # It may have ended meanwhile.
        with suppress(FileNotFoundError, ProcessLookupError):
            name = (process / "comm").read_text(errors="replace").strip()
            yield f"arguments of {name}", (process / "cmdline").read_bytes()
