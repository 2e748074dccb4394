"""The workers of a Connect cluster in the bytes that the broker has of them."""

import struct
from dataclasses import dataclass
from typing import Any

from local.systems.kafka import connect_group


@dataclass
class Member:
    id: str
    client_id: str
    assignment: bytes


@dataclass
class Group:
    members: list[Member]


class Admin:
    """Knows one group."""

    def __init__(self, *members: Member) -> None:
        self._members = list(members)

    def list_groups(self, group: str, timeout: float) -> list[Group]:
        assert group == "fleet"
        assert timeout
        return [Group(self._members)]


def text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def assignment(leader: str) -> bytes:
    """Version 2, no error, the leader's id and URL, the offset of the configuration, no connector, no revoked one."""
    return (
        struct.pack(">hh", 2, 0)
        + text(leader)
        + text("https://10.42.0.4:8443/")
        + struct.pack(">qii", 7, 0, 0)
    )


def workers(*members: Member) -> connect_group.Workers:
    admin: Any = Admin(*members)
    return connect_group.workers(admin, "fleet")


def test_the_leader_is_the_member_that_all_assignments_name() -> None:
    first, second = "worker-i-1-aaaa", "worker-i-2-bbbb"

    found = workers(
        Member(first, "worker-i-1", assignment(second)), Member(second, "worker-i-2", assignment(second))
    )

    assert found.client_ids == {"worker-i-1", "worker-i-2"}
    assert found.leader == "worker-i-2"


def test_nobody_leads_while_members_have_no_assignment() -> None:
    assert workers(Member("worker-i-1-aaaa", "worker-i-1", b"")).leader is None


def test_nobody_leads_while_the_leader_has_left() -> None:
    member = Member("worker-i-1-aaaa", "worker-i-1", assignment("worker-i-2-bbbb"))

    assert workers(member) == connect_group.Workers(frozenset({"worker-i-1"}), None)


def test_a_cluster_without_workers_has_none() -> None:
    assert workers() == connect_group.Workers(frozenset(), None)
