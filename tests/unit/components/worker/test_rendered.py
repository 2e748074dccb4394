"""What the VM is given: held against golden files, and against the rules behind them.

`UPDATE_GOLDEN=1 make unit` writes the golden files anew; the diff is then for a person to read.
"""

import hashlib
import io
import json
import os
import re
import shlex
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import javaproperties
import pytest
import yaml

from components.owner import Owner
from components.settings import Settings, load
from components.settings.connector_properties import OWN_CONNECTOR_PROPERTIES, TIME_LAYOUT
from components.worker import bundle, cloud_config
from components.worker.bundle import (
    CONNECTOR_PROPERTIES,
    FILES,
    ORIGINALS_PROPERTIES,
    STANDALONE_PROPERTIES,
    Bundle,
    File,
    files,
    pack,
)
from components.worker.cloud_config import LOADER, user_data
from components.worker.config import WorkerConfig
from components.worker.connect import (
    MAX_PARTITION_FETCH_BYTES,
    SinkConnector,
    connectors,
    worker_properties,
)
from components.worker.files import check_keys
from components.worker.files.watchdog import credentials, kafka, main, service
from components.worker_settings import worker_config
from tests.unit.components.worker.unpacked import unpacked

GOLDEN = Path(__file__).parents[3] / "golden" / "worker"
SECRET = "planted-secret-4711"
TOPIC = "confluent-audit-log-events"
OWNER = Owner("ccloud-logexporter", "dev")
BOOTSTRAP_SERVERS = "pkc-abc12.us-west-2.aws.confluent.cloud:9092"


def given(**sections: dict[str, Any]) -> Settings:
    raw: dict[str, Any] = {
        "source": {
            "bootstrapServers": BOOTSTRAP_SERVERS,
            "apiKey": "KAFKAKEY",
            "apiSecret": SECRET,
            "partitions": {TOPIC: 12},
        },
        "archive": {"bucket": "logexporter-ccloud"},
        "logzio": {"apiToken": SECRET},
        **sections,
    }
    return load(raw, region="us-west-2", environ={})


def config(**sections: dict[str, Any]) -> WorkerConfig:
    """The worker's configuration with these settings; all others have their defaults."""
    return worker_config(given(**sections), OWNER, BOOTSTRAP_SERVERS)


def connector_properties(**sections: dict[str, Any]) -> dict[str, str]:
    """Of the connector whose objects Logz.io reads."""
    return dict(connectors(config(**sections))[0].properties)


def originals(**sections: dict[str, Any]) -> SinkConnector:
    """The connector of the originals."""
    _, found = connectors(config(**sections))
    return found


def variables(name: str, **sections: dict[str, Any]) -> dict[str, str]:
    """An environment file of the VM, as a shell reads it."""
    content = files(config(**sections))[f"/etc/s3-auditlog-sink/{name}"].content
    return dict(word.split("=", 1) for line in content.splitlines() for word in shlex.split(line))


def is_verbatim(file: File) -> bool:
    names = (name for pattern in ("*.*", "watchdog/*.py") for name in FILES.glob(pattern))
    return file.content in {name.read_text() for name in names}


# What the project itself holds needs no golden copy.
RENDERED = [path for path, file in files(config()).items() if not is_verbatim(file)]


def test_a_file_that_no_setting_changes_is_copied_verbatim() -> None:
    verbatim = set(files(config())) - set(RENDERED)

    # The service has the command of the mode.
    unit = "/etc/systemd/system/s3-auditlog-sink.service"
    assert {path for path in files(config()) if path.endswith((".py", ".service", ".timer"))} - {
        unit
    } <= verbatim
    assert bundle.INSTALL_SCRIPT in verbatim


@pytest.mark.parametrize(
    ("section", "changed"),
    [
        ("archive", {"retentionDays": 30}),
        ("archive", {"destroyWithData": True}),
        ("archive", {"adoptExisting": True}),
        ("writer", {"keyGenerations": [1, 2]}),
        ("worker", {"alarmTopicArn": "arn:aws:sns:us-west-2:123456789012:alarms"}),
        ("alarms", {"email": ["on-call@example.com"]}),
        ("alarms", {"dashboard": False}),
        ("worker", {"instanceType": "t3.medium"}),
        ("logzio", {"logType": "other"}),
    ],
)
def test_a_setting_that_does_not_concern_the_vm_leaves_its_files_alone(
    section: str, changed: dict[str, Any]
) -> None:
    needed = {"archive": {"bucket": "logexporter-ccloud"}, "logzio": {"apiToken": SECRET}}.get(section, {})

    assert files(config(**{section: {**needed, **changed}})) == files(config())


def test_every_module_of_the_watchdog_is_on_the_vm() -> None:
    modules = {
        f"/usr/local/lib/s3-auditlog-sink/watchdog/{module.name}" for module in FILES.glob("watchdog/*.py")
    }

    assert len(modules) > 5
    assert modules <= set(files(config()))


@pytest.mark.parametrize("path", RENDERED)
def test_a_rendered_file_is_the_golden_one(path: str) -> None:
    golden = GOLDEN / Path(path).name
    rendered = files(config())[path].content
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(rendered)

    assert rendered == golden.read_text()


def packed(**sections: dict[str, Any]) -> Bundle:
    return pack(files(config(**sections)))


def boot(**sections: dict[str, Any]) -> str:
    """The user-data."""
    return user_data(config(**sections), packed(**sections), 1)


def test_rendering_twice_gives_the_same_bytes() -> None:
    assert boot() == boot()
    assert packed() == packed()


def test_another_byte_in_a_file_is_another_key() -> None:
    contents = files(config())
    changed = {**contents, STANDALONE_PROPERTIES: File(contents[STANDALONE_PROPERTIES].content + "\n")}

    assert pack(changed).key != pack(contents).key


def test_user_data_is_cloud_config_that_brings_the_loader_and_runs_it() -> None:
    text = boot()
    document = yaml.safe_load(text)

    assert text.startswith("#cloud-config\n")
    assert {file["path"]: file.get("permissions") for file in document["write_files"]} == {
        "/etc/s3-auditlog-sink/loader.env": None,
        "/etc/systemd/system/s3-auditlog-sink-install.service": None,
        LOADER: "0755",
    }
    assert {file["path"]: file["content"] for file in document["write_files"]} == {
        path: file.content for path, file in cloud_config.files(config(), packed(), 1).items()
    }
    assert document["runcmd"] == [[LOADER]]


def test_user_data_is_small_however_long_the_settings_are() -> None:
    topics = [f"topic-{number:03}-{'x' * 200}" for number in range(100)]
    source = {
        "bootstrapServers": BOOTSTRAP_SERVERS,
        "apiKey": "KAFKAKEY",
        "apiSecret": SECRET,
        "topics": topics,
        "partitions": dict.fromkeys(topics, 1),
    }
    # Of what cannot be packed.
    digests = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(2000))
    connector = {"properties": {"s3.object.tagging.key.value.pairs": digests}}

    for text in (
        boot(),
        boot(source=source, connector=connector, worker={"heapMb": 2048, "instanceType": "t3.large"}),
    ):
        assert len(text.encode()) < 6 * 1024


def test_a_person_can_read_the_loader_in_the_user_data() -> None:
    lines = [line.strip() for line in boot().splitlines()]

    assert {line.strip() for line in bundle.read("loader.sh").splitlines()} <= {*lines, ""}


def loader_variables(number: int = 1, **sections: dict[str, Any]) -> dict[str, str]:
    content = cloud_config.files(config(**sections), packed(**sections), number)[
        "/etc/s3-auditlog-sink/loader.env"
    ].content
    return dict(word.split("=", 1) for line in content.splitlines() for word in shlex.split(line))


def test_the_loader_knows_the_bundle_and_where_to_fetch_it() -> None:
    assert loader_variables() == {
        "BUCKET": "logexporter-ccloud",
        "KEY": packed().key,
        "REGION": "us-west-2",
        "VM_NUMBER": "1",
        "REBOOT_TIME": "03:30",
        "STATUS_PARAMETER": "/ccloud-logexporter/dev/vm-1-status",
        "S3_ENDPOINT": "",
        "SSM_ENDPOINT": "",
        "CLOUDWATCH_ENDPOINT": "",
        "NAMESPACE": "CcloudLogexporter/dev",
    }


def test_the_loader_fetches_and_tells_where_the_settings_say() -> None:
    endpoints = {
        "s3": "https://s3.internal:9000/",
        "ssm": "https://ssm.internal",
        "cloudwatch": "https://monitoring.internal",
    }
    variables = loader_variables(worker={"endpoints": endpoints, "metrics": False})

    assert variables["S3_ENDPOINT"] == "https://s3.internal:9000"
    assert variables["SSM_ENDPOINT"] == "https://ssm.internal"
    assert variables["CLOUDWATCH_ENDPOINT"] == "https://monitoring.internal"
    assert variables["NAMESPACE"] == ""


def test_the_vms_differ_in_number_status_and_time_of_reboots_alone() -> None:
    first, third = loader_variables(1), loader_variables(3)

    assert {name for name in first if first[name] != third[name]} == {
        "VM_NUMBER",
        "STATUS_PARAMETER",
        "REBOOT_TIME",
    }
    assert third["STATUS_PARAMETER"] == "/ccloud-logexporter/dev/vm-3-status"


@pytest.mark.parametrize(
    ("given", "number", "time"),
    [("03:30", 3, "04:10"), ("23:50", 2, "00:10"), ("never", 2, "never")],
)
def test_each_vm_reboots_twenty_minutes_after_the_one_before(given: str, number: int, time: str) -> None:
    assert loader_variables(number, worker={"rebootTime": given})["REBOOT_TIME"] == time


def test_no_secret_is_in_what_the_vm_is_given() -> None:
    assert SECRET not in boot()
    assert not [path for path, content in unpacked(packed().content).items() if SECRET in content]


def test_worker_and_consumer_log_in_alike() -> None:
    properties = worker_properties(config())

    for name in ("bootstrap.servers", "security.protocol", "sasl.mechanism", "sasl.jaas.config"):
        assert properties[name] == properties[f"consumer.{name}"]
    assert properties["security.protocol"] == "SASL_SSL"
    assert properties["sasl.mechanism"] == "PLAIN"


def test_secrets_are_resolved_by_the_worker_from_the_file_on_tmpfs() -> None:
    properties = worker_properties(config())
    secrets = "/run/s3-auditlog-sink/secrets.properties"

    assert properties["sasl.jaas.config"] == f"${{file:{secrets}:kafka.sasl.jaas.config}}"
    assert properties["config.providers.file.param.allowed.paths"] == "/run/s3-auditlog-sink"
    assert connector_properties()["aws.secret.access.key"] == (f"${{file:{secrets}:aws.secret.access.key}}")


def test_connects_rest_interface_is_for_the_vm_alone() -> None:
    assert worker_properties(config())["listeners"] == "http://127.0.0.1:8083"


def test_nothing_that_must_last_is_in_tmp() -> None:
    for path, file in files(config()).items():
        # The units put a small tmpfs over it.
        lines = [
            line for line in file.content.splitlines() if not line.startswith(("TemporaryFileSystem=", "#"))
        ]
        assert not any("/tmp" in line for line in lines), path  # noqa: S108  # it is what must not be there


def test_a_vm_that_writes_with_its_role_has_no_key() -> None:
    properties = connector_properties(writer={"identity": "role"})

    assert not [name for name in properties if name.startswith("aws.")]


def test_rotation_is_on_with_its_time_zone_and_sent_offsets_follow_soon() -> None:
    properties = connector_properties(connector={"rotationSeconds": 90})

    assert properties["rotate.schedule.interval.ms"] == "90000"
    assert properties["timezone"] == "UTC"
    assert worker_properties(config())["offset.flush.interval.ms"] == "1000"


def test_a_malformed_event_neither_stops_the_connector_nor_shows_in_the_log() -> None:
    properties = connector_properties()

    assert properties["format.class"] == "io.confluent.connect.s3.format.json.JsonFormat"
    assert properties["transforms.rename.renames"] == "time:@timestamp,type:event_type"
    assert properties["errors.tolerance"] == "all"
    assert properties["errors.log.enable"] == "true"
    # Of a sink's record the message is no content: topic, partition, offset, timestamp.
    assert properties["errors.log.include.messages"] == "true"


def test_fields_are_renamed_then_flattened_then_left_out() -> None:
    left_out = ["data_clientAddress", "data_request_data_config_connector.class"]
    properties = connector_properties(connector={"excludedFields": left_out})

    assert properties["transforms"] == "rename,flatten,exclude"
    assert properties["transforms.flatten.type"] == "org.apache.kafka.connect.transforms.Flatten$Value"
    assert properties["transforms.flatten.delimiter"] == "_"
    assert properties["transforms.exclude.type"] == "org.apache.kafka.connect.transforms.ReplaceField$Value"
    assert properties["transforms.exclude.exclude"] == ",".join(left_out)


@pytest.mark.parametrize(
    ("connector", "chain"),
    [
        ({}, "rename,flatten"),
        ({"flatten": False}, "rename"),
        ({"renames": {}}, "flatten"),
        ({"renames": {}, "flatten": False}, None),
    ],
)
def test_only_the_transformations_that_are_asked_for_are_set(
    connector: dict[str, Any], chain: str | None
) -> None:
    properties = connector_properties(connector=connector)

    assert properties.get("transforms") == chain
    named = {name.split(".")[1] for name in properties if name.startswith("transforms.")}
    assert named == set(chain.split(",") if chain else [])


def test_raw_keeps_the_bytes_and_changes_no_field() -> None:
    properties = connector_properties(connector={"format": "raw"})

    assert properties["format.class"] == "io.confluent.connect.s3.format.bytearray.ByteArrayFormat"
    assert properties["value.converter"] == "org.apache.kafka.connect.converters.ByteArrayConverter"
    assert not [name for name in properties if name.startswith("transforms")]


def test_originals_are_the_bytes_as_confluent_sent_them() -> None:
    properties = originals().properties

    assert properties["topics.dir"] == "originals"
    assert properties["format.class"] == "io.confluent.connect.s3.format.bytearray.ByteArrayFormat"
    assert properties["value.converter"] == "org.apache.kafka.connect.converters.ByteArrayConverter"
    assert not [name for name in properties if name.startswith("transforms")]
    assert connector_properties()["topics.dir"] == "topics"


def test_originals_rotate_slowly_and_at_the_pace_that_is_set() -> None:
    slow = originals()
    fast = originals(archive={"bucket": "b-1", "originalsRotationSeconds": 30, "originalsFlushSize": 2000})

    assert (slow.rotation_seconds, slow.properties["rotate.schedule.interval.ms"]) == (600, "600000")
    assert slow.properties["flush.size"] == "50000"
    assert (fast.rotation_seconds, fast.properties["rotate.schedule.interval.ms"]) == (30, "30000")
    assert fast.properties["flush.size"] == "2000"


@pytest.mark.parametrize(
    "sections",
    [{"archive": {"bucket": "logexporter-ccloud", "originals": False}}, {"connector": {"format": "raw"}}],
)
def test_without_originals_there_is_one_connector(sections: dict[str, dict[str, Any]]) -> None:
    assert len(connectors(config(**sections))) == 1


def test_what_is_common_to_both_connectors_is_the_same() -> None:
    worker = config(connector={"properties": {"s3.part.retries": "5"}})
    events, kept = (found.properties for found in connectors(worker))

    for name in (
        "topics",
        "s3.bucket.name",
        "s3.part.size",
        "s3.elastic.buffer.enable",
        "timezone",
        "enable.conditional.writes",
        "behavior.on.null.values",
        "s3.compression.type",
        "s3.part.retries",
        "aws.secret.access.key",
        "consumer.override.max.partition.fetch.bytes",
    ):
        assert events[name] == kept[name]


def groups(bucket: str = "logexporter-ccloud", stack: str = "dev", **source: Any) -> list[str]:
    settings = given(archive={"bucket": bucket})
    settings = settings.model_copy(update={"source": settings.source.model_copy(update=source)})
    found = connectors(worker_config(settings, Owner(OWNER.project, stack), BOOTSTRAP_SERVERS))
    for connector in found:
        assert connector.properties["consumer.override.group.id"] == connector.group
    return [connector.group for connector in found]


def test_a_stack_has_consumer_groups_of_its_own() -> None:
    assert groups() == [
        "ccloud-logexporter-dev-logexporter-ccloud",
        "ccloud-logexporter-dev-logexporter-ccloud-originals",
    ]
    # The stacks of two people may have the same name: a bucket never has.
    assert not set(groups()) & set(groups(bucket="another"))
    assert not set(groups()) & set(groups(stack="prod"))


def test_an_earlier_workers_group_can_go_on_without_one_for_originals() -> None:
    former = "connect-auditlog-connector-s3-sink"

    assert groups(consumer_group=former) == [
        former,
        "ccloud-logexporter-dev-logexporter-ccloud-originals",
    ]


def test_a_client_id_names_stack_connector_and_vm() -> None:
    vm = "${file:/run/s3-auditlog-sink/instance.properties:instance.id}"
    names = [connector.properties["consumer.override.client.id"] for connector in connectors(config())]
    names.append(worker_properties(config())["client.id"])

    assert names == [
        f"ccloud-logexporter-dev-logexporter-ccloud-{client}-{vm}"
        for client in ("auditlog-connector-s3-sink", "auditlog-connector-s3-sink-originals", "worker")
    ]
    for connector in connectors(config()):
        assert connector.properties["consumer.override.client.id"] == connector.client_id_prefix + vm


def test_a_fetch_is_bounded_unless_a_person_tunes_it() -> None:
    name = "consumer.override.max.partition.fetch.bytes"

    assert connector_properties()[name] == str(MAX_PARTITION_FETCH_BYTES) == "262144"
    tuned = config(connector={"properties": {name: "1048576"}})
    assert {connector.properties[name] for connector in connectors(tuned)} == {"1048576"}


def test_a_key_that_is_not_json_does_not_stop_the_connector() -> None:
    converter = connector_properties()["key.converter"]

    assert converter == "org.apache.kafka.connect.converters.ByteArrayConverter"


def test_uncompressed_objects_have_no_level() -> None:
    properties = connector_properties(connector={"compression": "none"})

    assert properties["s3.compression.type"] == "none"
    assert "s3.compression.level" not in properties


def test_further_properties_are_appended() -> None:
    properties = connector_properties(connector={"properties": {"s3.part.retries": "5"}})

    assert properties["s3.part.retries"] == "5"


def test_the_settings_refuse_every_property_that_the_project_sets() -> None:
    variants = [
        config(worker={"endpoints": {"s3": "https://s3.internal"}}),
        config(connector={"format": "raw"}),
        config(connector={"compression": "none"}),
        config(archive={"bucket": "logexporter-ccloud", "objectLockDays": 400}),
    ]
    own = {name for variant in variants for found in connectors(variant) for name in found.properties}

    # A person may set these, too.
    tuned = {f"consumer.override.{name}" for name in ("heartbeat.interval.ms", "max.partition.fetch.bytes")}
    refused = OWN_CONNECTOR_PROPERTIES | TIME_LAYOUT | tuned
    assert {name for name in own if not name.startswith("transforms")} <= refused


def test_the_sink_sends_the_checksums_that_a_locked_bucket_asks_for() -> None:
    locked = connector_properties(archive={"bucket": "logexporter-ccloud", "objectLockDays": 400})

    assert locked["s3.send.digest"] == "true"
    assert "s3.send.digest" not in connector_properties()


@pytest.mark.parametrize("text", ["a:b=c", "# no comment", "back\\slash", "Grüße", "${file:/etc/passwd:x}"])
def test_no_value_breaks_a_properties_file(text: str) -> None:
    worker = config(connector={"properties": {"x.y": text}})

    assert javaproperties.loads(files(worker)[CONNECTOR_PROPERTIES].content)["x.y"] == text


def test_properties_files_hold_just_the_properties() -> None:
    rendered = files(config())

    assert javaproperties.loads(rendered[STANDALONE_PROPERTIES].content) == worker_properties(config())
    assert javaproperties.loads(rendered[CONNECTOR_PROPERTIES].content) == (connector_properties())


def test_the_jvm_opens_no_port_for_management() -> None:
    options = variables("environment")["KAFKA_JMX_OPTS"]

    # Empty would be worse than unset: the package's script then puts its own default there.
    assert options == "-XX:+DisableAttachMechanism"


def test_a_skipped_event_is_told_without_the_exception_that_quotes_it() -> None:
    log4j = javaproperties.loads(files(config())["/etc/kafka/connect-log4j.properties"].content)
    errors = "org.apache.kafka.connect.runtime.errors"

    assert log4j[f"log4j.logger.{errors}"] == "INFO, skipped"
    assert log4j[f"log4j.additivity.{errors}"] == "false"
    assert log4j["log4j.appender.skipped.layout.ConversionPattern"].endswith("%throwable{none}%n")

    platform8 = files(config(worker={"platformVersion": "8.1", "javaVersion": 17}))
    log4j2 = yaml.safe_load(platform8["/etc/kafka/connect-log4j2.yaml"].content)["Configuration"]
    logger = next(logger for logger in log4j2["Loggers"]["Logger"] if logger["name"] == errors)
    appenders = {
        console["name"]: console["PatternLayout"]["pattern"] for console in log4j2["Appenders"]["Console"]
    }
    assert logger["additivity"] is False
    assert [appenders[reference["ref"]] for reference in logger["AppenderRef"]] == [
        "%p %X{connector.context}%m (%c{1})%ex{none}%n"
    ]


def test_java_8_is_the_default_and_others_are_a_setting() -> None:
    assert variables("install.env")["JAVA_PACKAGE"] == "openjdk-8-jre-headless"
    java17 = variables("install.env", worker={"javaVersion": 17})
    assert java17["JAVA_PACKAGE"] == "openjdk-17-jre-headless"


def test_the_jdk_is_installed_only_to_compile_the_partitioner() -> None:
    assert variables("install.env")["JDK_PACKAGE"] == "openjdk-8-jdk-headless"
    assert variables("install.env", worker={"javaVersion": 17})["JDK_PACKAGE"] == "openjdk-17-jdk-headless"
    assert variables("install.env", connector={"partitioner": "default"})["JDK_PACKAGE"] == ""


def test_the_partitioner_is_the_one_that_is_compiled_or_the_vendors() -> None:
    source = files(config())["/usr/local/lib/s3-auditlog-sink/OrderedPartitioner.java"].content
    assert "package ccloud.logexporter;" in source
    assert "public class OrderedPartitioner<T>" in source

    ordered = connector_properties()["partitioner.class"]
    vendors = connector_properties(connector={"partitioner": "default"})["partitioner.class"]

    assert ordered == "ccloud.logexporter.OrderedPartitioner"
    assert vendors == "io.confluent.connect.storage.partitioner.DefaultPartitioner"


def test_the_keys_are_looked_at_where_the_sink_writes_before_each_start() -> None:
    worker = config(
        connector={"topicsDir": "audit/eu", "partitioner": "default"},
        worker={"endpoints": {"s3": "https://s3.internal"}},
    )
    rendered = files(worker)

    assert json.loads(rendered[str(check_keys.SETTINGS)].content) == {
        "region": "us-west-2",
        "endpoint": "https://s3.internal",
        "bucket": "logexporter-ccloud",
        "partitioner": "default",
        "folder": "audit/eu/{topic}/partition={partition}/{topic}-",
        "partitions": {TOPIC: 12},
    }
    unit = rendered["/etc/systemd/system/s3-auditlog-sink.service"].content
    # In this order: it asks with the writer's key.
    before = re.findall(r"^ExecStartPre=/usr/bin/python3 -I (.*)$", unit, re.MULTILINE)
    assert [Path(script).name for script in before] == ["fetch_secrets.py", "check_keys.py"]
    assert set(before) <= set(rendered)
    # In hours; the check waits for a day.
    assert (
        int(re.findall(r"^TimeoutStartSec=(\d+)h$", unit, re.MULTILINE)[0]) * 3600 > check_keys.MOST_SECONDS
    )


def test_the_connector_comes_from_the_vendor_unless_a_mirror_is_set() -> None:
    assert variables("install.env")["CONNECTOR_URL"] == (
        "https://hub-downloads.confluent.io/api/plugins/confluentinc/kafka-connect-s3/versions/12.1.11/"
        "confluentinc-kafka-connect-s3-12.1.11.zip"
    )
    mirrored = variables("install.env", connector={"archiveUrl": "https://mirror.internal/c.zip"})
    assert mirrored["CONNECTOR_URL"] == "https://mirror.internal/c.zip"


def test_the_worker_is_started_with_the_file_of_each_connector() -> None:
    unit = files(config())["/etc/systemd/system/s3-auditlog-sink.service"].content
    both = variables("environment")["CONNECTORS"].split()

    assert both == [CONNECTOR_PROPERTIES, ORIGINALS_PROPERTIES]
    assert set(both) <= set(files(config()))
    alone = {"archive": {"bucket": "logexporter-ccloud", "originals": False}}
    assert variables("environment", **alone)["CONNECTORS"] == CONNECTOR_PROPERTIES
    assert ORIGINALS_PROPERTIES not in files(config(**alone))
    # Without quotes or braces systemd splits a variable at its spaces.
    assert f"ExecStart=/usr/bin/connect-standalone {STANDALONE_PROPERTIES} $CONNECTORS\n" in unit


def test_the_installation_waits_for_each_connector() -> None:
    name = config().sink.name

    assert variables("install.env")["CONNECTOR_NAMES"] == f"{name} {name}-originals"


def test_a_jvm_out_of_memory_ends_and_its_heap_is_the_settings() -> None:
    environment = variables("environment", worker={"heapMb": 512})

    assert environment["KAFKA_HEAP_OPTS"] == "-Xms256m -Xmx512m"
    assert "-XX:+ExitOnOutOfMemoryError" in environment["KAFKA_JVM_PERFORMANCE_OPTS"]


def test_the_vms_files_are_packed_the_same_on_every_machine() -> None:
    # bzip2 at its highest level: one implementation, and neither time nor owner in the archive.
    assert packed().content.startswith(b"BZh9")
    with tarfile.open(fileobj=io.BytesIO(packed().content)) as archive:
        for member in archive.getmembers():
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
            assert f"{member.mode:04o}" == files(config())[f"/{member.name}"].permissions
    assert unpacked(packed().content) == {path: file.content for path, file in files(config()).items()}


def test_the_watchdog_looks_after_what_the_settings_say() -> None:
    worker = config(worker={"restPort": 9999, "endpoints": {"cloudwatch": "https://monitoring.internal"}})
    known = json.loads(files(worker)["/etc/s3-auditlog-sink/watchdog.json"].content)

    name, stack = worker.sink.name, "ccloud-logexporter-dev-logexporter-ccloud"
    assert known == {
        "connectors": [
            {
                "name": name,
                "prefix": "",
                "group": stack,
                "client_id_prefix": f"{stack}-{name}-",
                "rotation_seconds": 60,
            },
            {
                "name": f"{name}-originals",
                "prefix": "Originals",
                "group": f"{stack}-originals",
                "client_id_prefix": f"{stack}-{name}-originals-",
                "rotation_seconds": 600,
            },
        ],
        "rest_port": 9999,
        "bootstrap_servers": BOOTSTRAP_SERVERS,
        "partitions": {TOPIC: 12},
        "metrics": True,
        "namespace": "CcloudLogexporter/dev",
        "region": "us-west-2",
        "endpoint": "https://monitoring.internal",
        "reader": None,
        "fleet": None,
    }


def test_the_watchdog_knows_the_role_whose_use_it_reports() -> None:
    worker = config(worker={"endpoints": {"iam": "https://iam.internal"}})
    watching = files(replace(worker, reader_role="reader-1234567"))

    assert json.loads(watching["/etc/s3-auditlog-sink/watchdog.json"].content)["reader"] == {
        "role": "reader-1234567",
        "region": "us-west-2",
        "endpoint": "https://iam.internal",
    }


def test_the_watchdogs_unit_finds_what_is_on_the_vm() -> None:
    rendered = files(config())
    unit = rendered["/etc/systemd/system/s3-auditlog-sink-watchdog.service"].content

    assert "/usr/local/lib/s3-auditlog-sink/watchdog/__main__.py" in rendered
    assert "ExecStart=/usr/bin/python3 -I /usr/local/lib/s3-auditlog-sink/watchdog\n" in unit
    assert {str(main.SETTINGS), str(credentials.CREDENTIALS), kafka.CLIENT_PROPERTIES} <= set(rendered)
    assert f"/etc/systemd/system/{service.UNIT}" in rendered


def test_a_service_runs_the_loader_again() -> None:
    before = cloud_config.files(config(), packed(), 1)
    unit = before["/etc/systemd/system/s3-auditlog-sink-install.service"].content

    assert f"ExecStart={LOADER}\n" in unit
    assert f"if ! {bundle.INSTALL_SCRIPT}; then\n" in before[LOADER].content
    assert bundle.INSTALL_SCRIPT in files(config())


def test_the_journal_is_bounded() -> None:
    journal = files(config())["/etc/systemd/journald.conf.d/s3-auditlog-sink-journald.conf"].content

    assert "SystemMaxUse=500M" in journal.splitlines()
    assert "RuntimeMaxUse=64M" in journal.splitlines()


def test_the_log_level_is_the_debugging_switch_of_the_article() -> None:
    debug = files(config(worker={"logLevel": "DEBUG"}))["/etc/kafka/connect-log4j.properties"]

    assert "log4j.rootLogger=DEBUG, stdout, file" in debug.content


def test_platform_8_logs_through_log4j_2() -> None:
    platform8 = {"platformVersion": "8.1", "javaVersion": 17}
    rendered = files(config(worker=platform8))
    document = yaml.safe_load(rendered["/etc/kafka/connect-log4j2.yaml"].content)

    assert document["Configuration"]["Loggers"]["Root"]["level"] == "INFO"
    assert "/etc/kafka/connect-log4j.properties" not in rendered
    assert variables("environment", worker=platform8)["KAFKA_LOG4J_OPTS"] == (
        "-Dlog4j2.configurationFile=/etc/kafka/connect-log4j2.yaml"
    )


def test_secrets_are_looked_for_by_name_only() -> None:
    known = json.loads(files(config())["/etc/s3-auditlog-sink/secrets.json"].content)

    assert known == {
        "region": "us-west-2",
        "endpoint": None,
        "parameters": {name: f"/ccloud-logexporter/dev/{name}-credentials" for name in ("kafka", "writer")},
    }


@pytest.mark.parametrize(
    ("version", "package"), [(None, "confluent-kafka"), ("7.9.2-1", "confluent-kafka=7.9.2-1")]
)
def test_the_platforms_package_is_the_newest_or_the_given_version(version: str | None, package: str) -> None:
    worker = {} if version is None else {"packageVersion": version}

    assert variables("install.env", worker=worker)["PLATFORM_PACKAGE"] == package


@pytest.mark.parametrize(
    ("worker", "version"),
    [
        ({"packageVersion": "7.9.2-1"}, "7.9.2-1"),
        ({}, "7.9.*"),
        ({"platformVersion": "8.3", "javaVersion": 17}, "8.3.*"),
    ],
)
def test_apt_keeps_confluents_packages_at_the_version_or_the_line_of_the_settings(
    worker: dict[str, Any], version: str
) -> None:
    pinned = files(config(worker=worker))["/etc/apt/preferences.d/s3-auditlog-sink"].content

    assert pinned == f"Package: confluent-*\nPin: version {version}\nPin-Priority: 1001\n"


@pytest.mark.parametrize(
    ("given_ones", "known"), [("A" * 40, "A" * 40), (["A" * 40, "B" * 40], f"{'A' * 40} {'B' * 40}")]
)
def test_the_installation_knows_every_fingerprint_that_will_do(
    given_ones: str | list[str], known: str
) -> None:
    found = variables("install.env", worker={"repositoryKeyFingerprint": given_ones})

    assert found["REPOSITORY_KEY_FINGERPRINTS"] == known


@pytest.mark.parametrize(("time", "reboots"), [("03:30", "true"), ("never", "false")])
def test_the_vm_reboots_in_its_window_or_never(time: str, reboots: str) -> None:
    rendered = files(config(worker={"rebootTime": time}))["/etc/apt/apt.conf.d/60s3-auditlog-sink"].content

    assert f'Unattended-Upgrade::Automatic-Reboot "{reboots}";' in rendered
    # The install script writes the time of its VM.
    assert ('Automatic-Reboot-Time "@REBOOT_TIME@";' in rendered) == (time != "never")
    assert "s/@REBOOT_TIME@/$REBOOT_TIME/" in bundle.read("install.sh")


def test_only_the_install_script_is_executable() -> None:
    executable = [path for path, file in files(config()).items() if file.permissions != "0644"]

    assert executable == [bundle.INSTALL_SCRIPT]


@pytest.mark.parametrize("unit", ["s3-auditlog-sink.service", "s3-auditlog-sink-watchdog.service"])
def test_a_start_of_a_unit_writes_nothing_to_the_disk(unit: str) -> None:
    content = files(config())[f"/etc/systemd/system/{unit}"].content

    assert "TemporaryFileSystem=/tmp:mode=1777,nosuid,size=64M /var/tmp:mode=1777" in content
    assert "DevicePolicy=closed" in content
    assert not re.search("^Private(Tmp|Devices)=", content, re.MULTILINE)
