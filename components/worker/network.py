"""The VMs' network: a small VPC of its own or existing subnets, and the security group."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.settings import NAMESPACE
from components.worker import placement
from components.worker.egress import Egress

NETWORK_CIDR = "10.42.0.0/24"
"""Of the VPC, and of VM 1's subnet, which takes all of it."""

FURTHER_CIDR = "10.42.1.0/24"
"""Added to the VPC for the subnets of further zones."""


@dataclass(frozen=True)
class NetworkArgs:
    """`subnet_ids`: existing subnets; empty makes a VPC. `count`: how many VMs there are.

    `availability_zones`: for the program's own subnets, in order of preference; empty for any zone. `present_zones`: of
    the running stack's subnets. `zones`: those that have the instance type. `ways_out`: the outbound rules.
    `fleet_port`: on which the VMs reach each other; None if they do not.
    """

    region: str
    instance_type: str
    count: int
    subnet_ids: Sequence[str]
    availability_zones: Sequence[str]
    present_zones: Sequence[str]
    zones: Sequence[str]
    ways_out: Sequence[Egress]
    fleet_port: int | None
    tags: Mapping[str, str]
    named_tags: Mapping[str, str]


@dataclass(frozen=True)
class Subnet:
    """A subnet for VMs."""

    id: pulumi.Input[str]
    availability_zone: pulumi.Output[str]


@dataclass(frozen=True)
class Network:
    """Where the VMs are. `needed`: the resources without which a VM reaches nothing."""

    subnets: Sequence[Subnet]
    security_group_id: pulumi.Input[str]
    needed: Sequence[pulumi.Resource]

    def subnet_of(self, number: int) -> Subnet:
        """The subnet of a VM; VM 1 is in the first one, and the VMs go round."""
        return self.subnets[(number - 1) % len(self.subnets)]


def network(parent: pulumi.Resource, name: str, args: NetworkArgs) -> Network:
    """Makes the network, or checks the existing subnets and makes the security group in their VPC.

    Raises:
        SettingsError: the VMs cannot be in these subnets or zones.
    """
    if args.subnet_ids:
        return _existing_network(parent, name, args)
    return _own_network(parent, name, args)


def _existing_network(parent: pulumi.Resource, name: str, args: NetworkArgs) -> Network:
    invoked = pulumi.InvokeOptions(parent=parent)
    found = placement.existing_subnets(args.subnet_ids, args.zones, args.instance_type, invoked)
    for subnet in found:
        missing = placement.missing_way_out(subnet, invoked)
        if missing is not None:
            pulumi.log.warn(f"{NAMESPACE}:worker.subnetId: {subnet.id} {missing}", parent)
    security_group_id, rules = _security_group(parent, name, args, found[0].vpc_id)
    subnets = [Subnet(subnet.id, pulumi.Output.from_input(subnet.availability_zone)) for subnet in found]
    return Network(subnets, security_group_id, rules)


def _own_network(parent: pulumi.Resource, name: str, args: NetworkArgs) -> Network:
    tags, child = dict(args.named_tags), pulumi.ResourceOptions(parent=parent)
    zones = placement.chosen_zones(
        args.zones, args.availability_zones, args.present_zones, args.count, args.instance_type
    )
    vpc = aws.ec2.Vpc(
        name,
        cidr_block=NETWORK_CIDR,
        enable_dns_support=True,
        enable_dns_hostnames=True,
        tags=tags,
        opts=child,
    )
    # AWS lets everything out of a VPC's default group, and its members reach each other: nothing may be its member.
    aws.ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=vpc.id, tags=dict(args.tags), opts=child)
    gateway = aws.ec2.InternetGateway(name, vpc_id=vpc.id, tags=tags, opts=child)
    table = aws.ec2.RouteTable(name, vpc_id=vpc.id, tags=tags, opts=child)
    route = aws.ec2.Route(
        name,
        route_table_id=table.id,
        destination_cidr_block="0.0.0.0/0",
        gateway_id=gateway.id,
        opts=child,
    )
    endpoint = aws.ec2.VpcEndpoint(
        f"{name}-s3",
        vpc_id=vpc.id,
        service_name=f"com.amazonaws.{args.region}.s3",
        vpc_endpoint_type="Gateway",
        route_table_ids=[table.id],
        tags=tags,
        opts=child,
    )
    subnets = [_first_subnet(parent, name, args, vpc, zones[0])]
    if zones[1:]:
        further = aws.ec2.VpcIpv4CidrBlockAssociation(
            f"{name}-further", vpc_id=vpc.id, cidr_block=FURTHER_CIDR, opts=child
        )
        subnets += [_further_subnet(parent, name, args, further, zone) for zone in zones[1:]]
    names = [name, *(_zone_name(name, zone) for zone in zones[1:])]
    associations = [
        _association(parent, subnet_name, subnet, table)
        for subnet_name, subnet in zip(names, subnets, strict=True)
    ]
    security_group_id, rules = _security_group(parent, name, args, vpc.id)
    needed = [*rules, route, endpoint, *associations]
    return Network(
        [Subnet(subnet.id, subnet.availability_zone) for subnet in subnets], security_group_id, needed
    )


def _first_subnet(
    parent: pulumi.Resource, name: str, args: NetworkArgs, vpc: aws.ec2.Vpc, zone: str
) -> aws.ec2.Subnet:
    return aws.ec2.Subnet(
        name,
        vpc_id=vpc.id,
        cidr_block=NETWORK_CIDR,
        availability_zone=zone,
        map_public_ip_on_launch=True,
        tags=dict(args.named_tags),
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Two subnets with the same address range cannot exist at the same time.
            delete_before_replace=True,
            # Chosen once: a zone that gets the type later is no reason to replace the subnet, and with it the VM.
            ignore_changes=[] if args.availability_zones else ["availabilityZone"],
        ),
    )


def _further_subnet(
    parent: pulumi.Resource,
    name: str,
    args: NetworkArgs,
    further: aws.ec2.VpcIpv4CidrBlockAssociation,
    zone: str,
) -> aws.ec2.Subnet:
    """The subnet of a zone. Its name and its addresses depend on the zone alone: no change of count replaces it."""
    return aws.ec2.Subnet(
        _zone_name(name, zone),
        # The block must be there first.
        vpc_id=further.vpc_id,
        cidr_block=zone_cidr(zone),
        availability_zone=zone,
        map_public_ip_on_launch=True,
        tags=dict(args.named_tags),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[further]),
    )


def zone_cidr(zone: str) -> str:
    """The sixteenth of FURTHER_CIDR that belongs to a zone (`eu-central-1b`), by the zone's letter.

    Sixteen addresses are the fewest of a subnet (Amazon VPC user guide, "Subnet CIDR blocks"), and no region has as many
    zones as there are sixteenths.
    """
    blocks = list(ipaddress.ip_network(FURTHER_CIDR).subnets(new_prefix=28))
    return str(blocks[ord(zone[-1]) - ord("a")])


def _zone_name(name: str, zone: str) -> str:
    return f"{name}-{zone}"


def _association(
    parent: pulumi.Resource, name: str, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable
) -> aws.ec2.RouteTableAssociation:
    return aws.ec2.RouteTableAssociation(
        name,
        subnet_id=subnet.id,
        route_table_id=table.id,
        opts=pulumi.ResourceOptions(
            parent=parent,
            # The plugin would change it in place. AWS then gives it a new id, which the engine does not learn: the next
            # `up` would associate the subnet once more, which AWS refuses (pulumi/pulumi-aws issue 3911).
            replace_on_changes=["routeTableId"],
            # A subnet can have only one association at a time.
            delete_before_replace=True,
        ),
    )


def _security_group(
    parent: pulumi.Resource, name: str, args: NetworkArgs, vpc_id: pulumi.Input[str]
) -> tuple[pulumi.Input[str], list[pulumi.Resource]]:
    """A group with outbound rules only for the ways out, and no inbound rule but for the other VMs of the stack.

    Returns its id and the rules.
    """
    child = pulumi.ResourceOptions(parent=parent)
    group = aws.ec2.SecurityGroup(
        name,
        vpc_id=vpc_id,
        description="The VM that archives the audit log: nothing in, Kafka and HTTPS out",
        tags=dict(args.named_tags),
        opts=child,
    )
    rules: list[pulumi.Resource] = [
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-{way_out.name}",
            security_group_id=group.id,
            ip_protocol=way_out.protocol,
            from_port=way_out.port,
            to_port=way_out.port,
            cidr_ipv4=way_out.to,
            description=way_out.reason,
            tags=dict(args.tags),
            opts=child,
        )
        for way_out in args.ways_out
    ]
    if args.fleet_port is not None:
        rules += _rules_of_the_fleet(parent, f"{name}-fleet", args, group, args.fleet_port)
    return group.id, rules


def _rules_of_the_fleet(
    parent: pulumi.Resource, name: str, args: NetworkArgs, group: aws.ec2.SecurityGroup, port: int
) -> list[pulumi.Resource]:
    """Members of the group reach each other on this port, and nobody else does."""
    ways: tuple[type[aws.vpc.SecurityGroupIngressRule | aws.vpc.SecurityGroupEgressRule], ...] = (
        aws.vpc.SecurityGroupIngressRule,
        aws.vpc.SecurityGroupEgressRule,
    )
    return [
        way(
            name,
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="Kafka Connect of the other VMs",
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        for way in ways
    ]
