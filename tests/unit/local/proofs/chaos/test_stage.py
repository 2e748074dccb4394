"""What a fault reaches for, as far as it needs no servers."""

import re
from pathlib import Path

import pytest
import yaml

from components.worker import bundle
from local.proofs.chaos import faults
from local.proofs.chaos.stage import Stage, left_out
from local.stack.deployment import LocalDeployment
from local.stack.engine import Engine
from local.stack.setup import Tools


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    deployment = LocalDeployment(tmp_path, Tools(Engine(tmp_path, "3"), tmp_path), {})
    settings = {"ccloud-logexporter:connector": {"compressionLevel": 6}, "aws:region": "us-west-2"}
    deployment.stack_file.write_text(yaml.safe_dump({"config": settings}))
    return Stage(deployment)


def test_a_setting_is_changed_and_its_former_value_told(stage: Stage) -> None:
    assert stage.deployment.set("connector", "compressionLevel", 5) == 6
    assert stage.deployment.set("connector", "compressionLevel", 6) == 5


def test_a_setting_of_a_component_without_any_is_added_and_the_others_stay(stage: Stage) -> None:
    assert stage.deployment.set("source", "partitions", {"audit": 14}) is None
    config = yaml.safe_load(stage.deployment.stack_file.read_text())["config"]
    assert config == {
        "ccloud-logexporter:connector": {"compressionLevel": 6},
        "ccloud-logexporter:source": {"partitions": {"audit": 14}},
        "aws:region": "us-west-2",
    }


def test_the_watchdogs_times_that_a_row_shortens_are_where_the_row_looks_for_them() -> None:
    for module, name, _ in faults.SHORTENED:
        text = (bundle.FILES / "watchdog" / module).read_text()
        assert len(re.findall(f"^{name} = [0-9]+$", text, re.MULTILINE)) == 1, module


def test_what_a_replay_left_out_is_known_only_once_it_came_to_its_end() -> None:
    ended = "objects read: 3\nevents chosen: 9\ntoo long for the listener: 1\nsent: 8\nsize: 0.1 GB"

    assert left_out(ended) == {"too long for the listener: 1"}
    assert left_out(ended.replace("sent: 8\n", "refused by the listener: 2\nsent: 6\n")) == {
        "too long for the listener: 1",
        "refused by the listener: 2",
    }
    assert left_out("too long for the listener: 1") == set()
