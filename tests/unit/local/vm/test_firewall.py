"""Security groups as rules of nftables."""

from local.systems.vm.firewall import Firewall, Rule

FLEET = ("10.42.0.4/32", "10.42.0.132/32")


def chain(firewall: Firewall, hook: str) -> list[str]:
    """The rules of a chain, those that every firewall has left out."""
    lines = firewall.ruleset().splitlines()
    start = lines.index(f"chain {hook} {{")
    return lines[start + 4 : lines.index("}", start)]


def test_a_vm_without_rules_accepts_and_sends_nothing() -> None:
    assert chain(Firewall(), "input") == ["drop"]
    assert chain(Firewall(), "output") == ["drop"]


def test_a_rule_names_its_peers_and_its_ports() -> None:
    firewall = Firewall(
        frozenset({Rule("tcp", (8443, 8443), FLEET)}), frozenset({Rule("udp", (1000, 2000), ("10.0.0.0/8",))})
    )

    assert chain(firewall, "input") == [
        "ip saddr { 10.42.0.4/32, 10.42.0.132/32 } tcp dport 8443-8443 accept",
        "drop",
    ]
    assert chain(firewall, "output") == ["ip daddr { 10.0.0.0/8 } udp dport 1000-2000 accept", "drop"]


def test_a_rule_for_all_protocols_or_all_ports_names_none() -> None:
    every, icmp = Rule("-1", None, ("0.0.0.0/0",)), Rule("icmp", None, ("0.0.0.0/0",))

    assert chain(Firewall(outgoing=frozenset({every, icmp})), "output") == [
        "ip daddr { 0.0.0.0/0 } accept",
        "ip daddr { 0.0.0.0/0 } meta l4proto icmp accept",
        "drop",
    ]


def test_a_rule_about_a_group_without_members_allows_nothing() -> None:
    assert chain(Firewall(frozenset({Rule("tcp", (8443, 8443), ())})), "input") == ["drop"]


def test_only_the_vpc_is_filtered_and_answers_pass() -> None:
    lines = Firewall().ruleset().splitlines()

    assert 'iifname != "vpc" accept' in lines
    assert 'oifname != "vpc" accept' in lines
    assert lines.count("ct state established,related accept") == 2


def test_an_instances_rules_are_read_as_the_local_aws_describes_them() -> None:
    described = {
        "incoming": [{"protocol": "tcp", "ports": [8443, 8443], "peers": list(FLEET)}],
        "outgoing": [{"protocol": "-1", "ports": None, "peers": ["0.0.0.0/0"]}],
    }

    assert Firewall.of(described) == Firewall(
        frozenset({Rule("tcp", (8443, 8443), FLEET)}), frozenset({Rule("-1", None, ("0.0.0.0/0",))})
    )
