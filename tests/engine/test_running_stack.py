"""What a change of the settings does to a running stack, on the real engine."""

from collections.abc import Iterator

import pytest

from tests.engine.program_stack import STACK, ProgramStack, program_stack

VM = "aws:ec2/instance:Instance::worker"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProgramStack]:
    """Brought up once; a test that changes the settings puts them back."""
    with program_stack(tmp_path_factory.mktemp("running")) as stack:
        stack.up()
        yield stack


def test_a_preview_and_a_refresh_after_up_show_no_change(running: ProgramStack) -> None:
    running.refresh()

    assert running.planned() == {}


@pytest.mark.parametrize("size", [10, 40])
def test_a_volume_of_another_size_replaces_the_vm_and_nothing_else(running: ProgramStack, size: int) -> None:
    running.set("worker", volumeGb=size)
    try:
        assert running.planned() == {VM: "replace"}
    finally:
        running.set("worker", volumeGb=None)


def test_another_region_is_refused_and_nothing_is_planned(running: ProgramStack) -> None:
    config = running.stack_file.read_text()
    running.stack_file.write_text(config.replace("us-west-2", "eu-central-1"))
    try:
        for command in ("preview", "up"):
            done = running.pulumi(
                command, "--stack", STACK, *(["--yes", "--skip-preview"] if command == "up" else [])
            )
            assert done.returncode != 0
            assert "aws:region: is eu-central-1, but this stack is in us-west-2" in done.stdout + done.stderr
    finally:
        running.stack_file.write_text(config)
    assert running.planned() == {}
