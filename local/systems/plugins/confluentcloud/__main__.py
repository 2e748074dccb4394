"""`pulumi-resource-confluentcloud`: starts only inside the local stack, and only for brokers on this machine."""

# ruff: noqa: E402  # gc.disable() comes before the imports that it is for
import gc

# As in the stand-in of the aws plugin; here it saves 0.04 of 0.27 CPU seconds.
gc.disable()

import os
import sys
from importlib.metadata import version
from pathlib import Path

from pulumi.provider.experimental.server import main

from local.systems.plugins.confluentcloud.cloud import Cloud, Cluster
from local.systems.plugins.confluentcloud.provider import stand_in
from local.systems.plugins.guard import local_endpoint
from local.systems.plugins.stand_in import quiet


def _cluster(prefix: str) -> Cluster:
    """The broker that two variables name; ends the process with a one-line message if they do not."""
    endpoint = local_endpoint("confluentcloud", f"{prefix}_BOOTSTRAP")
    users_file = os.environ.get(f"{prefix}_USERS")
    if not users_file:
        sys.exit(f"the stand-in of the confluentcloud plugin needs the broker's users in {prefix}_USERS")
    return Cluster(endpoint, Path(users_file))


if __name__ == "__main__":
    quiet()
    has_own = "CCLOUD_LOCAL_OWN_KAFKA_BOOTSTRAP" in os.environ
    cloud = Cloud(_cluster("CCLOUD_LOCAL_KAFKA"), _cluster("CCLOUD_LOCAL_OWN_KAFKA") if has_own else None)
    main(sys.argv[1:], version("pulumi-confluentcloud"), stand_in(cloud))
