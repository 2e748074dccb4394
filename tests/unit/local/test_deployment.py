"""The settings of a local stack, and what a boot that fails says."""

from pathlib import Path
from typing import Any

import pytest

from local.base.processes import Server
from local.stack.deployment import OWN, BootError, LocalDeployment, stack_settings
from local.stack.engine import Engine
from local.stack.setup import Tools


class Deployment(LocalDeployment):
    """A deployment with one VM, whose installation failed."""

    def vms(self) -> dict[str, Any]:
        return {"i-1": {"state": "running", "cloud_init": {"status": "error"}}}


def deployment(folder: Path, *further: str) -> LocalDeployment:
    """One whose servers run, `further` ones too."""
    ready = {
        "port": 1,
        "bootstrap": "127.0.0.1:2",
        **dict.fromkeys(("archive_url", "archive_sha256", "repository_url", "key_fingerprint"), "x"),
    }
    (folder / "aws").mkdir()
    (folder / "aws" / "deployer.json").write_text('{"access_key_id": "A", "secret_access_key": "S"}')
    names = ("aws", "kafka", "packages", "logzio", "hypervisor", *further)
    servers = {name: Server(name, 1, ready) for name in names}
    return LocalDeployment(folder, Tools(Engine(folder, "3.0.0"), folder), servers)


def test_a_stack_without_a_cluster_of_its_own_is_standalone(tmp_path: Path) -> None:
    started = deployment(tmp_path)
    settings = stack_settings(started, "10.0.0")

    assert "ccloud-logexporter:fleet" not in settings
    assert "mode" not in settings["ccloud-logexporter:worker"]
    assert [name for name in started.environment() if "_OWN_" in name] == []


def test_a_stack_with_a_cluster_of_its_own_is_distributed_over_it(tmp_path: Path) -> None:
    started = deployment(tmp_path, OWN)
    settings = stack_settings(started, "10.0.0")

    assert settings["ccloud-logexporter:fleet"] == {"cluster": "lkc-local2", "environment": "env-local2"}
    assert settings["ccloud-logexporter:worker"]["mode"] == "distributed"
    environment = started.environment()
    assert environment["CCLOUD_LOCAL_OWN_KAFKA_BOOTSTRAP"] == "127.0.0.1:2"
    assert environment["CCLOUD_LOCAL_OWN_KAFKA_USERS"] == str(tmp_path / "own-cluster/kafka/users.json")


def test_a_boot_that_fails_shows_the_end_of_the_console(tmp_path: Path) -> None:
    console = tmp_path / "vm" / "i-1" / "console.log"
    console.parent.mkdir(parents=True)
    console.write_text("the beginning\n" + "x" * 5000 + "\ninstall: FAILED in step: packages\n")
    deployment = Deployment(tmp_path, Tools(Engine(tmp_path, "3.0.0"), tmp_path), {})

    with pytest.raises(BootError, match="install: FAILED in step: packages") as caught:
        deployment.wait_for_boot()

    assert "the beginning" not in str(caught.value)
