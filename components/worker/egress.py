"""What the VM may reach (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Egress:
    """One way out of the VM. `to`: a CIDR block. `reason`: EC2 accepts no apostrophe in it."""

    name: str
    port: int
    reason: str
    protocol: Literal["tcp", "udp"] = "tcp"
    to: str = "0.0.0.0/0"


def egress(bootstrap_servers: str, urls: Iterable[str | None], dns_servers: Sequence[str]) -> list[Egress]:
    """Every way out that the VM needs. Amazon's own DNS, time and metadata services need no rule.

    Args:
        bootstrap_servers: host:port, several with commas.
        urls: of mirrors and endpoints; a URL without a port needs nothing more than 443.
        dns_servers: IPv4 addresses, where the VPC's DNS servers are not Amazon's.
    """
    ports = {int(server.rpartition(":")[2]): "Kafka" for server in bootstrap_servers.split(",")}
    ports[80] = "Signed packages of the distribution"
    ports[443] = "AWS, package repository, connector archive"
    for url in urls:
        port = urlsplit(url).port if url is not None else None
        if port is not None:
            ports.setdefault(port, "A mirror or endpoint of the settings")
    protocols: tuple[Literal["tcp", "udp"], ...] = ("udp", "tcp")
    return [
        *(Egress(str(port), port, reason) for port, reason in ports.items()),
        *(
            Egress(f"dns-{address}-{protocol}", 53, "DNS", protocol, f"{address}/32")
            for address in dns_servers
            for protocol in protocols
        ),
    ]
