"""What the program looks up."""

from collections.abc import Callable

from local.plugins.aws.cloud import Cloud, tag_map
from local.plugins.stand_in import RefusedError
from local.plugins.values import Plain

Result = tuple[Plain, set[str]]


def _parameter(cloud: Cloud, arguments: Plain) -> Result:
    _only(arguments, "name", "withDecryption")
    decrypted = bool(arguments.get("withDecryption", True))
    found = cloud.client("ssm").get_parameter(Name=arguments["name"], WithDecryption=decrypted)["Parameter"]
    result = {
        "id": arguments["name"],
        "name": arguments["name"],
        "arn": found["ARN"],
        "type": found["Type"],
        "value": found["Value"],
        "version": found["Version"],
        "withDecryption": decrypted,
        "region": cloud.region,
    }
    if found["Type"] != "SecureString":
        result["insecureValue"] = found["Value"]
    return result, {"value"}


def _subnet(cloud: Cloud, arguments: Plain) -> Result:
    _only(arguments, "id")
    found = cloud.client("ec2").describe_subnets(SubnetIds=[arguments["id"]])["Subnets"][0]
    return {
        "id": found["SubnetId"],
        "arn": found["SubnetArn"],
        "vpcId": found["VpcId"],
        "cidrBlock": found["CidrBlock"],
        "availabilityZone": found["AvailabilityZone"],
        "mapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
        "state": found["State"],
        "ownerId": found["OwnerId"],
        "tags": tag_map(found.get("Tags")),
        "region": cloud.region,
    }, set()


def _type_offerings(cloud: Cloud, arguments: Plain) -> Result:
    _only(arguments, "filters", "locationType")
    found = cloud.client("ec2").describe_instance_type_offerings(
        LocationType=arguments["locationType"],
        Filters=[{"Name": one["name"], "Values": one["values"]} for one in arguments["filters"]],
    )["InstanceTypeOfferings"]
    return {
        "id": cloud.region,
        "locationType": arguments["locationType"],
        "filters": arguments["filters"],
        "locations": [one["Location"] for one in found],
        "instanceTypes": [one["InstanceType"] for one in found],
        "locationTypes": [one["LocationType"] for one in found],
        "region": cloud.region,
    }, set()


def _only(arguments: Plain, *known: str) -> None:
    for name in sorted(set(arguments) - set(known)):
        raise RefusedError(f"the stand-in of the aws plugin knows no argument {name} of this function")


FUNCTIONS: dict[str, Callable[[Cloud, Plain], Result]] = {
    "aws:ssm/getParameter:getParameter": _parameter,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _type_offerings,
}
