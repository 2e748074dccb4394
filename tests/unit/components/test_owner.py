import re

import pytest

from components.owner import Owner


@pytest.mark.parametrize(
    ("project", "stack", "path"),
    [("ccloud-logexporter", "prod", "prod"), ("audit", "prod", "audit/prod")],
)
def test_the_path_of_a_stack_has_the_project_only_if_it_is_another(
    project: str, stack: str, path: str
) -> None:
    assert Owner(project, stack).path == path


def test_a_short_name_is_kept_whole() -> None:
    assert Owner("audit", "prod").resource_name("worker") == "audit-prod-worker"


def test_a_long_name_keeps_beginning_and_end_and_stays_unique() -> None:
    long = [Owner("p" * 100, f"{'s' * 98}{number}").resource_name("worker") for number in range(10, 20)]

    assert len(set(long)) == len(long)
    assert all(len(name) == 56 for name in long)
    assert all(name.startswith("ppp") and name.endswith("-worker") for name in long)


def test_shortened_names_differ_even_if_the_joined_names_are_equal() -> None:
    left, right = (
        Owner("a-b", "c" * 90).resource_name("worker"),
        Owner("a", "b-" + "c" * 90).resource_name("worker"),
    )

    assert left != right


def test_a_name_that_must_be_unique_has_a_hash_and_no_dot() -> None:
    names = {
        Owner(project, stack).unique_name("worker", 255)
        for project, stack in (("a", "b-c"), ("a-b", "c"), ("a", "b.c"), ("a", "b_c"))
    }

    assert len(names) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+-worker-[0-9a-f]{8}", name) for name in names)
    assert len(Owner("p" * 100, "s" * 100).unique_name("worker", 100)) == 100
