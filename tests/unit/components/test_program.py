"""The whole program under mocks: what is made, in which order, and where the secrets are."""

import base64
import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import javaproperties
import pulumi
import pulumi_aws as aws
import pytest

from components.owner import Owner
from components.running_stack import RunningStack
from components.settings import SettingsError
from components.settings.sections import MOST_VMS
from components.worker.alarms import SECONDS_MISSING, alarms
from components.worker.config import Connect, Endpoints, Kafka, Platform, Sink, WorkerConfig
from components.worker.files.watchdog.metrics import PER_VM, UNITS, metric
from components.worker.images import UBUNTU_LTS_PARAMETERS
from components.worker.vm import ConnectWorker, ConnectWorkerArgs, Machine
from tests.unit.components import recorder as recorder_module
from tests.unit.components.recorder import (
    INVOKES,
    PROJECT,
    REFUSED,
    STACK,
    Recorder,
    Registration,
    record,
    record_program,
)
from tests.unit.components.worker.unpacked import bundle_object, on_the_vm

TOPIC = "confluent-audit-log-events"
API_SECRET = "planted/api+secret="
TOKEN = "planted-logzio-token"

INSTANCE = "aws:ec2/instance:Instance"
PARAMETER = "aws:ssm/parameter:Parameter"
KMS_KEY = "aws:kms/key:Key"
KMS_KEY_ARN = "arn:aws:kms:us-west-2:111122223333:key/made"
REGISTRATION = "pulumi-python:dynamic/logexporter:LogzioRegistration"
ACCOUNT = "pulumi-python:dynamic/logexporter:LogzioAccount"
SENTINEL = "aws:s3/bucketObjectv2:BucketObjectv2"
ROLE = "aws:iam/role:Role"
USER = "aws:iam/user:User"
KEY = "aws:iam/accessKey:AccessKey"
API_KEY = "confluentcloud:index/apiKey:ApiKey"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
ALARM_TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"

# Types that AWS cannot tag, or that are parts of another resource.
UNTAGGABLE = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:kms/alias:Alias",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    # AWS can tag a dashboard, the plugin cannot.
    DASHBOARD,
    KEY,
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
}


def program(
    by_ids: bool = False,
    invokes: Mapping[str, Mapping[str, Any]] = INVOKES,
    project: str = PROJECT,
    stack: str = STACK,
    **sections: dict[str, Any],
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
    return record_program({**config, "aws:region": "us-west-2"}, invokes, project, stack)


@pytest.fixture(scope="module")
def default() -> Recorder:
    return program()


def components(recorder: Recorder) -> list[str]:
    return [
        registration.type
        for registration in recorder.registrations
        if registration.type.startswith("logexporter:")
    ]


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
    for registration in default.registrations:
        if not registration.type.startswith("logexporter:"):
            assert "logexporter:" in registration.parent, registration.name


def test_everything_that_can_be_tagged_is(default: Recorder) -> None:
    for registration in default.registrations:
        if registration.type.startswith("aws:") and registration.type not in UNTAGGABLE:
            tags = registration.inputs.get("tags", {})
            assert {"Project", "Stack", "ManagedBy"} <= tags.keys(), (registration.type, registration.name)


def test_objects_do_not_get_the_providers_default_tags(default: Recorder) -> None:
    objects = default.of_type(SENTINEL)

    assert objects
    for uploaded in objects:
        assert uploaded.inputs["overrideProvider"] == {"defaultTags": {"tags": {}}}
        assert len(uploaded.inputs["tags"]) <= 10


def test_tags_of_the_settings_are_on_everything_too() -> None:
    recorder = program(tags={"team": "security"})

    assert recorder.one("aws:s3/bucket:Bucket").inputs["tags"]["team"] == "security"
    assert recorder.one(INSTANCE).inputs["volumeTags"]["team"] == "security"


def test_each_partition_is_registered_after_its_sentinel_is_made(default: Recorder) -> None:
    registrations = default.of_type(REGISTRATION)
    sentinels = {
        sentinel.urn
        for sentinel in default.of_type(SENTINEL)
        if sentinel.inputs["key"].endswith("!logzio-init")
    }

    assert {registration.inputs["prefix"] for registration in registrations} == {
        f"topics/{TOPIC}/partition={partition}/" for partition in range(3)
    }
    assert len(sentinels) == 3
    for registration in registrations:
        assert sentinels <= default.needs(registration)


def test_the_vm_is_made_after_every_registration(default: Recorder) -> None:
    instance = default.one(INSTANCE)
    before = default.needs(instance)

    for type_ in (REGISTRATION, SENTINEL, PARAMETER, KEY, EGRESS, "aws:iam/rolePolicy:RolePolicy"):
        found = {resource.urn for resource in default.of_type(type_)}
        assert found, type_
        assert found <= before, type_


def test_registrations_are_made_after_the_roles_rights(default: Recorder) -> None:
    (reader_policy,) = [
        grant for grant in default.of_type("aws:iam/rolePolicy:RolePolicy") if grant.name == "reader-policy"
    ]

    for registration in default.of_type(REGISTRATION):
        assert reader_policy.urn in default.needs(registration)


def test_the_key_of_the_writer_comes_after_its_rights(default: Recorder) -> None:
    rights = default.one("aws:iam/userPolicy:UserPolicy")

    assert rights.urn in default.needs(default.one(KEY))
    assert [statement["Sid"] for statement in policy(rights)["Statement"]] == [
        "ListBuckets",
        "FindBucket",
        "WriteObjects",
    ]


def test_the_readers_role_trusts_what_logzio_says(default: Recorder) -> None:
    role = default.one(ROLE, "ccloud-logexporter-test-reader")

    assert default.one(ACCOUNT).urn in default.needs(role)


def test_logzio_can_read_with_a_users_key_instead_of_a_role() -> None:
    recorder = program(logzio={"authentication": "keys"})

    assert not recorder.of_type(ACCOUNT)
    assert [identity.name for identity in recorder.of_type(ROLE)] == ["ccloud-logexporter-test-worker"]
    for registration in recorder.of_type(REGISTRATION):
        assert registration.inputs["access_key"] == "reader-key-1-id"
        assert "secret_key" in registration.secret_inputs
        assert registration.inputs.get("role_arn") is None


def test_of_two_key_generations_the_last_is_in_use() -> None:
    recorder = program(
        by_ids=True,
        source={"keyGenerations": [1, 2]},
        writer={"keyGenerations": [3, 4]},
        logzio={"authentication": "keys", "keyGenerations": [1, 2]},
    )

    names = {key.name for key in (*recorder.of_type(KEY), *recorder.of_type(API_KEY))}
    assert names == {f"{key}-key-{generation}" for key, generation in (
        ("audit-log", 1), ("audit-log", 2), ("writer", 3), ("writer", 4), ("reader", 1), ("reader", 2)
    )}  # fmt: skip
    values = {parameter.name: json.loads(parameter.inputs["value"]) for parameter in credentials_in(recorder)}
    assert values["worker-kafka-credentials"]["key"] == "audit-log-key-2-id"
    assert values["worker-writer-credentials"]["access_key_id"] == "writer-key-4-id"
    assert {registration.inputs["access_key"] for registration in recorder.of_type(REGISTRATION)} == {
        "reader-key-2-id"
    }


def test_a_deactivated_key_stays_deactivated_and_goes_with_its_user(default: Recorder) -> None:
    assert default.one(KEY).ignore_changes == ("status",)
    assert default.one(USER).inputs["forceDestroy"] is True


def test_a_rotation_does_not_touch_the_vm(default: Recorder) -> None:
    rotated = program(writer={"keyGenerations": [1, 2]})

    assert rotated.one(INSTANCE).inputs == default.one(INSTANCE).inputs


def test_a_writer_by_role_has_no_key_at_all() -> None:
    recorder = program(writer={"identity": "role"})

    assert not recorder.of_type(USER)
    assert not recorder.of_type(KEY)
    assert [parameter.name for parameter in credentials_in(recorder)] == ["worker-kafka-credentials"]
    (rights,) = [
        grant for grant in recorder.of_type("aws:iam/rolePolicy:RolePolicy") if grant.name == "worker-writer"
    ]
    assert "s3:PutObject" in json.dumps(policy(rights))
    assert "aws.secret.access.key" not in properties_on_the_vm(recorder, "s3-sink-connector.properties")


def test_secrets_are_secure_strings_and_secret_in_the_state(default: Recorder) -> None:
    parameters = {parameter.name: parameter for parameter in credentials_in(default)}

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
    for registration in default.registrations:
        open_inputs = {
            name: registration.inputs[name]
            for name in registration.inputs
            if name not in registration.secret_inputs
        }
        shown = json.dumps(open_inputs)
        for secret in (API_SECRET, TOKEN, "made-access-key-secret"):
            assert secret not in shown, (registration.type, registration.name)


def test_the_token_of_logzio_is_the_input_of_no_resource(default: Recorder) -> None:
    assert TOKEN not in json.dumps([dict(registration.inputs) for registration in default.registrations])


def test_no_output_of_the_stack_is_a_secret(default: Recorder) -> None:
    assert set(default.exports) == {
        "consumerGroup",
        "bucket",
        "region",
        "topicPrefixes",
        "registrationIds",
        "partitioner",
        "instanceIds",
        "availabilityZones",
        "architecture",
        "shellCommands",
        "searchUrl",
        "alarmTopicArn",
        "certificateNotAfter",
        "dashboardUrl",
    }


def test_the_vm_may_read_its_own_parameters_and_no_other(default: Recorder) -> None:
    (rights,) = [
        grant for grant in default.of_type("aws:iam/rolePolicy:RolePolicy") if grant.name == "worker-secrets"
    ]
    read, decrypt = policy(rights)["Statement"]
    own = [
        f"arn:aws:ssm:us-west-2:111122223333:parameter{parameter.inputs['name']}"
        for parameter in credentials_in(default)
    ]

    assert len(own) == 2
    assert (read["Action"], read["Resource"]) == (["ssm:GetParameter"], own)
    assert (decrypt["Action"], decrypt["Resource"]) == (["kms:Decrypt"], [KMS_KEY_ARN])
    assert decrypt["Condition"]["StringEquals"]["kms:EncryptionContext:PARAMETER_ARN"] == own


def test_a_key_of_the_stack_encrypts_every_parameter(default: Recorder) -> None:
    key, alias = default.one(KMS_KEY), default.one("aws:kms/alias:Alias")
    (statement,) = policy(key)["Statement"]

    assert {parameter.inputs["keyId"] for parameter in credentials_in(default)} == {KMS_KEY_ARN}
    assert key.inputs["enableKeyRotation"] is True
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    # Deleted with the stack; a key that is kept costs.
    assert not key.retain_on_delete
    assert alias.inputs["name"] == f"alias/{PROJECT}-{STACK}-worker-secrets"
    assert key.inputs["description"].startswith(f"{PROJECT}/{STACK}: ")


def test_a_given_key_encrypts_every_parameter_and_no_other_is_made() -> None:
    given = "arn:aws:kms:us-west-2:999999999999:key/0d6f5b0e"
    recorder = program(worker={"secretsKeyArn": given})
    (rights,) = [
        registration for registration in recorder.registrations if registration.name == "worker-secrets"
    ]

    assert recorder.of_type(KMS_KEY) == []
    assert {parameter.inputs["keyId"] for parameter in credentials_in(recorder)} == {given}
    assert policy(rights)["Statement"][1]["Resource"] == [given]


def test_the_order_is_rights_then_parameters_then_the_vm(
    default: Recorder,
) -> None:
    (rights,) = [
        registration
        for registration in default.registrations
        if registration.name == "worker-secrets" and "Policy" in registration.type
    ]
    parameters = credentials_in(default)

    assert parameters
    for parameter in parameters:
        assert rights.urn in default.needs(parameter)
        assert parameter.urn in default.needs(default.one(INSTANCE))
        assert parameter.urn not in default.needs(rights)


def test_the_partition_comes_from_the_account() -> None:
    elsewhere = {"accountId": "111122223333", "arn": "arn:aws-us-gov:iam::111122223333:user/deployer"}
    recorder = program(
        invokes={**INVOKES, "aws:index/getCallerIdentity:getCallerIdentity": elsewhere},
    )
    (rights,) = [
        registration
        for registration in recorder.registrations
        if registration.name == "worker-secrets" and "Policy" in registration.type
    ]
    (statement,) = policy(recorder.one(KMS_KEY))["Statement"]

    assert statement["Principal"] == {"AWS": "arn:aws-us-gov:iam::111122223333:root"}
    for resource in policy(rights)["Statement"][0]["Resource"]:
        assert resource.startswith("arn:aws-us-gov:ssm:us-west-2:111122223333:parameter/")


def test_a_parameter_that_lost_its_key_gives_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the plugin reads it back after a value that was put without the key's name."""
    assert "pulumi up" not in "".join(program().warnings)
    monkeypatch.setitem(recorder_module.OVERRIDES, PARAMETER, {"keyId": "alias/aws/ssm"})

    warnings = [warning for warning in program().warnings if "run `pulumi up` again" in warning]

    assert len(warnings) == 2
    assert all(f"is under alias/aws/ssm, not under {KMS_KEY_ARN}" in warning for warning in warnings)


def test_the_vms_metadata_needs_a_token_and_stays_on_the_vm(default: Recorder) -> None:
    assert default.one(INSTANCE).inputs["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }


def test_the_vms_volume_is_encrypted(default: Recorder) -> None:
    assert default.one(INSTANCE).inputs["rootBlockDevice"]["encrypted"] is True


def test_a_volume_of_another_size_replaces_the_vm(default: Recorder) -> None:
    assert default.one(INSTANCE).replace_on_changes == ("rootBlockDevice.volumeSize",)


def test_new_user_data_makes_the_new_vm_before_removing_the_former_one(default: Recorder) -> None:
    instance = default.one(INSTANCE)

    assert instance.inputs["userDataReplaceOnChange"] is True
    assert not instance.delete_before_replace


@pytest.mark.parametrize(
    ("former", "first"), [({}, True), ({"partitioner": "default"}, True), ({"partitioner": "ordered"}, False)]
)
def test_a_vm_that_writes_keys_in_another_order_is_removed_first(former: dict[str, str], first: bool) -> None:
    instance = program(invokes={**INVOKES, **lived_in(**former)}).one(INSTANCE)

    assert instance.delete_before_replace == first


def test_the_vm_knows_key_and_sha256_of_its_files(default: Recorder) -> None:
    stored = bundle_object(default)
    sha256 = hashlib.sha256(base64.b64decode(stored.inputs["contentBase64"])).hexdigest()

    assert stored.inputs["key"] == f"worker-files/{sha256}.tar.bz2"
    user_data = default.one(INSTANCE).inputs["userData"]
    assert f"KEY={stored.inputs['key']}\n" in user_data


def test_the_vms_files_are_uploaded_before_the_vm_is_made(default: Recorder) -> None:
    stored = bundle_object(default)

    assert stored.inputs["bucket"] == "logexporter-ccloud"
    assert default.one("aws:s3/bucketPolicy:BucketPolicy").urn in default.needs(stored)
    assert stored.urn in default.needs(default.one(INSTANCE))


def test_changed_files_are_a_new_object_and_a_new_vm() -> None:
    before, after = program(), program(worker={"logLevel": "DEBUG"})

    assert bundle_object(before).inputs["key"] != bundle_object(after).inputs["key"]
    assert before.one(INSTANCE).inputs["userData"] != after.one(INSTANCE).inputs["userData"]
    assert not bundle_object(before).delete_before_replace


def test_the_vms_files_stay_in_the_bucket_until_it_goes(default: Recorder) -> None:
    assert bundle_object(default).retain_on_delete
    assert bundle_object(program(archive={"destroyWithData": True})).retain_on_delete
    assert bundle_object(default).ignore_changes == ("objectLockMode", "objectLockRetainUntilDate")


@pytest.mark.parametrize("key", [None, "arn:aws:kms:us-west-2:111122223333:key/0d6f5b0e"])
def test_the_vm_may_read_its_own_files_and_no_other_object(key: str | None) -> None:
    recorder = program(archive={"kmsKeyArn": key} if key else {})
    (rights,) = [
        grant for grant in recorder.of_type("aws:iam/rolePolicy:RolePolicy") if grant.name == "worker-files"
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


def ami_of(architecture: str, **more: dict[str, Any]) -> dict[str, Any]:
    """What EC2 says where every type and image is of one architecture."""
    return {
        **INVOKES,
        "aws:ec2/getInstanceType:getInstanceType": {"supportedArchitectures": [architecture]},
        "aws:ec2/getAmi:getAmi": {"architecture": architecture},
        **more,
    }


def credentials_in(recorder: Recorder) -> list[Registration]:
    """The parameters that hold credentials."""
    return [
        parameter for parameter in recorder.of_type(PARAMETER) if parameter.inputs["type"] == "SecureString"
    ]


def lived_in(**outputs: Any) -> dict[str, Any]:
    """What the engine says of a stack that exported this at its last `up`."""
    return {"pulumi:pulumi:readStackOutputs": {"outputs": {"region": "us-west-2", **outputs}}}


@pytest.mark.parametrize(("architecture", "canonicals"), [("x86_64", "amd64"), ("arm64", "arm64")])
def test_the_default_image_is_for_the_architecture_of_the_instance_type(
    architecture: str, canonicals: str
) -> None:
    recorder = program(invokes=ami_of(architecture))
    parameter = next(invoke for invoke in recorder.invokes if "getParameter" in invoke.token)

    assert parameter.args["name"] == UBUNTU_LTS_PARAMETERS[architecture]  # type: ignore[index]  # one of its keys
    assert f"/24.04/stable/current/{canonicals}/" in parameter.args["name"]
    assert recorder.exports["architecture"] == architecture


def test_an_image_for_another_architecture_is_refused_in_the_preview() -> None:
    invokes = {**ami_of("x86_64"), "aws:ec2/getAmi:getAmi": {"architecture": "arm64"}}

    with pytest.raises(SettingsError, match=r"worker\.ami: is for arm64, and t3\.small is x86_64"):
        program(invokes=invokes, worker={"ami": "ami-0123456789abcdef0"})


def test_a_type_for_neither_architecture_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"worker\.instanceType: t3\.small runs x86_64_mac only"):
        program(invokes=ami_of("x86_64_mac"))


@pytest.mark.parametrize(
    ("before", "now", "kept"),
    [
        ("x86_64", "x86_64", True),
        ("x86_64", "arm64", False),
        ("arm64", "x86_64", False),
        # Version 0.1 did not tell, and knew x86 only.
        (None, "x86_64", True),
        (None, "arm64", False),
    ],
)
def test_a_type_of_another_architecture_takes_the_image_of_its_own(
    before: str | None, now: str, kept: bool
) -> None:
    outputs = {} if before is None else {"architecture": before}
    instance = program(invokes=ami_of(now, **lived_in(**outputs))).one(INSTANCE)

    assert instance.ignore_changes == (("ami",) if kept else ())


def test_an_image_of_the_settings_replaces_the_vm_when_it_changes() -> None:
    instance = program(worker={"ami": "ami-0123456789abcdef0"}).one(INSTANCE)

    assert instance.inputs["ami"] == "ami-0123456789abcdef0"
    assert instance.ignore_changes == ()


def test_nothing_comes_in_and_only_what_is_needed_goes_out(default: Recorder) -> None:
    group = default.one("aws:ec2/securityGroup:SecurityGroup")

    assert "ingress" not in group.inputs
    assert not [registration for registration in default.registrations if "Ingress" in registration.type]
    assert sorted(int(rule.inputs["toPort"]) for rule in default.of_type(EGRESS)) == [80, 443, 9092]
    for rule in default.of_type(EGRESS):
        assert rule.inputs["fromPort"] == rule.inputs["toPort"]
        assert rule.inputs["ipProtocol"] == "tcp"


def test_the_default_group_of_the_own_network_has_no_rule(default: Recorder) -> None:
    group = default.one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")

    assert group.inputs["vpcId"] == "worker-id"
    assert {"ingress", "egress"}.isdisjoint(group.inputs)


def test_the_bucket_itself_refuses_keys_of_the_uploader(default: Recorder) -> None:
    encryption = default.one(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    )

    (rule,) = encryption.inputs["rules"]
    assert rule["blockedEncryptionTypes"] == ["SSE-C"]


def test_a_mirror_on_a_port_of_its_own_can_be_reached() -> None:
    recorder = program(
        worker={
            "repositoryUrl": "https://mirror.internal:8443/deb",
            "repositoryKeyUrl": "https://mirror.internal:8444/archive.key",
        }
    )

    assert {8443, 8444} <= {int(rule.inputs["toPort"]) for rule in recorder.of_type(EGRESS)}


def test_dns_servers_of_a_given_subnet_can_be_reached_and_no_others() -> None:
    recorder = program(
        worker={"subnetId": "subnet-0123456789abcdef0", "dnsServers": ["10.0.0.2", "10.0.1.2"]}
    )
    dns = [rule.inputs for rule in recorder.of_type(EGRESS) if rule.inputs["toPort"] == 53]

    assert sorted((rule["cidrIpv4"], rule["ipProtocol"]) for rule in dns) == [
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

    assert {53, 80, 443, 8443, 9092} <= {resource.inputs.get("toPort") for resource in described}
    for resource in described:
        # EC2's refusal ("Invalid rule description") lists these characters; an apostrophe is not among them.
        assert re.fullmatch(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}", resource.inputs["description"])


def test_the_subnet_is_in_a_zone_that_has_the_instance_type(default: Recorder) -> None:
    subnet = default.one("aws:ec2/subnet:Subnet")

    assert subnet.inputs["availabilityZone"] == "us-west-2a"
    assert subnet.delete_before_replace


def test_a_new_route_table_replaces_the_association(default: Recorder) -> None:
    association = default.one("aws:ec2/routeTableAssociation:RouteTableAssociation")

    assert association.replace_on_changes == ("routeTableId",)
    assert association.delete_before_replace


SUBNET = "aws:ec2/subnet:Subnet"
OFFERINGS = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"


def test_a_running_stack_keeps_its_zone() -> None:
    invokes = {**INVOKES, **lived_in(availabilityZone="us-west-2b")}
    recorder = program(invokes=invokes)

    assert recorder.one(SUBNET).inputs["availabilityZone"] == "us-west-2b"
    # Version 0.1 did not tell its zone.
    assert recorder.one(SUBNET).ignore_changes == ("availabilityZone",)


def test_a_type_that_the_kept_zone_lacks_is_refused_with_the_zones_that_have_it() -> None:
    invokes = {**INVOKES, **lived_in(availabilityZone="us-west-2c")}

    with pytest.raises(
        SettingsError,
        match=r"us-west-2c, where a subnet of the stack is, has no t3\.small.*us-west-2a, us-west-2b",
    ):
        program(invokes=invokes)


@pytest.mark.parametrize(
    ("wanted", "present", "chosen"),
    [
        (["us-west-2b", "us-west-2a"], None, "us-west-2b"),
        (["us-west-2d", "us-west-2a"], None, "us-west-2a"),
        (["us-west-2b", "us-west-2a"], "us-west-2a", "us-west-2a"),
        (["us-west-2b"], "us-west-2a", "us-west-2b"),
    ],
)
def test_the_first_fitting_zone_of_the_settings_is_taken_unless_the_present_one_fits(
    wanted: list[str], present: str | None, chosen: str
) -> None:
    before = {} if present is None else lived_in(availabilityZone=present)
    recorder = program(invokes={**INVOKES, **before}, worker={"availabilityZones": wanted})

    assert recorder.one(SUBNET).inputs["availabilityZone"] == chosen
    assert recorder.one(SUBNET).ignore_changes == ()


FLEET: dict[str, Any] = {"count": 3}


def test_each_vm_is_in_a_zone_of_its_own_as_far_as_there_are_zones() -> None:
    recorder = program(worker=FLEET)

    assert {
        (subnet.name, subnet.inputs["availabilityZone"], subnet.inputs["cidrBlock"])
        for subnet in recorder.of_type(SUBNET)
    } == {
        ("worker", "us-west-2a", "10.42.0.0/24"),
        ("worker-us-west-2b", "us-west-2b", "10.42.1.16/28"),
    }
    assert {instance.name: instance.inputs["subnetId"] for instance in recorder.of_type(INSTANCE)} == {
        "worker": "worker-id",
        "worker-2": "worker-us-west-2b-id",
        "worker-3": "worker-id",
    }
    associations = recorder.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
    assert {association.inputs["subnetId"] for association in associations} == {
        "worker-id",
        "worker-us-west-2b-id",
    }


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_count_changes_what_another_count_has_made(count: int) -> None:
    zones = ["us-west-2b", "us-west-2a", "us-west-2c"]
    offered = {**INVOKES, OFFERINGS: {"locations": zones}}
    before = lived_in(availabilityZones=["us-west-2b", "us-west-2c"])
    subnets = {
        subnet.name: (subnet.inputs["availabilityZone"], subnet.inputs["cidrBlock"])
        for subnet in program(invokes={**offered, **before}, worker={"count": count}).of_type(SUBNET)
    }

    assert subnets == dict(
        [
            ("worker", ("us-west-2b", "10.42.0.0/24")),
            ("worker-us-west-2c", ("us-west-2c", "10.42.1.32/28")),
            ("worker-us-west-2a", ("us-west-2a", "10.42.1.0/28")),
        ][:count]
    )


def test_a_vm_is_made_after_the_one_before_runs_and_goes_without_waiting_for_another() -> None:
    recorder = program(worker=FLEET)
    instances = recorder.of_type(INSTANCE)

    # tests/engine/test_fleet.py has the moments of their creation.
    for instance in instances:
        assert not recorder.needs(instance) & {other.urn for other in instances}
    asked = [args.args["name"] for args in recorder.invokes if "name" in args.args]
    assert {f"/ccloud-logexporter/test/vm-{number}-status" for number in (1, 2, 3)} <= set(asked)


def test_a_vm_that_ran_at_the_end_of_the_last_up_is_not_waited_for() -> None:
    invokes = {**INVOKES, **lived_in(instanceIds=["worker-id"])}
    recorder = program(invokes=invokes)

    assert not [args for args in recorder.invokes if "status" in str(args.args.get("name"))]


def test_the_vms_may_write_their_own_status_and_no_other_parameter() -> None:
    recorder = program(worker=FLEET)
    (rights,) = [
        grant for grant in recorder.of_type("aws:iam/rolePolicy:RolePolicy") if grant.name == "worker-status"
    ]
    (statement,) = policy(rights)["Statement"]

    assert statement["Action"] == ["ssm:PutParameter"]
    assert statement["Resource"] == [
        f"arn:aws:ssm:us-west-2:111122223333:parameter/ccloud-logexporter/test/vm-{number}-status"
        for number in (1, 2, 3)
    ]


def test_a_fleet_has_alarms_for_each_vm_and_one_on_its_members() -> None:
    recorder = program(worker=FLEET)
    names = {alarm.name.removeprefix("ccloud-logexporter-test-worker-") for alarm in recorder.of_type(ALARM)}

    assert {"heartbeat", "heartbeat-2", "heartbeat-3", "boot-2", "task-3", "members", "stuck"} <= names
    assert "stuck-2" not in names
    (members,) = [alarm for alarm in recorder.of_type(ALARM) if alarm.name.endswith("worker-members")]
    assert (members.inputs["threshold"], members.inputs["metricName"]) == (3, "GroupMembers")


def test_given_subnets_are_taken_in_turn() -> None:
    subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    recorder = program(worker={**FLEET, "subnetIds": subnets})

    assert len(recorder.of_type(INSTANCE)) == 3
    assert not recorder.of_type(SUBNET)


def test_zones_of_the_settings_without_the_type_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"worker\.availabilityZones: none of us-west-2d has t3\.small"):
        program(worker={"availabilityZones": ["us-west-2d"]})


def test_an_instance_type_that_the_region_does_not_have_is_refused_by_its_setting() -> None:
    # A Local Zone that the account has opted in to is none: it lacks gp3 volumes.
    for locations in ([], ["us-west-2-lax-1a", "us-west-2-wl1-las-wlz-1"]):
        with pytest.raises(
            SettingsError, match=r"worker\.instanceType: no availability zone .* has t3\.small"
        ):
            program(invokes={**INVOKES, OFFERINGS: {"locations": locations}})


def test_an_existing_subnet_takes_the_place_of_the_network() -> None:
    recorder = program(worker={"subnetId": "subnet-0123456789abcdef0"})

    assert recorder.one(INSTANCE).inputs["subnetId"] == "subnet-0123456789abcdef0"
    assert recorder.one("aws:ec2/securityGroup:SecurityGroup").inputs["vpcId"] == "vpc-given"
    for type_ in (
        "aws:ec2/vpc:Vpc",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    ):
        assert not recorder.of_type(type_)


GIVEN: dict[str, Any] = {"subnetId": "subnet-0123456789abcdef0"}
GET_SUBNET = "aws:ec2/getSubnet:getSubnet"


def given_subnet(routes: list[dict[str, Any]] | None = None, **changed: Any) -> Recorder:
    invokes = {**INVOKES, GET_SUBNET: {**INVOKES[GET_SUBNET], **changed}}
    if routes is not None:
        invokes["aws:ec2/getRouteTable:getRouteTable"] = {"routes": routes}
    return program(invokes=invokes, worker=GIVEN)


def test_an_ipv6_only_subnet_is_refused_in_the_preview() -> None:
    with pytest.raises(
        SettingsError, match=r"worker\.subnetId: subnet-0123456789abcdef0 is an IPv6-only subnet"
    ):
        given_subnet(ipv6Native=True)


def test_a_given_subnet_in_a_zone_without_the_type_is_refused_in_the_preview() -> None:
    with pytest.raises(
        SettingsError, match=r"us-west-2d, where subnet-0123456789abcdef0 is, has no t3\.small"
    ):
        given_subnet(availabilityZone="us-west-2d")


IGW = {"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}
NAT = {"cidrBlock": "0.0.0.0/0", "gatewayId": "", "natGatewayId": "nat-1"}


@pytest.mark.parametrize(
    ("routes", "public", "missing"),
    [
        ([{"cidrBlock": "10.0.0.0/16", "gatewayId": "local"}], True, "has no route to 0.0.0.0/0"),
        ([IGW], False, "leads to an internet gateway and gives its instances no public address"),
        ([IGW], True, None),
        ([NAT], False, None),
    ],
)
def test_a_given_subnet_without_a_way_out_gives_a_warning(
    routes: list[dict[str, Any]], public: bool, missing: str | None
) -> None:
    recorder = given_subnet(routes, mapPublicIpOnLaunch=public)
    warned = [text for text in recorder.warnings if "worker.subnetId" in text]

    assert len(warned) == (missing is not None)
    assert all(str(missing) in text for text in warned)
    assert recorder.one(INSTANCE)


def test_who_may_not_look_at_route_tables_can_still_deploy() -> None:
    refused = {"aws:ec2/getRouteTables:getRouteTables": {REFUSED: "UnauthorizedOperation"}}
    recorder = program(invokes={**INVOKES, **refused}, worker=GIVEN)

    assert recorder.one(INSTANCE)
    assert not [text for text in recorder.warnings if "subnetId" in text]


def test_a_stack_with_unreadable_outputs_counts_as_new_with_a_warning() -> None:
    refused = {"pulumi:pulumi:readStackOutputs": {REFUSED: "a stack may not have a slash in its name"}}
    recorder = program(invokes={**INVOKES, **refused})

    assert recorder.one(INSTANCE)
    assert [text for text in recorder.warnings if "outputs cannot be read" in text and "slash" in text]


WORKER = WorkerConfig(
    owner=Owner(PROJECT, STACK),
    region="us-west-2",
    kafka=Kafka("pkc-1:9092", (TOPIC,), {TOPIC: 3}, "a-group"),
    bucket="a-bucket",
    bucket_locked=False,
    sink=Sink(
        name="a-sink",
        topics_dir="topics",
        flush_size=5000,
        rotation_seconds=60,
        partitioner="ordered",
        part_size=5 * 1024 * 1024,
        format="json",
        compression="gzip",
        compression_level=6,
        renames={},
        flatten=True,
        excluded_fields=(),
        properties={},
        url="https://mirror.internal/sink.zip",
        sha256=None,
    ),
    originals=None,
    writer_identity="role",
    platform=Platform(
        "7.9",
        8,
        "confluent-kafka",
        None,
        "https://mirror.internal/deb",
        "https://mirror.internal/key",
        ("A" * 40,),
    ),
    connect=Connect(384, "INFO", 8083),
    endpoints=Endpoints(),
    count=1,
    reboot_time="never",
    metrics=True,
)
"""Of the worker alone, without settings of the other components."""
MACHINE = Machine("t3.small", None, 20, (), (), (), 20)
EXISTING = replace(MACHINE, ami="ami-0123456789abcdef0", subnet_ids=(str(GIVEN["subnetId"]),))


def worker_args(machine: Machine) -> ConnectWorkerArgs:
    return ConnectWorkerArgs(
        config=WORKER,
        machine=machine,
        kafka_api_key=pulumi.Output.from_input("k"),
        kafka_api_secret=pulumi.Output.from_input("s"),
        tags={},
        running_stack=RunningStack(),
        writer_policy=pulumi.Output.from_input("{}"),
    )


def test_a_worker_needs_no_logzio() -> None:
    recorder = record(lambda: ConnectWorker("worker", worker_args(MACHINE)))

    assert recorder.one(INSTANCE)
    assert not [registration for registration in recorder.registrations if "ogzio" in registration.type]


def test_a_worker_without_a_writer_of_its_identity_is_refused() -> None:
    with pytest.raises(ValueError, match="identity"):
        replace(worker_args(MACHINE), config=replace(WORKER, writer_identity="user"))
    with pytest.raises(ValueError, match="identity"):
        replace(worker_args(MACHINE), writer_policy=None)


def test_every_question_to_aws_goes_to_the_provider_of_its_component() -> None:
    def elsewhere(machine: Machine) -> ConnectWorker:
        opts = pulumi.ResourceOptions(providers=[aws.Provider("another-account")])
        return ConnectWorker("worker", worker_args(machine), opts)

    asked = [
        invoke
        for machine in (EXISTING, MACHINE)
        for invoke in record(functools.partial(elsewhere, machine)).invokes
    ]

    assert {invoke.token for invoke in asked} == {
        "aws:ec2/getAmi:getAmi",
        "aws:index/getCallerIdentity:getCallerIdentity",
        "aws:ec2/getInstanceType:getInstanceType",
        OFFERINGS,
        "aws:ec2/getRouteTable:getRouteTable",
        "aws:ec2/getRouteTables:getRouteTables",
        GET_SUBNET,
        "aws:ssm/getParameter:getParameter",
    }
    for invoke in asked:
        assert "another-account" in (invoke.provider or ""), invoke.token


def test_the_ids_give_endpoint_and_key() -> None:
    recorder = program(by_ids=True)
    key = recorder.one("confluentcloud:index/apiKey:ApiKey")
    (parameter,) = [parameter for parameter in credentials_in(recorder) if "kafka" in parameter.name]

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


def test_a_cluster_in_another_region_is_refused_before_anything_is_made() -> None:
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


@pytest.mark.parametrize(
    "outputs",
    [
        {"region": "eu-central-1"},
        # Version 0.1.
        {"shellCommand": "aws ssm start-session --region eu-central-1 --target i-0123", "bucket": "b"},
    ],
)
def test_another_region_for_a_running_stack_is_refused_before_anything_is_made(
    outputs: dict[str, str],
) -> None:
    before = {"pulumi:pulumi:readStackOutputs": {"outputs": outputs}}

    with pytest.raises(SettingsError, match="aws:region: is us-west-2, but this stack is in eu-central-1"):
        program(invokes={**INVOKES, **before})


def test_a_running_stack_stays_in_its_region() -> None:
    before = {"pulumi:pulumi:readStackOutputs": {"outputs": {"region": "us-west-2"}}}

    assert program(invokes={**INVOKES, **before}).of_type(INSTANCE)


def test_every_alarm_is_on_a_metric_that_the_vms_watchdog_sends(default: Recorder) -> None:
    settings = json.loads(on_the_vm(default)["/etc/s3-auditlog-sink/watchdog.json"])

    assert len(default.of_type(ALARM)) == len(alarms(originals=True, count=1, reader_role=True))
    for alarm in default.of_type(ALARM):
        assert alarm.inputs["metricName"] in UNITS
        assert alarm.inputs["namespace"] == settings["namespace"]
        per_vm = alarm.inputs["metricName"] in PER_VM
        assert alarm.inputs["dimensions"] == ({"Vm": "1"} if per_vm else {})


def test_silence_is_an_alarm(default: Recorder) -> None:
    loud = {alarm.name for alarm in default.of_type(ALARM) if alarm.inputs["treatMissingData"] == "breaching"}

    assert loud == {
        f"ccloud-logexporter-test-worker-{alarm}"
        for alarm in ("heartbeat", "stuck", "originals-stuck", "logzio")
    }


READER_USE = "worker-reader-use"


def watched_role(recorder: Recorder) -> Any:
    """What the VM's watchdog knows of the role with which Logz.io reads."""
    return json.loads(on_the_vm(recorder)["/etc/s3-auditlog-sink/watchdog.json"])["reader"]


def test_the_vm_may_see_when_the_readers_role_was_used_and_no_other_role(default: Recorder) -> None:
    (rights,) = [registration for registration in default.registrations if registration.name == READER_USE]
    (statement,) = policy(rights)["Statement"]
    role = default.one(ROLE, "ccloud-logexporter-test-reader")

    assert statement["Action"] == ["iam:GetRole"]
    assert statement["Resource"] == [f"arn:aws:test:::{role.name}"]
    assert watched_role(default)["role"].endswith(role.name)
    assert rights.urn in default.needs(default.one(INSTANCE))


@pytest.mark.parametrize(
    "deployed",
    [
        lambda: program(logzio={"authentication": "keys"}),
        lambda: program(alarms={"canary": True}),
        lambda: program(worker={"metrics": False}),
    ],
    ids=["keys", "canary", "no metrics"],
)
def test_without_a_role_or_with_a_canary_the_vm_does_not_ask_iam(deployed: Callable[[], Recorder]) -> None:
    recorder = deployed()

    assert watched_role(recorder) is None
    assert not [registration for registration in recorder.registrations if registration.name == READER_USE]
    assert not [alarm for alarm in recorder.of_type(ALARM) if alarm.name.endswith("-worker-logzio")]


def test_a_canary_has_an_alarm_on_what_verify_publishes() -> None:
    (alarm,) = [
        alarm
        for alarm in program(alarms={"canary": True}).of_type(ALARM)
        if alarm.name.endswith("-worker-canary")
    ]

    assert alarm.inputs["metricName"] == SECONDS_MISSING
    assert alarm.inputs["namespace"] == "CcloudLogexporter/test"
    assert alarm.inputs["dimensions"] == {}
    # A canary that nobody runs is a fault, too.
    assert alarm.inputs["treatMissingData"] == "breaching"


def test_the_endpoint_of_iam_can_be_reached() -> None:
    recorder = program(worker={"endpoints": {"iam": "https://iam.internal:8443"}})

    assert 8443 in {int(rule.inputs["toPort"]) for rule in recorder.of_type(EGRESS)}
    assert watched_role(recorder)["endpoint"] == "https://iam.internal:8443"


def test_a_stack_without_originals_has_no_alarm_on_them() -> None:
    recorder = program(archive={"originals": False})

    assert len(recorder.of_type(ALARM)) == len(alarms(originals=False, count=1, reader_role=True))
    assert not [alarm for alarm in recorder.of_type(ALARM) if "Originals" in alarm.inputs["metricName"]]
    assert "originals-connector.properties" not in json.dumps(on_the_vm(recorder))


def test_every_alarm_comes_within_hours(default: Recorder) -> None:
    for alarm in default.of_type(ALARM):
        assert alarm.inputs["period"] * alarm.inputs["evaluationPeriods"] <= 3 * 3600


def test_the_vm_may_write_metrics_in_one_namespace_only(default: Recorder) -> None:
    (rights,) = [
        grant for grant in default.of_type("aws:iam/rolePolicy:RolePolicy") if grant.name == "worker-metrics"
    ]
    (statement,) = policy(rights)["Statement"]

    assert statement["Action"] == ["cloudwatch:PutMetricData"]
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "CcloudLogexporter/test"}}


def test_alarms_on_missing_data_are_made_after_the_vm(default: Recorder) -> None:
    for alarm in default.of_type(ALARM):
        assert default.one(INSTANCE).urn in default.needs(alarm)


def test_a_topic_of_the_settings_is_told_of_every_alarm_and_its_end() -> None:
    topic = "arn:aws:sns:us-west-2:123456789012:on-call"
    recorder = program(worker={"alarmTopicArn": topic})

    for alarm in recorder.of_type(ALARM):
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [topic]


ADDRESSES = ["on-call@example.com", "security@example.com"]


def test_each_address_is_subscribed_to_the_topic_that_every_alarm_notifies() -> None:
    recorder = program(alarms={"email": ADDRESSES})
    topic = recorder.one(ALARM_TOPIC)
    arn = f"arn:aws:test:::{topic.name}"

    assert re.fullmatch(r"ccloud-logexporter-test-worker-alarms-[0-9a-f]{8}", topic.inputs["name"])
    assert [made.inputs["endpoint"] for made in recorder.of_type(SUBSCRIPTION)] == ADDRESSES
    for subscription in recorder.of_type(SUBSCRIPTION):
        assert subscription.inputs["protocol"] == "email"
        assert subscription.inputs["topic"] == arn
    for alarm in recorder.of_type(ALARM):
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [arn]


def test_an_alarm_is_made_after_cloudwatch_may_publish_to_the_topic() -> None:
    recorder = program(alarms={"email": ADDRESSES})
    allowed = recorder.one("aws:sns/topicPolicy:TopicPolicy")

    assert {statement["Sid"] for statement in policy(allowed)["Statement"]} == {
        "AlarmsOfThisAccount",
        "OnlyTls",
    }
    for alarm in recorder.of_type(ALARM):
        assert allowed.urn in recorder.needs(alarm)


def test_a_given_topic_and_the_addresses_are_notified_both() -> None:
    given = "arn:aws:sns:us-west-2:123456789012:on-call"
    recorder = program(worker={"alarmTopicArn": given}, alarms={"email": ADDRESSES})

    for alarm in recorder.of_type(ALARM):
        assert alarm.inputs["alarmActions"] == [given, f"arn:aws:test:::{recorder.one(ALARM_TOPIC).name}"]


def test_other_addresses_change_subscriptions_and_nothing_else() -> None:
    def made(*addresses: str) -> dict[str, Any]:
        recorder = program(alarms={"email": list(addresses)})
        return {registration.urn: dict(registration.inputs) for registration in recorder.registrations}

    before, after = made(*ADDRESSES), made("new@example.com", ADDRESSES[0])
    changed = {urn for urn in {*before, *after} if before.get(urn) != after.get(urn)}

    assert {urn.rpartition("::")[2] for urn in changed} == {
        "worker-alarms-security@example.com",
        "worker-alarms-new@example.com",
    }


def test_without_an_address_there_is_no_topic_and_a_warning(default: Recorder) -> None:
    assert default.of_type(ALARM_TOPIC) == default.of_type(SUBSCRIPTION) == []
    assert default.exports["alarmTopicArn"] is None
    assert [warning for warning in default.warnings if "nobody gets a message" in warning]
    assert not [text for text in program(alarms={"email": ADDRESSES}).warnings if "nobody gets" in text]


def rows(recorder: Recorder) -> list[list[Any]]:
    """Every row of every chart: namespace, metric, names and values of dimensions, and how it is shown."""
    widgets = json.loads(recorder.one(DASHBOARD).inputs["dashboardBody"])["widgets"]
    return [row for widget in widgets for row in widget["properties"].get("metrics", [])]


def sent_by(recorder: Recorder, monkeypatch: pytest.MonkeyPatch, count: int) -> set[tuple[str, ...]]:
    """Namespace, metric and dimensions of what the watchdogs of `count` VMs send."""
    namespace = json.loads(on_the_vm(recorder)["/etc/s3-auditlog-sink/watchdog.json"])["namespace"]
    sent = set()
    for number in range(1, count + 1):
        monkeypatch.setenv("VM_NUMBER", str(number))
        for name in UNITS:
            dimensions = [text for pair in metric(name, 0)["Dimensions"] for text in pair.values()]
            sent.add((namespace, name, *dimensions))
    return sent


@pytest.mark.parametrize("count", [1, 2, MOST_VMS])
def test_every_line_of_the_dashboard_is_a_metric_that_a_watchdog_sends(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    recorder = program(worker={"count": count}, source={"partitions": {TOPIC: 6}})
    shown = {tuple(row[:-1]) for row in rows(recorder)}

    assert shown - sent_by(recorder, monkeypatch, count) == set()
    for name in ("TaskRunning", "ClockOffsetSeconds"):
        assert len([row for row in shown if row[1] == name]) == count
    # More would cost, also as one of the first three dashboards of the account.
    assert len(shown) <= 50


def test_a_line_on_a_metric_that_no_watchdog_sends_would_be_found(
    default: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = sent_by(default, monkeypatch, 1)

    assert ("CcloudLogexporter/test", "Restarts") in sent
    assert ("CcloudLogexporter/test", "Restart") not in sent
    assert ("CcloudLogexporter/test", "TaskRunning") not in sent
    assert ("CcloudLogexporter/test", "TaskRunning", "Vm", "2") not in sent
    assert ("CcloudLogexporter/prod", "Restarts") not in sent


def test_the_dashboard_shows_the_chain_and_the_state_of_every_alarm(default: Recorder) -> None:
    made = default.one(DASHBOARD)
    text, states, *charts = json.loads(made.inputs["dashboardBody"])["widgets"]
    places = [(widget["x"], widget["y"]) for widget in (text, states, *charts)]

    assert "ccloud-logexporter/test" in text["properties"]["markdown"]
    assert len(states["properties"]["alarms"]) == len(default.of_type(ALARM)) <= 100
    assert [chart["properties"]["title"].partition(":")[0] for chart in charts[:4]] == [
        "Records in, per second",
        "Lag",
        "Objects",
        "Delay",
    ]
    assert {chart["properties"]["region"] for chart in charts} == {"us-west-2"}
    assert len(set(places)) == len(places)
    assert all(chart["x"] + chart["width"] <= 24 for chart in charts)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", made.inputs["dashboardName"])
    assert default.exports["dashboardUrl"].endswith(f"#dashboards:name={made.inputs['dashboardName']}")


def test_the_dashboard_shows_what_is_known_of_logzio(default: Recorder) -> None:
    canary, keys = program(alarms={"canary": True}), program(logzio={"authentication": "keys"})
    of_logzio = {"SecondsSinceLogzioRead", SECONDS_MISSING}

    shown = [{row[1] for row in rows(recorder)} & of_logzio for recorder in (default, canary, keys)]

    assert shown == [{"SecondsSinceLogzioRead"}, {SECONDS_MISSING}, set()]


def test_a_dashboard_without_originals_has_no_line_on_them() -> None:
    names = {row[1] for row in rows(program(archive={"originals": False}))}

    assert "ConsumerLag" in names
    assert not [name for name in names if name.startswith("Originals")]


def test_the_settings_may_leave_the_dashboard_out() -> None:
    recorder = program(alarms={"dashboard": False})

    assert recorder.of_type(DASHBOARD) == []
    assert recorder.exports["dashboardUrl"] is None


def test_without_metrics_there_is_neither_alarm_nor_right() -> None:
    recorder = program(worker={"metrics": False})

    assert recorder.of_type(ALARM) == recorder.of_type(DASHBOARD) == recorder.of_type(ALARM_TOPIC) == []
    assert not [
        registration for registration in recorder.registrations if registration.name == "worker-metrics"
    ]
    assert json.loads(on_the_vm(recorder)["/etc/s3-auditlog-sink/watchdog.json"])["metrics"] is False
    assert "NAMESPACE=''\n" in recorder.one(INSTANCE).inputs["userData"]


def test_a_project_of_another_name_reads_the_same_settings_and_has_names_of_its_own(
    default: Recorder,
) -> None:
    recorder = program(project="audit")

    assert {registration.type for registration in recorder.registrations} == {
        registration.type for registration in default.registrations
    }
    assert {parameter.inputs["name"] for parameter in credentials_in(recorder)} == {
        f"/ccloud-logexporter/audit/test/{credentials}-credentials" for credentials in ("kafka", "writer")
    }
    assert {alarm.inputs["namespace"] for alarm in recorder.of_type(ALARM)} == {
        "CcloudLogexporter/audit/test"
    }
    secrets = on_the_vm(recorder)["/etc/s3-auditlog-sink/secrets.json"]
    assert "/ccloud-logexporter/audit/test/" in secrets


PROFILE = "aws:iam/instanceProfile:InstanceProfile"


@pytest.mark.parametrize("identity", ["user", "role"])
@pytest.mark.parametrize("authentication", ["keys", "role"])
def test_every_role_and_user_has_the_boundary_and_the_path_of_the_settings(
    identity: str, authentication: str
) -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundaries/workloads"
    recorder = program(
        iam={"permissionsBoundaryArn": boundary, "path": "/logexporter/"},
        writer={"identity": identity},
        logzio={"authentication": authentication},
    )
    identities = [*recorder.of_type(ROLE), *recorder.of_type(USER)]

    assert len(identities) == (3 if identity == "user" else 2)
    for resource in identities:
        assert resource.inputs["permissionsBoundary"] == boundary, resource.name
    for resource in (*identities, recorder.one(PROFILE)):
        assert resource.inputs["path"] == "/logexporter/", resource.name


def test_a_writer_and_a_reader_by_role_need_no_user_where_those_are_forbidden() -> None:
    recorder = program(writer={"identity": "role"}, logzio={"authentication": "role"})

    assert not recorder.of_type(USER)


def test_identities_have_no_boundary_and_iams_own_path_by_default(default: Recorder) -> None:
    for identity in (*default.of_type(ROLE), *default.of_type(USER)):
        assert identity.inputs.get("permissionsBoundary") is None
        assert identity.inputs["path"] == "/"


NAMED = (ROLE, USER, PROFILE, ALARM)


def test_roles_users_and_alarms_carry_project_and_stack(default: Recorder) -> None:
    named = [resource for type_ in NAMED for resource in default.of_type(type_)]

    assert {resource.type for resource in named} == set(NAMED)
    assert all(resource.name.startswith("ccloud-logexporter-test-") for resource in named)
    # Pulumi makes the name in AWS from it, with random characters at the end.
    assert not [resource for resource in named if "name" in resource.inputs]


def test_the_description_of_an_alarm_names_stack_meaning_first_look_and_runbook(default: Recorder) -> None:
    for alarm in default.of_type(ALARM):
        name = alarm.name.removeprefix("ccloud-logexporter-test-worker-")
        form = (
            r"ccloud-logexporter/test(, VM 1)?: \S.*\. First look: .*`.+`.*\. "
            rf"Runbook: docs/operations\.md#{name}"
        )
        assert re.fullmatch(form, alarm.inputs["alarmDescription"]), alarm.inputs["alarmDescription"]
        # A command to paste.
        assert "<" not in alarm.inputs["alarmDescription"]


def test_a_stack_of_version_0_1_keeps_its_users_roles_and_alarms(default: Recorder) -> None:
    for resource in (resource for type_ in NAMED for resource in default.of_type(type_)):
        former = resource.name.removeprefix("ccloud-logexporter-test-")
        assert resource.aliases == (former,)


def test_the_longest_legal_names_of_project_and_stack_stay_within_the_limits_of_aws() -> None:
    recorder = program(
        project="p" * 100,
        stack="s" * 100,
        worker={"count": MOST_VMS},
        source={"partitions": {TOPIC: 6}},
        alarms={"email": ADDRESSES},
    )
    appended = len("-1234567")

    for type_ in (ROLE, USER, PROFILE):
        for resource in recorder.of_type(type_):
            assert len(resource.name) + appended <= 64
    for alarm in recorder.of_type(ALARM):
        assert len(alarm.name) + appended <= 255
        assert len(alarm.inputs["alarmDescription"]) <= 1024
        assert len(alarm.inputs["namespace"]) <= 255
    assert len(recorder.one(ALARM_TOPIC).inputs["name"]) <= 256
    assert len(recorder.one(DASHBOARD).inputs["dashboardName"]) <= 255
    for parameter in credentials_in(recorder):
        # Of 1011 with its ARN, in 15 levels at most.
        assert len(parameter.inputs["name"]) <= 900
        assert parameter.inputs["name"].count("/") <= 15


def test_no_name_that_aws_refuses_comes_from_a_dot_in_project_or_stack() -> None:
    recorder = program(project="audit.logs", stack="eu.prod", alarms={"email": ADDRESSES})

    alias = recorder.one("aws:kms/alias:Alias").inputs["name"].removeprefix("alias/")
    topic = recorder.one(ALARM_TOPIC).inputs["name"]
    dashboard = recorder.one(DASHBOARD).inputs["dashboardName"]
    # KMS, SNS and CloudWatch take letters, digits, hyphens and underscores in these names.
    assert [name for name in (alias, topic, dashboard) if not re.fullmatch(r"[A-Za-z0-9_-]+", name)] == []


def test_no_two_stacks_have_one_parameter_or_namespace() -> None:
    stacks = [("ccloud-logexporter", "a"), ("a", "a"), ("a-b", "c"), ("a", "b-c"), ("b", "a")]
    found = [program(project=project, stack=stack) for project, stack in stacks]

    parameters = [parameter.inputs["name"] for recorder in found for parameter in credentials_in(recorder)]
    assert len(set(parameters)) == 2 * len(stacks)
    assert len({recorder.of_type(ALARM)[0].inputs["namespace"] for recorder in found}) == len(stacks)


def test_the_parameters_of_a_stack_keep_the_names_of_the_first_version(default: Recorder) -> None:
    assert {parameter.inputs["name"] for parameter in credentials_in(default)} == {
        f"/ccloud-logexporter/test/{credentials}-credentials" for credentials in ("kafka", "writer")
    }


def test_a_section_under_the_name_of_another_project_is_told_where_it_belongs() -> None:
    config = {"audit:source": "{}", "ccloud-logexporter:archive": "{}", "aws:region": "us-west-2"}

    with pytest.raises(SettingsError, match="audit:source: is not read; accepted: ccloud-logexporter:source"):
        record_program(config, project="audit")


def test_nothing_is_protected_since_destroy_would_fail(default: Recorder) -> None:
    assert not [registration.name for registration in default.registrations if registration.protect]
