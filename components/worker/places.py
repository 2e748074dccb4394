"""Where the VM can be, and from which image it boots: asked at each run, so that a preview tells what does not fit.

Every question goes to the provider of the resource that asks (`opts`), which may be another account or region than the
default provider's.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.settings import NAMESPACE, SettingsError, problem

Architecture = Literal["x86_64", "arm64"]

# Canonical's public parameter: the newest image of this release. By the architecture as EC2 calls it.
_UBUNTU_LTS = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
UBUNTU_LTS_PARAMETERS: Mapping[Architecture, str] = {
    "x86_64": _UBUNTU_LTS.format("amd64"),
    "arm64": _UBUNTU_LTS.format("arm64"),
}

# Local and Wavelength Zones, which an account may have opted in to (us-west-2-lax-1a), lack what the VM needs.
_AVAILABILITY_ZONE = re.compile(r"[a-z]{2}(-[a-z]+)+-\d[a-z]")


def zones_with(instance_type: str, opts: pulumi.InvokeOptions) -> list[str]:
    """The zones of the region that have instances of this type, in order: not every zone has them all.

    Raises:
        SettingsError: none has.
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


def chosen_zone(zones: Sequence[str], wanted: Sequence[str], present: str | None, instance_type: str) -> str:
    """The zone for the own subnet: the present one as long as it will do.

    `zones`: those that have the type. `wanted`: the setting's, in order; empty for any. `present`: where the subnet of
    a living stack is, None if that is not known.

    Raises:
        SettingsError: no wanted zone has the type, or the present one has not.
    """
    fitting = [zone for zone in wanted if zone in zones] if wanted else list(zones)
    if not fitting:
        raise _refused(
            "availabilityZones",
            f"none of {', '.join(wanted)} has {instance_type}",
            f"one of {', '.join(zones)}",
        )
    if present is None or present in fitting:
        return present or fitting[0]
    if not wanted:
        raise _refused(
            "instanceType",
            f"{present}, where the stack's subnet is, has no {instance_type}",
            f"another type, or {NAMESPACE}:worker.availabilityZones with one of {', '.join(zones)}, which replaces "
            "subnet and VM",
        )
    return fitting[0]


def architecture_of(instance_type: str, opts: pulumi.InvokeOptions) -> Architecture:
    """What an instance type runs.

    Raises:
        SettingsError: neither of the two.
    """
    supported = aws.ec2.get_instance_type(instance_type=instance_type, opts=opts).supported_architectures
    if "x86_64" in supported:
        return "x86_64"
    if "arm64" in supported:
        return "arm64"
    raise _refused(
        "instanceType", f"{instance_type} runs {', '.join(supported)} only", "a type for x86_64 or arm64"
    )


def require_fitting_image(
    ami: str, instance_type: str, architecture: Architecture, opts: pulumi.InvokeOptions
) -> None:
    """Holds a given image against the instance type.

    Raises:
        SettingsError: it is for another architecture.
    """
    by_id = aws.ec2.GetAmiFilterArgs(name="image-id", values=[ami])
    image = aws.ec2.get_ami(filters=[by_id], opts=opts)
    if image.architecture != architecture:
        raise _refused(
            "ami",
            f"is for {image.architecture}, and {instance_type} is {architecture}",
            f"an image for {architecture}, or leave it out",
        )


def default_image(architecture: Architecture, opts: pulumi.InvokeOptions) -> str:
    """The id of the newest Ubuntu LTS image in the region."""
    return str(aws.ssm.get_parameter(name=UBUNTU_LTS_PARAMETERS[architecture], opts=opts).value)


def subnet(
    subnet_id: str, zones: Sequence[str], instance_type: str, opts: pulumi.InvokeOptions
) -> aws.ec2.GetSubnetResult:
    """A given subnet, if the VM can live there.

    Raises:
        SettingsError: it cannot.
    """
    found = aws.ec2.get_subnet(id=subnet_id, opts=opts)
    if found.ipv6_native:
        raise _refused(
            "subnetId",
            "is an IPv6-only subnet, and the audit-log cluster, package repositories and AWS are reached by IPv4",
            "a subnet with IPv4 addresses",
        )
    if found.availability_zone not in zones:
        raise _refused(
            "instanceType",
            f"{found.availability_zone}, where worker.subnetId is, has no {instance_type}",
            f"another type, or a subnet in one of {', '.join(zones)}",
        )
    return found


def missing_way_out(found: aws.ec2.GetSubnetResult, opts: pulumi.InvokeOptions) -> str | None:
    """What keeps a VM in this subnet from reaching the internet, as far as its route table tells; None for nothing.

    A site may have a way that no route table shows (endpoints and mirrors of its own), so this is for a warning.
    """
    try:
        routes = _routes(found, opts)
    except Exception as error:  # noqa: BLE001  # the SDK raises plain ones
        # Whoever deploys may lack the right to look, and needs it for nothing else.
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
    """Those of the subnet's own route table, or of its VPC's main one."""
    own = aws.ec2.GetRouteTablesFilterArgs(name="association.subnet-id", values=[found.id])
    main = aws.ec2.GetRouteTablesFilterArgs(name="association.main", values=["true"])
    ids = (
        aws.ec2.get_route_tables(filters=[own], opts=opts).ids
        or aws.ec2.get_route_tables(vpc_id=found.vpc_id, filters=[main], opts=opts).ids
    )
    return aws.ec2.get_route_table(route_table_id=ids[0], opts=opts).routes


def _refused(setting: str, wrong: str, accepted: str) -> SettingsError:
    return SettingsError([problem(f"worker.{setting}", wrong, accepted)])
