"""The aws stand-in over its wire, on moto."""

import base64
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
import pytest

from components import policies
from local.stack.deployment import REGION
from local.systems.plugins.aws.provider import KINDS
from tests.local.plugins.conftest import aws_environment
from tests.local.plugins.wire import SECRET, SIGNATURE, UNKNOWN, Plugin, opened, secret

Client = Callable[[str], Any]

BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
USER = "aws:iam/user:User"
ACCESS_KEY = "aws:iam/accessKey:AccessKey"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
PARAMETER = "aws:ssm/parameter:Parameter"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
INSTANCE = "aws:ec2/instance:Instance"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
VPC = "aws:ec2/vpc:Vpc"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SUBNET = "aws:ec2/subnet:Subnet"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"

SEEDS = itertools.count()
"""The engine's seeds are random; these make names that do not collide."""

TAGS = {"Project": "test"}
IMAGE = "ami-785db401"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
RIGHT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}],
}

KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}


@dataclass
class Made:
    """A resource that the stand-in made."""

    id: str
    inputs: dict[str, Any]
    state: dict[str, Any]


def make(aws: Plugin, token: str, inputs: dict[str, Any], name: str = "made") -> Made:
    """Check and create, as the engine does it."""
    checked, refused = aws.check(token, inputs, name=name, seed=str(next(SEEDS)).encode())
    assert refused == {}
    key, state = aws.create(token, checked, name)
    assert key
    return Made(key, checked, state)


def _storage(aws: Plugin, made: dict[str, Made]) -> None:
    def put(token: str, **inputs: Any) -> Made:
        made[token] = make(aws, token, inputs)
        return made[token]

    bucket = put(BUCKET, forceDestroy=True, objectLockEnabled=True, tags=TAGS).id
    put(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        bucket=bucket,
        blockPublicAcls=True,
        blockPublicPolicy=True,
        ignorePublicAcls=True,
        restrictPublicBuckets=False,
    )
    put(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        bucket=bucket,
        rule={"objectOwnership": "BucketOwnerEnforced"},
    )
    put(
        ENCRYPTION,
        bucket=bucket,
        rules=[
            {
                "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"},
                "bucketKeyEnabled": False,
                "blockedEncryptionTypes": ["SSE-C"],
            }
        ],
    )
    put(
        LIFECYCLE,
        bucket=bucket,
        rules=[
            {
                "id": "unfinished",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
            },
            {
                "id": "retention",
                "status": "Enabled",
                "filter": {"prefix": "topics/"},
                "expiration": {"days": 30},
                "noncurrentVersionExpiration": {"noncurrentDays": 3},
            },
        ],
    )
    put(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        bucket=bucket,
        rule={"defaultRetention": {"mode": "GOVERNANCE", "days": 1}},
    )
    put(
        POLICY,
        bucket=bucket,
        policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:PutBucketAcl",
                        "Resource": f"arn:aws:s3:::{bucket}",
                    }
                ],
            }
        ),
    )


def _identities(aws: Plugin, made: dict[str, Made]) -> None:
    def put(token: str, **inputs: Any) -> Made:
        made[token] = make(aws, token, inputs)
        return made[token]

    user = put(USER, path="/log/", tags=TAGS).id
    put("aws:iam/userPolicy:UserPolicy", user=user, policy=json.dumps(RIGHT))
    put(ACCESS_KEY, user=user)
    role = put(ROLE, assumeRolePolicy=json.dumps(TRUST), description="The VM", tags=TAGS).id
    put(ROLE_POLICY, role=role, policy=json.dumps(RIGHT))
    put("aws:iam/instanceProfile:InstanceProfile", role=role, tags=TAGS)
    key = put(
        KEY, description="Credentials", enableKeyRotation=True, policy=json.dumps(KEY_POLICY), tags=TAGS
    ).id
    put(ALIAS, name="alias/test", targetKeyId=key)
    put(
        PARAMETER,
        name="/test/kafka",
        type="SecureString",
        keyId=made[KEY].state["arn"],
        description="Credentials",
        value=secret('{"key": "K"}'),
        tags=TAGS,
    )


def _machine(aws: Plugin, made: dict[str, Made]) -> None:
    def put(token: str, **inputs: Any) -> Made:
        made[token] = make(aws, token, inputs)
        return made[token]

    vpc = put("aws:ec2/vpc:Vpc", cidrBlock="10.9.0.0/24", enableDnsHostnames=True, tags=TAGS).id
    put(
        "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation",
        vpcId=vpc,
        cidrBlock="10.9.1.0/24",
    )
    put(DEFAULT_GROUP, vpcId=vpc, tags=TAGS)
    gateway = put("aws:ec2/internetGateway:InternetGateway", vpcId=vpc, tags=TAGS).id
    subnet = put(SUBNET, vpcId=vpc, cidrBlock="10.9.0.0/24", mapPublicIpOnLaunch=True, tags=TAGS).id
    table = put("aws:ec2/routeTable:RouteTable", vpcId=vpc, tags=TAGS).id
    put("aws:ec2/route:Route", routeTableId=table, destinationCidrBlock="0.0.0.0/0", gatewayId=gateway)
    put("aws:ec2/routeTableAssociation:RouteTableAssociation", subnetId=subnet, routeTableId=table)
    put(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        vpcId=vpc,
        serviceName=f"com.amazonaws.{REGION}.s3",
        vpcEndpointType="Gateway",
        routeTableIds=[table],
        tags=TAGS,
    )
    group = put("aws:ec2/securityGroup:SecurityGroup", vpcId=vpc, description="Nothing in", tags=TAGS).id
    put(
        EGRESS,
        securityGroupId=group,
        ipProtocol="tcp",
        fromPort=443,
        toPort=443,
        cidrIpv4="0.0.0.0/0",
        description="HTTPS",
        tags=TAGS,
    )
    put(
        INGRESS,
        securityGroupId=group,
        ipProtocol="tcp",
        fromPort=8443,
        toPort=8443,
        referencedSecurityGroupId=group,
        description="The others",
        tags=TAGS,
    )
    instance = put(
        INSTANCE,
        ami=IMAGE,
        instanceType="t3.small",
        subnetId=subnet,
        vpcSecurityGroupIds=[group],
        iamInstanceProfile=made["aws:iam/instanceProfile:InstanceProfile"].id,
        metadataOptions={"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
        rootBlockDevice={"encrypted": True, "volumeType": "gp3", "volumeSize": 20},
        maintenanceOptions={"autoRecovery": "default"},
        userData="#cloud-config\n{}\n",
        userDataReplaceOnChange=True,
        tags=TAGS,
        volumeTags=TAGS,
    ).id
    put(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        comparisonOperator="LessThanThreshold",
        evaluationPeriods=2,
        metricName="records",
        namespace="test",
        period=60,
        statistic="Sum",
        threshold=1,
        treatMissingData="breaching",
        dimensions={"InstanceId": instance},
        tags=TAGS,
    )


def _monitoring(aws: Plugin, made: dict[str, Made]) -> None:
    def put(token: str, **inputs: Any) -> Made:
        made[token] = make(aws, token, inputs)
        return made[token]

    put(DASHBOARD, dashboardName="chain", dashboardBody='{"widgets": []}')
    topic = put(TOPIC, name="alarms", tags=TAGS).id
    put(TOPIC_POLICY, arn=topic, policy=policies.to_json(policies.alarm_topic(topic)))
    put(SUBSCRIPTION, topic=topic, protocol="email", endpoint="on-call@example.com")


@pytest.fixture(scope="module")
def made(aws: Plugin) -> dict[str, Made]:
    """One resource of each type, in an order that works."""
    resources: dict[str, Made] = {}
    _storage(aws, resources)
    _identities(aws, resources)
    _machine(aws, resources)
    _monitoring(aws, resources)
    # Not in the bucket with an object lock, which allows neither to change.
    bucket = make(aws, BUCKET, {}).id
    versioning = {"bucket": bucket, "versioningConfiguration": {"status": "Enabled"}}
    resources[VERSIONING] = make(aws, VERSIONING, versioning)
    resources[OBJECT] = make(aws, OBJECT, {"bucket": bucket, "key": "a/b c", "content": "", "tags": TAGS})
    assert set(resources) == set(KINDS)
    return resources


@pytest.fixture
def bucket(aws: Plugin) -> str:
    """A bucket for one test."""
    return make(aws, BUCKET, {}).id


@pytest.mark.parametrize("token", KINDS)
def test_resources_are_created_as_the_inputs_say(aws: Plugin, made: dict[str, Made], token: str) -> None:
    diff = aws.diff(token, made[token].id, made[token].state, made[token].inputs)

    assert list(diff.diffs) == []
    assert diff.changes == diff.DIFF_NONE


@pytest.mark.parametrize("token", KINDS)
def test_a_refresh_finds_the_created_resources(aws: Plugin, made: dict[str, Made], token: str) -> None:
    resource = made[token]

    assert aws.read(token, resource.id, resource.state, resource.inputs) == (
        resource.id,
        resource.state,
        resource.inputs,
    )


NEEDS_MORE_THAN_AN_ID = {
    "aws:ec2/route:Route",  # EC2 has no ids for routes
    INSTANCE,  # what cannot be read back: replacement on change, volume tags
}


@pytest.mark.parametrize("token", sorted(set(KINDS) - NEEDS_MORE_THAN_AN_ID))
def test_an_id_is_enough_to_adopt_a_resource(aws: Plugin, made: dict[str, Made], token: str) -> None:
    resource = made[token]
    key, state, _ = aws.read(token, resource.id)
    # How `destroy` is to behave cannot be read back.
    asked = {name: value for name, value in resource.inputs.items() if name != "forceDestroy"}

    assert key == resource.id
    assert list(aws.diff(token, key, state, asked).diffs) == []


@pytest.mark.parametrize("token", sorted(set(KINDS) - NEEDS_MORE_THAN_AN_ID))
def test_adopting_fills_in_the_inputs(aws: Plugin, made: dict[str, Made], token: str) -> None:
    _, state, inputs = aws.read(token, made[token].id)

    assert aws.check(token, inputs)[1] == {}
    assert list(aws.diff(token, made[token].id, state, inputs).diffs) == []


@pytest.mark.parametrize("token", sorted(token for token, kind in KINDS.items() if "tags" in kind.properties))
def test_tags_change_in_place(aws: Plugin, made: dict[str, Made], token: str) -> None:
    resource = made[token]
    inputs = {**resource.inputs, "tags": {"Owner": "security"}}

    diff = aws.diff(token, resource.id, resource.state, inputs)
    resource.state = aws.update(token, resource.id, resource.state, inputs)
    resource.inputs = inputs

    assert list(diff.diffs) == ["tags"]
    assert list(diff.replaces) == []
    assert resource.state["tags"] == {"Owner": "security"}
    assert aws.read(token, resource.id, resource.state, inputs)[1] == resource.state


BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"

CHANGES: list[tuple[str, dict[str, Any], bool]] = [
    (BUCKET, {"bucket": "another-name"}, True),
    (POLICY, {"policy": json.dumps({"Version": "2012-10-17", "Statement": []})}, False),
    (LIFECYCLE, {"rules": [{"id": "retention", "status": "Enabled", "expiration": {"days": 9}}]}, False),
    (VERSIONING, {"versioningConfiguration": {"status": "Suspended"}}, False),
    (OBJECT, {"content": "more"}, False),
    (OBJECT, {"key": "elsewhere"}, True),
    (USER, {"path": "/"}, False),
    ("aws:iam/userPolicy:UserPolicy", {"policy": json.dumps({**RIGHT, "Id": "2"})}, False),
    (ACCESS_KEY, {"status": "Inactive"}, False),
    (ACCESS_KEY, {"user": "another"}, True),
    (ROLE, {"description": "Another"}, False),
    (ROLE, {"path": "/log/"}, True),
    (ROLE, {"permissionsBoundary": BOUNDARY}, False),
    (USER, {"permissionsBoundary": BOUNDARY}, False),
    ("aws:iam/instanceProfile:InstanceProfile", {"path": "/log/"}, True),
    (ROLE, {"maxSessionDuration": 7200}, False),
    (ROLE_POLICY, {"policy": json.dumps({**RIGHT, "Id": "2"})}, False),
    ("aws:iam/instanceProfile:InstanceProfile", {"name": "another"}, True),
    (PARAMETER, {"value": secret("new")}, False),
    (PARAMETER, {"name": "/test/other"}, True),
    (PARAMETER, {"keyId": "alias/aws/ssm"}, False),
    (KEY, {"description": "Others"}, False),
    (KEY, {"enableKeyRotation": False}, False),
    (KEY, {"policy": json.dumps({**KEY_POLICY, "Id": "2"})}, False),
    (ALIAS, {"name": "alias/other"}, True),
    ("aws:ec2/vpc:Vpc", {"enableDnsHostnames": False}, False),
    ("aws:ec2/vpc:Vpc", {"enableDnsSupport": False}, False),
    ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.8.0.0/24"}, True),
    (SUBNET, {"mapPublicIpOnLaunch": False}, False),
    (ASSOCIATION, {"subnetId": "subnet-1"}, True),
    ("aws:ec2/securityGroup:SecurityGroup", {"description": "Another"}, True),
    (EGRESS, {"fromPort": 80, "toPort": 80, "description": "HTTP"}, False),
    (EGRESS, {"cidrIpv4": None, "cidrIpv6": "::/0"}, True),
    (INGRESS, {"fromPort": 80, "toPort": 80}, False),
    (INGRESS, {"securityGroupId": "sg-1"}, True),
    (INGRESS, {"referencedSecurityGroupId": None, "cidrIpv4": "10.0.0.0/8"}, True),
    (INSTANCE, {"userData": "#cloud-config\n"}, True),
    (INSTANCE, {"ami": "ami-other"}, True),
    (INSTANCE, {"rootBlockDevice": {"encrypted": False}}, True),
    (INSTANCE, {"instanceType": "t3.medium"}, False),
    (INSTANCE, {"instanceType": "t4g.small"}, True),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", {"threshold": 5}, False),
    (DASHBOARD, {"dashboardBody": '{"widgets": [], "start": "-PT6H"}'}, False),
    (DASHBOARD, {"dashboardName": "another"}, True),
    (TOPIC, {"name": "another"}, True),
    (TOPIC_POLICY, {"policy": json.dumps({"Version": "2012-10-17", "Statement": []})}, False),
    (TOPIC_POLICY, {"arn": "arn:aws:sns:us-west-2:123456789012:another"}, True),
    (SUBSCRIPTION, {"endpoint": "another@example.com"}, True),
]


@pytest.mark.parametrize(("token", "change", "replaces"), CHANGES)
def test_a_change_is_made_in_place_or_by_replacement(
    aws: Plugin, made: dict[str, Made], token: str, change: dict[str, Any], replaces: bool
) -> None:
    resource = made[token]
    inputs = {**resource.inputs, **change}

    diff = aws.diff(token, resource.id, resource.state, inputs)

    assert sorted(diff.diffs) == sorted(change)
    assert sorted(diff.replaces) == (sorted(change) if replaces else [])
    if not replaces:
        resource.state = aws.update(token, resource.id, resource.state, inputs)
        resource.inputs = inputs
        assert aws.read(token, resource.id, resource.state, inputs)[1] == resource.state
        assert list(aws.diff(token, resource.id, resource.state, inputs).diffs) == []


def without(inputs: dict[str, Any], name: str) -> dict[str, Any]:
    """The inputs without one of them."""
    return {key: value for key, value in inputs.items() if key != name}


@pytest.mark.parametrize(
    ("token", "name"),
    [
        (INSTANCE, "iamInstanceProfile"),
        (INSTANCE, "userData"),
        (INSTANCE, "vpcSecurityGroupIds"),
        (INSTANCE, "rootBlockDevice"),
        (VPC, "enableDnsHostnames"),
    ],
)
def test_a_value_that_aws_chooses_is_not_a_difference(
    aws: Plugin, made: dict[str, Made], token: str, name: str
) -> None:
    resource = made[token]

    diff = aws.diff(token, resource.id, resource.state, without(resource.inputs, name))

    assert name in resource.inputs
    assert list(diff.diffs) == []


def test_a_value_that_aws_chose_stays_when_another_changes(aws: Plugin) -> None:
    vpc = make(aws, VPC, {"cidrBlock": "10.7.0.0/24", "enableDnsHostnames": True})
    silent = {"cidrBlock": "10.7.0.0/24", "tags": TAGS}

    diff = aws.diff(VPC, vpc.id, vpc.state, silent)
    changed = aws.update(VPC, vpc.id, vpc.state, silent)
    aws.delete(VPC, vpc.id, changed)

    assert list(diff.diffs) == ["tags"]
    assert changed["enableDnsHostnames"] is True


def test_an_instance_keeps_its_profile_when_the_input_is_removed(
    aws: Plugin, made: dict[str, Made], client: Client
) -> None:
    instance = made[INSTANCE]
    changed = aws.update(
        INSTANCE, instance.id, instance.state, without(instance.inputs, "iamInstanceProfile")
    )
    reservations = client("ec2").describe_instances(InstanceIds=[instance.id])["Reservations"]

    assert changed["iamInstanceProfile"] == instance.inputs["iamInstanceProfile"]
    assert "IamInstanceProfile" in reservations[0]["Instances"][0]


def test_removed_volume_tags_are_removed_in_place(aws: Plugin, client: Client) -> None:
    inputs = {"ami": IMAGE, "instanceType": "t3.small", "volumeTags": TAGS}
    instance = make(aws, INSTANCE, inputs)
    untagged = without(instance.inputs, "volumeTags")

    diff = aws.diff(INSTANCE, instance.id, instance.state, untagged)
    changed = aws.update(INSTANCE, instance.id, instance.state, untagged)
    volumes = client("ec2").describe_volumes(
        Filters=[{"Name": "attachment.instance-id", "Values": [instance.id]}]
    )["Volumes"]
    aws.delete(INSTANCE, instance.id, changed)

    assert list(diff.diffs) == ["volumeTags"]
    assert list(diff.replaces) == []
    assert [volume.get("Tags", []) for volume in volumes] == [[]]


def test_a_user_is_renamed_in_place_and_not_found_by_its_old_name(aws: Plugin, client: Client) -> None:
    user = make(aws, USER, {"name": "before", "tags": TAGS})
    key = make(aws, ACCESS_KEY, {"user": "before"})
    renamed = {**user.inputs, "name": "after"}

    diff = aws.diff(USER, user.id, user.state, renamed)
    changed = aws.update(USER, user.id, user.state, renamed)
    keys = client("iam").list_access_keys(UserName="after")["AccessKeyMetadata"]
    refreshed = aws.read(USER, user.id, changed, renamed)[0]
    aws.delete(ACCESS_KEY, key.id, {**key.state, "user": "after"})
    aws.delete(USER, "after", changed)

    assert list(diff.diffs) == ["name"]
    assert list(diff.replaces) == []
    assert changed["name"] == "after"
    assert [known["AccessKeyId"] for known in keys] == [key.id]
    assert refreshed == ""


def test_an_association_changes_its_table_in_place_and_is_not_found_by_its_old_id(
    aws: Plugin, made: dict[str, Made]
) -> None:
    vpc = made[VPC].id
    before, after = (make(aws, ROUTE_TABLE, {"vpcId": vpc}) for _ in range(2))
    # The other tests' subnet has an association.
    subnet = make(
        aws, SUBNET, {"vpcId": make(aws, VPC, {"cidrBlock": "10.6.0.0/24"}).id, "cidrBlock": "10.6.0.0/25"}
    )
    association = make(aws, ASSOCIATION, {"subnetId": subnet.id, "routeTableId": before.id})
    inputs = {**association.inputs, "routeTableId": after.id}

    diff = aws.diff(ASSOCIATION, association.id, association.state, inputs)
    changed = aws.update(ASSOCIATION, association.id, association.state, inputs)
    refreshed = aws.read(ASSOCIATION, association.id, changed, inputs)[0]
    aws.delete(ASSOCIATION, changed["id"], changed)
    for table in (before, after):
        aws.delete(ROUTE_TABLE, table.id, table.state)

    assert list(diff.diffs) == ["routeTableId"]
    assert list(diff.replaces) == []
    assert changed["routeTableId"] == after.id
    assert refreshed == ""


def test_another_region_replaces_regional_resources(aws_endpoint: str, made: dict[str, Made]) -> None:
    elsewhere = Plugin("aws", aws_environment(aws_endpoint), region="eu-central-1")
    try:
        replaces = {
            token: list(elsewhere.diff(token, resource.id, resource.state, resource.inputs).replaces)
            for token, resource in made.items()
        }
        unknown = elsewhere.diff(VPC, made[VPC].id, without(made[VPC].state, "region"), made[VPC].inputs)
    finally:
        elsewhere.stop()

    assert replaces == {token: ["region"] if KINDS[token].regional else [] for token in made}
    assert made[VPC].state["region"] == REGION
    # A state from before the plugin's version 7 has no region.
    assert list(unknown.diffs) == []


def test_an_advanced_parameter_does_not_become_a_standard_one_in_place(
    aws: Plugin, made: dict[str, Made]
) -> None:
    parameter = made[PARAMETER]
    advanced, standard = ({**parameter.inputs, "tier": tier} for tier in ("Advanced", "Standard"))
    state = {**parameter.state, "tier": "Advanced"}

    assert list(aws.diff(PARAMETER, parameter.id, parameter.state, advanced).replaces) == []
    assert list(aws.diff(PARAMETER, parameter.id, state, standard).replaces) == ["tier"]
    assert list(aws.diff(PARAMETER, parameter.id, state, parameter.inputs).diffs) == []


def test_a_removed_number_of_datapoints_is_a_difference(aws: Plugin, made: dict[str, Made]) -> None:
    alarm = made[ALARM]
    state = {**alarm.state, "datapointsToAlarm": 1}

    assert list(aws.diff(ALARM, alarm.id, state, alarm.inputs).diffs) == ["datapointsToAlarm"]


def test_the_order_of_routes_is_not_a_difference(aws: Plugin) -> None:
    routes = [{"cidrBlock": f"10.{number}.0.0/16", "gatewayId": "igw-1"} for number in range(3)]
    state = {"vpcId": "vpc-1", "routes": routes, "tagsAll": {}}

    def differs(*new: dict[str, str]) -> list[str]:
        return list(aws.diff(ROUTE_TABLE, "rtb-1", state, {"vpcId": "vpc-1", "routes": list(new)}).diffs)

    assert differs(*reversed(routes)) == []
    assert differs(*routes[:2]) == ["routes"]
    assert differs(*routes[:2], routes[0]) == ["routes"]


def test_the_order_of_blocked_encryption_types_is_a_difference(aws: Plugin) -> None:
    def rules(*blocked: str) -> dict[str, Any]:
        return {"bucket": "b", "rules": [{"blockedEncryptionTypes": list(blocked)}]}

    state, reversed_ = rules("NONE", "SSE-C"), rules("SSE-C", "NONE")

    assert list(aws.diff(ENCRYPTION, "b", state, state).diffs) == []
    assert list(aws.diff(ENCRYPTION, "b", state, reversed_).diffs) == ["rules"]


@pytest.mark.parametrize(
    ("device", "paths"),
    [
        ({"volumeSize": 30}, {"rootBlockDevice.volumeSize": "UPDATE"}),
        ({"volumeType": "gp2"}, {"rootBlockDevice.volumeType": "UPDATE"}),
        (
            {"volumeSize": 8, "encrypted": False},
            {"rootBlockDevice.volumeSize": "UPDATE", "rootBlockDevice.encrypted": "UPDATE_REPLACE"},
        ),
    ],
)
def test_a_change_inside_a_property_is_reported_by_its_path(
    aws: Plugin, made: dict[str, Made], device: dict[str, Any], paths: dict[str, str]
) -> None:
    instance = made[INSTANCE]
    inputs = {**instance.inputs, "rootBlockDevice": {**instance.inputs["rootBlockDevice"], **device}}

    assert aws.detailed_diff(INSTANCE, instance.id, instance.state, inputs) == paths


def test_a_change_inside_a_list_is_reported_by_its_index(aws: Plugin, bucket: str) -> None:
    rules: list[dict[str, Any]] = [
        {"id": name, "status": "Enabled", "expiration": {"days": 30}} for name in ("a", "b")
    ]
    made = make(aws, LIFECYCLE, {"bucket": bucket, "rules": rules})
    changed = [rules[0], {**rules[1], "expiration": {"days": 31}}]

    assert aws.detailed_diff(LIFECYCLE, made.id, made.state, {"bucket": bucket, "rules": changed}) == {
        "rules[1].expiration.days": "UPDATE"
    }
    assert aws.detailed_diff(LIFECYCLE, made.id, made.state, {"bucket": bucket, "rules": rules[:1]}) == {
        "rules": "UPDATE"
    }


def test_an_endpoint_changes_its_route_tables_in_place(aws: Plugin, made: dict[str, Made]) -> None:
    token, table = "aws:ec2/vpcEndpoint:VpcEndpoint", "aws:ec2/routeTable:RouteTable"
    endpoint = made[token]
    other = make(aws, table, {"vpcId": endpoint.inputs["vpcId"]})
    inputs = {**endpoint.inputs, "routeTableIds": [other.id]}

    diff = aws.diff(token, endpoint.id, endpoint.state, inputs)
    changed = aws.update(token, endpoint.id, endpoint.state, inputs)
    endpoint.state = aws.update(token, endpoint.id, changed, endpoint.inputs)
    aws.delete(table, other.id, other.state)

    assert list(diff.diffs) == ["routeTableIds"]
    assert list(diff.replaces) == []
    assert changed["routeTableIds"] == [other.id]
    assert endpoint.state["routeTableIds"] == endpoint.inputs["routeTableIds"]


def test_user_data_that_may_change_in_place_stops_the_instance(aws: Plugin, made: dict[str, Made]) -> None:
    resource = made[INSTANCE]
    inputs = {**resource.inputs, "userData": "#cloud-config\n# 2\n", "userDataReplaceOnChange": False}

    diff = aws.diff(INSTANCE, resource.id, resource.state, inputs)
    resource.state = aws.update(INSTANCE, resource.id, resource.state, inputs)
    resource.inputs = inputs

    assert list(diff.replaces) == []
    assert resource.state["userData"] == "#cloud-config\n# 2\n"
    assert resource.state["instanceState"] == "running"


@pytest.mark.parametrize("token", [ROLE, USER])
def test_a_boundary_is_set_at_creation_and_can_be_removed(aws: Plugin, token: str) -> None:
    inputs: dict[str, Any] = {"permissionsBoundary": BOUNDARY}
    if token == ROLE:
        inputs["assumeRolePolicy"] = json.dumps(TRUST)
    bounded = make(aws, token, inputs)
    without = {name: value for name, value in bounded.inputs.items() if name != "permissionsBoundary"}

    freed = aws.update(token, bounded.id, bounded.state, without)
    aws.delete(token, bounded.id, freed)

    assert bounded.state["permissionsBoundary"] == BOUNDARY
    assert "permissionsBoundary" not in freed


def test_a_type_that_the_table_does_not_know_is_refused(aws: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="no resource type aws:sqs/queue:Queue"):
        aws.check("aws:sqs/queue:Queue", {})


def test_a_description_that_ec2_refuses_is_refused(aws: Plugin, made: dict[str, Made]) -> None:
    inputs = {**made[EGRESS].inputs, "description": "Somebody's packages"}

    with pytest.raises(grpc.RpcError, match="Invalid rule description"):
        aws.create(EGRESS, inputs)


def test_a_function_that_the_table_does_not_know_is_refused(aws: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="no function aws:ec2/getEip:getEip"):
        aws.invoke("aws:ec2/getEip:getEip", {})


@pytest.mark.parametrize(("instance_type", "architecture"), [("t3.small", "x86_64"), ("t4g.small", "arm64")])
def test_an_instance_type_has_its_architecture(aws: Plugin, instance_type: str, architecture: str) -> None:
    found = aws.invoke("aws:ec2/getInstanceType:getInstanceType", {"instanceType": instance_type})

    assert architecture in found["supportedArchitectures"]


def test_an_image_is_found_by_its_id_or_not_at_all(aws: Plugin) -> None:
    by_id = {"filters": [{"name": "image-id", "values": [IMAGE]}]}

    assert aws.invoke("aws:ec2/getAmi:getAmi", by_id)["architecture"] == "x86_64"
    with pytest.raises(grpc.RpcError, match="returned no results"):
        aws.invoke("aws:ec2/getAmi:getAmi", {"filters": [{"name": "image-id", "values": ["ami-0"]}]})


def test_the_routes_of_a_subnet_are_found_by_its_table(aws: Plugin, made: dict[str, Made]) -> None:
    tables, table = "aws:ec2/getRouteTables:getRouteTables", "aws:ec2/getRouteTable:getRouteTable"
    own = {"filters": [{"name": "association.subnet-id", "values": [made[SUBNET].id]}]}
    main = {
        "vpcId": made["aws:ec2/vpc:Vpc"].id,
        "filters": [{"name": "association.main", "values": ["true"]}],
    }
    (own_id,) = aws.invoke(tables, own)["ids"]
    (main_id,) = aws.invoke(tables, main)["ids"]
    routes = aws.invoke(table, {"routeTableId": own_id})["routes"]

    assert own_id == made["aws:ec2/routeTable:RouteTable"].id != main_id
    assert {"0.0.0.0/0"} == {route["cidrBlock"] for route in routes if route["gatewayId"].startswith("igw-")}
    assert aws.invoke("aws:ec2/getSubnet:getSubnet", {"id": made[SUBNET].id})["ipv6Native"] is False


def test_an_argument_that_a_function_does_not_know_is_refused(aws: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="knows no argument filters"):
        aws.invoke("aws:ec2/getSubnet:getSubnet", {"id": "subnet-1", "filters": []})


def test_properties_that_the_table_does_not_know_are_refused_at_any_depth(aws: Plugin) -> None:
    _, refused = aws.check(BUCKET, {"acl": "private"})
    _, nested = aws.check(
        LIFECYCLE, {"bucket": "b", "rules": [{"id": "1", "status": "Enabled", "prefix": "x"}]}
    )

    assert set(refused) == {"acl"}
    assert set(nested) == {"rules.prefix"}


def test_a_property_that_is_missing_is_named(aws: Plugin) -> None:
    _, refused = aws.check(ACCESS_KEY, {})

    assert refused == {"user": f"is required for {ACCESS_KEY}"}


def test_a_name_is_generated_once_and_kept(aws: Plugin) -> None:
    first, _ = aws.check(ROLE, {"assumeRolePolicy": "{}"}, name="vm", seed=b"1")
    again, _ = aws.check(ROLE, {"assumeRolePolicy": "{}"}, first, name="vm", seed=b"2")
    successor, _ = aws.check(ROLE, {"assumeRolePolicy": "{}"}, name="vm", seed=b"2")

    assert first["name"].startswith("vm-")
    assert len(first["name"]) == len("vm-") + 7
    assert again["name"] == first["name"]
    assert successor["name"] != first["name"]


def test_with_a_given_name_the_old_resource_is_deleted_first(aws: Plugin) -> None:
    trust, other = json.dumps(TRUST), {"path": "/other/"}
    made_up, _ = aws.check(ROLE, {"assumeRolePolicy": trust}, name="vm")
    given = {"assumeRolePolicy": trust, "name": "given"}

    assert not aws.diff(ROLE, "1", made_up, {**made_up, **other}, name="vm").deleteBeforeReplace
    assert aws.diff(ROLE, "1", given, {**given, **other}, name="vm").deleteBeforeReplace


def test_documents_with_the_same_meaning_are_not_a_difference(aws: Plugin, made: dict[str, Made]) -> None:
    role = made[ROLE]
    respelled = json.dumps(dict(reversed(TRUST.items())), indent=4)

    diff = aws.diff(ROLE, role.id, role.state, {**role.inputs, "assumeRolePolicy": respelled})

    assert respelled != role.state["assumeRolePolicy"]
    assert list(diff.diffs) == []


def test_an_ignored_change_is_not_a_difference(aws: Plugin, made: dict[str, Made]) -> None:
    instance = made[INSTANCE]
    inputs = {**instance.inputs, "ami": "ami-newer"}

    diff = aws.diff(INSTANCE, instance.id, instance.state, inputs, ignoreChanges=["ami"])

    assert list(diff.diffs) == []


def test_outputs_are_unknown_in_a_preview(aws: Plugin, client: Client) -> None:
    key, state = aws.create(ROLE, {"assumeRolePolicy": UNKNOWN, "name": "never"}, preview=True)

    assert key == ""
    assert state["arn"] == UNKNOWN
    assert state["assumeRolePolicy"] == UNKNOWN
    assert state["name"] == "never"
    assert "never" not in [role["RoleName"] for role in client("iam").list_roles()["Roles"]]


def test_an_unknown_input_counts_as_a_change(aws: Plugin, made: dict[str, Made]) -> None:
    key = made[ACCESS_KEY]

    diff = aws.diff(ACCESS_KEY, key.id, key.state, {**key.inputs, "user": UNKNOWN})

    assert list(diff.replaces) == ["user"]


def test_secrets_stay_marked(aws: Plugin, made: dict[str, Made]) -> None:
    key, parameter = made[ACCESS_KEY], made[PARAMETER]
    _, read, _ = aws.read(ACCESS_KEY, key.id, key.state, key.inputs)
    _, _, inputs = aws.read(PARAMETER, parameter.id, parameter.state, parameter.inputs)

    assert opened(key.state["secret"]) == opened(read["secret"])
    assert opened(parameter.state["value"])
    assert inputs["value"][SIGNATURE] == SECRET


def test_a_secret_input_is_a_secret_output(aws: Plugin, bucket: str) -> None:
    made = make(aws, OBJECT, {"bucket": bucket, "key": "k", "content": secret("hidden")})

    assert opened(made.state["content"]) == "hidden"


def test_an_access_key_belongs_to_its_user(made: dict[str, Made], client: Client) -> None:
    keys = client("iam").list_access_keys(UserName=made[USER].id)["AccessKeyMetadata"]

    assert [key["AccessKeyId"] for key in keys] == [made[ACCESS_KEY].id]
    assert opened(made[ACCESS_KEY].state["secret"])


def test_a_bucket_policy_that_somebody_removed_is_gone(aws: Plugin, bucket: str, client: Client) -> None:
    policy = make(aws, POLICY, {"bucket": bucket, "policy": json.dumps({"Statement": []})})
    client("s3").delete_bucket_policy(Bucket=bucket)

    assert aws.read(POLICY, policy.id, policy.state, policy.inputs)[0] == ""


def test_a_rule_that_somebody_changed_is_a_difference(aws: Plugin, bucket: str, client: Client) -> None:
    rule = {"id": "retention", "status": "Enabled", "expiration": {"days": 30}}
    made = make(aws, LIFECYCLE, {"bucket": bucket, "rules": [rule]})
    client("s3").put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {"ID": "retention", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
            ]
        },
    )

    _, state, inputs = aws.read(LIFECYCLE, made.id, made.state, made.inputs)

    assert inputs["rules"][0]["expiration"] == {"days": 1}
    assert list(aws.diff(LIFECYCLE, made.id, state, made.inputs).diffs) == ["rules"]


def test_a_rule_for_large_objects_of_a_prefix_is_set_without_a_difference(
    aws: Plugin, bucket: str, client: Client
) -> None:
    chosen = {"and": {"prefix": "topics/", "objectSizeGreaterThan": 1}}
    rule = {"id": "retention", "status": "Enabled", "expiration": {"days": 30}, "filter": chosen}
    made = make(aws, LIFECYCLE, {"bucket": bucket, "rules": [rule]})

    (put,) = client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    _, state, _ = aws.read(LIFECYCLE, made.id, made.state, made.inputs)

    assert put["Filter"]["And"]["Prefix"] == "topics/"
    assert list(aws.diff(LIFECYCLE, made.id, state, made.inputs).diffs) == []


def test_an_objects_bytes_are_stored_unchanged_without_a_difference(
    aws: Plugin, bucket: str, client: Client
) -> None:
    content = base64.b64encode(bytes(range(256))).decode()
    made = make(aws, OBJECT, {"bucket": bucket, "key": "bytes", "contentBase64": content})

    stored = client("s3").get_object(Bucket=bucket, Key="bytes")
    _, state, _ = aws.read(OBJECT, made.id, made.state, made.inputs)

    assert stored["Body"].read() == bytes(range(256))
    assert list(aws.diff(OBJECT, made.id, state, made.inputs).diffs) == []


def test_a_tag_that_somebody_added_is_a_difference(aws: Plugin, bucket: str, client: Client) -> None:
    client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "Stray", "Value": "1"}]})

    _, state, _ = aws.read(BUCKET, bucket, {"bucket": bucket}, {"bucket": bucket})

    assert list(aws.diff(BUCKET, bucket, state, {"bucket": bucket}).diffs) == ["tags"]


def test_a_bucket_with_objects_is_not_deleted(aws: Plugin, bucket: str, client: Client) -> None:
    client("s3").put_object(Bucket=bucket, Key="event", Body=b"1")

    with pytest.raises(grpc.RpcError, match="BucketNotEmpty"):
        aws.delete(BUCKET, bucket, {"bucket": bucket})


def test_a_bucket_with_force_destroy_is_emptied_of_versions_and_uploads(
    aws: Plugin, bucket: str, client: Client
) -> None:
    s3 = client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="event", Body=b"1")
    s3.put_object(Bucket=bucket, Key="event", Body=b"2")
    s3.delete_object(Bucket=bucket, Key="event")
    s3.create_multipart_upload(Bucket=bucket, Key="unfinished")

    aws.delete(BUCKET, bucket, {"bucket": bucket, "forceDestroy": True})

    assert bucket not in [known["Name"] for known in s3.list_buckets()["Buckets"]]


def test_a_bucket_name_that_is_taken_is_refused(aws: Plugin, bucket: str) -> None:
    with pytest.raises(grpc.RpcError, match="BucketAlready"):
        aws.create(BUCKET, {"bucket": bucket})


def test_a_user_with_foreign_keys_is_deleted_with_force_destroy_only(aws: Plugin, client: Client) -> None:
    user = make(aws, USER, {"name": "strange", "forceDestroy": True})
    client("iam").create_access_key(UserName="strange")

    aws.delete(USER, user.id, user.state)

    assert "strange" not in [user["UserName"] for user in client("iam").list_users()["Users"]]


def test_a_new_security_group_allows_no_outgoing_traffic(
    aws: Plugin, made: dict[str, Made], client: Client
) -> None:
    token = "aws:ec2/securityGroup:SecurityGroup"
    group = make(aws, token, {"vpcId": made["aws:ec2/vpc:Vpc"].id}, name="closed")
    found = client("ec2").describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]
    aws.delete(token, group.id, group.state)

    assert found["IpPermissionsEgress"] == []
    assert found["IpPermissions"] == []


def test_the_default_group_of_a_vpc_loses_every_rule(made: dict[str, Made], client: Client) -> None:
    group = client("ec2").describe_security_groups(GroupIds=[made[DEFAULT_GROUP].id])["SecurityGroups"][0]

    assert group["GroupName"] == "default"
    assert group["IpPermissionsEgress"] == []
    assert group["IpPermissions"] == []


def test_a_rule_that_does_not_name_the_block_of_sse_c_differs_from_what_s3_sets_itself(
    aws: Plugin, bucket: str
) -> None:
    rule = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    silent = make(aws, ENCRYPTION, {"bucket": bucket, "rules": [rule]})
    naming = {"bucket": bucket, "rules": [{**rule, "blockedEncryptionTypes": ["SSE-C"]}]}

    _, state, _ = aws.read(ENCRYPTION, silent.id, silent.state, silent.inputs)

    assert list(aws.diff(ENCRYPTION, silent.id, state, silent.inputs).diffs) == ["rules"]
    assert list(aws.diff(ENCRYPTION, silent.id, state, naming).diffs) == []


def test_the_instance_is_as_the_inputs_say(made: dict[str, Made], client: Client) -> None:
    reservations = client("ec2").describe_instances(InstanceIds=[made[INSTANCE].id])["Reservations"]
    instance = reservations[0]["Instances"][0]

    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["IamInstanceProfile"]["Arn"].endswith(made["aws:iam/instanceProfile:InstanceProfile"].id)
    assert instance["SubnetId"] == made[SUBNET].id


@pytest.fixture
def hypervisor() -> Iterator[tuple[str, list[str]]]:
    """A hypervisor whose VM is running at two requests, then gone; it keeps the requests."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps({"state": "running" if len(asked) < 3 else "gone"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_an_instance_is_deleted_when_its_vm_is_off(
    aws_endpoint: str, hypervisor: tuple[str, list[str]]
) -> None:
    url, asked = hypervisor
    plugin = Plugin("aws", aws_environment(aws_endpoint, CCLOUD_LOCAL_HYPERVISOR=url), region=REGION)
    try:
        instance = make(plugin, INSTANCE, {"ami": IMAGE, "instanceType": "t3.small"})
        plugin.delete(INSTANCE, instance.id, instance.state)
    finally:
        plugin.stop()

    assert asked == [f"/instances/{instance.id}"] * 3


def test_default_tags_are_set_without_a_difference(aws_endpoint: str, client: Client) -> None:
    default = json.dumps({"tags": {"Team": "security"}})
    plugin = Plugin("aws", aws_environment(aws_endpoint), region=REGION, defaultTags=default)
    try:
        bucket = make(plugin, BUCKET, {"bucket": "tagged", "tags": TAGS})
        diff = plugin.diff(BUCKET, bucket.id, bucket.state, bucket.inputs)
    finally:
        plugin.stop()
    tags = client("s3").get_bucket_tagging(Bucket="tagged")["TagSet"]

    assert {tag["Key"]: tag["Value"] for tag in tags} == {"Team": "security", **TAGS}
    assert bucket.state["tags"] == TAGS
    assert bucket.state["tagsAll"] == {"Team": "security", **TAGS}
    assert list(diff.diffs) == []


def test_an_object_that_overrides_the_default_tags_gets_none_of_them(
    aws_endpoint: str, bucket: str, client: Client
) -> None:
    many = {f"Default{number}": "x" for number in range(11)}
    plugin = Plugin(
        "aws", aws_environment(aws_endpoint), region=REGION, defaultTags=json.dumps({"tags": many})
    )
    inputs = {"bucket": bucket, "content": "", "tags": TAGS}
    try:
        with pytest.raises(grpc.RpcError, match="Object tags cannot be greater than 10"):
            plugin.create(OBJECT, {**inputs, "key": "too-many"})
        overriding = {**inputs, "key": "few", "overrideProvider": {"defaultTags": {"tags": {}}}}
        few = make(plugin, OBJECT, overriding)
        diff = plugin.diff(OBJECT, few.id, few.state, few.inputs)
        read = plugin.read(OBJECT, few.id, few.state, few.inputs)
    finally:
        plugin.stop()

    assert client("s3").get_object_tagging(Bucket=bucket, Key="few")["TagSet"] == [
        {"Key": "Project", "Value": "test"}
    ]
    assert few.state["tagsAll"] == TAGS
    assert list(diff.diffs) == []
    assert read == (few.id, few.state, few.inputs)


def test_new_default_tags_are_a_difference(aws_endpoint: str, bucket: str) -> None:
    default = json.dumps({"tags": {"Team": "security"}})
    plugin = Plugin("aws", aws_environment(aws_endpoint), region=REGION, defaultTags=default)
    try:
        diff = plugin.diff(BUCKET, bucket, {"bucket": bucket, "tagsAll": {}}, {"bucket": bucket})
    finally:
        plugin.stop()

    assert list(diff.diffs) == ["tagsAll"]


def test_lookups_answer_like_the_real_plugin(aws: Plugin, made: dict[str, Made], client: Client) -> None:
    client("ssm").put_parameter(Name="/image", Type="String", Value=IMAGE)

    parameter = aws.invoke("aws:ssm/getParameter:getParameter", {"name": "/image"})
    subnet = aws.invoke("aws:ec2/getSubnet:getSubnet", {"id": made[SUBNET].id})
    offered = aws.invoke(
        "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
        {"locationType": "availability-zone", "filters": [{"name": "instance-type", "values": ["t3.small"]}]},
    )

    assert opened(parameter["value"]) == IMAGE
    assert f"{REGION}a" in offered["locations"]
    assert set(offered["instanceTypes"]) == {"t3.small"}
    assert subnet["vpcId"] == made["aws:ec2/vpc:Vpc"].id


def test_a_topic_whose_policy_is_deleted_has_the_default_policy_again(aws: Plugin, client: Client) -> None:
    topic = make(aws, TOPIC, {"name": "defaults"})
    (default,) = json.loads(client("sns").get_topic_attributes(TopicArn=topic.id)["Attributes"]["Policy"])[
        "Statement"
    ]
    policy = make(aws, TOPIC_POLICY, {"arn": topic.id, "policy": json.dumps({"Statement": []})})

    aws.delete(TOPIC_POLICY, policy.id, policy.state)

    (after,) = json.loads(client("sns").get_topic_attributes(TopicArn=topic.id)["Attributes"]["Policy"])[
        "Statement"
    ]
    # moto leaves SNS:Receive out of its default.
    assert set(after["Action"]) == {*default["Action"], "SNS:Receive"}
    assert after["Condition"] == default["Condition"]
    aws.delete(TOPIC, topic.id, topic.state)


def test_a_subscription_goes_with_its_topic(aws: Plugin) -> None:
    topic = make(aws, TOPIC, {"name": "gone"})
    subscription = make(
        aws, SUBSCRIPTION, {"topic": topic.id, "protocol": "email", "endpoint": "on-call@example.com"}
    )
    aws.delete(TOPIC, topic.id, topic.state)

    assert aws.read(SUBSCRIPTION, subscription.id, subscription.state)[0] == ""
    # As at `destroy`, which deletes the subscription at the same time.
    aws.delete(SUBSCRIPTION, subscription.id, subscription.state)


def test_every_resource_can_be_deleted(aws: Plugin, made: dict[str, Made]) -> None:
    """Last in the file: it deletes the resources that the other tests share."""
    left = []
    for token in reversed(made):
        resource = made[token]
        aws.delete(token, resource.id, resource.state)
        if aws.read(token, resource.id, resource.state, resource.inputs)[0]:
            left.append(token)
        aws.delete(token, resource.id, resource.state)

    # Two cannot be removed from a bucket: they are suspended, or have no rule. A default group goes with its VPC, and a
    # topic has its default policy again.
    assert sorted(left) == [
        DEFAULT_GROUP,
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        VERSIONING,
        TOPIC_POLICY,
    ]


def test_a_bucket_that_may_be_emptied_is_deleted_with_more_objects_than_a_listing_has(
    aws: Plugin, bucket: str, client: Client
) -> None:
    s3 = client("s3")
    for number in range(1001):
        s3.put_object(Bucket=bucket, Key=f"event-{number:04d}", Body=b"1")
    for number in range(2):
        s3.create_multipart_upload(Bucket=bucket, Key=f"unfinished-{number}")

    aws.delete(BUCKET, bucket, {"bucket": bucket, "forceDestroy": True})

    assert bucket not in {known["Name"] for known in s3.list_buckets()["Buckets"]}
