"""The VMs' network without a VM: namespaces, forwarder, bridge. Needs root."""

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from local.base import processes, system_packages
from local.base.paths import ROOT
from local.systems.vm import imds, rootfs
from local.systems.vm.firewall import Firewall, Rule
from local.systems.vm.namespace import Namespace, NetworkError
from local.systems.vm.network import Interface, Network, Vpc
from tests.local.vm.site import wait_until

BLOCK = "10.42.0.0/24"
LARGE = 20_000_000
CURL = ("curl", "--silent", "--show-error", "--noproxy", "*")


@Request.application
def application(request: Request) -> Response:
    return Response(
        b"x" * LARGE if request.path == "/large" else f"{request.method} {len(request.get_data())}"
    )


@pytest.fixture(scope="module", autouse=True)
def _packages() -> None:
    system_packages.ensure(rootfs.DEBIAN_PACKAGES)


@pytest.fixture
def on_the_host() -> Iterator[BaseWSGIServer]:
    """A server on the host's 127.0.0.1."""
    server = imds.serve(application)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closed at the end, the last one first."""
    with ExitStack() as stack:
        yield stack


class Lab:
    """Networks of VMs, in one VPC unless another is given."""

    def __init__(self, opened: ExitStack, folder: Path) -> None:
        self._opened = opened
        self._folder = folder
        self.vpc = self.make_vpc()

    def make_vpc(self) -> Vpc:
        return self._opened.enter_context(closing(Vpc()))

    def vm(self, address: str, *ports: int, vpc: Vpc | None = None, instance: str | None = None) -> Network:
        interface = Interface(vpc or self.vpc, address, instance or f"i-{address}")
        made = Network(ports, interface, self._folder / "pasta.log")
        made.route([BLOCK])
        return self._opened.enter_context(closing(made))


@pytest.fixture
def lab(opened: ExitStack, tmp_path: Path) -> Lab:
    return Lab(opened, tmp_path)


def serve(opened: ExitStack, namespace: Namespace, port: int, folder: Path) -> None:
    """Serves the files of `folder` on all addresses of the namespace."""
    command = ["nsenter", f"--net={namespace.path}", "python3", "-m", "http.server", str(port)]
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--directory", str(folder)], stdout=log, stderr=subprocess.STDOUT
        )
    opened.callback(server.wait)
    opened.callback(server.kill)
    wait_until(lambda: f":{port} " in namespace.run("ss", "--listening", "--numeric", "--tcp"))


def named(folder: Path, name: str) -> Path:
    """A folder to serve, with a file `name` that holds its name."""
    (folder / name).mkdir()
    (folder / name / "name").write_text(name)
    return folder / name


def seen_by_the_host(url: str) -> str | None:
    """An address that is not the host's may lead to another machine, which may answer, too."""
    try:
        return httpx.get(url, trust_env=False, timeout=2).text
    except httpx.TransportError:
        return None


def get(vm: Network, url: str) -> str:
    return vm.namespace.run(*CURL, "--max-time", "20", url)


def test_a_service_of_the_host_is_reached_on_the_same_port(lab: Lab, on_the_host: BaseWSGIServer) -> None:
    port = on_the_host.server_port
    vm = lab.vm("10.42.0.4", port)

    assert get(vm, f"http://127.0.0.1:{port}/") == "GET 0"
    assert len(get(vm, f"http://127.0.0.1:{port}/large")) == LARGE


def test_what_the_vm_sends_arrives_whole(lab: Lab, on_the_host: BaseWSGIServer, tmp_path: Path) -> None:
    (tmp_path / "sent").write_bytes(b"x" * LARGE)
    vm = lab.vm("10.42.0.4", on_the_host.server_port)
    url = f"http://127.0.0.1:{on_the_host.server_port}/"

    assert vm.namespace.run(*CURL, "--data-binary", f"@{tmp_path / 'sent'}", url) == f"POST {LARGE}"


def test_a_service_of_the_host_that_is_not_named_is_not_reached(
    lab: Lab, on_the_host: BaseWSGIServer
) -> None:
    vm = lab.vm("10.42.0.4")

    with pytest.raises(NetworkError, match="connect to"):
        get(vm, f"http://127.0.0.1:{on_the_host.server_port}/")


def test_a_service_that_comes_back_is_reached_again(lab: Lab, opened: ExitStack) -> None:
    port = processes.free_port()
    vm = lab.vm("10.42.0.4", port)
    with pytest.raises(NetworkError):
        get(vm, f"http://127.0.0.1:{port}/")

    server = make_server("127.0.0.1", port, application)
    opened.callback(server.server_close)
    threading.Thread(target=server.handle_request).start()
    assert get(vm, f"http://127.0.0.1:{port}/") == "GET 0"


def test_the_same_port_is_served_by_each_vm_and_reached_by_the_private_address_alone(
    lab: Lab, opened: ExitStack, tmp_path: Path
) -> None:
    port = processes.free_port()
    first, second = lab.vm("10.42.0.4"), lab.vm("10.42.0.132")
    serve(opened, first.namespace, port, named(tmp_path, "first"))
    serve(opened, second.namespace, port, named(tmp_path, "second"))

    assert get(first, f"http://127.0.0.1:{port}/name") == "first"
    assert get(second, f"http://127.0.0.1:{port}/name") == "second"
    assert get(first, f"http://10.42.0.132:{port}/name") == "second"
    assert get(second, f"http://10.42.0.4:{port}/name") == "first"
    for address in ("127.0.0.1", "10.42.0.4", "10.42.0.132"):
        assert seen_by_the_host(f"http://{address}:{port}/name") not in ("first", "second")


def test_two_vpcs_with_the_same_addresses_do_not_meet(lab: Lab, opened: ExitStack, tmp_path: Path) -> None:
    port = processes.free_port()
    other = lab.make_vpc()
    vms = {
        "here": (lab.vm("10.42.0.4"), lab.vm("10.42.0.5")),
        "there": (lab.vm("10.42.0.4", vpc=other), lab.vm("10.42.0.5", vpc=other)),
    }
    for name, (server, _) in vms.items():
        serve(opened, server.namespace, port, named(tmp_path, name))

    answers = {name: get(client, f"http://10.42.0.4:{port}/name") for name, (_, client) in vms.items()}
    assert answers == {"here": "here", "there": "there"}


def test_a_link_that_is_down_cuts_two_vms_apart_until_it_is_up(
    lab: Lab, opened: ExitStack, tmp_path: Path
) -> None:
    port = processes.free_port()
    first, second = lab.vm("10.42.0.4"), lab.vm("10.42.0.132")
    serve(opened, first.namespace, port, named(tmp_path, "first"))
    url = f"http://10.42.0.4:{port}/name"

    second.switch("down")
    with pytest.raises(NetworkError):
        second.namespace.run(*CURL, "--max-time", "3", url)
    second.switch("up")
    # It takes a moment.
    assert second.namespace.run(*CURL, "--retry", "9", "--retry-all-errors", url) == "first"


FLEET = ("10.42.0.4/32", "10.42.0.132/32")


def test_what_the_security_groups_do_not_allow_does_not_reach_a_vm(
    lab: Lab, opened: ExitStack, tmp_path: Path
) -> None:
    port, other_port = processes.free_port(), processes.free_port()
    first, second, stranger = lab.vm("10.42.0.4"), lab.vm("10.42.0.132"), lab.vm("10.42.0.200")
    everywhere = Rule("-1", None, ("0.0.0.0/0",))
    for member in (first, second):
        of_the_fleet = Rule("tcp", (port, port), FLEET)
        member.protect(Firewall(frozenset({of_the_fleet}), frozenset({everywhere})))
    stranger.protect(Firewall(outgoing=frozenset({everywhere})))
    serve(opened, first.namespace, port, named(tmp_path, "first"))
    serve(opened, first.namespace, other_port, named(tmp_path, "other"))

    assert get(second, f"http://10.42.0.4:{port}/name") == "first"
    for client, closed in ((stranger, port), (second, other_port)):
        with pytest.raises(NetworkError, match="timed out"):
            client.namespace.run(*CURL, "--max-time", "3", f"http://10.42.0.4:{closed}/name")

    # The stranger joins the fleet; the rules of the member that it asks follow.
    wider = Rule("tcp", (port, port), (*FLEET, "10.42.0.200/32"))
    first.protect(Firewall(frozenset({wider}), frozenset({everywhere})))
    assert get(stranger, f"http://10.42.0.4:{port}/name") == "first"


def test_what_the_security_groups_do_not_allow_does_not_leave_a_vm(
    lab: Lab, opened: ExitStack, tmp_path: Path, on_the_host: BaseWSGIServer
) -> None:
    port = processes.free_port()
    first, second = lab.vm("10.42.0.4", on_the_host.server_port), lab.vm("10.42.0.132")
    serve(opened, second.namespace, port, named(tmp_path, "second"))
    url = f"http://10.42.0.132:{port}/name"
    assert get(first, url) == "second"

    first.protect(Firewall(outgoing=frozenset({Rule("tcp", (443, 443), ("0.0.0.0/0",))})))

    with pytest.raises(NetworkError, match="timed out"):
        first.namespace.run(*CURL, "--max-time", "3", url)
    # The host's services are not behind the VPC.
    assert get(first, f"http://127.0.0.1:{on_the_host.server_port}/") == "GET 0"


def test_a_network_that_is_held_lets_nothing_pass_and_cuts_nothing(
    lab: Lab, on_the_host: BaseWSGIServer
) -> None:
    network = lab.vm("10.42.0.4", on_the_host.server_port)
    network.isolate(isolated=True)
    url = f"http://127.0.0.1:{on_the_host.server_port}/"
    asking = subprocess.Popen(
        ["nsenter", f"--net={network.namespace.path}", *CURL, "--max-time", "120", url],
        stdout=subprocess.PIPE,
        text=True,
    )
    with pytest.raises(subprocess.TimeoutExpired):
        asking.communicate(timeout=2)

    network.isolate(isolated=False)

    assert asking.communicate()[0] == "GET 0"


def test_a_block_that_the_vpc_gets_later_is_reached(lab: Lab, opened: ExitStack, tmp_path: Path) -> None:
    port = processes.free_port()
    old, new = lab.vm("10.42.0.4"), lab.vm("10.43.0.4")
    serve(opened, old.namespace, port, named(tmp_path, "old"))
    for vm in (old, new):
        vm.route([BLOCK, "10.43.0.0/24"])

    assert get(new, f"http://10.42.0.4:{port}/name") == "old"


def test_the_host_sees_no_interface_of_it(lab: Lab) -> None:
    before = interfaces()
    lab.vm("10.42.0.4")

    assert interfaces() == before


def interfaces() -> set[str]:
    """Those of the host."""
    return {folder.name for folder in Path("/sys/class/net").iterdir()}


def test_nothing_is_left_of_a_network_that_is_closed(lab: Lab, on_the_host: BaseWSGIServer) -> None:
    pastas, forwarders = children("pas"), threads("forwarder")
    vm = lab.vm("10.42.0.4", on_the_host.server_port, instance="i-closed")
    get(vm, f"http://127.0.0.1:{on_the_host.server_port}/")
    # An interface of the host that lasts as long as the VM's namespace.
    witness = f"w{secrets.token_hex(4)}"
    subprocess.run(
        ["ip", "link", "add", witness, "type", "veth", "peer", "name", "w", "netns", vm.namespace.path],
        check=True,
    )
    assert len(children("pas") - pastas) == len(threads("forwarder") - forwarders) == 1
    assert lab.vpc.ports() == {"i-closed"}

    vm.close()

    assert children("pas") == pastas
    assert threads("forwarder") == forwarders
    assert lab.vpc.ports() == set()
    wait_until(lambda: witness not in interfaces())


def children(name: str) -> set[int]:
    """The processes of this name that this one started."""
    return {
        pid
        for pid in processes.children(os.getpid())
        if Path(f"/proc/{pid}/comm").read_text().startswith(name)
    }


def threads(name: str) -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == name}


def test_a_network_is_made_again_at_once_under_the_same_name(lab: Lab) -> None:
    for _ in range(2):
        lab.vm("10.42.0.4", instance="i-again").close()
    lab.vm("10.42.0.4", instance="i-again")

    assert lab.vpc.ports() == {"i-again"}


@pytest.mark.parametrize("capability", ["sys_admin", "net_admin"])
def test_a_machine_that_may_not_make_the_network_says_what_is_missing(
    capability: str, tmp_path: Path
) -> None:
    program = f"from pathlib import Path; from local.systems.vm import network; network.check(Path('{tmp_path}/log'))"
    tried = subprocess.run(
        [
            "setpriv",
            f"--bounding-set=-{capability}",
            f"--inh-caps=-{capability}",
            sys.executable,
            "-c",
            program,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert tried.returncode != 0
    assert f"CAP_{capability.upper()}" in tried.stderr.splitlines()[-1]
