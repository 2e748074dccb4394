"""`pulumi-resource-confluentcloud`: starts only inside the local stack, and only for a broker on this machine."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

from pulumi.provider.experimental.server import main

from local.systems.plugins.confluentcloud.functions import FUNCTIONS
from local.systems.plugins.confluentcloud.keys import KINDS, Cluster
from local.systems.plugins.guard import local_endpoint
from local.systems.plugins.stand_in import StandIn, quiet

SETTINGS = frozenset({"cloudApiKey", "cloudApiSecret", "endpoint", "maxRetries", "version"})
"""Accepted and ignored: there is one cluster, the local one, and no cloud API."""


def stand_in(bootstrap: str, users: Path) -> StandIn[Cluster]:
    """The provider, for one broker and its file of users."""
    return StandIn(
        "confluentcloud",
        kinds=KINDS,
        functions=FUNCTIONS,
        settings=SETTINGS,
        connect=lambda _configuration: Cluster(bootstrap, users),
        is_gone=lambda _error: False,
    )


if __name__ == "__main__":
    quiet()
    endpoint = local_endpoint("confluentcloud", "CCLOUD_LOCAL_KAFKA_BOOTSTRAP")
    users_file = os.environ.get("CCLOUD_LOCAL_KAFKA_USERS")
    if not users_file:
        sys.exit(
            "the stand-in of the confluentcloud plugin needs the broker's users in CCLOUD_LOCAL_KAFKA_USERS"
        )
    main(sys.argv[1:], version("pulumi-confluentcloud"), stand_in(endpoint, Path(users_file)))
