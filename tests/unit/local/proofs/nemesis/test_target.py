"""What a fault can hit, as far as it needs no servers."""

import re
from pathlib import Path

import pytest
import yaml

from components.worker import bundle
from local.proofs.nemesis import distributed, s3
from local.proofs.nemesis.target import REPLACING, Target, left_out
from local.stack.deployment import LocalDeployment, Mode
from local.stack.engine import Engine
from local.stack.setup import Tools
from tests.unit.components.test_distributed import config


@pytest.fixture
def target(tmp_path: Path) -> Target:
    deployment = LocalDeployment(tmp_path, Tools(Engine(tmp_path, "3"), tmp_path), {})
    settings = {"ccloud-logexporter:connector": {"compressionLevel": 6}, "aws:region": "us-west-2"}
    deployment.stack_file.write_text(yaml.safe_dump({"config": settings}))
    return Target(deployment)


def test_a_changed_setting_returns_its_former_value(target: Target) -> None:
    assert target.deployment.set("connector", "compressionLevel", 5) == 6
    assert target.deployment.set("connector", "compressionLevel", 6) == 5


def test_a_setting_of_a_component_without_any_is_added_and_the_others_stay(target: Target) -> None:
    assert target.deployment.set("source", "partitions", {"audit": 14}) is None
    config = yaml.safe_load(target.deployment.stack_file.read_text())["config"]
    assert config == {
        "ccloud-logexporter:connector": {"compressionLevel": 6},
        "ccloud-logexporter:source": {"partitions": {"audit": 14}},
        "aws:region": "us-west-2",
    }


@pytest.mark.parametrize("mode", ["standalone", "distributed"])
def test_the_setting_that_replaces_vms_changes_their_files_in_both_modes(mode: Mode) -> None:
    section, name, values = REPLACING
    packed = {
        bundle.pack(bundle.files(config(**{section: {"mode": mode, name: value}}))).sha256 for value in values
    }

    assert len(packed) == len(values)


def test_the_watchdogs_times_are_where_a_row_shortens_them() -> None:
    shortened = [(module, name) for module, name, _ in s3.SHORTENED]
    for module, name in (*shortened, distributed.LOOK):
        text = (bundle.FILES / "watchdog" / module).read_text()
        assert len(re.findall(f"^{name} = [0-9]+$", text, re.MULTILINE)) == 1, module


def test_what_a_replay_left_out_is_known_once_it_has_finished() -> None:
    ended = "objects read: 3\nevents chosen: 9\ntoo long for the listener: 1\nsent: 8\nsize: 0.1 GB"

    assert left_out(ended) == {"too long for the listener: 1"}
    assert left_out(ended.replace("sent: 8\n", "refused by the listener: 2\nsent: 6\n")) == {
        "too long for the listener: 1",
        "refused by the listener: 2",
    }
    assert left_out("too long for the listener: 1") == set()
