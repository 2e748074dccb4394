"""A process that the fork server starts is like one that `python -m` starts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.base import paths
from local.base.waiting import wait_until
from local.stack.engine import fork_server

SCRIPT = paths.ROOT / "local" / "stack" / "engine" / "python.sh"


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with fork_server.running() as address:
        yield address


def start(server: Path, folder: Path, program: str, *arguments: str) -> "subprocess.Popen[str]":
    (folder / "tried.py").write_text(program)
    return subprocess.Popen(
        [SCRIPT, "tried", *arguments],
        cwd=folder,
        env={
            "PATH": os.defpath,
            "CCLOUD_LOCAL_PYTHON": sys.executable,
            fork_server.VARIABLE: str(server),
            "OWN": "its own",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_has_its_own_arguments_folder_environment_and_streams(server: Path, tmp_path: Path) -> None:
    program = """
import os, sys
print(__name__, sys.argv[1:], os.getcwd(), os.environ["OWN"], os.environ.get("HOME"), input())
print("an error", file=sys.stderr)
"""
    process = start(server, tmp_path, program, "--first", "second")
    output, errors = process.communicate("a line\n")

    assert "HOME" in os.environ
    assert output == f"__main__ ['--first', 'second'] {tmp_path} its own None a line\n"
    assert errors == "an error\n"
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("program", "code", "error"),
    [
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('a reason')", 1, "a reason"),
        ("raise ValueError('a fault')", 1, "ValueError: a fault"),
        ("import os; os.kill(os.getpid(), 9)", 137, ""),
    ],
)
def test_its_code_and_its_last_words_arrive(
    server: Path, tmp_path: Path, program: str, code: int, error: str
) -> None:
    process = start(server, tmp_path, program)
    _, errors = process.communicate()

    assert (process.returncode, errors.strip().rpartition("\n")[2]) == (code, error)


WAITING = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print(os.getpid(), flush=True)
time.sleep(600)
"""


def test_a_signal_reaches_it(server: Path, tmp_path: Path) -> None:
    process = start(server, tmp_path, WAITING)
    assert process.stdout is not None
    process.stdout.readline()

    process.send_signal(signal.SIGTERM)

    assert process.wait() == 5


def test_it_ends_with_its_launcher(server: Path, tmp_path: Path) -> None:
    process = start(server, tmp_path, WAITING)
    assert process.stdout is not None
    forked = int(process.stdout.readline())

    process.kill()

    wait_until(lambda: not Path(f"/proc/{forked}").exists(), "the forked process ends", poll=0.05)


def test_it_does_not_know_the_projects_own_modules_of_the_server(server: Path, tmp_path: Path) -> None:
    process = start(server, tmp_path, "import components; print(components.OF_THIS_FOLDER)")
    (tmp_path / "components.py").write_text("OF_THIS_FOLDER = True")
    output, errors = process.communicate()

    assert output == "True\n", errors


def test_what_a_preloaded_package_loads_at_its_first_use_is_there(server: Path, tmp_path: Path) -> None:
    program = """
import sys
before = set(sys.modules)
import httpx, pulumi_aws.ec2
pulumi_aws.ec2.Instance
httpx.Client().close()
new = set(sys.modules) - before
print(sorted(name for name in new if name.partition(".")[0] not in sys.stdlib_module_names))
"""
    output, _ = start(server, tmp_path, program).communicate()

    assert output == "[]\n"
