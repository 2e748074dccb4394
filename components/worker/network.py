"""The VM's network: a small VPC of its own or an existing subnet, and the security group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.settings import NAMESPACE
from components.worker import placement
from components.worker.egress import Egress

NETWORK_CIDR = "10.42.0.0/24"


@dataclass(frozen=True)
class NetworkArgs:
    """`subnet_id`: an existing subnet; None makes a VPC.

    `availability_zones`: for the program's own subnet, in order of preference; empty for any zone. `present_zone`: of
    the running stack's subnet, None if there is none. `zones`: those that have the instance type. `ways_out`: the
    outbound rules.
    """

    region: str
    instance_type: str
    subnet_id: str | None
    availability_zones: Sequence[str]
    present_zone: str | None
    zones: Sequence[str]
    ways_out: Sequence[Egress]
    tags: Mapping[str, str]
    named_tags: Mapping[str, str]


@dataclass(frozen=True)
class Network:
    """Where the VM is. `needed`: the resources without which the VM reaches nothing."""

    subnet_id: pulumi.Input[str]
    security_group_id: pulumi.Input[str]
    availability_zone: pulumi.Output[str]
    needed: Sequence[pulumi.Resource]


def network(parent: pulumi.Resource, name: str, args: NetworkArgs) -> Network:
    """Makes the network, or checks the existing subnet and makes the security group in it.

    Raises:
        SettingsError: the VM cannot be in that subnet or zone.
    """
    if args.subnet_id is not None:
        return _existing_network(parent, name, args, args.subnet_id)
    return _own_network(parent, name, args)


def _existing_network(parent: pulumi.Resource, name: str, args: NetworkArgs, subnet_id: str) -> Network:
    invoked = pulumi.InvokeOptions(parent=parent)
    subnet = placement.existing_subnet(subnet_id, args.zones, args.instance_type, invoked)
    missing = placement.missing_way_out(subnet, invoked)
    if missing is not None:
        pulumi.log.warn(f"{NAMESPACE}:worker.subnetId: {subnet_id} {missing}", parent)
    security_group_id, rules = _security_group(parent, name, args, subnet.vpc_id)
    zone = pulumi.Output.from_input(subnet.availability_zone)
    return Network(subnet_id, security_group_id, zone, rules)


def _own_network(parent: pulumi.Resource, name: str, args: NetworkArgs) -> Network:
    tags, child = dict(args.named_tags), pulumi.ResourceOptions(parent=parent)
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
    subnet = aws.ec2.Subnet(
        name,
        vpc_id=vpc.id,
        cidr_block=NETWORK_CIDR,
        availability_zone=placement.chosen_zone(
            args.zones, args.availability_zones, args.present_zone, args.instance_type
        ),
        map_public_ip_on_launch=True,
        tags=tags,
        opts=pulumi.ResourceOptions(
            parent=parent,
            # Two subnets with the same address range cannot exist at the same time.
            delete_before_replace=True,
            # Chosen once: a zone that gets the type later is no reason to replace the subnet, and with it the VM.
            ignore_changes=[] if args.availability_zones else ["availabilityZone"],
        ),
    )
    table = aws.ec2.RouteTable(name, vpc_id=vpc.id, tags=tags, opts=child)
    route = aws.ec2.Route(
        name,
        route_table_id=table.id,
        destination_cidr_block="0.0.0.0/0",
        gateway_id=gateway.id,
        opts=child,
    )
    association = aws.ec2.RouteTableAssociation(
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
    endpoint = aws.ec2.VpcEndpoint(
        f"{name}-s3",
        vpc_id=vpc.id,
        service_name=f"com.amazonaws.{args.region}.s3",
        vpc_endpoint_type="Gateway",
        route_table_ids=[table.id],
        tags=tags,
        opts=child,
    )
    security_group_id, rules = _security_group(parent, name, args, vpc.id)
    needed = [*rules, route, association, endpoint]
    return Network(subnet.id, security_group_id, subnet.availability_zone, needed)


def _security_group(
    parent: pulumi.Resource, name: str, args: NetworkArgs, vpc_id: pulumi.Input[str]
) -> tuple[pulumi.Input[str], list[pulumi.Resource]]:
    """A group without inbound rules, with outbound rules only for the ways out. Returns its id and the rules."""
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
    return group.id, rules
