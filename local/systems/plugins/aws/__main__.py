"""`pulumi-resource-aws`: starts only inside the local stack, and only for an AWS on this machine."""

import sys
from importlib.metadata import version

from pulumi.provider.experimental.server import main

from local.systems.plugins.aws.provider import stand_in
from local.systems.plugins.guard import local_endpoint
from local.systems.plugins.stand_in import quiet

if __name__ == "__main__":
    quiet()
    main(sys.argv[1:], version("pulumi-aws"), stand_in(local_endpoint("aws", "CCLOUD_LOCAL_AWS_ENDPOINT")))
