"""The AWS that the stand-in works on."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local.stack.deployment import REGION
from tests.local.plugins.wire import Plugin, environment

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """moto without enforcement, on a free port of this machine."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def client(aws_endpoint: str) -> Callable[[str], Any]:
    """A client of the same AWS, independent of the plugin."""
    make: Any = boto3.client  # typed by literal service names only
    return lambda service: make(
        service,
        endpoint_url=aws_endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(scope="session")
def aws(aws_endpoint: str) -> Iterator[Plugin]:
    """The stand-in, configured as by `aws:region`."""
    plugin = Plugin("aws", aws_environment(aws_endpoint), region=REGION)
    yield plugin
    plugin.stop()


def aws_environment(endpoint: str, **further: str) -> dict[str, str]:
    """The plugin's environment in the local stack."""
    return environment(CCLOUD_LOCAL_STACK="1", CCLOUD_LOCAL_AWS_ENDPOINT=endpoint, **CREDENTIALS, **further)
