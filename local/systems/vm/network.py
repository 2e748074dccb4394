"""The network of the local VMs: a namespace for each VM, and one with a bridge for each VPC.

A VM has three interfaces:

- `lo`: its own, so each VM can use the same port. Chosen services on the host's 127.0.0.1 appear on it, by a forwarder.
- `internet`: the way out for apt and DNS, by pasta. Nothing comes in by it.
- `vpc`: the instance's private address, on a veth whose other end is a port of the VPC's bridge. The bridge has a
  namespace of its own, without any other member or an address: the host neither sees the VPC nor filters in it. The
  VM's `firewall` does.
"""

import ipaddress
import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local.systems.vm.firewall import INTERFACE as VPC
from local.systems.vm.firewall import Firewall
from local.systems.vm.forwarder import Forwarder
from local.systems.vm.namespace import Namespace, NetworkError

Link = Literal["down", "up"]

INTERNET = "internet"

_BRIDGE = "bridge"
_PASTA_SCRIPT = Path(__file__).with_name("pasta.sh")
_PASTA_SECONDS = 60.0


class Vpc:
    """A network of private addresses that several VMs share, and nobody else.

    Raises:
        NetworkError: this machine cannot make one.
    """

    def __init__(self) -> None:
        self._namespace = Namespace()
        try:
            self._namespace.run("ip", "link", "add", _BRIDGE, "type", "bridge")
            self._namespace.run("ip", "link", "set", _BRIDGE, "up")
        except NetworkError:
            self.close()
            raise

    def plug_in(self, port: str, namespace: Namespace) -> None:
        """Gives the namespace an interface `vpc`, and the bridge a port with this name."""
        for command in plug_in_commands(port, namespace.path):
            self._namespace.run(*command)

    def unplug(self, port: str) -> None:
        """Removes a port, and with it the namespace's interface."""
        self._namespace.run("ip", "link", "delete", port)

    def switch(self, port: str, state: Link) -> None:
        """`down`: cuts a port off from the others, as a broken network does; `up` mends it."""
        self._namespace.run("ip", "link", "set", port, state)

    def ports(self) -> set[str]:
        """The names of the bridge's ports."""
        shown = self._namespace.run("ip", "-oneline", "link", "show", "master", _BRIDGE)
        return {line.split()[1].partition("@")[0] for line in shown.splitlines()}

    def close(self) -> None:
        """The kernel removes the bridge with its namespace."""
        self._namespace.close()


@dataclass(frozen=True)
class Interface:
    """An instance's place in its VPC: `address` is its private IPv4 address."""

    vpc: Vpc
    address: str
    instance_id: str

    @property
    def port(self) -> str:
        """The name of its port on the bridge."""
        return port_name(self.instance_id)


class Network:
    """The network of one VM while it is on.

    Args:
        host_ports: TCP ports of the host's 127.0.0.1 that appear on the VM's.
        interface: to its VPC; None for a VM without one.
        log: file for pasta's errors.

    Raises:
        NetworkError: this machine cannot make it.
    """

    def __init__(self, host_ports: Collection[int], interface: Interface | None, log: Path) -> None:
        self.namespace = Namespace()
        self._forwarder: Forwarder | None = None
        self._pasta: subprocess.Popen[bytes] | None = None
        self._interface: Interface | None = None
        self._routed: set[str] = set()
        self._firewall: Firewall | None = None
        try:
            self._forwarder = Forwarder(self.namespace, host_ports)
            self._lead_out(log)
            if interface is not None:
                self._join(interface)
        except Exception:
            self.close()
            raise

    def route(self, blocks: Collection[str]) -> None:
        """Leads the address blocks of the VPC, such as `10.42.0.0/24`, to it. A VPC can get more while the VM is on."""
        if self._interface is None:
            return
        for block in sorted(set(blocks) - self._routed):
            self.namespace.run(*route_command(block, self._interface.address))
            self._routed.add(block)

    def protect(self, firewall: Firewall) -> None:
        """Lets pass on the VPC what these rules allow. Before the first call everything passes."""
        if self._interface is not None and firewall != self._firewall:
            self.namespace.run("nft", firewall.ruleset())
            self._firewall = firewall

    def switch(self, state: Link) -> None:
        """Cuts the VM off from its VPC (`down`), or connects it again (`up`)."""
        if self._interface is not None:
            self._interface.vpc.switch(self._interface.port, state)

    def isolate(self, *, isolated: bool) -> None:
        """Lets the VM reach neither its VPC nor a service of the host, or lets it reach them again."""
        self.switch("down" if isolated else "up")
        if self._forwarder is not None:
            self._forwarder.hold(held=isolated)

    def close(self) -> None:
        """Takes everything away but what the VM's own processes hold; a second time does nothing."""
        if self._forwarder is not None:
            self._forwarder.close()
            self._forwarder = None
        if self._pasta is not None:
            self._pasta.kill()
            self._pasta.wait()
            self._pasta = None
        if self._interface is not None:
            # The kernel would do it some time later, and the next boot needs the port's name.
            self._interface.vpc.unplug(self._interface.port)
            self._interface = None
        self.namespace.close()

    def _join(self, interface: Interface) -> None:
        interface.vpc.plug_in(interface.port, self.namespace)
        self._interface = interface
        for command in address_commands(interface.address):
            self.namespace.run(*command)

    def _lead_out(self, log: Path) -> None:
        with log.open("wb") as output:
            self._pasta = subprocess.Popen(
                pasta_command(self.namespace.path),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
            )
        deadline = time.monotonic() + _PASTA_SECONDS
        while not self._leads_out():
            if self._pasta.poll() is not None or time.monotonic() > deadline:
                raise NetworkError(
                    "pasta gives the VM no way out: it needs the Debian package passt, /dev/net/tun and a default "
                    f"route of the host. It said:\n{log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.05)

    def _leads_out(self) -> bool:
        return any(
            INTERNET in self.namespace.run("ip", family, "route", "show", "default")
            for family in ("-4", "-6")
        )


def check(log: Path) -> None:
    """Makes a network as a VM's, and takes it away.

    Raises:
        NetworkError: this machine cannot make one; the message says what is missing.
    """
    vpc = Vpc()
    try:
        Network((), Interface(vpc, "198.51.100.1", "check"), log).close()
    finally:
        vpc.close()


def port_name(instance_id: str) -> str:
    """Linux takes 15 characters at most; 13 of the 17 digits tell instances apart, too."""
    return instance_id[:15]


def plug_in_commands(port: str, namespace: str) -> list[list[str]]:
    """What runs in the bridge's namespace; `namespace`: the VM's, as a path."""
    return [
        ["ip", "link", "add", port, "type", "veth", "peer", "name", VPC, "netns", namespace],
        ["ip", "link", "set", port, "master", _BRIDGE, "up"],
    ]


def address_commands(address: str) -> list[list[str]]:
    """What runs in the VM's namespace. The address is no block's: `route_command` says which addresses are near."""
    return [
        ["ip", "address", "add", f"{address}/32", "dev", VPC],
        # It stays the same from boot to boot, as in EC2, so that the other VMs' neighbour entries stay true.
        [
            "ip",
            "link",
            "set",
            VPC,
            "address",
            f"02:00:{ipaddress.IPv4Address(address).packed.hex(':')}",
            "up",
        ],
    ]


def route_command(block: str, address: str) -> list[str]:
    """What runs in the VM's namespace: every subnet of the VPC is on the one bridge, without a router between."""
    return ["ip", "route", "add", block, "dev", VPC, "src", address]


def pasta_command(namespace: str) -> list[str]:
    """pasta, which the kernel ends with the thread that started it."""
    return [
        *("setpriv", "--pdeathsig", "KILL"),
        *("unshare", "--mount", "--propagation", "private"),
        *(str(_PASTA_SCRIPT), namespace, INTERNET),
    ]
