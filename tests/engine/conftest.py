from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack.engine import fork_server
from local.systems.logzio.server import Emulator
from tests.engine.shipping_stack import Stack
from tests.local.logzio_support import running


@pytest.fixture(scope="session", autouse=True)
def _pulumis_processes_are_forked() -> Iterator[None]:
    """The tests run `pulumi` hundreds of times."""
    with fork_server.running() as address, pytest.MonkeyPatch.context() as environment:
        environment.setenv(fork_server.VARIABLE, str(address))
        yield


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    """A Logz.io without an AWS."""
    with running(tmp_path) as logzio:
        yield logzio


@pytest.fixture
def stack(tmp_path: Path, emulator: Emulator) -> Iterator[Stack]:
    """A stack of the Logz.io part alone, not yet brought up."""
    made = Stack(tmp_path, emulator)
    yield made
    made.end_ghosts()
