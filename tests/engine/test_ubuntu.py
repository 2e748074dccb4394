"""The default settings' own distribution and Java on the whole local stack; the other tests boot Debian and Java 17."""

from collections.abc import Iterator

import httpx
import pytest

from local.proofs import client
from local.proofs.checker import following
from local.stack.deployment import LocalDeployment
from local.systems.vm import distributions, shell
from local.systems.vm.distributions import UBUNTU
from tests.local.booted import booted

EVENTS = 500


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalDeployment]:
    """A stack that was brought up, with its VM booted. Not every mirror of Debian has Ubuntu beside it."""
    index = f"{UBUNTU.mirror}/dists/{UBUNTU.suite}/InRelease"
    try:
        httpx.get(index, timeout=60, follow_redirects=True).raise_for_status()
    except httpx.HTTPError as error:
        pytest.skip(f"Ubuntu is not booted: this machine does not reach {index}: {error}")
    state = tmp_path_factory.mktemp("ubuntu")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(distributions.VARIABLE, UBUNTU.name)
        with booted(state, prepared=False) as stack:
            yield stack


def test_every_event_is_archived_and_delivered_on_ubuntu_with_java_8(running: LocalDeployment) -> None:
    client.produce(running, EVENTS)

    result = following.check(running)

    assert result.ok, result.explain()
    assert (result.produced, result.archived, result.delivered) == (EVENTS, EVENTS, EVENTS)
    (instance,) = running.outputs()["instanceIds"]
    vm = running.state / "vm" / instance
    assert "VERSION_CODENAME=noble" in shell.run(vm, ["cat", "/etc/os-release"]).stdout
    (java_home,) = shell.run(vm, ["cat", "/etc/s3-auditlog-sink/java.env"]).stdout.split()
    java = shell.run(vm, [f"{java_home.removeprefix('JAVA_HOME=')}/bin/java", "-version"])
    assert 'version "1.8.0' in java.stderr
