"""What the VM is given: held against golden files, and against the rules behind them.

`UPDATE_GOLDEN=1 make unit` writes the golden files anew; the diff is then for a person to read.
"""

import ast
import base64
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

from components.settings import Settings, SettingsError, load
from components.settings.connector_properties import OWN_CONNECTOR_PROPERTIES, TIME_LAYOUT
from components.worker import cloud_config
from components.worker.cloud_config import CONNECTOR_PROPERTIES, WORKER_PROPERTIES, files, user_data
from components.worker.connect import WorkerFacts, connector_properties, worker_properties
from components.worker.files import watchdog
from tests.components.worker.unpacked import unpacked

GOLDEN = Path(__file__).parents[2] / "golden" / "worker"
SECRET = "planted-secret-4711"
TOPIC = "confluent-audit-log-events"
FACTS = WorkerFacts(
    stack="dev",
    bootstrap_servers="pkc-abc12.us-west-2.aws.confluent.cloud:9092",
    parameters={one: f"/ccloud-logexporter/dev/{one}-credentials" for one in ("kafka", "writer")},
)
BY_ROLE = replace(FACTS, parameters={"kafka": FACTS.parameters["kafka"]})


def given(**sections: dict[str, Any]) -> Settings:
    raw: dict[str, Any] = {
        "source": {
            "bootstrapServers": FACTS.bootstrap_servers,
            "apiKey": "KAFKAKEY",
            "apiSecret": SECRET,
            "partitions": {TOPIC: 12},
        },
        "archive": {"bucket": "logexporter-ccloud"},
        "logzio": {"apiToken": SECRET},
        **sections,
    }
    return load(raw, region="us-west-2", environ={})


def variables(name: str, **sections: dict[str, Any]) -> dict[str, str]:
    """An environment file of the VM, as a shell reads it."""
    content = files(given(**sections), FACTS)[f"/etc/s3-auditlog-sink/{name}"].content
    return dict(word.split("=", 1) for line in content.splitlines() for word in shlex.split(line))


# A script is taken as it stands: a golden copy of it would only say the same thing twice.
RENDERED = [path for path in files(given(), FACTS) if not path.endswith(".py")]


@pytest.mark.parametrize("path", [path for path in files(given(), FACTS) if path.endswith(".py")])
def test_a_script_on_the_vm_is_the_projects_without_its_docstrings(path: str) -> None:
    source = ast.parse((Path(cloud_config.__file__).parent / "files" / Path(path).name).read_text())
    for node in ast.walk(source):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [one for one in node.body if not _is_text(one)]

    assert ast.dump(ast.parse(files(given(), FACTS)[path].content)) == ast.dump(source)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@pytest.mark.parametrize("path", RENDERED)
def test_a_rendered_file_is_the_golden_one(path: str) -> None:
    golden = GOLDEN / Path(path).name
    rendered = files(given(), FACTS)[path].content
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(rendered)

    assert rendered == golden.read_text()


def test_rendering_twice_gives_the_same_bytes_so_that_no_vm_is_replaced_for_nothing() -> None:
    assert user_data(given(), FACTS) == user_data(given(), FACTS)


def test_user_data_is_cloud_config_that_writes_every_file_and_runs_one_command() -> None:
    text = user_data(given(), FACTS)
    document = yaml.safe_load(text)

    assert text.startswith("#cloud-config\n")
    assert unpacked(text) == {path: file.content for path, file in files(given(), FACTS).items()}
    (command,) = document["runcmd"]
    assert command == [
        "sh",
        "-c",
        "python3 -m tarfile --extract /run/s3-auditlog-sink-files.tar.bz2 / "
        "&& exec /usr/local/sbin/install-s3-auditlog-sink",
    ]


def test_user_data_fits_what_ec2_takes() -> None:
    assert len(user_data(given(), FACTS).encode()) <= 16_384


def test_user_data_that_ec2_would_not_take_is_refused_with_its_size() -> None:
    # Of what cannot be packed, as text of hexadecimal digits is at the most by half.
    digests = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(200))
    large = given(connector={"properties": {"s3.object.tagging.key.value.pairs": digests}})

    with pytest.raises(SettingsError, match=r"take \d\d,\d+ bytes of user-data; accepted: at most 16,384"):
        user_data(large, FACTS)


def test_no_secret_is_in_the_user_data() -> None:
    assert not [path for path, content in unpacked(user_data(given(), FACTS)).items() if SECRET in content]


def test_worker_and_consumer_log_in_alike() -> None:
    properties = worker_properties(given(), FACTS)

    for name in (
        "bootstrap.servers",
        "security.protocol",
        "sasl.mechanism",
        "sasl.jaas.config",
        "client.id",
    ):
        assert properties[name] == properties[f"consumer.{name}"]
    assert properties["security.protocol"] == "SASL_SSL"
    assert properties["sasl.mechanism"] == "PLAIN"


def test_secrets_are_resolved_by_the_worker_from_the_file_on_tmpfs() -> None:
    properties = worker_properties(given(), FACTS)
    secrets = "/run/s3-auditlog-sink/secrets.properties"

    assert properties["sasl.jaas.config"] == f"${{file:{secrets}:kafka.sasl.jaas.config}}"
    assert properties["config.providers.file.param.allowed.paths"] == "/run/s3-auditlog-sink"
    assert connector_properties(given(), FACTS)["aws.secret.access.key"] == (
        f"${{file:{secrets}:aws.secret.access.key}}"
    )


def test_connects_rest_interface_is_for_the_vm_alone() -> None:
    assert worker_properties(given(), FACTS)["listeners"] == "http://127.0.0.1:8083"


def test_nothing_that_must_last_is_in_tmp() -> None:
    for path, file in files(given(), FACTS).items():
        # The units put a small tmpfs over it.
        lines = [line for line in file.content.splitlines() if not line.startswith("TemporaryFileSystem=")]
        assert not any("/tmp" in line for line in lines), path  # noqa: S108  # it is what must not be there


def test_a_vm_that_writes_with_its_role_has_no_key() -> None:
    properties = connector_properties(given(), BY_ROLE)

    assert not [name for name in properties if name.startswith("aws.")]


def test_rotation_is_on_with_its_time_zone_and_sent_offsets_follow_soon() -> None:
    properties = connector_properties(given(connector={"rotationSeconds": 90}), FACTS)

    assert properties["rotate.schedule.interval.ms"] == "90000"
    assert properties["timezone"] == "UTC"
    assert worker_properties(given(), FACTS)["offset.flush.interval.ms"] == "1000"


def test_json_is_searchable_and_a_malformed_event_neither_stops_the_pipe_nor_shows_its_contents() -> None:
    properties = connector_properties(given(), FACTS)

    assert properties["format.class"] == "io.confluent.connect.s3.format.json.JsonFormat"
    assert properties["transforms.rename.renames"] == "time:@timestamp,type:event_type"
    assert properties["errors.tolerance"] == "all"
    assert properties["errors.log.enable"] == "true"
    # Of a sink's record the message is no content: topic, partition, offset, timestamp.
    assert properties["errors.log.include.messages"] == "true"


def test_raw_keeps_the_bytes_and_changes_no_field() -> None:
    properties = connector_properties(given(connector={"format": "raw"}), FACTS)

    assert properties["format.class"] == "io.confluent.connect.s3.format.bytearray.ByteArrayFormat"
    assert properties["value.converter"] == "org.apache.kafka.connect.converters.ByteArrayConverter"
    assert not [name for name in properties if name.startswith("transforms")]


def test_a_key_that_is_no_json_cannot_stop_the_pipe() -> None:
    converter = connector_properties(given(), FACTS)["key.converter"]

    assert converter == "org.apache.kafka.connect.converters.ByteArrayConverter"


def test_uncompressed_objects_have_no_level() -> None:
    properties = connector_properties(given(connector={"compression": "none"}), FACTS)

    assert properties["s3.compression.type"] == "none"
    assert "s3.compression.level" not in properties


def test_further_properties_are_appended() -> None:
    properties = connector_properties(given(connector={"properties": {"s3.part.retries": "5"}}), FACTS)

    assert properties["s3.part.retries"] == "5"


def test_every_property_that_the_project_sets_is_refused_among_the_further_ones() -> None:
    variants = [
        given(worker={"endpoints": {"s3": "https://s3.internal"}}),
        given(connector={"format": "raw"}),
        given(connector={"compression": "none"}),
        given(archive={"bucket": "logexporter-ccloud", "objectLockDays": 400}),
    ]
    own = {name for one in variants for name in connector_properties(one, FACTS)}

    refused = OWN_CONNECTOR_PROPERTIES | TIME_LAYOUT
    assert {name for name in own if not name.startswith("transforms")} <= refused


def test_the_sink_sends_the_checksums_that_a_locked_bucket_asks_for() -> None:
    locked = connector_properties(
        given(archive={"bucket": "logexporter-ccloud", "objectLockDays": 400}), FACTS
    )

    assert locked["s3.send.digest"] == "true"
    assert "s3.send.digest" not in connector_properties(given(), FACTS)


@pytest.mark.parametrize("text", ["a:b=c", "# no comment", "back\\slash", "Grüße", "${file:/etc/passwd:x}"])
def test_no_value_breaks_a_properties_file(text: str) -> None:
    one = given(connector={"properties": {"x.y": text}})

    assert javaproperties.loads(files(one, FACTS)[CONNECTOR_PROPERTIES].content)["x.y"] == text


def test_properties_files_hold_just_the_properties() -> None:
    rendered = files(given(), FACTS)

    assert javaproperties.loads(rendered[WORKER_PROPERTIES].content) == worker_properties(given(), FACTS)
    assert javaproperties.loads(rendered[CONNECTOR_PROPERTIES].content) == (
        connector_properties(given(), FACTS)
    )


def test_comments_stay_in_the_project_and_nothing_else_does() -> None:
    source = (Path(cloud_config.__file__).parent / "files" / "install.sh").read_text().splitlines()
    sent = files(given(), FACTS)[cloud_config.INSTALL_SCRIPT].content.splitlines()

    assert sent[0] == "#!/bin/sh"
    assert sent == [line for line in source if not line.lstrip().startswith("#") or line == "#!/bin/sh"]


def test_the_jvm_opens_no_port_for_management() -> None:
    options = variables("environment")["KAFKA_JMX_OPTS"]

    # Empty would be worse than unset: the package's script then puts its own default there.
    assert options == "-XX:+DisableAttachMechanism"


def test_a_skipped_event_is_told_without_the_exception_that_quotes_it() -> None:
    log4j = javaproperties.loads(files(given(), FACTS)["/etc/kafka/connect-log4j.properties"].content)
    errors = "org.apache.kafka.connect.runtime.errors"

    assert log4j[f"log4j.logger.{errors}"] == "INFO, skipped"
    assert log4j[f"log4j.additivity.{errors}"] == "false"
    assert log4j["log4j.appender.skipped.layout.ConversionPattern"].endswith("%throwable{none}%n")

    platform8 = files(given(worker={"platformVersion": "8.1", "javaVersion": 17}), FACTS)
    log4j2 = yaml.safe_load(platform8["/etc/kafka/connect-log4j2.yaml"].content)["Configuration"]
    logger = next(one for one in log4j2["Loggers"]["Logger"] if one["name"] == errors)
    appenders = {one["name"]: one["PatternLayout"]["pattern"] for one in log4j2["Appenders"]["Console"]}
    assert logger["additivity"] is False
    assert [appenders[one["ref"]] for one in logger["AppenderRef"]] == [
        "%p %X{connector.context}%m (%c{1})%ex{none}%n"
    ]


def test_java_8_is_the_default_and_others_are_a_setting() -> None:
    assert variables("install.env")["JAVA_PACKAGE"] == "openjdk-8-jre-headless"
    java17 = variables("install.env", worker={"javaVersion": 17})
    assert java17["JAVA_PACKAGE"] == "openjdk-17-jre-headless"


def test_the_connector_comes_from_the_vendor_unless_a_mirror_is_set() -> None:
    assert variables("install.env")["CONNECTOR_URL"] == (
        "https://hub-downloads.confluent.io/api/plugins/confluentinc/kafka-connect-s3/versions/12.1.11/"
        "confluentinc-kafka-connect-s3-12.1.11.zip"
    )
    mirrored = variables("install.env", connector={"archiveUrl": "https://mirror.internal/c.zip"})
    assert mirrored["CONNECTOR_URL"] == "https://mirror.internal/c.zip"


def test_a_jvm_out_of_memory_ends_and_its_heap_is_the_settings() -> None:
    environment = variables("environment", worker={"heapMb": 512})

    assert environment["KAFKA_HEAP_OPTS"] == "-Xms512m -Xmx512m"
    assert "-XX:+ExitOnOutOfMemoryError" in environment["KAFKA_JVM_PERFORMANCE_OPTS"]


def test_the_vms_files_are_packed_the_same_on_every_machine() -> None:
    document = yaml.safe_load(user_data(given(), FACTS))
    (packed,) = document["write_files"]
    data = base64.b64decode(packed["content"])

    # bzip2 at its highest level: one implementation, and neither time nor owner in the archive.
    assert data.startswith(b"BZh9")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive.getmembers():
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
            assert f"{member.mode:04o}" == files(given(), FACTS)[f"/{member.name}"].permissions


def test_the_watchdog_looks_after_what_the_settings_say() -> None:
    one = given(worker={"restPort": 9999, "endpoints": {"cloudwatch": "https://monitoring.internal"}})
    known = json.loads(files(one, FACTS)["/etc/s3-auditlog-sink/watchdog.json"].content)

    assert known == {
        "connector": one.connector.name,
        "rest_port": 9999,
        "bootstrap_servers": FACTS.bootstrap_servers,
        "partitions": {TOPIC: 12},
        "metrics": True,
        "namespace": "CcloudLogexporter/dev",
        "region": "us-west-2",
        "endpoint": "https://monitoring.internal",
    }


def test_the_watchdogs_unit_finds_what_is_on_the_vm() -> None:
    rendered = files(given(), FACTS)
    unit = rendered["/etc/systemd/system/s3-auditlog-sink-watchdog.service"].content

    assert "/usr/local/lib/s3-auditlog-sink/watchdog.py" in rendered
    assert "ExecStart=/usr/bin/python3 -I /usr/local/lib/s3-auditlog-sink/watchdog.py\n" in unit
    assert str(watchdog.SETTINGS) in rendered
    assert watchdog.WORKER_PROPERTIES in rendered
    assert f"/etc/systemd/system/{watchdog.UNIT}" in rendered


def test_the_journal_is_bounded() -> None:
    journal = files(given(), FACTS)["/etc/systemd/journald.conf.d/s3-auditlog-sink-journald.conf"].content

    assert "SystemMaxUse=500M" in journal.splitlines()
    assert "RuntimeMaxUse=64M" in journal.splitlines()


def test_the_log_level_is_the_debugging_switch_of_the_article() -> None:
    debug = files(given(worker={"logLevel": "DEBUG"}), FACTS)["/etc/kafka/connect-log4j.properties"]

    assert "log4j.rootLogger=DEBUG, stdout, file" in debug.content


def test_platform_8_logs_through_log4j_2() -> None:
    platform8 = {"platformVersion": "8.1", "javaVersion": 17}
    rendered = files(given(worker=platform8), FACTS)
    document = yaml.safe_load(rendered["/etc/kafka/connect-log4j2.yaml"].content)

    assert document["Configuration"]["Loggers"]["Root"]["level"] == "INFO"
    assert "/etc/kafka/connect-log4j.properties" not in rendered
    assert variables("environment", worker=platform8)["KAFKA_LOG4J_OPTS"] == (
        "-Dlog4j2.configurationFile=/etc/kafka/connect-log4j2.yaml"
    )


def test_secrets_are_looked_for_by_name_only() -> None:
    known = json.loads(files(given(), FACTS)["/etc/s3-auditlog-sink/secrets.json"].content)

    assert known == {
        "region": "us-west-2",
        "endpoint": None,
        "parameters": dict(FACTS.parameters),
    }


@pytest.mark.parametrize(
    ("version", "package"), [(None, "confluent-kafka"), ("7.9.2-1", "confluent-kafka=7.9.2-1")]
)
def test_the_platforms_package_is_the_lines_newest_or_exactly_one(version: str | None, package: str) -> None:
    worker = {} if version is None else {"packageVersion": version}

    assert variables("install.env", worker=worker)["PLATFORM_PACKAGE"] == package


@pytest.mark.parametrize(("time", "said"), [("03:30", "true"), ("never", "false")])
def test_the_vm_reboots_in_its_window_or_never(time: str, said: str) -> None:
    rendered = files(given(worker={"rebootTime": time}), FACTS)[
        "/etc/apt/apt.conf.d/60s3-auditlog-sink"
    ].content

    assert f'Unattended-Upgrade::Automatic-Reboot "{said}";' in rendered
    assert (f'Automatic-Reboot-Time "{time}";' in rendered) == (time != "never")


def test_only_the_install_script_is_executable() -> None:
    executable = [path for path, file in files(given(), FACTS).items() if file.permissions != "0644"]

    assert executable == [cloud_config.INSTALL_SCRIPT]


@pytest.mark.parametrize("unit", ["s3-auditlog-sink.service", "s3-auditlog-sink-watchdog.service"])
def test_a_start_of_a_unit_writes_nothing_to_the_disk(unit: str) -> None:
    content = files(given(), FACTS)[f"/etc/systemd/system/{unit}"].content

    assert "TemporaryFileSystem=/tmp:mode=1777,nosuid,size=64M /var/tmp:mode=1777" in content
    assert "DevicePolicy=closed" in content
    assert not re.search("^Private(Tmp|Devices)=", content, re.MULTILINE)
