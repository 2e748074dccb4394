"""The topics of a Connect cluster, and what its workers may do with them (pure).

A test takes each right away in turn: tests/local/plugins/test_fleet_cluster.py.
"""

from collections.abc import Mapping, Sequence

# What Connect keeps -> the rights of a worker on the topic. Without DESCRIBE_CONFIGS it could not see that a topic is
# not compacted. It reads the offsets of its connectors at the start; a sink writes none.
TOPIC_RIGHTS: Mapping[str, Sequence[str]] = {
    "config": ("READ", "WRITE", "DESCRIBE_CONFIGS"),
    "offset": ("READ", "DESCRIBE_CONFIGS"),
    "status": ("READ", "WRITE", "DESCRIBE_CONFIGS"),
}
GROUP_RIGHTS = ("READ",)


def state_topics(name: str) -> dict[str, str]:
    """What Connect keeps -> the topic for it. `name`: of the Connect cluster."""
    return {"config": f"{name}-configs", "offset": f"{name}-offsets", "status": f"{name}-status"}
