"""A boot that fails says why."""

from pathlib import Path
from typing import Any

import pytest

from local.stack.deployment import BootError, LocalDeployment
from local.stack.engine import Engine
from local.stack.setup import Tools


class Deployment(LocalDeployment):
    """A deployment with one VM, whose installation failed."""

    def vms(self) -> dict[str, Any]:
        return {"i-1": {"state": "running", "cloud_init": {"status": "error"}}}


def test_a_boot_that_fails_shows_the_end_of_the_console(tmp_path: Path) -> None:
    console = tmp_path / "vm" / "i-1" / "console.log"
    console.parent.mkdir(parents=True)
    console.write_text("the beginning\n" + "x" * 5000 + "\ninstall: FAILED in step: packages\n")
    deployment = Deployment(tmp_path, Tools(Engine(tmp_path, "3.0.0"), tmp_path), {})

    with pytest.raises(BootError, match="install: FAILED in step: packages") as caught:
        deployment.wait_for_boot()

    assert "the beginning" not in str(caught.value)
