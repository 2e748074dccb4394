import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.worker.files.watchdog import service
from components.worker.files.watchdog.service import Service
from tests.unit.components.worker.watchdog.support import play


def test_a_jvm_that_is_gone_already_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass

    service.end_jvm(ended.pid, signal.SIGTERM)


def test_systemd_is_asked_for_the_jvm_and_its_restarts(bin_folder: Path) -> None:
    play(bin_folder, "systemctl", "echo NRestarts=3; echo MainPID=42")

    assert service.show_service() == Service(42, 3)


def test_a_tool_that_is_not_there_is_told_and_no_reason_to_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")

    assert service.show_service() == Service(0, 0)
    assert "systemctl" in capsys.readouterr().out
