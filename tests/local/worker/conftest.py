from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.base import processes
from tests.local import packages_support


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """The local package server's addresses."""
    state = tmp_path_factory.mktemp("packages")
    try:
        yield packages_support.start(state)
    finally:
        processes.stop_all(state)
