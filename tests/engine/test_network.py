"""The VM's network on the real engine, when a part of it changes under the rest."""

from collections.abc import Iterator

import pytest

from tests.engine.program_stack import STACK, ProgramStack, program_stack

ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProgramStack]:
    """A stack that is up."""
    with program_stack(tmp_path_factory.mktemp("network")) as made:
        made.up()
        yield made


def _ids(stack: ProgramStack) -> dict[str, str]:
    """Type -> id, of the types of which there is one."""
    return {resource["type"]: resource.get("id", "") for resource in stack.resources()}


def test_the_subnet_is_associated_with_a_route_table_that_replaces_the_old_one(stack: ProgramStack) -> None:
    before = _ids(stack)
    (table,) = [resource["urn"] for resource in stack.resources() if resource["type"] == ROUTE_TABLE]

    replaced = stack.pulumi(
        "up", "--stack", STACK, "--yes", "--skip-preview", "--suppress-progress", "--replace", table
    )
    after = _ids(stack)

    assert replaced.returncode == 0, replaced.stdout + replaced.stderr
    assert after[ROUTE_TABLE] != before[ROUTE_TABLE]
    assert after[ASSOCIATION] != before[ASSOCIATION]
    # The engine knows the association that there is: with the one of before, it would be missed here.
    stack.refresh()
    assert stack.planned() == {}
