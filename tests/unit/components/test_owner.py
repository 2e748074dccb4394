import pytest

from components.owner import Owner


@pytest.mark.parametrize(
    ("project", "stack", "path"),
    [("ccloud-logexporter", "prod", "prod"), ("audit", "prod", "audit/prod")],
)
def test_a_stack_of_this_project_is_told_by_its_name_alone(project: str, stack: str, path: str) -> None:
    assert Owner(project, stack).path == path


def test_a_short_name_is_kept_whole() -> None:
    assert Owner("audit", "prod").resource_name("worker") == "audit-prod-worker"


def test_a_long_name_keeps_its_beginning_and_what_it_is_and_differs_from_every_other() -> None:
    long = [Owner("p" * 100, f"{'s' * 98}{number}").resource_name("worker") for number in range(10, 20)]

    assert len(set(long)) == len(long)
    assert all(len(name) == 56 for name in long)
    assert all(name.startswith("ppp") and name.endswith("-worker") for name in long)


def test_names_of_two_stacks_that_read_the_same_with_a_hyphen_differ_where_they_are_shortened() -> None:
    left, right = (
        Owner("a-b", "c" * 90).resource_name("worker"),
        Owner("a", "b-" + "c" * 90).resource_name("worker"),
    )

    assert left != right
