"""Several VMs on the real engine: their order, what a failed boot leaves, and what a change of count touches.

No VM boots here: `tests.engine.booting` speaks for each.
"""

from collections.abc import Iterator

import pytest

from tests.engine.booting import RUNNING, booting, fail_to_boot, instances, say
from tests.engine.program_stack import STACK, ProgramStack, program_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProgramStack]:
    """Two VMs that run."""
    with program_stack(tmp_path_factory.mktemp("fleet")) as made:
        made.set("worker", count=2, bootMinutes=5)
        with booting(made, lambda _: RUNNING):
            made.up()
        yield made


def subnets(stack: ProgramStack) -> dict[str, str]:
    """Zone -> id of the stack's subnet there."""
    found = stack.aws("ec2").describe_subnets(Filters=[{"Name": "tag:Stack", "Values": [STACK]}])["Subnets"]
    return {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in found}


def test_the_vms_are_in_different_zones(stack: ProgramStack) -> None:
    outputs = stack.outputs()

    assert len(set(outputs["instanceIds"])) == 2
    assert len(set(outputs["availabilityZones"])) == 2
    assert set(subnets(stack)) == set(outputs["availabilityZones"])


def test_what_a_vm_has_written_is_no_change(stack: ProgramStack) -> None:
    stack.refresh()

    assert stack.planned() == {}


def test_an_up_that_a_broken_vm_stops_removes_no_vm_and_the_next_one_goes_on(stack: ProgramStack) -> None:
    former, kept = instances(stack), subnets(stack)
    stack.set("connector", compressionLevel=5)

    def outcome(number: int) -> str:
        there[number] = len(instances(stack))
        return RUNNING if number == 1 else "FAILED step tools failed"

    there: dict[int, int] = {}
    with booting(stack, outcome):
        failed = stack.pulumi("up", "--stack", STACK, "--yes", "--skip-preview", "--suppress-progress")

    assert failed.returncode != 0
    # The second one is made after the first one has said that it runs.
    assert there == {1: len(former) + 1, 2: len(former) + 2}
    assert "did not come up: step tools failed. No former VM was removed" in failed.stdout + failed.stderr
    new = [instance for instance in instances(stack) if instance not in former]
    assert len(new) == 2
    assert set(former) < set(instances(stack))

    # As after its next attempt.
    say(stack, 2, new[1], RUNNING)
    stack.up()

    assert instances(stack) == new == stack.outputs()["instanceIds"]
    assert subnets(stack) == kept


def test_a_vm_that_is_gone_for_good_comes_back_by_refresh_and_up(stack: ProgramStack) -> None:
    first, second = stack.outputs()["instanceIds"]
    stack.aws("ec2").terminate_instances(InstanceIds=[first])

    stack.pulumi("refresh", "--stack", STACK, "--yes", "--skip-preview")
    with booting(stack, lambda _: RUNNING):
        stack.up()

    outputs = stack.outputs()["instanceIds"]
    assert outputs[1] == second
    assert outputs[0] not in (first, second)


def test_another_count_leaves_the_other_vms_and_subnets_alone(stack: ProgramStack) -> None:
    two, kept = stack.outputs()["instanceIds"], subnets(stack)

    stack.set("worker", count=1)
    stack.up()
    assert stack.outputs()["instanceIds"] == two[:1]

    stack.set("worker", count=2)
    with booting(stack, lambda _: RUNNING, first=2):
        stack.up()

    assert stack.outputs()["instanceIds"][0] == two[0]
    first = stack.outputs()["availabilityZones"][0]
    assert subnets(stack)[first] == kept[first]


def test_the_vms_files_are_there_after_a_change_that_failed_is_taken_back(stack: ProgramStack) -> None:
    stack.set("connector", compressionLevel=7)
    fail_to_boot(stack)

    stack.set("connector", compressionLevel=5)
    with booting(stack, lambda _: RUNNING):
        stack.up()

    # Whatever the first `up` left to be deleted must not be what the second one has made again.
    stack.refresh()
