"""The workers of a Connect cluster, as the broker with its group knows them."""

import struct
from dataclasses import dataclass
from typing import Any

from confluent_kafka.admin import AdminClient

_SECONDS = 60.0


@dataclass(frozen=True)
class Workers:
    """Client ids of the workers, and of the one that leads; None while the group is rebalancing."""

    client_ids: frozenset[str]
    leader: str | None


def workers(admin: AdminClient, group: str) -> Workers:
    """The members of a Connect cluster's group; none while there is no such group.

    Raises:
        confluent_kafka.KafkaException: the broker did not answer.
    """
    # Their types say None, where they are texts and bytes.
    members: list[Any] = [
        member for found in admin.list_groups(group, timeout=_SECONDS) for member in found.members
    ]
    leaders = {leader_of(member.assignment) for member in members if member.assignment}
    leading = (member.client_id for member in members if member.id in leaders)
    return Workers(frozenset(member.client_id for member in members), next(leading, None))


def leader_of(assignment: bytes) -> str:
    """The member id of the leader, in what the leader assigned to a worker.

    Source: ConnectProtocol and IncrementalCooperativeConnectProtocol in Kafka's source (3.9): a version and an error of
    two bytes each, then the leader's member id, with its length in two bytes before it.
    """
    (length,) = struct.unpack_from(">h", assignment, 4)
    return assignment[6 : 6 + length].decode()
