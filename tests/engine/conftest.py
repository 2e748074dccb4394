from collections.abc import Iterator
from pathlib import Path

import pytest

from local.systems.logzio.server import Emulator
from tests.engine.shipping_stack import Stack
from tests.local.logzio_support import running


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
