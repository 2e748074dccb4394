"""The security groups of a VM, as rules of nftables in the VM's network namespace.

As in EC2: what no rule allows is dropped, in both directions, and answers pass whatever the rules say (Amazon VPC user
guide, "Security group rules"). Here they hold for the private address alone. The way out and the services of the host
do not pass the VPC.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

INTERFACE = "vpc"
EVERY_PROTOCOL = "-1"


@dataclass(frozen=True)
class Rule:
    """What a security group allows: packets of a protocol (`tcp`, `udp`, `-1` for every one) from or to `peers`.

    `peers`: IPv4 blocks. `ports`: the first and the last port; None for all.
    """

    protocol: str
    ports: tuple[int, int] | None
    peers: tuple[str, ...]


@dataclass(frozen=True)
class Firewall:
    """The rules of all security groups of a VM."""

    incoming: frozenset[Rule] = frozenset()
    outgoing: frozenset[Rule] = frozenset()

    @classmethod
    def of(cls, instance: Mapping[str, Any]) -> "Firewall":
        """That of an instance, as `local.systems.aws.instances.describe` returns it."""
        return cls(frozenset(map(_rule, instance["incoming"])), frozenset(map(_rule, instance["outgoing"])))

    def ruleset(self) -> str:
        """A script for `nft` that puts these rules in the place of former ones."""
        return "\n".join(
            [
                f"table inet {INTERFACE}",
                f"delete table inet {INTERFACE}",
                f"table inet {INTERFACE} {{",
                *_chain("input", "iifname", "saddr", self.incoming),
                *_chain("output", "oifname", "daddr", self.outgoing),
                "}",
            ]
        )


def _rule(described: Mapping[str, Any]) -> Rule:
    ports = described["ports"]
    return Rule(
        described["protocol"], None if ports is None else (ports[0], ports[1]), tuple(described["peers"])
    )


def _chain(hook: str, interface: str, peer: str, rules: Collection[Rule]) -> Iterator[str]:
    yield f"chain {hook} {{"
    yield f"type filter hook {hook} priority 0; policy accept;"
    yield f'{interface} != "{INTERFACE}" accept'
    yield "ct state established,related accept"
    for rule in sorted(rules, key=lambda known: (known.protocol, known.ports or (0, 0), known.peers)):
        if rule.peers:
            yield f"ip {peer} {{ {', '.join(rule.peers)} }} {_match(rule)}accept"
    yield "drop"
    yield "}"


def _match(rule: Rule) -> str:
    if rule.protocol == EVERY_PROTOCOL:
        return ""
    if rule.ports is None:
        return f"meta l4proto {rule.protocol} "
    return f"{rule.protocol} dport {rule.ports[0]}-{rule.ports[1]} "
