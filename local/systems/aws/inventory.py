"""What the authorization must know of the resources that exist: paths and boundaries of IAM's, tags of EC2's."""

import re
from collections.abc import Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

_PARTITION = "aws"

_EC2_TYPES = {
    "i": "instance",
    "igw": "internet-gateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
_EC2_ID = re.compile(rf"({'|'.join(_EC2_TYPES)})-[0-9a-f]+")


def iam_entity(account: str, kind: str, name: str) -> Any:
    """The role, user or instance profile (`kind` as in its ARN) of this name; None if there is none."""
    iam = iam_backends[account][_PARTITION]
    kinds: dict[str, dict[str, Any]] = {
        "role": iam.roles,
        "user": iam.users,
        "instance-profile": iam.instance_profiles,
    }
    found = list(kinds[kind].values())
    return next((entity for entity in found if entity.name == name), None)


def iam_arn(account: str, kind: str, name: str, path: str) -> str:
    """The ARN of an entity of IAM; with `path`, if it does not exist yet."""
    found = iam_entity(account, kind, name)
    return f"arn:aws:iam::{account}:{kind}{path if found is None else found.path}{name}"


def ec2_resources(params: Mapping[str, Any], region: str, account: str) -> dict[str, dict[str, str]]:
    """ARN -> tags of each resource that a request to EC2 names, the route table of an association among them."""
    backend = ec2_backends[account][region]
    found = {}
    for value in map(str, params.values()):
        resource_id = _owner_of(backend, value)
        match = _EC2_ID.fullmatch(resource_id)
        if match is not None:
            arn = f"arn:aws:ec2:{region}:{account}:{_EC2_TYPES[match[1]]}/{resource_id}"
            found[arn] = dict(backend.tags.get(resource_id, {}))
    return found


def _owner_of(backend: Any, resource_id: str) -> str:
    """For an association the route table or the VPC, on which AWS checks the request; else the resource itself."""
    tables, vpcs = list(backend.route_tables.values()), list(backend.vpcs.values())
    owners = [
        *(table for table in tables if resource_id in table.all_associations_ids),
        *(vpc for vpc in vpcs if resource_id in vpc._cidr_block_association_set),
    ]
    return next((str(owner.id) for owner in owners), resource_id)
