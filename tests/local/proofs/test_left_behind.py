"""Whatever `destroy` forgot is named; what belongs to the local stack itself is not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto import mock_aws

from local.proofs.checker.left_behind import among_vms, in_aws, in_confluent_cloud, in_logzio, in_own_cluster
from local.stack.deployment import REGION
from local.systems.kafka import users
from tests.local.plugins import fleet_cluster
from tests.local.plugins.fleet_cluster import ACL, BINDING, TOPIC


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]  # the name is data here


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def found() -> list[str]:
    return list(in_aws(client))


def test_a_fresh_account_with_the_local_stacks_users_is_empty() -> None:
    client("iam").create_user(UserName="deployer")
    client("iam").create_access_key(UserName="deployer")
    client("iam").create_user(UserName="logzio")
    assert found() == []


def test_a_terminated_instance_and_its_volume_are_gone() -> None:
    instance = client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0][
        "InstanceId"
    ]
    assert any(line.startswith(f"instance {instance} (running)") for line in found())
    client("ec2").terminate_instances(InstanceIds=[instance])
    assert found() == []


def test_the_key_that_aws_made_for_volumes_is_everybodys() -> None:
    ec2 = client("ec2")
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8, Encrypted=True)["VolumeId"]
    ec2.delete_volume(VolumeId=volume)
    assert client("kms").list_keys()["Keys"]
    assert found() == []


def test_a_key_that_waits_for_its_deletion_is_gone() -> None:
    kms = client("kms")
    kms.schedule_key_deletion(KeyId=kms.create_key()["KeyMetadata"]["KeyId"], PendingWindowInDays=7)
    assert found() == []


def test_everything_that_the_program_makes_would_be_noticed() -> None:
    client("s3").create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": REGION})
    iam = client("iam")
    iam.create_user(UserName="writer")
    key = iam.create_access_key(UserName="writer")["AccessKey"]["AccessKeyId"]
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName="worker")
    client("ssm").put_parameter(Name="/ccloud-logexporter/kafka", Value="x", Type="SecureString")
    client("cloudwatch").put_metric_alarm(
        AlarmName="quiet",
        MetricName="Heartbeat",
        Namespace="Exporter",
        ComparisonOperator="LessThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=1,
    )
    client("cloudwatch").put_dashboard(DashboardName="shown", DashboardBody='{"widgets": []}')
    topic = client("sns").create_topic(Name="alarms")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="on-call@example.com")
    kms = client("kms")
    secrets_key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/worker-secrets", TargetKeyId=secrets_key)
    names = found()
    for expected in (
        "S3 bucket kept",
        f"KMS key {secrets_key}",
        "KMS alias alias/worker-secrets",
        "IAM user writer",
        f"access key {key} of IAM user writer",
        "IAM role reader",
        "instance profile worker",
        "SSM parameter /ccloud-logexporter/kafka",
        "CloudWatch alarm quiet",
        "CloudWatch dashboard shown",
        f"SNS topic {topic}",
        "SNS subscription of on-call@example.com",
    ):
        assert expected in names
    assert len(names) == 12


def test_a_network_of_its_own_would_be_noticed_part_by_part() -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="worker", Description="x", VpcId=vpc)["GroupId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[])
    names = found()
    for expected in (
        f"VPC {vpc}",
        f"subnet {subnet}",
        f"security group {group}",
        f"internet gateway {gateway}",
        f"VPC endpoint {endpoint['VpcEndpoint']['VpcEndpointId']}",
    ):
        assert expected in names


def test_a_security_group_in_the_default_network_would_be_noticed() -> None:
    group = client("ec2").create_security_group(GroupName="worker", Description="x")["GroupId"]
    assert found() == [f"security group {group}"]


def test_kafka_keys_other_than_the_local_administrator_are_named(tmp_path: Path) -> None:
    file = users.file(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"users": {users.ADMIN: "s1", "KEY7": "s2"}}))
    assert list(in_confluent_cloud(tmp_path)) == ["Kafka API key KEY7"]


def test_what_a_fleet_has_in_confluent_cloud_would_be_noticed(tmp_path: Path) -> None:
    with fleet_cluster.site(tmp_path) as site:
        fresh = [*in_confluent_cloud(tmp_path), *in_own_cluster(tmp_path)]
        account = site.account("workers")
        binding, state = site.role(account)
        key = site.key(account)
        site.plugin.create(TOPIC, site.topic("fleet-status", key))
        site.plugin.create(ACL, site.acl(("GROUP", "fleet", "READ"), account, key))
        found = [*in_confluent_cloud(tmp_path), *in_own_cluster(tmp_path)]
        site.plugin.delete(BINDING, binding, state)
        without_role = [*in_confluent_cloud(tmp_path), *in_own_cluster(tmp_path)]

    rights_of_the_role = 3
    assert fresh == []
    assert without_role == [
        f"service account {account} (workers)",
        f"Kafka API key {key.key}",
        "topic fleet-status",
        f"access rule READ of User:{account} on GROUP fleet",
    ]
    assert f"role binding {binding} (CloudClusterAdmin of User:{account})" in found
    assert len(found) == len(without_role) + 1 + rights_of_the_role


def answering(monkeypatch: pytest.MonkeyPatch, url: str, body: object, status: int = 200) -> None:
    def get(asked: str, **_: object) -> httpx.Response:
        assert asked == url
        return httpx.Response(status, json=body, request=httpx.Request("GET", asked))

    monkeypatch.setattr(httpx, "get", get)


def test_registrations_at_logzio_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    registration = {"id": 12, "bucket": "archive", "prefix": "topics/t/partition=0/", "active": True}
    answering(monkeypatch, "http://logzio/_emulator/state", {"registrations": [registration]})
    assert list(in_logzio("http://logzio")) == ["Logz.io registration 12 (archive/topics/t/partition=0/)"]


def test_a_vm_that_is_not_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "http://vms/instances", {"i-1": {"state": "gone"}, "i-2": {"state": "stopped"}})
    assert list(among_vms("http://vms")) == ["VM of instance i-2 (stopped)"]


def test_a_place_that_cannot_be_asked_is_an_error_and_not_an_empty_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, "http://vms/instances", {}, status=500)
    with pytest.raises(httpx.HTTPStatusError):
        list(among_vms("http://vms"))
