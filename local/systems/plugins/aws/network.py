"""The network of a VM."""

import re
import zlib
from typing import Any, Literal

from local.systems.plugins.aws.connection import Connection, tag_changes, tag_list, tag_map, void
from local.systems.plugins.sources import python_sdk, terraform_aws, terraform_aws_5
from local.systems.plugins.stand_in import Created, Kind, Property, RefusedError
from local.systems.plugins.values import Plain

ANYTHING: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def tagged(resource: str, inputs: Plain) -> Any:
    """TagSpecifications for a creation; none without tags, as EC2 requires."""
    tags = tag_list(inputs.get("tags"))
    return [{"ResourceType": resource, "Tags": tags}] if tags else []


def retag(aws: Connection, resource_id: str, state: Plain, inputs: Plain) -> None:
    """Brings the tags of an EC2 resource to what the inputs say."""
    ec2 = aws.client("ec2")
    wanted, unwanted = tag_changes(state, inputs)
    if unwanted:
        ec2.delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in unwanted])
    if wanted:
        ec2.create_tags(Resources=[resource_id], Tags=tag_list(wanted))


def arn(aws: Connection, resource: str, resource_id: str) -> str:
    """The ARN of an EC2 resource."""
    return f"arn:aws:ec2:{aws.region}:{aws.account_id()}:{resource}/{resource_id}"


VpcSwitch = Literal["enableDnsSupport", "enableDnsHostnames"]
VPC_SWITCHES: tuple[tuple[VpcSwitch, bool], ...] = (("enableDnsSupport", True), ("enableDnsHostnames", False))
"""Attributes of a VPC, with EC2's own defaults."""


def _create_vpc(aws: Connection, inputs: Plain) -> Created:
    ec2 = aws.client("ec2")
    answer = ec2.create_vpc(CidrBlock=inputs["cidrBlock"], TagSpecifications=tagged("vpc", inputs))
    vpc_id = answer["Vpc"]["VpcId"]
    _switch_vpc(aws, vpc_id, inputs)
    return Created(vpc_id)


def _switch_vpc(aws: Connection, vpc_id: str, inputs: Plain) -> None:
    ec2 = aws.client("ec2")
    values = {name: bool(inputs.get(name, default)) for name, default in VPC_SWITCHES}
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": values["enableDnsSupport"]})
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": values["enableDnsHostnames"]})


def _read_vpc(aws: Connection, vpc_id: str, _state: Plain) -> Plain:
    ec2 = aws.client("ec2")
    vpc = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]
    switches: dict[str, Any] = {}
    for name, _ in VPC_SWITCHES:
        answer: Any = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
        switches[name] = answer[f"{name[0].upper()}{name[1:]}"]["Value"]
    return {
        "id": vpc_id,
        "arn": arn(aws, "vpc", vpc_id),
        "cidrBlock": vpc["CidrBlock"],
        **switches,
        "tags": tag_map(vpc.get("Tags")),
    }


def _update_vpc(aws: Connection, vpc_id: str, state: Plain, inputs: Plain) -> None:
    # A property that is no longer given keeps its value.
    kept = {"enableDnsHostnames": state.get("enableDnsHostnames", False)}
    _switch_vpc(aws, vpc_id, {**kept, **inputs})
    retag(aws, vpc_id, state, inputs)


def _create_block(aws: Connection, inputs: Plain) -> Created:
    answer = aws.client("ec2").associate_vpc_cidr_block(VpcId=inputs["vpcId"], CidrBlock=inputs["cidrBlock"])
    return Created(answer["CidrBlockAssociation"]["AssociationId"])


def _read_block(aws: Connection, association_id: str, _state: Plain) -> Plain | None:
    found: Any = aws.client("ec2").describe_vpcs(
        Filters=[{"Name": "cidr-block-association.association-id", "Values": [association_id]}]
    )["Vpcs"]
    for vpc in found:
        for block in vpc["CidrBlockAssociationSet"]:
            # EC2 shows a removed block for a while.
            if block["AssociationId"] == association_id and block["CidrBlockState"]["State"] == "associated":
                return {"id": association_id, "vpcId": vpc["VpcId"], "cidrBlock": block["CidrBlock"]}
    return None


def _delete_block(aws: Connection, association_id: str, _state: Plain) -> None:
    aws.client("ec2").disassociate_vpc_cidr_block(AssociationId=association_id)


def _create_gateway(aws: Connection, inputs: Plain) -> Created:
    ec2 = aws.client("ec2")
    answer = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", inputs))
    gateway_id = answer["InternetGateway"]["InternetGatewayId"]
    if inputs.get("vpcId"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=inputs["vpcId"])
    return Created(gateway_id)


def _read_gateway(aws: Connection, gateway_id: str, _state: Plain) -> Plain:
    ec2 = aws.client("ec2")
    gateway = ec2.describe_internet_gateways(InternetGatewayIds=[gateway_id])["InternetGateways"][0]
    attached = gateway["Attachments"]
    return {
        "id": gateway_id,
        "arn": arn(aws, "internet-gateway", gateway_id),
        "vpcId": attached[0]["VpcId"] if attached else None,
        "tags": tag_map(gateway.get("Tags")),
    }


def _update_gateway(aws: Connection, gateway_id: str, state: Plain, inputs: Plain) -> None:
    ec2 = aws.client("ec2")
    old, new = state.get("vpcId"), inputs.get("vpcId")
    if old != new and old:
        ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=old)
    if old != new and new:
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=new)
    retag(aws, gateway_id, state, inputs)


def _delete_gateway(aws: Connection, gateway_id: str, state: Plain) -> None:
    ec2 = aws.client("ec2")
    if state.get("vpcId"):
        ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=state["vpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=gateway_id)


def _create_subnet(aws: Connection, inputs: Plain) -> Created:
    request: dict[str, Any] = {"VpcId": inputs["vpcId"], "CidrBlock": inputs["cidrBlock"]}
    if inputs.get("availabilityZone"):
        request["AvailabilityZone"] = inputs["availabilityZone"]
    subnet = aws.client("ec2").create_subnet(**request, TagSpecifications=tagged("subnet", inputs))
    subnet_id = subnet["Subnet"]["SubnetId"]
    _switch_subnet(aws, subnet_id, inputs)
    return Created(subnet_id)


def _switch_subnet(aws: Connection, subnet_id: str, inputs: Plain) -> None:
    public: Any = {"Value": bool(inputs.get("mapPublicIpOnLaunch"))}
    aws.client("ec2").modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch=public)


def _read_subnet(aws: Connection, subnet_id: str, _state: Plain) -> Plain:
    subnet = aws.client("ec2").describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]
    return {
        "id": subnet_id,
        "arn": subnet["SubnetArn"],
        "vpcId": subnet["VpcId"],
        "cidrBlock": subnet["CidrBlock"],
        "availabilityZone": subnet["AvailabilityZone"],
        "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
        "tags": tag_map(subnet.get("Tags")),
    }


def _update_subnet(aws: Connection, subnet_id: str, state: Plain, inputs: Plain) -> None:
    _switch_subnet(aws, subnet_id, inputs)
    retag(aws, subnet_id, state, inputs)


def _create_table(aws: Connection, inputs: Plain) -> Created:
    ec2 = aws.client("ec2")
    answer = ec2.create_route_table(VpcId=inputs["vpcId"], TagSpecifications=tagged("route-table", inputs))
    table_id = answer["RouteTable"]["RouteTableId"]
    _put_routes(aws, table_id, inputs)
    return Created(table_id)


def _put_routes(aws: Connection, table_id: str, inputs: Plain) -> None:
    for route in inputs.get("routes") or []:
        aws.client("ec2").create_route(
            RouteTableId=table_id, DestinationCidrBlock=route["cidrBlock"], GatewayId=route["gatewayId"]
        )


def _routes(aws: Connection, table_id: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """A route table, and its routes without those of the VPC itself and of endpoints."""
    table: Any = aws.client("ec2").describe_route_tables(RouteTableIds=[table_id])["RouteTables"][0]
    routes = [
        {"cidrBlock": route["DestinationCidrBlock"], "gatewayId": route["GatewayId"]}
        for route in table["Routes"]
        if "DestinationCidrBlock" in route and route.get("GatewayId", "local").startswith("igw-")
    ]
    return table, routes


def _read_table(aws: Connection, table_id: str, state: Plain) -> Plain:
    table, routes = _routes(aws, table_id)
    return {
        "id": table_id,
        "arn": arn(aws, "route-table", table_id),
        "vpcId": table["VpcId"],
        # Routes may be resources of their own; then the table does not manage them.
        "routes": routes if state.get("routes") else None,
        "tags": tag_map(table.get("Tags")),
    }


def _update_table(aws: Connection, table_id: str, state: Plain, inputs: Plain) -> None:
    if inputs.get("routes"):
        for route in state.get("routes") or []:
            aws.client("ec2").delete_route(RouteTableId=table_id, DestinationCidrBlock=route["cidrBlock"])
        _put_routes(aws, table_id, inputs)
    retag(aws, table_id, state, inputs)


def _create_route(aws: Connection, inputs: Plain) -> Created:
    table_id, destination = inputs["routeTableId"], inputs["destinationCidrBlock"]
    aws.client("ec2").create_route(
        RouteTableId=table_id, DestinationCidrBlock=destination, GatewayId=inputs["gatewayId"]
    )
    # The real plugin's form of an id: EC2 has no ids for routes.
    return Created(f"r-{table_id}{zlib.crc32(destination.encode())}")


def _read_route(aws: Connection, route_id: str, state: Plain) -> Plain | None:
    _, routes = _routes(aws, state["routeTableId"])
    for route in routes:
        if route["cidrBlock"] == state["destinationCidrBlock"]:
            return {
                "id": route_id,
                "routeTableId": state["routeTableId"],
                "destinationCidrBlock": route["cidrBlock"],
                "gatewayId": route["gatewayId"],
                "origin": "CreateRoute",
                "state": "active",
            }
    return None


def _update_route(aws: Connection, _route_id: str, _state: Plain, inputs: Plain) -> None:
    aws.client("ec2").replace_route(
        RouteTableId=inputs["routeTableId"],
        DestinationCidrBlock=inputs["destinationCidrBlock"],
        GatewayId=inputs["gatewayId"],
    )


def _create_association(aws: Connection, inputs: Plain) -> Created:
    answer = aws.client("ec2").associate_route_table(
        RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"]
    )
    return Created(answer["AssociationId"])


def _read_association(aws: Connection, association_id: str, _state: Plain) -> Plain | None:
    tables: Any = aws.client("ec2").describe_route_tables(
        Filters=[{"Name": "association.route-table-association-id", "Values": [association_id]}]
    )["RouteTables"]
    for table in tables:
        for association in table["Associations"]:
            if association.get("RouteTableAssociationId") == association_id:
                return {
                    "id": association_id,
                    "subnetId": association["SubnetId"],
                    "routeTableId": table["RouteTableId"],
                }
    return None


def _update_association(aws: Connection, association_id: str, _state: Plain, inputs: Plain) -> str:
    """Associates another table; EC2 gives the association a new id."""
    answer = aws.client("ec2").replace_route_table_association(
        AssociationId=association_id, RouteTableId=inputs["routeTableId"]
    )
    return answer["NewAssociationId"]


def _create_endpoint(aws: Connection, inputs: Plain) -> Created:
    request: dict[str, Any] = {
        "VpcId": inputs["vpcId"],
        "ServiceName": inputs["serviceName"],
        "VpcEndpointType": inputs.get("vpcEndpointType", "Gateway"),
        "RouteTableIds": inputs.get("routeTableIds") or [],
    }
    if inputs.get("policy"):
        request["PolicyDocument"] = inputs["policy"]
    answer = aws.client("ec2").create_vpc_endpoint(
        **request, TagSpecifications=tagged("vpc-endpoint", inputs)
    )
    return Created(answer["VpcEndpoint"]["VpcEndpointId"])


def _read_endpoint(aws: Connection, endpoint_id: str, _state: Plain) -> Plain | None:
    found: Any = aws.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    # EC2 shows deleted endpoints for a while.
    if not found or found[0]["State"].lower() in ("deleting", "deleted"):
        return None
    endpoint = found[0]
    return {
        "id": endpoint_id,
        "arn": arn(aws, "vpc-endpoint", endpoint_id),
        "vpcId": endpoint["VpcId"],
        "serviceName": endpoint["ServiceName"],
        "vpcEndpointType": endpoint["VpcEndpointType"],
        "routeTableIds": endpoint.get("RouteTableIds", []),
        "policy": endpoint.get("PolicyDocument"),
        "state": endpoint["State"],
        "tags": tag_map(endpoint.get("Tags")),
    }


def _update_endpoint(aws: Connection, endpoint_id: str, state: Plain, inputs: Plain) -> None:
    old, new = set(state.get("routeTableIds") or []), set(inputs.get("routeTableIds") or [])
    request: dict[str, Any] = {}
    if new - old:
        request["AddRouteTableIds"] = sorted(new - old)
    if old - new:
        request["RemoveRouteTableIds"] = sorted(old - new)
    if inputs.get("policy"):
        request["PolicyDocument"] = inputs["policy"]
    if request:
        aws.client("ec2").modify_vpc_endpoint(VpcEndpointId=endpoint_id, **request)
    retag(aws, endpoint_id, state, inputs)


_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")


def _require_description(text: str) -> None:
    """Refuses characters that EC2 refuses; moto accepts any."""
    if not _DESCRIPTION.fullmatch(text):
        raise RefusedError(
            "InvalidParameterValue: Invalid rule description. Valid descriptions are strings less than 256 characters "
            "from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        )


def _create_group(aws: Connection, inputs: Plain) -> Created:
    ec2 = aws.client("ec2")
    _require_description(inputs.get("description", ""))
    request: dict[str, Any] = {
        "GroupName": inputs["name"],
        "Description": inputs.get("description", "Managed by Pulumi"),
    }
    if inputs.get("vpcId"):
        request["VpcId"] = inputs["vpcId"]
    answer = ec2.create_security_group(**request, TagSpecifications=tagged("security-group", inputs))
    # A new group allows all outgoing traffic; the real plugin removes that rule.
    ec2.revoke_security_group_egress(GroupId=answer["GroupId"], IpPermissions=ANYTHING)
    return Created(answer["GroupId"])


def _take_default_group(aws: Connection, inputs: Plain) -> Created:
    """The real plugin creates no group: it adopts the VPC's default group and removes all of its rules.

    Source: `resourceDefaultSecurityGroupCreate` in internal/service/ec2/vpc_default_security_group.go of
    hashicorp/terraform-provider-aws (01f4311).
    """
    ec2 = aws.client("ec2")
    groups: Any = ec2.describe_security_groups(
        Filters=[
            {"Name": "group-name", "Values": ["default"]},
            {"Name": "vpc-id", "Values": [inputs["vpcId"]]},
        ]
    )
    (group,) = groups["SecurityGroups"]
    group_id = group["GroupId"]
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=group["IpPermissions"])
    if group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])
    retag(aws, group_id, {"tagsAll": tag_map(group.get("Tags"))}, inputs)
    return Created(group_id)


def _read_group(aws: Connection, group_id: str, _state: Plain) -> Plain:
    group = aws.client("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    return {
        "id": group_id,
        "arn": arn(aws, "security-group", group_id),
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group["VpcId"],
        "ownerId": group["OwnerId"],
        "tags": tag_map(group.get("Tags")),
    }


def _permission(inputs: Plain) -> dict[str, Any]:
    _require_description(inputs.get("description") or "")
    permission: dict[str, Any] = {"IpProtocol": inputs["ipProtocol"]}
    for ours, theirs in (("fromPort", "FromPort"), ("toPort", "ToPort")):
        if ours in inputs:
            permission[theirs] = int(inputs[ours])
    described = {"Description": inputs["description"]} if inputs.get("description") else {}
    if inputs.get("cidrIpv4"):
        permission["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"], **described}]
    if inputs.get("cidrIpv6"):
        permission["Ipv6Ranges"] = [{"CidrIpv6": inputs["cidrIpv6"], **described}]
    if inputs.get("referencedSecurityGroupId"):
        permission["UserIdGroupPairs"] = [{"GroupId": inputs["referencedSecurityGroupId"], **described}]
    return permission


def _create_egress_rule(aws: Connection, inputs: Plain) -> Created:
    answer = aws.client("ec2").authorize_security_group_egress(**_new_rule(inputs))
    return _created_rule(aws, answer, inputs)


def _create_ingress_rule(aws: Connection, inputs: Plain) -> Created:
    answer = aws.client("ec2").authorize_security_group_ingress(**_new_rule(inputs))
    return _created_rule(aws, answer, inputs)


def _new_rule(inputs: Plain) -> Any:
    return {
        "GroupId": inputs["securityGroupId"],
        "IpPermissions": [_permission(inputs)],
        "TagSpecifications": tagged("security-group-rule", inputs),
    }


def _created_rule(aws: Connection, answer: Any, inputs: Plain) -> Created:
    rule_id = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    if inputs.get("referencedSecurityGroupId"):
        # moto forgets the description of a new rule about a group, and keeps that of a changed one.
        _change_rule(aws, rule_id, inputs)
    return Created(rule_id)


def _read_rule(aws: Connection, rule_id: str, state: Plain) -> Plain | None:
    request: dict[str, Any] = {}
    if state.get("securityGroupId"):
        request["Filters"] = [{"Name": "group-id", "Values": [state["securityGroupId"]]}]
    for page in aws.client("ec2").get_paginator("describe_security_group_rules").paginate(**request):
        for rule in page["SecurityGroupRules"]:
            if rule["SecurityGroupRuleId"] == rule_id:
                return _rule(aws, rule)
    return None


def _rule(aws: Connection, rule: Any) -> Plain:
    rule_id = rule["SecurityGroupRuleId"]
    return {
        "id": rule_id,
        "arn": arn(aws, "security-group-rule", rule_id),
        "securityGroupRuleId": rule_id,
        "securityGroupId": rule["GroupId"],
        "ipProtocol": rule["IpProtocol"],
        "fromPort": rule.get("FromPort"),
        "toPort": rule.get("ToPort"),
        "cidrIpv4": rule.get("CidrIpv4"),
        "cidrIpv6": rule.get("CidrIpv6"),
        "referencedSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
        "description": rule.get("Description"),
        "tags": tag_map(rule.get("Tags")),
    }


def _update_rule(aws: Connection, rule_id: str, state: Plain, inputs: Plain) -> None:
    _change_rule(aws, rule_id, inputs)
    retag(aws, rule_id, state, inputs)


def _change_rule(aws: Connection, rule_id: str, inputs: Plain) -> None:
    fields = {
        "IpProtocol": inputs["ipProtocol"],
        "FromPort": inputs.get("fromPort"),
        "ToPort": inputs.get("toPort"),
        "CidrIpv4": inputs.get("cidrIpv4"),
        "CidrIpv6": inputs.get("cidrIpv6"),
        "ReferencedGroupId": inputs.get("referencedSecurityGroupId"),
        "Description": inputs.get("description"),
    }
    changed: Any = {
        "SecurityGroupRuleId": rule_id,
        "SecurityGroupRule": {name: value for name, value in fields.items() if value is not None},
    }
    aws.client("ec2").modify_security_group_rules(
        GroupId=inputs["securityGroupId"], SecurityGroupRules=[changed]
    )


def _delete_egress_rule(aws: Connection, rule_id: str, state: Plain) -> None:
    aws.client("ec2").revoke_security_group_egress(
        GroupId=state["securityGroupId"], SecurityGroupRuleIds=[rule_id]
    )


def _delete_ingress_rule(aws: Connection, rule_id: str, state: Plain) -> None:
    aws.client("ec2").revoke_security_group_ingress(
        GroupId=state["securityGroupId"], SecurityGroupRuleIds=[rule_id]
    )


_FIXED = Property(required=True, replaces=True)
_TAGS = Property()
_PEERS = ("cidrIpv4", "cidrIpv6", "referencedSecurityGroupId")
_PEER = Property(replaces_if="if it takes the place of another kind of source or destination")


def _other_kind_of_peer(_aws: Connection, state: Plain, inputs: Plain) -> set[str]:
    former, new = ({name for name in _PEERS if given.get(name)} for given in (state, inputs))
    return former ^ new


_OF_A_RULE = {
    "securityGroupId": _FIXED,
    "ipProtocol": Property(required=True),
    "fromPort": Property(),
    "toPort": Property(),
    **dict.fromkeys(_PEERS, _PEER),
    "description": Property(),
    "tags": _TAGS,
}

KINDS: dict[str, Kind[Connection]] = {
    "aws:ec2/vpc:Vpc": Kind(
        properties={
            "cidrBlock": _FIXED,
            "enableDnsSupport": Property(default=True),
            "enableDnsHostnames": Property(computed=True),
            "tags": _TAGS,
        },
        outputs=("arn", "tagsAll"),
        create=_create_vpc,
        read=_read_vpc,
        update=_update_vpc,
        delete=lambda aws, vpc_id, _state: void(aws.client("ec2").delete_vpc(VpcId=vpc_id)),
        source=terraform_aws_5("ec2/vpc_.go"),
    ),
    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation": Kind(
        properties={"vpcId": _FIXED, "cidrBlock": Property(replaces=True, computed=True)},
        create=_create_block,
        read=_read_block,
        delete=_delete_block,
        source=terraform_aws_5("ec2/vpc_ipv4_cidr_block_association.go", "0160692"),
    ),
    "aws:ec2/internetGateway:InternetGateway": Kind(
        properties={"vpcId": Property(computed=True), "tags": _TAGS},
        outputs=("arn", "tagsAll"),
        create=_create_gateway,
        read=_read_gateway,
        update=_update_gateway,
        delete=_delete_gateway,
        source=terraform_aws_5("ec2/vpc_internet_gateway.go"),
    ),
    "aws:ec2/subnet:Subnet": Kind(
        properties={
            "vpcId": _FIXED,
            "cidrBlock": _FIXED,
            "mapPublicIpOnLaunch": Property(),
            "availabilityZone": Property(replaces=True, computed=True),
            "tags": _TAGS,
        },
        outputs=("arn", "tagsAll"),
        create=_create_subnet,
        read=_read_subnet,
        update=_update_subnet,
        delete=lambda aws, subnet_id, _state: void(aws.client("ec2").delete_subnet(SubnetId=subnet_id)),
        source=terraform_aws("ec2/vpc_subnet.go", "v6.8 or later"),
    ),
    "aws:ec2/routeTable:RouteTable": Kind(
        properties={
            "vpcId": _FIXED,
            "routes": Property(
                computed=True,
                unordered=True,
                fields={"cidrBlock": Property(required=True), "gatewayId": Property(required=True)},
            ),
            "tags": _TAGS,
        },
        outputs=("arn", "tagsAll"),
        create=_create_table,
        read=_read_table,
        update=_update_table,
        delete=lambda aws, table_id, _state: void(
            aws.client("ec2").delete_route_table(RouteTableId=table_id)
        ),
        source=terraform_aws_5("ec2/vpc_route_table.go"),
    ),
    "aws:ec2/route:Route": Kind(
        properties={
            "routeTableId": _FIXED,
            "destinationCidrBlock": _FIXED,
            "gatewayId": Property(required=True),
        },
        outputs=("origin", "state"),
        create=_create_route,
        read=_read_route,
        update=_update_route,
        delete=lambda aws, _id, state: void(
            aws.client("ec2").delete_route(
                RouteTableId=state["routeTableId"], DestinationCidrBlock=state["destinationCidrBlock"]
            )
        ),
        source=terraform_aws_5("ec2/vpc_route.go"),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Kind(
        properties={"subnetId": _FIXED, "routeTableId": Property(required=True)},
        create=_create_association,
        read=_read_association,
        update=_update_association,
        delete=lambda aws, association_id, _state: void(
            aws.client("ec2").disassociate_route_table(AssociationId=association_id)
        ),
        source=terraform_aws_5("ec2/vpc_route_table_association.go"),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Kind(
        properties={
            "vpcId": _FIXED,
            "serviceName": Property(required=True, replaces=True),
            "vpcEndpointType": Property(replaces=True, default="Gateway"),
            "routeTableIds": Property(computed=True, unordered=True),
            "policy": Property(computed=True, document=True),
            "tags": _TAGS,
        },
        outputs=("arn", "state", "tagsAll"),
        create=_create_endpoint,
        read=_read_endpoint,
        update=_update_endpoint,
        delete=lambda aws, endpoint_id, _state: void(
            aws.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])
        ),
        source=terraform_aws_5("ec2/vpc_endpoint.go"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": Kind(
        properties={
            "vpcId": Property(replaces=True, computed=True),
            "name": Property(replaces=True),
            "description": Property(
                replaces=True, default="Managed by Pulumi", source=python_sdk("SecurityGroup's description")
            ),
            "tags": _TAGS,
        },
        auto_name="name",
        outputs=("arn", "ownerId", "tagsAll"),
        create=_create_group,
        read=_read_group,
        update=retag,
        delete=lambda aws, group_id, _state: void(aws.client("ec2").delete_security_group(GroupId=group_id)),
        source=terraform_aws_5("ec2/vpc_security_group.go"),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Kind(
        properties={"vpcId": Property(replaces=True, computed=True), "tags": _TAGS},
        outputs=("arn", "description", "name", "ownerId", "tagsAll"),
        create=_take_default_group,
        read=_read_group,
        update=retag,
        # It is deleted with its VPC.
        delete=lambda _aws, _group_id, _state: None,
        source=terraform_aws_5("ec2/vpc_default_security_group.go", "01f4311"),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Kind(
        properties=_OF_A_RULE,
        outputs=("arn", "securityGroupRuleId", "tagsAll"),
        create=_create_egress_rule,
        read=_read_rule,
        update=_update_rule,
        delete=_delete_egress_rule,
        replaces_with=_other_kind_of_peer,
        source=terraform_aws_5("ec2/vpc_security_group_ingress_rule.go, whose schema egress rules share"),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Kind(
        properties=_OF_A_RULE,
        outputs=("arn", "securityGroupRuleId", "tagsAll"),
        create=_create_ingress_rule,
        read=_read_rule,
        update=_update_rule,
        delete=_delete_ingress_rule,
        replaces_with=_other_kind_of_peer,
        source=terraform_aws_5("ec2/vpc_security_group_ingress_rule.go"),
    ),
}
