"""`pulumi-resource-aws`: starts only inside the local stack, and only for an AWS on this machine."""

# ruff: noqa: E402  # gc.disable() comes before the imports that it is for
import gc

# A plugin ends with its `pulumi` command. Looking for garbage among Pulumi's modules and boto3's service models takes
# 0.25 of the 1.1 CPU seconds of its start (median of 7, two cores).
gc.disable()

import sys
from importlib.metadata import version

from pulumi.provider.experimental.server import main

from local.systems.plugins.aws.provider import stand_in
from local.systems.plugins.guard import local_endpoint
from local.systems.plugins.stand_in import quiet

if __name__ == "__main__":
    quiet()
    main(sys.argv[1:], version("pulumi-aws"), stand_in(local_endpoint("aws", "CCLOUD_LOCAL_AWS_ENDPOINT")))
