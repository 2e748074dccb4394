"""The addresses of a VM's network, and the commands that make it."""

from pathlib import Path

from local.systems.vm import network


def test_the_vms_end_of_the_cable_lies_in_its_namespace_and_the_other_on_the_bridge() -> None:
    assert network.plug_in_commands("i-1", "/proc/1/fd/3") == [
        ["ip", "link", "add", "i-1", "type", "veth", "peer", "name", "vpc", "netns", "/proc/1/fd/3"],
        ["ip", "link", "set", "i-1", "master", "bridge", "up"],
    ]


def test_a_vm_has_the_private_address_of_its_instance_whatever_its_subnet_is() -> None:
    assert network.address_commands("10.42.0.132")[0] == [
        "ip",
        "address",
        "add",
        "10.42.0.132/32",
        "dev",
        "vpc",
    ]


def test_a_vm_has_the_same_hardware_address_after_each_boot() -> None:
    command = "ip link set vpc address 02:00:0a:2a:00:84 up"
    assert network.address_commands("10.42.0.132")[1] == command.split()


def test_every_block_of_the_vpc_is_reached_from_the_private_address() -> None:
    route = "ip route add 10.43.0.0/24 dev vpc src 10.42.0.132"
    assert network.route_command("10.43.0.0/24", "10.42.0.132") == route.split()


def test_the_way_out_ends_with_the_process_that_made_it() -> None:
    command = network.pasta_command("/proc/1/fd/3")
    assert command[:3] == ["setpriv", "--pdeathsig", "KILL"]
    assert command[-2:] == ["/proc/1/fd/3", "internet"]


def test_the_way_out_forwards_no_port_of_either_side() -> None:
    script = Path(network.__file__).with_name("pasta.sh").read_text()
    assert "-t none -u none -T none -U none --no-map-gw" in script


def test_a_port_of_the_bridge_has_a_name_that_linux_takes() -> None:
    assert network.port_name("i-0123456789abcdef0") == "i-0123456789abc"
