"""What is still there after `pulumi destroy`: in AWS, Logz.io, Confluent Cloud and among the VMs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from confluent_kafka.admin import AdminClient

from local.base import http
from local.stack.deployment import LocalDeployment
from local.systems.kafka import access_rules, client, users
from local.systems.plugins.confluentcloud.cloud import Cloud, Cluster, read

LOCAL_USERS = frozenset({"deployer", "logzio"})
"""IAM users of the local stack itself."""


def left_behind(deployment: LocalDeployment) -> list[str]:
    """One line per thing that `destroy` should have removed; empty if it removed everything.

    Raises:
        botocore.exceptions.ClientError, httpx.HTTPError: a place did not answer.
    """
    return [
        *in_aws(deployment.aws),
        *in_logzio(deployment.logzio),
        *in_confluent_cloud(deployment.state),
        *(in_own_cluster(deployment.state) if deployment.has_own_cluster else ()),
        *among_vms(deployment.hypervisor),
    ]


def in_aws(client: Callable[[str], Any]) -> Iterator[str]:
    """`client` makes a boto3 client by the service's name."""
    for bucket in client("s3").list_buckets()["Buckets"]:
        yield f"S3 bucket {bucket['Name']}"
    yield from _iam(client("iam"))
    for parameter in _pages(client("ssm"), "describe_parameters", "Parameters"):
        # AWS's own parameters (images) are in every account.
        if not parameter["Name"].startswith("/aws/"):
            yield f"SSM parameter {parameter['Name']}"
    yield from _kms(client("kms"))
    yield from _ec2(client("ec2"))
    for alarm in _pages(client("cloudwatch"), "describe_alarms", "MetricAlarms"):
        yield f"CloudWatch alarm {alarm['AlarmName']}"
    for dashboard in _pages(client("cloudwatch"), "list_dashboards", "DashboardEntries"):
        yield f"CloudWatch dashboard {dashboard['DashboardName']}"
    for topic in _pages(client("sns"), "list_topics", "Topics"):
        yield f"SNS topic {topic['TopicArn']}"
    for subscription in _pages(client("sns"), "list_subscriptions", "Subscriptions"):
        yield f"SNS subscription of {subscription['Endpoint']}"


def _iam(iam: BaseClient) -> Iterator[str]:
    for user in _pages(iam, "list_users", "Users"):
        if user["UserName"] in LOCAL_USERS:
            continue
        yield f"IAM user {user['UserName']}"
        for key in _pages(iam, "list_access_keys", "AccessKeyMetadata", UserName=user["UserName"]):
            yield f"access key {key['AccessKeyId']} of IAM user {user['UserName']}"
    for role in _pages(iam, "list_roles", "Roles"):
        yield f"IAM role {role['RoleName']}"
    for profile in _pages(iam, "list_instance_profiles", "InstanceProfiles"):
        yield f"instance profile {profile['InstanceProfileName']}"
    for policy in _pages(iam, "list_policies", "Policies", Scope="Local"):
        yield f"IAM policy {policy['PolicyName']}"


def _kms(kms: Any) -> Iterator[str]:
    managed = set()
    for alias in _pages(kms, "list_aliases", "Aliases"):
        # AWS makes keys of its own, e.g. for the first encrypted volume; moto lists them as the customer's.
        if alias["AliasName"].startswith("alias/aws/"):
            managed.add(alias.get("TargetKeyId"))
        else:
            yield f"KMS alias {alias['AliasName']}"
    for key in _pages(kms, "list_keys", "Keys"):
        # KMS deletes a key only after days.
        state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
        if key["KeyId"] not in managed and state != "PendingDeletion":
            yield f"KMS key {key['KeyId']}"


# What an EC2 account holds beside its default network: operation, its list, the name of the id, the kind.
_EC2 = (
    ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "VPC endpoint"),
    ("describe_subnets", "Subnets", "SubnetId", "subnet"),
    ("describe_route_tables", "RouteTables", "RouteTableId", "route table"),
    ("describe_security_groups", "SecurityGroups", "GroupId", "security group"),
    ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", "network interface"),
)


def _ec2(ec2: Any) -> Iterator[str]:
    for reservation in _pages(ec2, "describe_instances", "Reservations"):
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] != "terminated":
                yield f"instance {instance['InstanceId']} ({instance['State']['Name']})"
    for volume in _pages(ec2, "describe_volumes", "Volumes"):
        yield f"volume {volume['VolumeId']}"
    default_vpcs = set()
    for vpc in _pages(ec2, "describe_vpcs", "Vpcs"):
        if vpc["IsDefault"]:
            default_vpcs.add(vpc["VpcId"])
        else:
            yield f"VPC {vpc['VpcId']}"
    for operation, found, identifier, kind in _EC2:
        for thing in _pages(ec2, operation, found):
            # The default VPC comes with these; only a security group may have been added there.
            own = thing.get("GroupName", "default") != "default"
            # A deleted endpoint is shown for a while.
            deleted = thing.get("State") == "deleted"
            if not deleted and (own or thing["VpcId"] not in default_vpcs):
                yield f"{kind} {thing[identifier]}"
    for gateway in _pages(ec2, "describe_internet_gateways", "InternetGateways"):
        if not any(attachment["VpcId"] in default_vpcs for attachment in gateway["Attachments"]):
            yield f"internet gateway {gateway['InternetGatewayId']}"


def in_logzio(base_url: str) -> Iterator[str]:
    """Registrations at the Logz.io emulator."""
    state = http.get(f"{base_url}/_emulator/state").raise_for_status().json()
    for registration in state["registrations"]:
        yield f"Logz.io registration {registration['id']} ({registration['bucket']}/{registration['prefix']})"


def in_confluent_cloud(state: Path) -> Iterator[str]:
    """API keys of the audit-log cluster, service accounts and role bindings."""
    yield from _api_keys(state)
    cloud = Cloud(Cluster("", users.file(state)))
    for account, known in read(cloud.service_accounts).items():
        yield f"service account {account} ({known['displayName']})"
    for binding, known in read(cloud.role_bindings).items():
        yield f"role binding {binding} ({known['roleName']} of {known['principal']})"


def in_own_cluster(state: Path) -> Iterator[str]:
    """API keys, topics and access rules of the organisation's own cluster, in which nobody else has any.

    Raises:
        confluent_kafka.KafkaException: its broker did not answer.
    """
    own = client.own_cluster(state)
    yield from _api_keys(own)
    admin = AdminClient(client.client_config(own))
    for topic in admin.list_topics(timeout=60).topics:
        # Those of the broker itself.
        if not topic.startswith("__"):
            yield f"topic {topic}"
    for rule in admin.describe_acls(access_rules.matching()).result():
        yield f"access rule {rule.operation.name} of {rule.principal} on {rule.restype.name} {rule.name}"


def _api_keys(state: Path) -> Iterator[str]:
    """Those that the broker still accepts, apart from the local stack's own."""
    for key in users.read(users.file(state)):
        if key != users.ADMIN:
            yield f"Kafka API key {key}"


def among_vms(hypervisor: str) -> Iterator[str]:
    """VMs that were not powered off and removed."""
    instances = http.get(f"{hypervisor}/instances").raise_for_status().json()
    for instance_id, instance in instances.items():
        if instance["state"] != "gone":
            yield f"VM of instance {instance_id} ({instance['state']})"


def _pages(client: Any, operation: str, found: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page[found]
