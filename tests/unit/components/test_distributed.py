"""`worker.mode: distributed`: what the program makes for it, and what the VMs get."""

import json
import re
from collections.abc import Mapping
from typing import Any

import javaproperties
import pytest

from components.owner import Owner
from components.settings import SettingsError
from components.settings.connector_properties import refusal
from components.worker.bundle import DISTRIBUTED_PROPERTIES, STANDALONE_PROPERTIES, files, pack
from components.worker.config import WorkerConfig
from components.worker.connect import MOST_BYTES, connectors, worker_properties
from components.worker_settings import worker_config
from tests.unit.components.recorder import Recorder
from tests.unit.components.test_program import program
from tests.unit.components.test_settings import BY_IDS, changed, loaded

OWN = {"cluster": "lkc-own12", "environment": "env-abc12"}
GIVEN = {
    "bootstrapServers": "own.example.com:9092",
    "apiKey": "OWNKEY1234",
    "apiSecret": "own-secret",
}
NAME = "ccloud-logexporter-dev-logexporter-ccloud-connect"
TOPICS = {"config": f"{NAME}-configs", "offset": f"{NAME}-offsets", "status": f"{NAME}-status"}


def config(**sections: Mapping[str, Any]) -> WorkerConfig:
    raw = changed("worker.mode", "distributed", changed("fleet", OWN, BY_IDS))
    for section, values in sections.items():
        for name, value in values.items():
            raw = changed(f"{section}.{name}", value, raw)
    return worker_config(loaded(raw), Owner("ccloud-logexporter", "dev"), "audit:9092", "own:9092")


def test_the_worker_logs_in_to_the_own_cluster_and_its_connectors_to_the_audit_log() -> None:
    worker = worker_properties(config())

    assert worker["bootstrap.servers"] == "own:9092"
    assert worker["sasl.jaas.config"].endswith(":fleet.sasl.jaas.config}")
    assert not [name for name in worker if name.startswith("consumer.")]
    for connector in connectors(config()):
        for client in ("consumer", "admin"):
            assert connector.properties[f"{client}.override.bootstrap.servers"] == "audit:9092"
            assert connector.properties[f"{client}.override.sasl.jaas.config"].endswith(
                ":kafka.sasl.jaas.config}"
            )
            assert connector.properties[f"{client}.override.security.protocol"] == "SASL_SSL"


def test_connects_state_has_topics_and_a_group_of_the_stacks_own() -> None:
    worker = worker_properties(config())

    assert worker["group.id"] == NAME
    for what, topic in TOPICS.items():
        assert worker[f"{what}.storage.topic"] == topic
        assert worker[f"{what}.storage.replication.factor"] == "3"
    assert worker["scheduled.rebalance.max.delay.ms"] == "0"
    assert worker_properties(config(fleet={"name": "audit"}))["status.storage.topic"] == "audit-status"
    assert (
        worker_properties(config(fleet={"replicationFactor": -1}))["config.storage.replication.factor"]
        == "-1"
    )


@pytest.mark.parametrize(
    "sections",
    [
        {"fleet": {"name": "ccloud-logexporter-dev-logexporter-ccloud"}},
        {"fleet": {"name": "ccloud-logexporter-dev-logexporter-ccloud-originals"}},
        {"fleet": {"name": "earlier"}, "source": {"consumerGroup": "earlier"}},
    ],
)
def test_a_connect_cluster_with_the_name_of_a_consumer_group_is_refused(sections: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"fleet\.name: is .* a consumer group of this stack"):
        config(**sections)


def test_other_vms_need_the_certificate_and_the_vm_itself_needs_none() -> None:
    worker = worker_properties(config(worker={"restPort": 9999}))

    own, others = worker["listeners"].split(",")
    assert own == "http://127.0.0.1:9999"
    assert others.startswith("https://${file:")
    assert others.endswith(":8443")
    assert worker["listeners.https.ssl.client.auth"] == "required"
    assert worker["rest.advertised.listener"] == "https"
    assert worker["rest.advertised.port"] == "8443"
    stores = [worker[f"listeners.https.ssl.{store}.location"] for store in ("keystore", "truststore")]
    assert stores == ["/run/s3-auditlog-sink/certificate.p12"] * 2


def test_every_secret_is_a_reference() -> None:
    given = [worker_properties(config()), *(connector.properties for connector in connectors(config()))]
    secret = re.compile(r"secret|password|jaas", re.IGNORECASE)

    found = {name: value for properties in given for name, value in properties.items() if secret.search(name)}

    assert len(found) == 7
    assert [value for value in found.values() if not re.fullmatch(r"\$\{file:[^}]+\}", value)] == []


def test_the_settings_refuse_every_override_that_the_project_sets() -> None:
    own = {
        name for connector in connectors(config()) for name in connector.properties if ".override." in name
    }

    # A person may set these, too.
    tuned = {f"consumer.override.{name}" for name in ("heartbeat.interval.ms", "max.partition.fetch.bytes")}
    assert {name for name in own if refusal(name) is None} == tuned
    assert {"admin.override.bootstrap.servers", "consumer.override.bootstrap.servers"} <= own


@pytest.mark.parametrize("count", [1, 2, 6])
def test_there_are_as_many_tasks_as_vms(count: int) -> None:
    tasks = {connector.properties["tasks.max"] for connector in connectors(config(worker={"count": count}))}

    assert tasks == {str(count)}


def test_the_vm_has_no_file_of_a_connector() -> None:
    on_the_vm = files(config())

    assert STANDALONE_PROPERTIES not in on_the_vm
    assert javaproperties.loads(on_the_vm[DISTRIBUTED_PROPERTIES].content) == worker_properties(config())
    assert not [path for path in on_the_vm if path.endswith("-connector.properties")]
    unit = on_the_vm["/etc/systemd/system/s3-auditlog-sink.service"].content
    assert f"ExecStart=/usr/bin/connect-distributed {DISTRIBUTED_PROPERTIES}\n" in unit
    assert "CONNECTORS" not in on_the_vm["/etc/s3-auditlog-sink/environment"].content


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("connector", {"flushSize": 1234}),
        ("connector", {"rotationSeconds": 30}),
        ("connector", {"compressionLevel": 1}),
        ("connector", {"excludedFields": ["subject"]}),
        ("archive", {"originalsFlushSize": 2000}),
        ("worker", {"count": 3}),
    ],
)
def test_a_changed_property_of_a_connector_needs_no_other_vm(section: str, values: dict[str, Any]) -> None:
    def packed(worker: WorkerConfig) -> str:
        return pack(files(worker)).sha256

    other = config(**{section: values})

    assert packed(other) == packed(config())
    assert [made.text for made in connectors(other)] != [made.text for made in connectors(config())]


def test_the_watchdog_finds_the_wanted_properties_and_the_topics() -> None:
    watched = json.loads(files(config())["/etc/s3-auditlog-sink/watchdog.json"].content)

    assert watched["fleet"] == {"port": 8443, "bootstrap_servers": "own:9092", "topics": [*TOPICS.values()]}
    assert [known["parameter"] for known in watched["connectors"]] == [
        "/ccloud-logexporter/dev/connector-auditlog-connector-s3-sink",
        "/ccloud-logexporter/dev/connector-auditlog-connector-s3-sink-originals",
    ]
    assert [known.get("rotation_seconds") for known in watched["connectors"]] == [None, None]


def test_more_properties_than_a_parameter_holds_are_refused_with_what_to_do() -> None:
    fields = [f"field_{number:04}" for number in range(400)]

    with pytest.raises(SettingsError, match=rf"connector: makes \d+ bytes .* at most {MOST_BYTES}"):
        _ = connectors(config(connector={"excludedFields": fields}))[0].text


def distributed(fleet: Mapping[str, Any], writer: str = "role") -> Recorder:
    worker = {"mode": "distributed", "count": 2}
    return program(worker=worker, fleet=dict(fleet), writer={"identity": writer})


def test_the_own_cluster_gets_three_compacted_topics_and_the_least_rights() -> None:
    made = distributed(OWN)
    topics = made.of_type("confluentcloud:index/kafkaTopic:KafkaTopic")
    rights = made.of_type("confluentcloud:index/kafkaAcl:KafkaAcl")

    assert {topic.inputs["partitionsCount"] for topic in topics} == {1}
    assert [topic.inputs["config"] for topic in topics] == [{"cleanup.policy": "compact"}] * 3
    assert {right.inputs["principal"] for right in rights} == {"User:fleet-id"}
    assert {right.inputs["permission"] for right in rights} == {"ALLOW"}
    allowed = {
        (
            right.inputs["resourceType"],
            right.inputs["resourceName"].rpartition("-")[2],
            right.inputs["operation"],
        )
        for right in rights
    }
    assert allowed == {
        *(("TOPIC", topic, "READ") for topic in ("configs", "offsets", "status")),
        *(("TOPIC", topic, "DESCRIBE_CONFIGS") for topic in ("configs", "offsets", "status")),
        ("TOPIC", "configs", "WRITE"),
        ("TOPIC", "status", "WRITE"),
        ("GROUP", "connect", "READ"),
    }


def test_an_administrator_makes_topics_and_rights_and_the_vms_have_another_key() -> None:
    made = distributed(OWN)
    accounts = {
        account.name for account in made.of_type("confluentcloud:index/serviceAccount:ServiceAccount")
    }
    (binding,) = made.of_type("confluentcloud:index/roleBinding:RoleBinding")
    keys = {key.name: key for key in made.of_type("confluentcloud:index/apiKey:ApiKey")}

    assert accounts == {"fleet", "fleet-admin"}
    assert (binding.inputs["principal"], binding.inputs["roleName"]) == (
        "User:fleet-admin-id",
        "CloudClusterAdmin",
    )
    assert {name: key.inputs["owner"]["id"] for name, key in keys.items()} == {
        "fleet-key-1": "fleet-id",
        "fleet-admin-key-1": "fleet-admin-id",
    }
    for made_by_it in (
        *made.of_type("confluentcloud:index/kafkaTopic:KafkaTopic"),
        *made.of_type("confluentcloud:index/kafkaAcl:KafkaAcl"),
    ):
        assert made_by_it.inputs["credentials"]["key"] == "fleet-admin-key-1-id"
        assert "credentials" in made_by_it.secret_inputs
        assert binding.urn in made.needs(made_by_it)


IN_THE_CLUSTER = ("kafkaTopic:KafkaTopic", "kafkaAcl:KafkaAcl", "roleBinding:RoleBinding")


def in_the_cluster(**fleet: str) -> dict[str, tuple[str, ...]]:
    """What the program makes there under a fixed name: logical name -> aliases."""
    made = distributed({**OWN, **fleet})
    found = [resource for kind in IN_THE_CLUSTER for resource in made.of_type(f"confluentcloud:index/{kind}")]
    assert len(found) == 3 + 9 + 1
    return {resource.name: resource.aliases for resource in found}


@pytest.mark.parametrize(
    ("former", "changed"),
    [
        ({"cluster": "lkc-own12"}, {"cluster": "lkc-own34"}),
        ({"name": "audit"}, {"name": "other"}),
        # Its group has the name of the other one's topic.
        ({"name": "audit"}, {"name": "audit-configs"}),
    ],
    ids=["cluster", "name", "name of a topic"],
)
def test_nothing_with_a_fixed_name_is_replaced_for_another_cluster_or_name(
    former: dict[str, str], changed: dict[str, str]
) -> None:
    """A replaced one would wait to be deleted, and take with it what the next `up` makes under its name."""
    both = in_the_cluster(**former).keys() & in_the_cluster(**changed).keys()

    # The role of the program's own account is in the cluster, whatever the name.
    assert both <= {"fleet-lkc-own12-admin"}


def test_a_stack_whose_logical_names_lack_the_cluster_keeps_topics_and_rights() -> None:
    aliases = [alias for aliases in in_the_cluster().values() for alias in aliases]

    assert sorted(aliases) == [
        "fleet-admin",
        "fleet-config",
        "fleet-config-describe-configs",
        "fleet-config-read",
        "fleet-config-write",
        "fleet-group-read",
        "fleet-offset",
        "fleet-offset-describe-configs",
        "fleet-offset-read",
        "fleet-status",
        "fleet-status-describe-configs",
        "fleet-status-read",
        "fleet-status-write",
    ]


def test_the_vms_come_after_topics_and_rights() -> None:
    made = distributed(OWN)
    (first, _) = sorted(made.of_type("aws:ec2/instance:Instance"), key=lambda vm: vm.name)
    needed = made.needs(first)

    for kind in ("kafkaTopic:KafkaTopic", "kafkaAcl:KafkaAcl"):
        assert {resource.urn for resource in made.of_type(f"confluentcloud:index/{kind}")} <= needed
    wanted = [
        made.one("aws:ssm/parameter:Parameter", name) for name in parameters(made) if "connector-" in name
    ]
    assert len(wanted) == 2
    assert {parameter.urn for parameter in wanted} <= needed


def parameters(made: Recorder) -> set[str]:
    return {parameter.name for parameter in made.of_type("aws:ssm/parameter:Parameter")}


def test_a_given_cluster_needs_nothing_in_confluent_cloud() -> None:
    made = distributed(GIVEN)
    value = json.loads(made.one("aws:ssm/parameter:Parameter", "worker-fleet-credentials").inputs["value"])

    assert not [found for found in made.registrations if found.type.startswith("confluentcloud:")]
    assert value == {"key": "OWNKEY1234", "secret": "own-secret"}


def test_the_certificate_is_a_secret_of_the_state_and_of_the_parameter_store() -> None:
    made = distributed(OWN)
    certificate = made.one("pulumi-python:dynamic/logexporter:FleetCertificate")
    parameter = made.one("aws:ssm/parameter:Parameter", "worker-certificate-credentials")

    assert {"archive", "password"} <= certificate.secret_outputs
    assert "value" in parameter.secret_inputs
    assert parameter.inputs["type"] == "SecureString"
    assert json.loads(parameter.inputs["value"])["archive"] == "made-archive"


def test_connectors_are_plain_parameters_without_a_secret() -> None:
    made = distributed(GIVEN, writer="user")
    found = [
        made.one("aws:ssm/parameter:Parameter", name) for name in parameters(made) if "connector-" in name
    ]

    assert {parameter.inputs["type"] for parameter in found} == {"String"}
    for parameter in found:
        assert not [
            secret for secret in ("own-secret", "made-access-key-secret") if secret in str(parameter.inputs)
        ]


def test_only_members_of_the_group_reach_the_vms_and_only_on_one_port() -> None:
    made = distributed(OWN)
    (inbound,) = made.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")

    assert inbound.inputs["securityGroupId"] == inbound.inputs["referencedSecurityGroupId"] == "worker-id"
    assert (inbound.inputs["fromPort"], inbound.inputs["toPort"], inbound.inputs["ipProtocol"]) == (
        8443,
        8443,
        "tcp",
    )
    assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(inbound.inputs)
    outbound = made.one("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "worker-fleet")
    assert outbound.inputs["referencedSecurityGroupId"] == "worker-id"


def test_standalone_vms_have_no_way_in() -> None:
    made = program(worker={"count": 2})

    assert made.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") == []
    assert not [found for found in made.registrations if found.type.startswith("logexporter:fleet:")]


def test_the_vms_reach_the_own_cluster() -> None:
    other_port = {**GIVEN, "bootstrapServers": "own.example.com:9095"}
    ports = {
        rule.inputs["fromPort"]
        for rule in distributed(other_port).of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    }

    assert {9092, 9095} <= ports


def test_the_role_of_the_vms_reads_the_wanted_properties_and_nothing_more() -> None:
    made = distributed(OWN)
    policy = json.loads(made.one("aws:iam/rolePolicy:RolePolicy", "worker-connectors").inputs["policy"])

    (statement,) = policy["Statement"]
    assert statement["Action"] == ["ssm:GetParameter"]
    assert [arn.rpartition("/")[2] for arn in statement["Resource"]] == [
        "connector-auditlog-connector-s3-sink",
        "connector-auditlog-connector-s3-sink-originals",
    ]


def test_the_fleet_has_alarms_of_its_own() -> None:
    made = distributed(OWN)
    named = {
        alarm.name.rpartition("worker-")[2]
        for alarm in made.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    }

    assert {"fleet-cluster", "fleet-topics", "certificate", "members"} <= named
    standalone = program(worker={"count": 2}).of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert not [alarm for alarm in standalone if "fleet" in alarm.name or "certificate" in alarm.name]
