from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from components.settings import Connector
from local.stack import deployment, lifecycle, setup
from local.stack.deployment import LocalDeployment


@dataclass(frozen=True)
class BroughtUp:
    """A stack whose VM has booted. `output`: all that `pulumi up` wrote."""

    deployment: LocalDeployment
    output: str


@pytest.fixture(scope="package")
def brought_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BroughtUp]:
    """The stack, with all that `pulumi up` can be asked to show."""
    state = tmp_path_factory.mktemp("stack")
    running = lifecycle.start(state, setup.prepare(Connector().version, prepared=True), prepared=True)
    try:
        running.create_stack(deployment.stack_settings(running, Connector().version))
        output = running.pulumi("up", "--yes", "--skip-preview", "--diff", "--show-config")
        running.wait_for_boot()
        yield BroughtUp(running, output)
    finally:
        lifecycle.end(state)


@pytest.fixture(scope="package")
def running(brought_up: BroughtUp) -> LocalDeployment:
    return brought_up.deployment
