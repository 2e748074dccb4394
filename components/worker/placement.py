"""The availability zones and the subnets for the VMs.

Every run asks, so that a preview shows what does not fit. Every question goes to the provider of the resource that asks
(`opts`): it may use another account or region than the default provider.
"""

import re
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.settings import NAMESPACE, SettingsError, problem

# Local and Wavelength Zones, which an account may have opted in to (us-west-2-lax-1a), lack what the VM needs.
_AVAILABILITY_ZONE = re.compile(r"[a-z]{2}(-[a-z]+)+-\d[a-z]")


def zones_with(instance_type: str, opts: pulumi.InvokeOptions) -> list[str]:
    """The zones of the region that have instances of this type, sorted: a zone need not have every type.

    Raises:
        SettingsError: no zone has the type.
    """
    offered = aws.ec2.get_instance_type_offerings(
        location_type="availability-zone",
        filters=[aws.ec2.GetInstanceTypeOfferingsFilterArgs(name="instance-type", values=[instance_type])],
        opts=opts,
    )
    zones = sorted(zone for zone in offered.locations if _AVAILABILITY_ZONE.fullmatch(zone))
    if not zones:
        raise _refused(
            "instanceType",
            f"no availability zone of this region has {instance_type}",
            "a type that `aws ec2 describe-instance-type-offerings` lists",
        )
    return zones


def chosen_zones(
    zones: Sequence[str], wanted: Sequence[str], present: Sequence[str], count: int, instance_type: str
) -> list[str]:
    """The zones for the program's own subnets: at most `count`. Present zones stay as long as they fit.

    Args:
        zones: the zones that have the type.
        wanted: the zones of the setting, in order; empty for any zone.
        present: the zones of the running stack's subnets, in the order of its VMs; empty if they are not known.
        count: how many VMs there are.
        instance_type: for the message of an error.

    Raises:
        SettingsError: no wanted zone has the type, or a present zone does not have it.
    """
    fitting = [zone for zone in wanted if zone in zones] if wanted else list(zones)
    if not fitting:
        raise _refused(
            "availabilityZones",
            f"none of {', '.join(wanted)} has {instance_type}",
            f"one of {', '.join(zones)}",
        )
    # Beyond the number of VMs a zone has no VM any more.
    unfit = [zone for zone in present[:count] if zone not in fitting]
    if unfit and not wanted:
        raise _refused(
            "instanceType",
            f"{unfit[0]}, where a subnet of the stack is, has no {instance_type}",
            f"another type, or {NAMESPACE}:worker.availabilityZones with some of {', '.join(zones)}, which replaces "
            "subnet and VM",
        )
    kept = [zone for zone in present if zone in fitting]
    return [*kept, *(zone for zone in fitting if zone not in kept)][:count]


def existing_subnets(
    subnet_ids: Sequence[str], zones: Sequence[str], instance_type: str, opts: pulumi.InvokeOptions
) -> Sequence[aws.ec2.GetSubnetResult]:
    """Looks up existing subnets, and checks that VMs can be in them.

    Raises:
        SettingsError: they cannot.
    """
    found = [aws.ec2.get_subnet(id=subnet_id, opts=opts) for subnet_id in subnet_ids]
    for subnet in found:
        if subnet.ipv6_native:
            raise _refused(
                "subnetId",
                f"{subnet.id} is an IPv6-only subnet, and the audit-log cluster, package repositories and AWS are "
                "reached by IPv4",
                "a subnet with IPv4 addresses",
            )
        if subnet.availability_zone not in zones:
            raise _refused(
                "instanceType",
                f"{subnet.availability_zone}, where {subnet.id} is, has no {instance_type}",
                f"another type, or a subnet in one of {', '.join(zones)}",
            )
        if subnet.vpc_id != found[0].vpc_id:
            raise _refused(
                "subnetIds",
                f"{subnet.id} is in {subnet.vpc_id}, and {found[0].id} in {found[0].vpc_id}",
                "subnets of one VPC",
            )
    return found


def missing_way_out(found: aws.ec2.GetSubnetResult, opts: pulumi.InvokeOptions) -> str | None:
    """What keeps a VM in this subnet from reaching the internet, according to its route table; None if nothing does.

    It is for a warning only: a site may have a way that no route table shows (its own endpoints and mirrors).
    """
    try:
        routes = _routes(found, opts)
    except Exception as error:  # noqa: BLE001  # the SDK raises plain ones
        # The person who deploys may lack the right to look, and nothing else needs that right.
        pulumi.log.debug(f"the route table of {found.id} cannot be looked up: {error}")
        return None
    default = next((route for route in routes if route.cidr_block == "0.0.0.0/0"), None)
    if default is None:
        return (
            "has no route to 0.0.0.0/0: the VM reaches Kafka, the package repositories and AWS only where each has a "
            "route or an endpoint of its own"
        )
    if default.gateway_id.startswith("igw-") and not found.map_public_ip_on_launch:
        return (
            "leads to an internet gateway and gives its instances no public address: the VM has no way out there; a NAT "
            "gateway or a subnet that gives public addresses would be one"
        )
    return None


def _routes(
    found: aws.ec2.GetSubnetResult, opts: pulumi.InvokeOptions
) -> Sequence[aws.ec2.outputs.GetRouteTableRouteResult]:
    """The routes of the subnet's own route table, or else of the main route table of its VPC."""
    own = aws.ec2.GetRouteTablesFilterArgs(name="association.subnet-id", values=[found.id])
    main = aws.ec2.GetRouteTablesFilterArgs(name="association.main", values=["true"])
    ids = (
        aws.ec2.get_route_tables(filters=[own], opts=opts).ids
        or aws.ec2.get_route_tables(vpc_id=found.vpc_id, filters=[main], opts=opts).ids
    )
    return aws.ec2.get_route_table(route_table_id=ids[0], opts=opts).routes


def _refused(setting: str, wrong: str, accepted: str) -> SettingsError:
    return SettingsError([problem(f"worker.{setting}", wrong, accepted)])
