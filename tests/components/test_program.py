"""The whole program under mocks: what is made, in which order, and where the secrets are."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import javaproperties
import pytest

from components.settings import SettingsError
from components.worker.alarms import ALARMS
from components.worker.files.watchdog.metrics import UNITS
from components.worker.vm import UBUNTU_LTS_PARAMETER
from tests.components.recorder import INVOKES, Recorder, Registration, record_program
from tests.components.worker.unpacked import bundle_object, on_the_vm

TOPIC = "confluent-audit-log-events"
API_SECRET = "planted/api+secret="
TOKEN = "planted-logzio-token"

INSTANCE = "aws:ec2/instance:Instance"
PARAMETER = "aws:ssm/parameter:Parameter"
REGISTRATION = "pulumi-python:dynamic/logexporter:LogzioRegistration"
ACCOUNT = "pulumi-python:dynamic/logexporter:LogzioAccount"
SENTINEL = "aws:s3/bucketObjectv2:BucketObjectv2"
ROLE = "aws:iam/role:Role"
USER = "aws:iam/user:User"
KEY = "aws:iam/accessKey:AccessKey"
API_KEY = "confluentcloud:index/apiKey:ApiKey"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"

# What AWS cannot tag, or what is no thing of its own.
UNTAGGABLE = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/rolePolicy:RolePolicy",
    KEY,
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
}


def program(
    by_ids: bool = False, invokes: Mapping[str, Mapping[str, Any]] = INVOKES, **sections: dict[str, Any]
) -> Recorder:
    source: dict[str, Any] = {"partitions": {TOPIC: 3}}
    if by_ids:
        source |= {"cluster": "lkc-abc12", "environment": "env-abc12", "serviceAccount": "sa-abc12"}
    else:
        source |= {
            "bootstrapServers": "pkc-1.us-west-2.aws.confluent.cloud:9092",
            "apiKey": "KAFKAKEY",
            "apiSecret": API_SECRET,
        }
    given = {
        "source": source,
        "archive": {"bucket": "logexporter-ccloud"},
        "connector": {"archiveSha256": "0" * 64},
        "logzio": {"apiToken": TOKEN},
    }
    for name, section in sections.items():
        given[name] = {**given.get(name, {}), **section}
    config = {f"ccloud-logexporter:{name}": json.dumps(value) for name, value in given.items()}
    return record_program({**config, "aws:region": "us-west-2"}, invokes)


@pytest.fixture(scope="module")
def default() -> Recorder:
    return program()


def components(recorder: Recorder) -> list[str]:
    return [one.type for one in recorder.registrations if one.type.startswith("logexporter:")]


def properties_on_the_vm(recorder: Recorder, name: str) -> dict[str, str]:
    """A properties file as the VM gets it."""
    (content,) = [content for path, content in on_the_vm(recorder).items() if path.endswith(f"/{name}")]
    return javaproperties.loads(content)


def policy(registration: Registration) -> Any:
    return json.loads(registration.inputs["policy"])


def test_the_program_is_six_components(default: Recorder) -> None:
    assert set(components(default)) == {
        "logexporter:source:AuditLogSource",
        "logexporter:archive:AuditLogArchive",
        "logexporter:access:ArchiveWriter",
        "logexporter:access:ArchiveReader",
        "logexporter:shipping:LogzioShipping",
        "logexporter:worker:ConnectWorker",
    }
    assert len(components(default)) == 6


def test_every_resource_belongs_to_a_component(default: Recorder) -> None:
    for one in default.registrations:
        if not one.type.startswith("logexporter:"):
            assert "logexporter:" in one.parent, one.name


def test_everything_that_can_be_tagged_is(default: Recorder) -> None:
    for one in default.registrations:
        if one.type.startswith("aws:") and one.type not in UNTAGGABLE:
            tags = one.inputs.get("tags", {})
            assert {"Project", "Stack", "ManagedBy"} <= tags.keys(), (one.type, one.name)


def test_tags_of_the_settings_are_on_everything_too() -> None:
    recorder = program(tags={"team": "security"})

    assert recorder.one("aws:s3/bucket:Bucket").inputs["tags"]["team"] == "security"
    assert recorder.one(INSTANCE).inputs["volumeTags"]["team"] == "security"


def test_logzio_is_told_of_each_partition_after_its_sentinel_is_there(default: Recorder) -> None:
    registrations = default.of_type(REGISTRATION)
    sentinels = {one.urn for one in default.of_type(SENTINEL) if one.inputs["key"].endswith("!logzio-init")}

    assert {one.inputs["prefix"] for one in registrations} == {
        f"topics/{TOPIC}/partition={partition}/" for partition in range(3)
    }
    assert len(sentinels) == 3
    for registration in registrations:
        assert sentinels <= default.needs(registration)


def test_the_vm_comes_last_so_that_no_object_is_older_than_its_registration(default: Recorder) -> None:
    instance = default.one(INSTANCE)
    before = default.needs(instance)

    for type_ in (REGISTRATION, SENTINEL, PARAMETER, KEY, EGRESS, "aws:iam/rolePolicy:RolePolicy"):
        found = {one.urn for one in default.of_type(type_)}
        assert found, type_
        assert found <= before, type_


def test_logzio_is_told_of_the_role_after_its_rights_are_there(default: Recorder) -> None:
    (reader_policy,) = [
        one for one in default.of_type("aws:iam/rolePolicy:RolePolicy") if "reader" in one.name
    ]

    for registration in default.of_type(REGISTRATION):
        assert reader_policy.urn in default.needs(registration)


def test_the_key_of_the_writer_comes_after_its_rights(default: Recorder) -> None:
    rights = default.one("aws:iam/userPolicy:UserPolicy")

    assert rights.urn in default.needs(default.one(KEY))
    assert [one["Sid"] for one in policy(rights)["Statement"]] == [
        "ListBuckets",
        "FindBucket",
        "WriteObjects",
    ]


def test_the_readers_role_trusts_what_logzio_says(default: Recorder) -> None:
    (role,) = [one for one in default.of_type(ROLE) if one.name == "reader"]

    assert default.one(ACCOUNT).urn in default.needs(role)


def test_logzio_can_read_with_a_users_key_instead_of_a_role() -> None:
    recorder = program(logzio={"authentication": "keys"})

    assert not recorder.of_type(ACCOUNT)
    assert [one.name for one in recorder.of_type(ROLE)] == ["worker"]
    for registration in recorder.of_type(REGISTRATION):
        assert registration.inputs["access_key"] == "reader-key-1-id"
        assert "secret_key" in registration.secret_inputs
        assert registration.inputs.get("role_arn") is None


def test_two_generations_of_a_key_stand_side_by_side_and_the_last_is_in_use() -> None:
    recorder = program(
        by_ids=True,
        source={"keyGenerations": [1, 2]},
        writer={"keyGenerations": [3, 4]},
        logzio={"authentication": "keys", "keyGenerations": [1, 2]},
    )

    names = {one.name for one in (*recorder.of_type(KEY), *recorder.of_type(API_KEY))}
    assert names == {f"{key}-key-{generation}" for key, generation in (
        ("audit-log", 1), ("audit-log", 2), ("writer", 3), ("writer", 4), ("reader", 1), ("reader", 2)
    )}  # fmt: skip
    values = {one.name: json.loads(one.inputs["value"]) for one in recorder.of_type(PARAMETER)}
    assert values["worker-kafka-credentials"]["key"] == "audit-log-key-2-id"
    assert values["worker-writer-credentials"]["access_key_id"] == "writer-key-4-id"
    assert {one.inputs["access_key"] for one in recorder.of_type(REGISTRATION)} == {"reader-key-2-id"}


def test_a_key_that_was_deactivated_by_hand_stays_so_and_goes_with_its_user(default: Recorder) -> None:
    assert default.one(KEY).ignore_changes == ("status",)
    assert default.one(USER).inputs["forceDestroy"] is True


def test_a_rotation_does_not_touch_the_vm(default: Recorder) -> None:
    rotated = program(writer={"keyGenerations": [1, 2]})

    assert rotated.one(INSTANCE).inputs == default.one(INSTANCE).inputs


def test_a_writer_by_role_has_no_key_at_all() -> None:
    recorder = program(writer={"identity": "role"})

    assert not recorder.of_type(USER)
    assert not recorder.of_type(KEY)
    assert [one.name for one in recorder.of_type(PARAMETER)] == ["worker-kafka-credentials"]
    (rights,) = [
        one for one in recorder.of_type("aws:iam/rolePolicy:RolePolicy") if one.name == "worker-writer"
    ]
    assert "s3:PutObject" in json.dumps(policy(rights))
    assert "aws.secret.access.key" not in properties_on_the_vm(recorder, "s3-sink-connector.properties")


def test_secrets_are_secure_strings_and_secret_in_the_state(default: Recorder) -> None:
    parameters = {one.name: one for one in default.of_type(PARAMETER)}

    assert set(parameters) == {"worker-kafka-credentials", "worker-writer-credentials"}
    for parameter in parameters.values():
        assert parameter.inputs["type"] == "SecureString"
        assert "value" in parameter.secret_inputs
    assert json.loads(parameters["worker-kafka-credentials"].inputs["value"]) == {
        "key": "KAFKAKEY",
        "secret": API_SECRET,
    }
    assert json.loads(parameters["worker-writer-credentials"].inputs["value"]) == {
        "access_key_id": "writer-key-1-id",
        "secret_access_key": "made-access-key-secret",
    }


def test_no_secret_is_anywhere_else(default: Recorder) -> None:
    for one in default.registrations:
        open_inputs = {name: one.inputs[name] for name in one.inputs if name not in one.secret_inputs}
        shown = json.dumps(open_inputs)
        for secret in (API_SECRET, TOKEN, "made-access-key-secret"):
            assert secret not in shown, (one.type, one.name)


def test_the_token_of_logzio_is_the_input_of_no_resource(default: Recorder) -> None:
    assert TOKEN not in json.dumps([dict(one.inputs) for one in default.registrations])


def test_no_output_of_the_stack_is_a_secret(default: Recorder) -> None:
    assert set(default.exports) == {
        "bucket",
        "topicPrefixes",
        "registrationIds",
        "instanceId",
        "shellCommand",
        "searchUrl",
    }


def test_the_vm_may_read_its_own_parameters_and_no_other(default: Recorder) -> None:
    (rights,) = [
        one for one in default.of_type("aws:iam/rolePolicy:RolePolicy") if one.name == "worker-secrets"
    ]
    (statement,) = policy(rights)["Statement"]

    assert statement["Action"] == ["ssm:GetParameter"]
    assert statement["Resource"] == [
        "arn:aws:test:::worker-kafka-credentials",
        "arn:aws:test:::worker-writer-credentials",
    ]


def test_the_vms_metadata_needs_a_token_and_stays_on_the_vm(default: Recorder) -> None:
    assert default.one(INSTANCE).inputs["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }


def test_the_vms_volume_is_encrypted(default: Recorder) -> None:
    assert default.one(INSTANCE).inputs["rootBlockDevice"]["encrypted"] is True


def test_a_vm_with_new_user_data_replaces_the_old_one_which_goes_first(default: Recorder) -> None:
    instance = default.one(INSTANCE)

    assert instance.inputs["userDataReplaceOnChange"] is True
    assert instance.delete_before_replace


def test_the_vm_finds_its_files_by_their_key_and_knows_them_by_their_sha256(default: Recorder) -> None:
    stored = bundle_object(default)
    sha256 = hashlib.sha256(base64.b64decode(stored.inputs["contentBase64"])).hexdigest()

    assert stored.inputs["key"] == f"worker-files/{sha256}.tar.bz2"
    user_data = default.one(INSTANCE).inputs["userData"]
    assert f"KEY={stored.inputs['key']}\n" in user_data
    assert f"SHA256={sha256}\n" in user_data


def test_the_files_are_in_the_guarded_bucket_before_the_vm_is_there(default: Recorder) -> None:
    stored = bundle_object(default)

    assert stored.inputs["bucket"] == "logexporter-ccloud"
    assert default.one("aws:s3/bucketPolicy:BucketPolicy").urn in default.needs(stored)
    assert stored.urn in default.needs(default.one(INSTANCE))


def test_other_files_are_another_object_and_another_vm_and_the_old_object_is_not_the_first_to_go() -> None:
    one, other = program(), program(worker={"logLevel": "DEBUG"})

    assert bundle_object(one).inputs["key"] != bundle_object(other).inputs["key"]
    assert one.one(INSTANCE).inputs["userData"] != other.one(INSTANCE).inputs["userData"]
    assert not bundle_object(one).delete_before_replace


def test_the_files_stay_with_a_bucket_that_is_kept_as_it_may_be_locked(default: Recorder) -> None:
    gone = program(archive={"destroyWithData": True})

    assert bundle_object(default).retain_on_delete
    assert not bundle_object(gone).retain_on_delete
    assert bundle_object(default).ignore_changes == ("objectLockMode", "objectLockRetainUntilDate")


@pytest.mark.parametrize("key", [None, "arn:aws:kms:us-west-2:111122223333:key/0d6f5b0e"])
def test_the_vm_may_read_its_own_files_and_no_other_object(key: str | None) -> None:
    recorder = program(archive={"kmsKeyArn": key} if key else {})
    (rights,) = [
        one for one in recorder.of_type("aws:iam/rolePolicy:RolePolicy") if one.name == "worker-files"
    ]
    granted = {
        action: statement["Resource"]
        for statement in policy(rights)["Statement"]
        for action in statement["Action"]
    }

    own = f"arn:aws:s3:::logexporter-ccloud/{bundle_object(recorder).inputs['key']}"
    assert granted == {"s3:GetObject": [own], **({"kms:Decrypt": [key]} if key else {})}
    assert rights.urn in recorder.needs(recorder.one(INSTANCE))


def test_a_later_default_image_does_not_replace_a_running_vm(default: Recorder) -> None:
    assert default.one(INSTANCE).ignore_changes == ("ami",)
    assert default.one(INSTANCE).inputs["ami"] == INVOKES["aws:ssm/getParameter:getParameter"]["value"]
    assert "24.04" in UBUNTU_LTS_PARAMETER


def test_an_image_of_the_settings_replaces_the_vm_when_it_changes() -> None:
    instance = program(worker={"ami": "ami-0123456789abcdef0"}).one(INSTANCE)

    assert instance.inputs["ami"] == "ami-0123456789abcdef0"
    assert instance.ignore_changes == ()


def test_nothing_comes_in_and_only_what_is_needed_goes_out(default: Recorder) -> None:
    group = default.one("aws:ec2/securityGroup:SecurityGroup")

    assert "ingress" not in group.inputs
    assert not [one for one in default.registrations if "Ingress" in one.type]
    assert sorted(int(one.inputs["toPort"]) for one in default.of_type(EGRESS)) == [80, 443, 9092]
    for one in default.of_type(EGRESS):
        assert one.inputs["fromPort"] == one.inputs["toPort"]
        assert one.inputs["ipProtocol"] == "tcp"


def test_a_mirror_on_a_port_of_its_own_can_be_reached() -> None:
    recorder = program(
        worker={
            "repositoryUrl": "https://mirror.internal:8443/deb",
            "repositoryKeyUrl": "https://mirror.internal:8444/archive.key",
        }
    )

    assert {8443, 8444} <= {int(one.inputs["toPort"]) for one in recorder.of_type(EGRESS)}


def test_dns_servers_of_a_given_subnet_can_be_reached_and_no_others() -> None:
    recorder = program(
        worker={"subnetId": "subnet-0123456789abcdef0", "dnsServers": ["10.0.0.2", "10.0.1.2"]}
    )
    dns = [one.inputs for one in recorder.of_type(EGRESS) if one.inputs["toPort"] == 53]

    assert sorted((one["cidrIpv4"], one["ipProtocol"]) for one in dns) == [
        (f"{address}/32", protocol) for address in ("10.0.0.2", "10.0.1.2") for protocol in ("tcp", "udp")
    ]


def test_ec2_takes_the_description_of_every_rule_and_group() -> None:
    recorder = program(
        worker={
            "subnetId": "subnet-0123456789abcdef0",
            "dnsServers": ["10.0.0.2"],
            "repositoryUrl": "https://mirror.internal:8443/deb",
        }
    )
    described = [*recorder.of_type(EGRESS), recorder.one("aws:ec2/securityGroup:SecurityGroup")]

    assert {53, 80, 443, 8443, 9092} <= {one.inputs.get("toPort") for one in described}
    for one in described:
        # As its refusal names them ("Invalid rule description"); an apostrophe is not among them.
        assert re.fullmatch(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}", one.inputs["description"])


def test_the_subnet_is_in_a_zone_that_has_the_instance_type(default: Recorder) -> None:
    subnet = default.one("aws:ec2/subnet:Subnet")

    assert subnet.inputs["availabilityZone"] == "us-west-2a"
    assert subnet.delete_before_replace


def test_an_instance_type_that_the_region_does_not_have_is_refused_by_its_setting() -> None:
    offerings = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"

    # A Local Zone that the account has opted in to is none: it lacks gp3 volumes.
    for locations in ([], ["us-west-2-lax-1a", "us-west-2-wl1-las-wlz-1"]):
        with pytest.raises(
            SettingsError, match=r"worker\.instanceType: no availability zone .* has t3\.small"
        ):
            program(invokes={**INVOKES, offerings: {"locations": locations}})


def test_an_existing_subnet_takes_the_place_of_the_network() -> None:
    recorder = program(worker={"subnetId": "subnet-0123456789abcdef0"})

    assert recorder.one(INSTANCE).inputs["subnetId"] == "subnet-0123456789abcdef0"
    assert recorder.one("aws:ec2/securityGroup:SecurityGroup").inputs["vpcId"] == "vpc-given"
    for type_ in ("aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/vpcEndpoint:VpcEndpoint"):
        assert not recorder.of_type(type_)


def test_the_ids_give_endpoint_and_key() -> None:
    recorder = program(by_ids=True)
    key = recorder.one("confluentcloud:index/apiKey:ApiKey")
    (parameter,) = [one for one in recorder.of_type(PARAMETER) if "kafka" in one.name]

    assert key.inputs["owner"] == {"id": "sa-abc12", "apiVersion": "iam/v2", "kind": "ServiceAccount"}
    assert key.inputs["managedResource"]["id"] == "lkc-abc12"
    assert key.inputs["managedResource"]["environment"] == {"id": "env-abc12"}
    assert key.inputs["disableWaitForReady"] is True
    assert not key.protect
    worker = properties_on_the_vm(recorder, "connect-standalone.properties")
    assert worker["bootstrap.servers"] == "pkc-1.us-west-2.aws.confluent.cloud:9092"
    assert json.loads(parameter.inputs["value"]) == {
        "key": "audit-log-key-1-id",
        "secret": "made-api-key-secret",
    }
    assert "value" in parameter.secret_inputs


def test_a_cluster_that_is_looked_up_in_another_region_stops_the_program_before_anything_is_made() -> None:
    elsewhere = {**INVOKES["confluentcloud:index/getKafkaCluster:getKafkaCluster"], "region": "eu-west-1"}
    config = {
        "ccloud-logexporter:source": json.dumps(
            {
                "cluster": "lkc-abc12",
                "environment": "env-abc12",
                "serviceAccount": "sa-abc12",
                "partitions": {TOPIC: 3},
            }
        ),
        "ccloud-logexporter:archive": '{"bucket": "logexporter-ccloud"}',
        "ccloud-logexporter:logzio": '{"apiToken": "t"}',
        "aws:region": "us-west-2",
    }

    with pytest.raises(SettingsError, match="the audit-log cluster is in eu-west-1"):
        record_program(config, {**INVOKES, "confluentcloud:index/getKafkaCluster:getKafkaCluster": elsewhere})


def test_every_alarm_is_on_a_metric_that_the_vms_watchdog_sends(default: Recorder) -> None:
    settings = json.loads(on_the_vm(default)["/etc/s3-auditlog-sink/watchdog.json"])

    assert len(default.of_type(ALARM)) == len(ALARMS)
    for alarm in default.of_type(ALARM):
        assert alarm.inputs["metricName"] in UNITS
        assert alarm.inputs["namespace"] == settings["namespace"]
        assert not alarm.inputs.get("dimensions")


def test_silence_is_an_alarm(default: Recorder) -> None:
    loud = {one.name for one in default.of_type(ALARM) if one.inputs["treatMissingData"] == "breaching"}

    assert loud == {"worker-heartbeat", "worker-stuck"}


def test_every_alarm_comes_within_hours_of_the_7_days_that_kafka_keeps_events(default: Recorder) -> None:
    for alarm in default.of_type(ALARM):
        assert alarm.inputs["period"] * alarm.inputs["evaluationPeriods"] <= 3 * 3600


def test_the_vm_may_write_metrics_in_one_namespace_only(default: Recorder) -> None:
    (rights,) = [
        one for one in default.of_type("aws:iam/rolePolicy:RolePolicy") if one.name == "worker-metrics"
    ]
    (statement,) = policy(rights)["Statement"]

    assert statement["Action"] == ["cloudwatch:PutMetricData"]
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "CcloudLogexporter/test"}}


def test_alarms_that_take_silence_for_a_fault_come_after_the_vm(default: Recorder) -> None:
    for alarm in default.of_type(ALARM):
        assert default.one(INSTANCE).urn in default.needs(alarm)


def test_a_topic_of_the_settings_is_told_of_every_alarm_and_its_end() -> None:
    topic = "arn:aws:sns:us-west-2:123456789012:on-call"
    recorder = program(worker={"alarmTopicArn": topic})

    for alarm in recorder.of_type(ALARM):
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [topic]


def test_without_metrics_there_is_neither_alarm_nor_right() -> None:
    recorder = program(worker={"metrics": False})

    assert recorder.of_type(ALARM) == []
    assert not [one for one in recorder.registrations if one.name == "worker-metrics"]
    assert json.loads(on_the_vm(recorder)["/etc/s3-auditlog-sink/watchdog.json"])["metrics"] is False
    assert "METRICS=false" in recorder.one(INSTANCE).inputs["userData"]


def test_nothing_is_protected_since_destroy_would_fail(default: Recorder) -> None:
    assert not [one.name for one in default.registrations if one.protect]
