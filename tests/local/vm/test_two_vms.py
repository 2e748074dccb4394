"""Two VMs of one VPC, booted at the same time in two subnets: the same port in each, and a way between them.

Their security group lets one port pass between its members.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.base import processes
from local.systems.vm import shell
from tests.local.vm.site import Site, running

SUBNETS = {"us-west-2a": "10.42.0.0/25", "us-west-2b": "10.42.0.128/25"}
USER_DATA = """\
#cloud-config
write_files:
- path: /etc/systemd/system/served.service
  content: |
    [Service]
    ExecStart=/usr/bin/python3 -m http.server {port} --directory /etc
- path: /etc/systemd/system/closed.service
  content: |
    [Service]
    ExecStart=/usr/bin/python3 -m http.server {closed_port} --directory /etc
runcmd:
- systemctl start served.service closed.service
- apt-get --quiet update
"""
CURL = ("curl", "--silent", "--show-error", "--retry", "9", "--retry-all-errors")


@dataclass(frozen=True)
class Pair:
    """Two running VMs; each serves its own name on `port` and on `closed_port`, on all its addresses.

    Their security group lets `port` pass.
    """

    site: Site
    port: int
    closed_port: int
    instances: tuple[str, str]

    def address(self, instance: str) -> str:
        """The private address, as EC2 has it."""
        found = self.site.client("ec2").describe_instances(InstanceIds=[instance])
        return str(found["Reservations"][0]["Instances"][0]["PrivateIpAddress"])

    def name_at(self, client: str, address: str, *options: str, port: int | None = None) -> str:
        """What the VM `client` reads from the address, on the port that the security group lets pass or on another."""
        return self.site.run(client, *CURL, *options, f"http://{address}:{port or self.port}/hostname")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running(tmp_path_factory.mktemp("state")) as site:
        ec2 = site.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.42.0.0/24")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for zone, block in SUBNETS.items()
        ]
        port, closed_port = processes.free_port(), processes.free_port()
        group = ec2.create_security_group(GroupName="fleet", Description="x", VpcId=vpc)["GroupId"]
        from_itself = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{**from_itself, "UserIdGroupPairs": [{"GroupId": group}]}]
        )
        user_data = USER_DATA.format(port=port, closed_port=closed_port)
        first, second = (site.launch(user_data, subnet=subnet, group=group) for subnet in subnets)
        for instance in (first, second):
            assert site.await_state(instance, "running")["cloud_init"] == {"status": "done", "errors": []}
        yield Pair(site, port, closed_port, (first, second))


def test_each_vm_serves_the_same_port_and_finds_itself_there(pair: Pair) -> None:
    assert [pair.name_at(vm, "127.0.0.1") for vm in pair.instances] == list(pair.instances)


def test_each_vm_reaches_the_other_by_its_private_address(pair: Pair) -> None:
    first, second = pair.instances
    assert pair.address(first).startswith("10.42.0.")
    assert pair.address(first) != pair.address(second)

    assert pair.name_at(first, pair.address(second)) == second
    assert pair.name_at(second, pair.address(first)) == first


def test_a_port_that_the_security_group_does_not_name_is_closed(pair: Pair) -> None:
    first, second = pair.instances

    assert pair.name_at(first, "127.0.0.1", port=pair.closed_port) == first
    assert (
        pair.name_at(first, pair.address(second), "--max-time", "3", "--retry", "0", port=pair.closed_port)
        == ""
    )


def test_the_service_of_a_vm_has_no_process_of_the_other_vm(pair: Pair) -> None:
    for vm in pair.instances:
        groups = "cat $(find /sys/fs/cgroup -path '*/served.service/cgroup.procs')"
        listed = set(pair.site.run(vm, "sh", "-ec", groups).split())

        assert listed == {pair.site.run(vm, "systemctl", "show", "--property=MainPID", "--value", "served")}


def test_the_host_reaches_no_port_of_a_vm(pair: Pair) -> None:
    for address in ("127.0.0.1", "[::1]", *map(pair.address, pair.instances)):
        try:
            answer = httpx.get(f"http://{address}:{pair.port}/hostname", trust_env=False, timeout=3).text
        except httpx.TransportError:
            continue
        # Of another machine, to which the host's own network leads.
        assert answer.strip() not in pair.instances


def test_each_vm_is_in_the_zone_of_its_subnet(pair: Pair) -> None:
    zones = {metadata(pair.site, vm, "placement/availability-zone") for vm in pair.instances}
    addresses = [metadata(pair.site, vm, "local-ipv4") for vm in pair.instances]

    assert zones == set(SUBNETS)
    assert addresses == [pair.address(vm) for vm in pair.instances]


def metadata(site: Site, vm: str, path: str) -> str:
    script = f"""
        url=$(systemctl show-environment | sed -n s/^AWS_EC2_METADATA_SERVICE_ENDPOINT=//p)
        token=$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$url/latest/api/token")
        curl -s -H "X-aws-ec2-metadata-token: $token" "$url/latest/meta-data/{path}"
    """
    return site.run(vm, "sh", "-ec", script)


def test_a_link_that_is_down_cuts_the_two_apart_and_nothing_else(pair: Pair) -> None:
    first, second = pair.instances
    pair.site.post(first, "link-down")
    assert pair.name_at(second, pair.address(first), "--max-time", "3", "--retry", "0") == ""
    assert pair.name_at(first, "127.0.0.1") == first
    assert metadata(pair.site, first, "instance-id") == first

    pair.site.post(first, "link-up")
    assert pair.name_at(second, pair.address(first)) == first


def test_a_vm_that_boots_again_is_reached_again(pair: Pair) -> None:
    first, second = pair.instances
    pair.site.post(first, "power-off")
    assert pair.name_at(second, pair.address(first), "--max-time", "3", "--retry", "0") == ""
    pair.site.post(first, "power-on")
    pair.site.await_state(first, "running")
    shell.run(pair.site.folder(first), ["systemctl", "start", "served.service"])

    assert pair.name_at(second, pair.address(first)) == first


def test_nothing_is_left_of_two_vms_that_are_terminated(pair: Pair) -> None:
    site = pair.site
    hypervisor = processes.read(site.state, "hypervisor").pid
    assert len(namespaces(hypervisor)) == 3
    assert len(processes.children(hypervisor)) == 4

    site.client("ec2").terminate_instances(InstanceIds=list(pair.instances))
    for vm in pair.instances:
        site.await_state(vm, "gone")

    # The VPC's.
    (bridge,) = namespaces(hypervisor)
    links = subprocess.run(
        ["nsenter", f"--net={bridge}", "ip", "-brief", "link"], capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in links.stdout.splitlines()] == ["lo", "bridge"]
    assert processes.children(hypervisor) == []


def namespaces(pid: int) -> list[Path]:
    """The network namespaces that a process holds open."""
    files = Path(f"/proc/{pid}/fd").iterdir()
    return [file for file in files if file.is_symlink() and str(file.readlink()).startswith("net:[")]
