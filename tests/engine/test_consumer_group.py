"""What a preview knows of the last `up`, on the real engine."""

import shutil
from pathlib import Path

from local.base import paths
from local.stack import engine
from local.stack.deployment import clean_environment
from local.stack.pulumi import Pulumi

PROGRAM = Path(__file__).parent / "running_stack_program"
CHANGES = "the consumer group changes from"


def test_a_preview_warns_of_another_consumer_group_and_makes_nothing(tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copytree(PROGRAM, program)
    found = engine.ensure()
    environment = {**clean_environment(), **found.environment(tmp_path), "PYTHONPATH": str(paths.ROOT)}
    pulumi = Pulumi(found, program, environment).run

    pulumi("stack", "init", "test")
    pulumi("config", "set", "group", "ccloud-logexporter-test-bucket")
    assert CHANGES not in pulumi("preview")

    # As a stack of 0.1: it names no group, and its group is called after its connector.
    assert CHANGES not in pulumi("up", "--yes", "--skip-preview")
    output = pulumi("preview")
    assert f"{CHANGES} connect-sink to ccloud-logexporter-test-bucket" in output
    assert "ccloud-logexporter:source.consumerGroup: connect-sink" in output
    pulumi("config", "set", "group", "connect-sink")
    assert CHANGES not in pulumi("preview")

    # Later versions name it.
    pulumi("config", "set", "exportsGroup", "true")
    assert CHANGES not in pulumi("up", "--yes", "--skip-preview")
    pulumi("config", "set", "group", "another")
    assert f"{CHANGES} connect-sink to another" in pulumi("preview")
    assert "StackReference" not in pulumi("stack", "export")
