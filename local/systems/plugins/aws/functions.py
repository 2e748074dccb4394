"""What the program looks up."""

from collections.abc import Callable
from typing import Any

from local.systems.plugins.aws.connection import Connection, tag_map
from local.systems.plugins.stand_in import RefusedError
from local.systems.plugins.values import Plain

Result = tuple[Plain, set[str]]


def _parameter(aws: Connection, arguments: Plain) -> Result:
    _only(arguments, "name", "withDecryption")
    decrypted = bool(arguments.get("withDecryption", True))
    found = aws.client("ssm").get_parameter(Name=arguments["name"], WithDecryption=decrypted)["Parameter"]
    result = {
        "id": arguments["name"],
        "name": arguments["name"],
        "arn": found["ARN"],
        "type": found["Type"],
        "value": found["Value"],
        "version": found["Version"],
        "withDecryption": decrypted,
        "region": aws.region,
    }
    if found["Type"] != "SecureString":
        result["insecureValue"] = found["Value"]
    return result, {"value"}


def _caller_identity(aws: Connection, arguments: Plain) -> Result:
    _only(arguments)
    found = aws.client("sts").get_caller_identity()
    return {
        "id": found["Account"],
        "accountId": found["Account"],
        "arn": found["Arn"],
        "userId": found["UserId"],
    }, set()


def _subnet(aws: Connection, arguments: Plain) -> Result:
    _only(arguments, "id")
    found = aws.client("ec2").describe_subnets(SubnetIds=[arguments["id"]])["Subnets"][0]
    return {
        "id": found["SubnetId"],
        "arn": found["SubnetArn"],
        "vpcId": found["VpcId"],
        "cidrBlock": found["CidrBlock"],
        "availabilityZone": found["AvailabilityZone"],
        "mapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
        "ipv6Native": found.get("Ipv6Native", False),
        "state": found["State"],
        "ownerId": found["OwnerId"],
        "tags": tag_map(found.get("Tags")),
        "region": aws.region,
    }, set()


def _type_offerings(aws: Connection, arguments: Plain) -> Result:
    _only(arguments, "filters", "locationType")
    found = aws.client("ec2").describe_instance_type_offerings(
        LocationType=arguments["locationType"],
        Filters=_filters(arguments),
    )["InstanceTypeOfferings"]
    return {
        "id": aws.region,
        "locationType": arguments["locationType"],
        "filters": arguments["filters"],
        "locations": [one["Location"] for one in found],
        "instanceTypes": [one["InstanceType"] for one in found],
        "locationTypes": [one["LocationType"] for one in found],
        "region": aws.region,
    }, set()


def _instance_type(aws: Connection, arguments: Plain) -> Result:
    _only(arguments, "instanceType")
    (found,) = aws.client("ec2").describe_instance_types(InstanceTypes=[arguments["instanceType"]])[
        "InstanceTypes"
    ]
    return {
        "id": found["InstanceType"],
        "instanceType": found["InstanceType"],
        "supportedArchitectures": list(found["ProcessorInfo"]["SupportedArchitectures"]),
        "memorySize": found["MemoryInfo"]["SizeInMiB"],
        "region": aws.region,
    }, set()


def _image(aws: Connection, arguments: Plain) -> Result:
    _only(arguments, "filters")
    found = aws.client("ec2").describe_images(Filters=_filters(arguments))["Images"]
    if len(found) != 1:
        # The real one's words: no image, or one of several by chance.
        raise RefusedError(
            "Your query returned no results. Please change your search criteria and try again."
        )
    return {
        "id": found[0]["ImageId"],
        "imageId": found[0]["ImageId"],
        "architecture": found[0]["Architecture"],
        "name": found[0]["Name"],
        "ownerId": found[0]["OwnerId"],
        "region": aws.region,
    }, set()


def _route_tables(aws: Connection, arguments: Plain) -> Result:
    _only(arguments, "filters", "vpcId")
    filters = _filters(arguments)
    if "vpcId" in arguments:
        filters.append({"Name": "vpc-id", "Values": [arguments["vpcId"]]})
    found = aws.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    return {"id": aws.region, "ids": [one["RouteTableId"] for one in found], "region": aws.region}, set()


_ROUTE_TARGETS = {
    "gatewayId": "GatewayId",
    "instanceId": "InstanceId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}


def _route_table(aws: Connection, arguments: Plain) -> Result:
    _only(arguments, "routeTableId")
    (found,) = aws.client("ec2").describe_route_tables(RouteTableIds=[arguments["routeTableId"]])[
        "RouteTables"
    ]
    return {
        "id": found["RouteTableId"],
        "routeTableId": found["RouteTableId"],
        "vpcId": found["VpcId"],
        "routes": [
            {
                "cidrBlock": route.get("DestinationCidrBlock", ""),
                **{ours: route.get(theirs, "") for ours, theirs in _ROUTE_TARGETS.items()},
            }
            for route in found["Routes"]
        ],
        "region": aws.region,
    }, set()


def _filters(arguments: Plain) -> list[Any]:
    return [{"Name": one["name"], "Values": one["values"]} for one in arguments["filters"]]


def _only(arguments: Plain, *known: str) -> None:
    for name in sorted(set(arguments) - set(known)):
        raise RefusedError(f"the stand-in of the aws plugin knows no argument {name} of this function")


FUNCTIONS: dict[str, Callable[[Connection, Plain], Result]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:ssm/getParameter:getParameter": _parameter,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getAmi:getAmi": _image,
    "aws:ec2/getInstanceType:getInstanceType": _instance_type,
    "aws:ec2/getRouteTable:getRouteTable": _route_table,
    "aws:ec2/getRouteTables:getRouteTables": _route_tables,
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _type_offerings,
}
