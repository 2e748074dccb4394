import asyncio
import copy
import inspect
import json
import os
import re
import traceback
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import pytest
from pydantic import SecretStr

from components import settings
from components.logzio.facts import TOKEN_VARIABLE
from components.settings import Settings, SettingsError, load, validators
from components.settings.connector_properties import OWN_CONNECTOR_PROPERTIES
from components.settings.draft import Draft, InvalidSettingError, SectionDraft, draft
from components.settings.sections import OWN_TAGS, SECTIONS, Worker
from components.settings.sizing import instance_memory_mb, least_heap_mb
from components.settings.validators import VALIDATORS, Validator, region_of_endpoint

ROOT = Path(__file__).resolve().parents[3]
TOPIC = "confluent-audit-log-events"
MARKER = "planted-marker-4711"
MIB = 1024 * 1024

BY_ENDPOINT: dict[str, Any] = {
    "source": {
        "bootstrapServers": "pkc-abc12.us-west-2.aws.confluent.cloud:9092",
        "apiKey": "ABCDEF0123456789",
        "apiSecret": "made-up/secret+of=the-tests",
        "partitions": {TOPIC: 12},
    },
    "archive": {"bucket": "logexporter-ccloud"},
    "logzio": {"apiToken": "made-up-token"},
}
BY_IDS: dict[str, Any] = {
    **BY_ENDPOINT,
    "source": {
        "cluster": "lkc-abc12",
        "environment": "env-abc12",
        "serviceAccount": "sa-abc12",
        "partitions": {TOPIC: 12},
    },
}


def changed(path: str, value: Any, base: dict[str, Any] = BY_ENDPOINT) -> dict[str, Any]:
    """The base with one setting changed: `worker.heapMb`; None as a value takes it away."""
    raw = copy.deepcopy(base)
    *sections, name = path.split(".")
    target = raw
    for section in sections:
        target = target.setdefault(section, {})
    if value is None:
        del target[name]
    else:
        target[name] = value
    return raw


def loaded(raw: dict[str, Any], region: str | None = "us-west-2", **environ: str) -> Settings:
    return load(raw, region=region, environ=environ)


def problems(raw: dict[str, Any], region: str | None = "us-west-2") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        loaded(raw, region)
    return caught.value.problems


@pytest.mark.parametrize("raw", [BY_ENDPOINT, BY_IDS])
def test_few_settings_are_enough(raw: dict[str, Any]) -> None:
    given = loaded(raw)

    assert given.source.topics == (TOPIC,)
    assert given.writer.identity == "user"
    assert given.worker.platform_version == "7.9"
    assert given.worker.java_version == 8
    assert given.logzio.base_url == "https://api.logz.io"
    assert not given.archive.destroy_with_data


# path, value, the setting that the problem names, part of the problem
REFUSED: list[tuple[str, Any, str, str]] = [
    (
        "source.bootstrapServers",
        "pkc-1.aws.confluent.cloud",
        "source.bootstrapServers",
        "accepted: host:port",
    ),
    ("source.bootstrapServers", "SASL_SSL://:9092", "source.bootstrapServers", "no host and port"),
    ("source.bootstrapServers", "host:0", "source.bootstrapServers", "no host and port"),
    ("source.bootstrapServers", "host:70000", "source.bootstrapServers", "no host and port"),
    ("source.bootstrapServers", "a:9092,b", "source.bootstrapServers", "no host and port"),
    ("source.bootstrapServers", "a:9092,", "source.bootstrapServers", "no host and port"),
    ("source.bootstrapServers", "PLAINTEXT://a:9092", "source.bootstrapServers", "no host and port"),
    ("source.bootstrapServers", "a b:9092", "source.bootstrapServers", "no host and port"),
    ("source.apiKey", "with space", "source.apiKey", "accepted: the key as it was issued"),
    ("source.apiKey", 'QUOTE"D', "source.apiKey", "accepted: the key as it was issued"),
    ("source.apiSecret", "", "source.apiSecret", "is empty"),
    ("source.apiSecret", "two words", "source.apiSecret", "a space"),
    ("source.apiSecret", "line\n", "source.apiSecret", "a line break"),
    ("source.apiSecret", "it's", "source.apiSecret", "a quote"),
    ("source.apiSecret", "back\\slash", "source.apiSecret", "a backslash"),
    ("source.apiSecret", "${file:x:y}", "source.apiSecret", "${"),
    ("source.apiSecret", 4711, "source.apiSecret", "accepted: secret"),
    ("writer.keyGenerations", [], "writer.keyGenerations", "is no list of generations"),
    ("writer.keyGenerations", [1, 3], "writer.keyGenerations", "or two that follow each other"),
    ("writer.keyGenerations", [2, 1], "writer.keyGenerations", "is no list of generations"),
    ("writer.keyGenerations", [1, 1], "writer.keyGenerations", "is no list of generations"),
    ("writer.keyGenerations", [1, 2, 3], "writer.keyGenerations", "is no list of generations"),
    ("writer.keyGenerations", [0], "writer.keyGenerations.0", "0 is too small"),
    ("writer.keyGenerations", 2, "writer.keyGenerations", "accepted: list"),
    ("logzio.keyGenerations", [1], "logzio.keyGenerations", "a role has no key"),
    ("source.keyGenerations", [1], "source.keyGenerations", "a given key is rotated by giving another one"),
    ("worker.packageVersion", "8.0.1-1", "worker.packageVersion", "of another line than platform 7.9"),
    ("worker.packageVersion", "7.9.1 or so", "worker.packageVersion", "as apt shows it"),
    ("worker.rebootTime", "3:30", "worker.rebootTime", "accepted: a time of day in quotes"),
    ("worker.rebootTime", "24:00", "worker.rebootTime", "a time of day in quotes"),
    # 13:30 without quotes, as YAML 1.1 reads it.
    ("worker.rebootTime", 810, "worker.rebootTime", "a time of day in quotes"),
    ("source.partitions", None, "source.partitions", "is missing"),
    ("source.partitions", 12, "source.partitions", "accepted: object"),
    (
        "source.partitions",
        {TOPIC: 0},
        f"source.partitions.{TOPIC}",
        "0 is too small; accepted: whole number, 1 to",
    ),
    (
        "source.partitions",
        {TOPIC: True},
        f"source.partitions.{TOPIC}",
        "another type; accepted: whole number",
    ),
    (
        "source.partitions",
        {TOPIC: "12"},
        f"source.partitions.{TOPIC}",
        "another type; accepted: whole number",
    ),
    ("source.partitions", {TOPIC: 1.5}, f"source.partitions.{TOPIC}", "another type; accepted: whole number"),
    ("source.partitions", {"other": 3}, "source.partitions", f"one for each of {TOPIC}"),
    ("source.partitions", {TOPIC: 3, "other": 3}, "source.partitions", "and for nothing else"),
    (
        "source.partitions",
        {TOPIC: 3, "no topic": 3},
        "source.partitions.no topic",
        "not the name of a Kafka topic",
    ),
    ("source.topics", [], "source.topics", "at least one"),
    ("source.topics", [TOPIC, TOPIC], "source.topics", "a topic twice"),
    ("source.topics", TOPIC, "source.topics", "accepted: list"),
    ("source.topics", ["no spaces"], "source.topics.0", "not the name of a Kafka topic"),
    ("source.topics", [TOPIC, ".."], "source.topics.1", "not the name of a Kafka topic"),
    ("source.topics", ["a" * 250], "source.topics.0", "1 to 249"),
    ("archive.bucket", None, "archive.bucket", "is missing; accepted: text: 3 to 63"),
    ("archive.bucket", "ab", "archive.bucket", "2 characters; accepted: 3 to 63"),
    ("archive.bucket", "a" * 64, "archive.bucket", "64 characters; accepted: 3 to 63"),
    ("archive.bucket", "Upper", "archive.bucket", "accepted: 3 to 63 of a-z"),
    ("archive.bucket", "under_score", "archive.bucket", "accepted: 3 to 63 of a-z"),
    ("archive.bucket", "-start", "archive.bucket", "starting and ending"),
    ("archive.bucket", "end-", "archive.bucket", "starting and ending"),
    ("archive.bucket", "with.dot", "archive.bucket", "TLS"),
    ("archive.bucket", "two..dots", "archive.bucket", "has a dot"),
    ("archive.bucket", "192.168.0.1", "archive.bucket", "has a dot"),
    *(
        ("archive.bucket", f"{start}bucket", "archive.bucket", f"has {start}, which S3 reserves")
        for start in ("xn--", "sthree-", "amzn-s3-demo-")
    ),
    *(
        ("archive.bucket", f"bucket{end}", "archive.bucket", f"has {end}, which S3 reserves")
        for end in ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
    ),
    (
        "archive.retentionDays",
        0,
        "archive.retentionDays",
        "0 is too small; accepted: whole number, 1 to 36500",
    ),
    ("archive.originals", "no", "archive.originals", "accepted: `true`, `false`"),
    ("archive.originalsRetentionDays", 0, "archive.originalsRetentionDays", "0 is too small"),
    ("archive.originalsRotationSeconds", 3601, "archive.originalsRotationSeconds", "5 to 3600"),
    ("archive.originalsFlushSize", 999, "archive.originalsFlushSize", "1000 to 100000"),
    ("source.consumerGroup", "a group", "source.consumerGroup", "1 to 249 of A-Z a-z 0-9 . _ -"),
    ("source.consumerGroup", "", "source.consumerGroup", "1 to 249"),
    ("archive.kmsKeyArn", "alias/mine", "archive.kmsKeyArn", "arn:aws:kms"),
    (
        "archive.kmsKeyArn",
        "arn:aws:kms:eu-west-1:123456789012:key/0000-1111",
        "archive.kmsKeyArn",
        "accepted: a key in us-west-2",
    ),
    ("worker.secretsKeyArn", "alias/mine", "worker.secretsKeyArn", "arn:aws:kms"),
    (
        "worker.secretsKeyArn",
        "arn:aws:kms:eu-west-1:123456789012:key/0000-1111",
        "worker.secretsKeyArn",
        "is a key in eu-west-1; accepted: a key in us-west-2, where the VM's parameters are",
    ),
    (
        "archive.objectLockDays",
        0,
        "archive.objectLockDays",
        "0 is too small; accepted: whole number, 1 to 36500",
    ),
    ("archive.destroyWithData", "yes", "archive.destroyWithData", "accepted: `true`, `false`"),
    ("writer.identity", "root", "writer.identity", "accepted: `user`, `role`"),
    ("connector.name", "a name", "connector.name", "A-Z a-z 0-9 . _ -"),
    ("connector.topicsDir", "/topics", "connector.topicsDir", "no slash at either end"),
    ("connector.topicsDir", "topics/", "connector.topicsDir", "no slash at either end"),
    ("connector.topicsDir", "", "connector.topicsDir", "not a part of an object's key"),
    ("connector.topicsDir", "a/../b", "connector.topicsDir", "a part . or .."),
    ("connector.topicsDir", "a" * 201, "connector.topicsDir", "up to 200"),
    (
        "connector.topicsDir",
        "worker-files",
        "connector.topicsDir",
        "is in worker-files/, which is not for events",
    ),
    (
        "connector.topicsDir",
        "originals/a",
        "connector.topicsDir",
        "other first part than worker-files and originals",
    ),
    ("connector.flushSize", 0, "connector.flushSize", "0 is too small; accepted: whole number, 1000 to 6100"),
    ("connector.flushSize", 6101, "connector.flushSize", "50 MB"),
    ("connector.rotationSeconds", 0, "connector.rotationSeconds", "Never off"),
    ("connector.rotationSeconds", -1, "connector.rotationSeconds", "Never off"),
    ("connector.rotationSeconds", 4, "connector.rotationSeconds", "accepted: whole number, 5 to 3600"),
    ("connector.rotationSeconds", 3601, "connector.rotationSeconds", "too large"),
    ("connector.partSize", 5 * MIB - 1, "connector.partSize", "5 MiB at least"),
    ("connector.partSize", 100 * MIB, "worker.heapMb", "12 partitions with parts of 100 MiB"),
    ("connector.format", "avro", "connector.format", "accepted: `json`, `raw`"),
    ("connector.compression", "zip", "connector.compression", "accepted: `gzip`, `none`"),
    ("connector.compressionLevel", 10, "connector.compressionLevel", "1 to 9"),
    ("connector.renames", {"time": "a:b"}, "connector.renames.time", "without spaces, colons"),
    ("connector.renames", {"time": "a,b"}, "connector.renames.time", "without spaces, colons"),
    ("connector.renames", {"a b": "c"}, "connector.renames.a b", "without spaces, colons"),
    ("connector.renames", {"a": "c", "b": "c"}, "connector.renames", "the same name"),
    ("connector.version", "10.5.25", "connector.version", "no conditional writes, so it overwrites"),
    ("connector.version", "10.6.0", "connector.version", "200 with PreconditionFailed"),
    ("connector.version", "9.9.9", "connector.version", "no conditional writes"),
    ("connector.version", "13.0.0", "connector.version", "up to major version 12"),
    ("connector.version", "latest", "connector.version", "accepted: three numbers"),
    ("connector.archiveUrl", "http://example.org/c.zip", "connector.archiveUrl", "not an https URL"),
    ("connector.archiveUrl", "https://[example.org/c.zip", "connector.archiveUrl", "not a URL"),
    ("connector.archiveUrl", "https://example.org:99999/c.zip", "connector.archiveUrl", "not a URL"),
    ("connector.archiveUrl", "https://example.org/c d.zip", "connector.archiveUrl", "a space"),
    ("connector.archiveUrl", "file:///tmp/c.zip", "connector.archiveUrl", "not an https URL"),
    ("connector.archiveSha256", "abc", "connector.archiveSha256", "64 hexadecimal"),
    ("connector.properties", {"a b": "c"}, "connector.properties.a b", "a name of"),
    ("connector.properties", {"a": ["c"]}, "connector.properties.a", "accepted: text"),
    ("worker.platformVersion", "4.0", "worker.platformVersion", "7.9"),
    ("worker.platformVersion", "8.0", "worker.javaVersion", "accepted: 17, 21"),
    ("worker.javaVersion", 21, "worker.javaVersion", "accepted: 8, 11, 17"),
    (
        "worker.package",
        "confluent-server",
        "worker.package",
        "accepted: `confluent-kafka`, `confluent-platform`",
    ),
    ("iam.path", "logexporter", "iam.path", "a slash at both ends"),
    ("iam.path", "/log exporter/", "iam.path", "a slash at both ends"),
    (
        "iam.permissionsBoundaryArn",
        "workloads",
        "iam.permissionsBoundaryArn",
        "arn:aws:iam::<account>:policy/",
    ),
    (
        "iam.permissionsBoundaryArn",
        "arn:aws:iam::123456789012:role/x",
        "iam.permissionsBoundaryArn",
        "arn:aws:iam::<account>:policy/",
    ),
    ("worker.instanceType", "big", "worker.instanceType", "t3.small"),
    ("worker.instanceType", "t4g.nano", "worker.heapMb", "accepted: a larger"),
    ("worker.availabilityZones", ["us-west-2-lax-1a"], "worker.availabilityZones.0", "e.g. us-west-2a"),
    ("worker.availabilityZones", ["eu-west-1a"], "worker.availabilityZones", "not in us-west-2"),
    ("worker.availabilityZones", ["us-west-2a", "us-west-2a"], "worker.availabilityZones", "each zone once"),
    ("worker.instanceType", "t3.nano", "worker.heapMb", "accepted: a larger"),
    ("worker.ami", "ubuntu", "worker.ami", "ami-"),
    ("worker.ami", "ami-0123456789", "worker.ami", "8 or 17"),
    ("worker.subnetId", "vpc-0123abcd", "worker.subnetId", "subnet-"),
    ("worker.dnsServers", ["dc.internal"], "worker.dnsServers.0", "IPv4 addresses"),
    ("worker.dnsServers", ["10.0.0.2", "10.0.0.2"], "worker.dnsServers", "each address once"),
    ("worker.dnsServers", ["10.0.0.2"], "worker.dnsServers", "set ccloud-logexporter:worker.subnetId"),
    ("worker.volumeGb", 9, "worker.volumeGb", "10 to 1000"),
    ("worker.heapMb", 96, "worker.heapMb", "96 is too small; accepted: whole number, 128 to"),
    ("worker.heapMb", 1600, "worker.heapMb", "does not fit t3.small (2048 MiB"),
    ("worker.heapMb", "384", "worker.heapMb", "another type; accepted: whole number"),
    ("worker.logLevel", "TRACE", "worker.logLevel", "accepted: `INFO`, `DEBUG`"),
    ("worker.restPort", 80, "worker.restPort", "1024 to 65535"),
    ("worker.repositoryUrl", "ftp://mirror", "worker.repositoryUrl", "not an https URL"),
    ("worker.repositoryUrl", "http://10.0.0.1/deb", "worker.repositoryUrl", "http only for 127.0.0.1"),
    ("worker.repositoryUrl", "https://mirror/deb?x=1", "worker.repositoryUrl", "a query"),
    ("worker.repositoryKeyUrl", "mirror/archive.key", "worker.repositoryKeyUrl", "not an https URL"),
    (
        "worker.repositoryKeyFingerprint",
        "ABC",
        "worker.repositoryKeyFingerprint",
        "is not a fingerprint; accepted: 40 hexadecimal digits; a single one needs no list",
    ),
    (
        "worker.repositoryKeyFingerprint",
        ["A" * 40, "ABC"],
        "worker.repositoryKeyFingerprint",
        "entry 2 is not a fingerprint; accepted: 40 hexadecimal",
    ),
    ("worker.repositoryKeyFingerprint", [], "worker.repositoryKeyFingerprint", "is empty"),
    ("worker.repositoryKeyFingerprint", ["A" * 40, "a" * 40], "worker.repositoryKeyFingerprint", "twice"),
    ("worker.repositoryKeyFingerprint", 5, "worker.repositoryKeyFingerprint", "40 hexadecimal"),
    (
        "worker.alarmTopicArn",
        "arn:aws:sns:eu-west-1:123456789012:alarms",
        "worker.alarmTopicArn",
        "a topic in us-west-2",
    ),
    ("alarms.canary", "yes", "alarms.canary", "accepted: `true`, `false`"),
    ("alarms.email", ["on-call"], "alarms.email.0", "is not an address"),
    ("alarms.email", ["on-call@example.com", "on-call@localhost"], "alarms.email.1", "has no domain"),
    ("alarms.email", ["On Call <on-call@example.com>"], "alarms.email.0", "like security@example.com"),
    ("alarms.email", ["a@example.com, b@example.com"], "alarms.email.0", "is not an address"),
    ("alarms.email", ["on-call@" + "example." * 40 + "com"], "alarms.email.0", "has no domain"),
    ("alarms.email", "on-call@example.com", "alarms.email", "list, each: text: addresses like"),
    ("alarms.email", ["on-call@example.com", "On-Call@example.com"], "alarms.email", "an address twice"),
    ("alarms.emails", ["on-call@example.com"], "alarms.emails", "did you mean email?"),
    ("alarms.dashboard", "yes", "alarms.dashboard", "`true`, `false`"),
    ("worker.endpoints", {"s3": "http://10.0.0.1"}, "worker.endpoints.s3", "not an https URL"),
    ("worker.endpoints", {"sms": "https://x"}, "worker.endpoints.sms", "did you mean ssm?"),
    ("worker.endpoints", "https://s3", "worker.endpoints", "accepted: object with s3, ssm, cloudwatch, iam"),
    ("logzio.region", "nl", "logzio.region", "accepted: `us`, `au`, `ca`, `eu`, `uk`"),
    ("logzio.apiUrl", "http://api.example.org", "logzio.apiUrl", "not an https URL"),
    ("logzio.apiToken", None, "logzio.apiToken", TOKEN_VARIABLE),
    ("logzio.logType", "with space", "logzio.logType", "no spaces"),
    ("logzio.logType", "", "logzio.logType", "is empty"),
    ("logzio.logType", "kafka_server", "logzio.logType", "built-in"),
    ("logzio.logType", "s3access", "logzio.logType", "built-in"),
    ("logzio.authentication", "password", "logzio.authentication", "accepted: `role`, `keys`"),
    ("tags", {"aws:name": "x"}, "tags.aws:name", "AWS reserves"),
    ("tags", {"name": ["x"]}, "tags.name", "is not a valid value"),
    ("tags", {"a!": "x"}, "tags.a!", "is not a valid name"),
    ("tags", {"a": "two\nlines"}, "tags.a", "is not a valid value"),
    ("tags", {"name": "x" * 257}, "tags.name", "up to 256"),
    ("tags", {"stack": "x"}, "tags", "differ only in case"),
    ("tags", {str(number): "x" for number in range(8)}, "tags", "at most 7"),
    ("tags", "name=x", "tags", "is not an object"),
    ("conector", {}, "conector", "did you mean connector?"),
    ("worker.heapMB", 512, "worker.heapMB", "did you mean heapMb?"),
    ("worker", "t3.small", "worker", "is not an object; accepted: an object with platformVersion"),
    ("worker", ["t3.small"], "worker", "is not an object"),
]


@pytest.mark.parametrize(("path", "value", "named", "message"), REFUSED)
def test_a_problem_names_the_wrong_setting_and_what_it_accepts(
    path: str, value: Any, named: str, message: str
) -> None:
    (problem,) = problems(changed(path, value))

    assert problem.startswith(f"ccloud-logexporter:{named}: "), problem
    assert message in problem
    assert "; accepted: " in problem


def test_all_problems_are_reported_at_once() -> None:
    raw = copy.deepcopy(BY_ENDPOINT)
    raw["source"] |= {"cluster": "wrong", "topics": [TOPIC, "other"]}
    raw["archive"] = {"kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/0000", "retentionDays": 0}
    raw["connector"] = {
        "flushSize": 0,
        "rotationSeconds": 1,
        "properties": {"path.format": "x"},
        "unknown": 1,
    }
    raw["worker"] = {"javaVersion": 21, "heapMb": 1500, "repositoryUrl": "x", "ami": 5}
    raw["logzio"] = {"region": "xx"}
    raw["tags"] = {"aws:x": "y"}

    named = [
        problem.split(": ")[0].removeprefix("ccloud-logexporter:") for problem in problems(raw, "eu-north-1")
    ]

    assert sorted(named) == sorted(
        [
            "source",  # the endpoint and an id
            "source.cluster",
            "source.partitions",
            "archive.bucket",
            "archive.kmsKeyArn",
            "archive.retentionDays",
            "connector.flushSize",
            "connector.rotationSeconds",
            "connector.properties.path.format",
            "connector.unknown",
            "worker.javaVersion",
            "worker.heapMb",
            "worker.repositoryUrl",
            "worker.ami",
            "logzio.region",
            "logzio.apiToken",
            "tags.aws:x",
            "aws:region",  # not readable by Logz.io
            "aws:region",  # not the cluster's
        ]
    )


def test_an_empty_stack_file_is_reported_by_the_missing_settings() -> None:
    found = problems({}, None)

    assert [problem.split(": ")[0] for problem in found] == [
        "ccloud-logexporter:source.partitions",
        "ccloud-logexporter:archive.bucket",
        "ccloud-logexporter:source",
        "aws:region",
        "ccloud-logexporter:logzio.apiToken",
    ]


def test_pulumi_shows_one_line_per_problem_and_no_stack_trace() -> None:
    error = SettingsError(["one", "two"])

    assert str(error).splitlines() == ["2 setting(s) to fix:", "  - one", "  - two"]
    # Pulumi's language host shows only the text of a RunError.
    assert isinstance(error, pulumi.RunError)


OTHER_REGION = "eu-west-1:123456789012"
# Validator -> settings that are valid by themselves and that it refuses together: dotted name -> value
REFUSED_TOGETHER: dict[str, dict[str, Any]] = {
    "_source_is_an_endpoint_or_ids": {"source.cluster": "lkc-abc12"},
    "_given_kafka_key_has_no_generations": {"source.keyGenerations": [1]},
    "_distributed_has_a_cluster": {"worker.mode": "distributed"},
    "_fleet_is_not_in_the_audit_log_cluster": {
        "fleet.bootstrapServers": BY_ENDPOINT["source"]["bootstrapServers"]
    },
    "_given_fleet_key_has_no_generations": {"fleet.apiKey": "ABCD1234", "fleet.keyGenerations": [1]},
    "_fleet_port_is_free": {"worker.mode": "distributed", "worker.restPort": 8443},
    "_writer_role_has_no_key": {"writer.identity": "role", "writer.keyGenerations": [1]},
    "_logzio_role_has_no_key": {"logzio.keyGenerations": [1]},
    "_logzio_can_read_the_region": {"region": "eu-north-1"},
    "_bucket_is_in_the_clusters_region": {"region": "eu-west-1"},
    "_bucket_key_is_in_the_region": {"archive.kmsKeyArn": f"arn:aws:kms:{OTHER_REGION}:key/0000-1111"},
    "_secrets_key_is_in_the_region": {"worker.secretsKeyArn": f"arn:aws:kms:{OTHER_REGION}:key/0000-1111"},
    "_nothing_is_deleted_before_its_lock_ends": {"archive.objectLockDays": 2, "archive.retentionDays": 1},
    "_adopted_bucket_is_not_destroyed": {"archive.adoptExisting": True, "archive.destroyWithData": True},
    "_alarm_topic_is_in_the_region": {"worker.alarmTopicArn": f"arn:aws:sns:{OTHER_REGION}:alarms"},
    "_addresses_are_unique": {"alarms.email": ["on-call@example.com", "ON-CALL@example.com"]},
    "_alarms_need_metrics": {"alarms.email": ["on-call@example.com"], "worker.metrics": False},
    "_topics_are_unique": {"source.topics": [TOPIC, TOPIC]},
    "_every_topic_has_a_number_of_partitions": {"source.topics": ["other"]},
    "_java_runs_the_platform": {"worker.javaVersion": 21},
    "_package_is_of_the_platform": {"worker.packageVersion": "8.0.1-1"},
    "_heap_is_large_enough": {"worker.heapMb": 128},
    "_heap_fits_the_instance": {"worker.heapMb": 1600},
    "_zones_are_in_the_region": {"worker.availabilityZones": ["eu-west-1a"]},
    "_given_subnets_have_no_zones": {
        "worker.availabilityZones": ["us-west-2a"],
        "worker.subnetIds": ["subnet-0123abcd"],
    },
    "_subnets_are_given_once": {"worker.subnetIds": ["subnet-0123abcd", "subnet-0123abcd"]},
    "_dns_servers_need_a_given_subnet": {"worker.dnsServers": ["10.0.0.2"]},
    "_token_is_given": {"logzio.apiToken": None},
    "_topics_dir_is_not_reserved": {"connector.topicsDir": "originals"},
    "_properties_are_allowed": {"connector.properties": {"path.format": "x"}},
    "_raw_changes_no_field": {"connector.format": "raw", "connector.flatten": True},
    "_needed_fields_are_kept": {"connector.excludedFields": ["id"]},
    "_raw_has_no_originals": {"connector.format": "raw", "archive.originals": True},
    "_renames_lose_no_field": {"connector.renames": {"a": "c", "b": "c"}},
}


@pytest.mark.parametrize("validator", VALIDATORS, ids=lambda validator: validator.__name__)
def test_every_validator_refuses_something(monkeypatch: pytest.MonkeyPatch, validator: Validator) -> None:
    monkeypatch.setattr(validators, "VALIDATORS", (validator,))
    refused = dict(REFUSED_TOGETHER[validator.__name__])
    region = refused.pop("region", "us-west-2")
    raw = BY_ENDPOINT
    for path, value in refused.items():
        raw = changed(path, value, raw)

    assert len(problems(raw, region)) == 1


def test_every_validator_of_the_module_runs() -> None:
    written = {
        function
        for _, function in inspect.getmembers(validators, inspect.isfunction)
        if list(inspect.signature(function).parameters) == ["draft"] and function is not validators.validate
    }

    assert set(VALIDATORS) == written


def draft_of_worker(values: dict[str, Any], given: dict[str, bool]) -> Draft:
    sections = {name: SectionDraft(model, {}, {}) for name, model in SECTIONS.items()}
    return draft({**sections, "worker": SectionDraft(Worker, values, given)}, "us-west-2")


def test_a_validator_ends_where_it_reads_an_invalid_setting() -> None:
    known = draft_of_worker({"heap_mb": 384}, {"heap_mb": True, "ami": True, "log_level": False})

    assert known.worker.heap_mb == 384
    with pytest.raises(InvalidSettingError):
        _ = known.worker.ami
    with pytest.raises(InvalidSettingError):
        _ = known.source.topics


def test_a_draft_knows_which_settings_are_given_even_if_they_are_invalid() -> None:
    known = draft_of_worker({}, {"heap_mb": True, "ami": True, "log_level": False})

    assert known.given.worker.ami
    assert not known.given.worker.log_level


def test_a_misspelt_setting_is_an_error_and_not_a_skipped_validator() -> None:
    with pytest.raises(AttributeError, match="Worker has no setting heap_md"):
        _ = draft_of_worker({}, {}).worker.heap_md  # type: ignore[attr-defined]  # mypy must refuse it, too


ENDPOINT = {name: BY_ENDPOINT["source"][name] for name in ("bootstrapServers", "apiKey", "apiSecret")}
IDS = {name: BY_IDS["source"][name] for name in ("cluster", "environment", "serviceAccount")}


@pytest.mark.parametrize(
    "source",
    [
        {},
        *({name: value for name, value in ENDPOINT.items() if name != missing} for missing in ENDPOINT),
        *({name: value for name, value in IDS.items() if name != missing} for missing in IDS),
        *({**ENDPOINT, name: value} for name, value in IDS.items()),
        *({**IDS, name: value} for name, value in ENDPOINT.items()),
        {**ENDPOINT, **IDS},
    ],
    ids=lambda source: "+".join(source) or "nothing",
)
def test_a_source_is_an_endpoint_with_a_key_or_three_ids(source: dict[str, Any]) -> None:
    (problem,) = problems({**BY_ENDPOINT, "source": {**source, "partitions": {TOPIC: 12}}})

    assert problem.startswith("ccloud-logexporter:source: has ")
    assert problem.endswith(
        "accepted: either bootstrapServers, apiKey and apiSecret, or cluster, environment and serviceAccount"
    )


def test_an_empty_setting_in_yaml_counts_as_left_out() -> None:
    raw = copy.deepcopy(BY_IDS)
    raw["worker"] = {"heapMb": None, "endpoints": None}
    raw["writer"] = None

    assert loaded(raw).worker.heap_mb == 384


def test_one_generation_or_two_consecutive_ones_are_accepted() -> None:
    for generations in ([1], [1, 2], [2], [7, 8]):
        given = loaded(changed("writer.keyGenerations", generations))
        assert given.writer.key_generations == tuple(generations)


def test_a_role_has_no_key_generations() -> None:
    raw = changed("writer.keyGenerations", [1, 2], changed("writer.identity", "role"))

    assert problems(raw) == [
        "ccloud-logexporter:writer.keyGenerations: is set, but a role has no key; accepted: leave it out"
    ]


@pytest.mark.parametrize("prefix", ["SASL_SSL://", "sasl_ssl://", ""])
def test_the_protocol_of_an_endpoint_is_removed(prefix: str) -> None:
    given = loaded(changed("source.bootstrapServers", f"{prefix}pkc-1.us-west-2.aws.confluent.cloud:9092"))

    assert given.source.bootstrap_servers == "pkc-1.us-west-2.aws.confluent.cloud:9092"


def test_several_bootstrap_servers_keep_their_order() -> None:
    given = loaded(changed("source.bootstrapServers", "SASL_SSL://b-1.x:9092, SASL_SSL://b-2.x:9093"))

    assert given.source.bootstrap_servers == "b-1.x:9092,b-2.x:9093"


# Each setting that may hold a secret, with values that are refused.
PLANTED = [
    ("source.apiSecret", f"{MARKER} with space"),
    ("source.apiSecret", f'{MARKER}"'),
    ("source.apiSecret", f"{MARKER}${{"),
    ("source.apiSecret", f"{MARKER}é"),
    ("source.apiSecret", f"{MARKER}\n"),
    ("source.apiSecret", {"nested": MARKER}),
    ("source.apiSecret", [MARKER]),
    ("source.apiSecret", MARKER.encode()),
    ("logzio.apiToken", f"{MARKER}\n"),
    ("logzio.apiToken", {"nested": MARKER}),
    ("logzio.apiToken", [MARKER]),
    ("logzio", MARKER),
    ("logzio", [MARKER]),
    ("source", MARKER),
    # Settings that hold no secret, unless someone puts it there.
    ("source.apiKey", f"{MARKER} {MARKER}"),
    ("source.bootstrapServers", MARKER),
    ("source.partitions", MARKER),
    ("archive.bucket", f"{MARKER}_"),
    ("connector.archiveUrl", f"https://user:{MARKER}@mirror/c.zip"),
    ("connector.archiveUrl", f"https://[{MARKER}"),
    ("connector.properties", {"s3.proxy.password": MARKER}),
    ("worker.repositoryUrl", f"https://{MARKER}@mirror/deb"),
    ("worker.heapMb", MARKER),
    ("logzio.apiUrl", f"https://x\u2100:{MARKER}@api"),
    ("logzio.region", MARKER),
    ("tags", MARKER),
]


def shown(error: BaseException) -> str:
    """Everything that can be printed of an error, its causes included."""
    texts = [str(error), repr(error), *traceback.format_exception(error)]
    causes = [cause for cause in (error.__cause__, error.__context__) if cause is not None]
    return "".join(texts) + "".join(shown(cause) for cause in causes)


@pytest.mark.parametrize(("path", "value"), PLANTED)
def test_no_problem_shows_a_secret(path: str, value: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(changed(path, value))

    assert MARKER not in shown(caught.value)


def test_problems_of_other_settings_show_no_valid_secret() -> None:
    raw = copy.deepcopy(BY_ENDPOINT)
    raw["source"] |= {"apiSecret": MARKER, "unknown": 1, "cluster": "x"}
    raw["logzio"] |= {"apiToken": MARKER, "region": "x", "logType": 5}

    with pytest.raises(SettingsError) as caught:
        loaded(raw)

    assert len(caught.value.problems) >= 5
    assert MARKER not in shown(caught.value)


@pytest.mark.parametrize("section", ["logzio", "source", "tags"])
@pytest.mark.parametrize(
    "value", [MARKER, f'{{"apiToken": "{MARKER}"', f'["{MARKER}"]', f'{{"apiToken": ["{MARKER}"]}}']
)
def test_no_problem_of_the_pulumi_configuration_shows_a_secret(section: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        from_pulumi({**BY_ENDPOINT, section: value})

    assert f"ccloud-logexporter:{section}" in str(caught.value)
    assert MARKER not in shown(caught.value)


def test_a_refused_token_from_the_environment_is_not_shown() -> None:
    with pytest.raises(SettingsError, match=r"logzio\.apiToken: has a space") as caught:
        loaded(BY_ENDPOINT, LOGZIO_API_TOKEN=f"{MARKER}\n")

    assert MARKER not in shown(caught.value)
    assert "LOGZIO_API_TOKEN overrides it" in str(caught.value)


def test_printed_settings_show_no_secret() -> None:
    raw = changed("source.apiSecret", MARKER)
    raw["logzio"]["apiToken"] = MARKER

    assert MARKER not in repr(loaded(raw)) + str(loaded(raw))


def test_the_environments_token_overrides_the_stacks_token() -> None:
    given = loaded(BY_ENDPOINT, LOGZIO_API_TOKEN="from-the-environment")

    assert given.logzio.api_token is not None
    assert given.logzio.api_token.get_secret_value() == "from-the-environment"


def test_a_bucket_outside_the_region_of_the_endpoint_is_refused() -> None:
    (problem,) = problems(BY_ENDPOINT, "eu-west-1")

    assert "us-west-2" in problem
    assert "allowOtherRegion" in problem


def test_another_region_can_be_allowed() -> None:
    assert loaded(changed("archive.allowOtherRegion", True), "eu-west-1").region == "eu-west-1"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_region_that_logzio_cannot_read_is_always_refused(allowed: bool) -> None:
    found = problems(changed("archive.allowOtherRegion", allowed), "eu-north-1")

    assert any("Logz.io cannot read a bucket in eu-north-1" in problem for problem in found)


def test_a_missing_region_is_named() -> None:
    assert problems(BY_IDS, None)[0].startswith("aws:region: is missing")


def test_a_looked_up_region_is_compared_with_the_buckets() -> None:
    with pytest.raises(SettingsError, match="the audit-log cluster is in us-west-2"):
        settings.require_region("us-west-2", "eu-west-1", allow_other_region=False)

    settings.require_region("us-west-2", "eu-west-1", allow_other_region=True)
    settings.require_region("us-west-2", "us-west-2", allow_other_region=False)


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("pkc-1.us-west-2.aws.confluent.cloud:9092", "us-west-2"),
        ("pkc-1.ap-southeast-2.aws.glb.confluent.cloud:9092", "ap-southeast-2"),
        ("127.0.0.1:9092", None),
        ("pkc-1.westeurope.azure.confluent.cloud:9092", None),
    ],
)
def test_the_region_is_read_from_the_endpoint(endpoint: str, region: str | None) -> None:
    assert region_of_endpoint(endpoint) == region


@pytest.mark.parametrize(
    ("partitions", "least"),
    # Measured with the elastic buffer: 12 run with 128, 50 run well with 512.
    [(1, 128), (12, 128), (13, 139), (31, 320), (50, 512), (100, 1018)],
)
def test_the_least_heap_follows_from_the_partitions(partitions: int, least: int) -> None:
    assert least_heap_mb(partitions) == least


def test_a_larger_part_needs_more_heap_in_each_partition() -> None:
    assert least_heap_mb(12, 25 * MIB) == 128 + 12 * 20


def test_a_second_connector_doubles_the_heap() -> None:
    assert least_heap_mb(12, connectors=2) == 256
    assert least_heap_mb(50, connectors=2) == 1024


@pytest.mark.parametrize(
    ("partitions", "originals", "heap"), [(12, False, 128), (50, False, 512), (12, True, 256)]
)
def test_the_measured_heap_is_accepted_and_a_smaller_one_refused(
    partitions: int, originals: bool, heap: int
) -> None:
    raw = changed("worker.heapMb", heap)
    raw["source"]["partitions"] = {TOPIC: partitions}
    raw["archive"]["originals"] = originals

    assert loaded(raw).worker.heap_mb == heap
    raw["worker"]["heapMb"] = heap - 1
    (problem,) = problems(raw)
    assert problem.startswith("ccloud-logexporter:worker.heapMb: ")
    assert f"{heap - 1} is too small" in problem


def test_the_heap_must_be_enough_for_the_partitions_of_all_topics() -> None:
    raw = changed("source.topics", ["a", "b"])
    raw["source"]["partitions"] = {"a": 25, "b": 25}

    (problem,) = problems(raw)

    assert problem.endswith(
        "worker.heapMb: 384 is too small for 50 partitions with parts of 5 MiB and for originals; accepted: 1024 or "
        "more, or ccloud-logexporter:archive.originals: false"
    )


@pytest.mark.parametrize(
    ("instance_type", "memory"),
    [
        ("t3.small", 2048),
        ("t3a.micro", 1024),
        ("t4g.small", 2048),
        ("m7g.large", 8192),
        ("m6i.large", 8192),
        ("c7i.2xlarge", 16384),
        ("r5.xlarge", 32768),
        ("x9.mega", None),
        ("t3.9xlarge", None),
        ("m5.metal", None),
    ],
)
def test_the_memory_of_usual_instance_types_is_known(instance_type: str, memory: int | None) -> None:
    assert instance_memory_mb(instance_type) == memory


def test_the_heap_of_an_unknown_instance_type_is_not_checked() -> None:
    raw = changed("worker.instanceType", "x9.mega")
    raw["worker"]["heapMb"] = 60_000

    assert loaded(raw).worker.heap_mb == 60_000


def test_zones_are_refused_with_a_given_subnet() -> None:
    raw = changed("worker.availabilityZones", ["us-west-2a"])
    raw["worker"]["subnetId"] = "subnet-0123456789abcdef0"

    (problem,) = problems(raw)
    assert problem.startswith("ccloud-logexporter:worker.availabilityZones: is set, but worker.subnetId")


@pytest.mark.parametrize(
    ("platform", "java", "fits"),
    [
        *((platform, java, True) for platform in ("7.7", "7.8", "7.9") for java in (8, 11, 17)),
        *((platform, java, False) for platform in ("7.7", "7.8", "7.9") for java in (7, 21)),
        *((platform, java, True) for platform in ("8.0", "8.1", "8.2", "8.3") for java in (17, 21)),
        *((platform, java, False) for platform in ("8.0", "8.1", "8.2", "8.3") for java in (8, 11)),
    ],
)
def test_java_must_fit_the_platform_as_in_confluents_table(platform: str, java: int, fits: bool) -> None:
    raw = changed("worker.platformVersion", platform)
    raw["worker"]["javaVersion"] = java

    if fits:
        assert loaded(raw).worker.java_version == java
    else:
        assert f"{java} does not run platform {platform}" in problems(raw)[0]


@pytest.mark.parametrize("version", ["10.6.1", "10.6.18", "11.0.0", "12.0.7", "12.1.11", "12.2.0"])
def test_connectors_with_conditional_writes_are_accepted(version: str) -> None:
    assert loaded(changed("connector.version", version)).connector.version == version


def test_the_largest_object_stays_under_the_limit_of_logzio() -> None:
    most = loaded(changed("connector.flushSize", 6100)).connector.flush_size

    assert most * 8192 < 50_000_000


@pytest.mark.parametrize("bucket", ["abc", "a" * 63, "1-2", "logs-2026-eu"])
def test_legal_bucket_names_are_accepted(bucket: str) -> None:
    assert loaded(changed("archive.bucket", bucket)).archive.bucket == bucket


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9", "https://mirror/"]
)
def test_plain_http_is_only_for_loopback(url: str) -> None:
    assert loaded(changed("logzio.apiUrl", url)).logzio.base_url == url.rstrip("/")
    assert loaded(changed("connector.archiveUrl", f"{url}?x=1")).connector.download_url == f"{url}?x=1"


def test_a_fingerprint_is_accepted_as_gpg_shows_it() -> None:
    given = loaded(
        changed("worker.repositoryKeyFingerprint", "cbbb 821e 8faf 364f 7983  5c43 8b1d a612 0c2b f624")
    )

    assert given.worker.repository_key_fingerprint == ("CBBB821E8FAF364F79835C438B1DA6120C2BF624",)


def test_two_fingerprints_are_accepted() -> None:
    given = loaded(changed("worker.repositoryKeyFingerprint", ["A" * 40, "bbbb " * 10]))

    assert given.worker.repository_key_fingerprint == ("A" * 40, "B" * 40)


@pytest.mark.parametrize(
    ("region", "api", "search"),
    [
        ("us", "https://api.logz.io", "https://app.logz.io/#/dashboard/osd/discover"),
        ("au", "https://api-au.logz.io", "https://app-au.logz.io/#/dashboard/osd/discover"),
        ("ca", "https://api-ca.logz.io", "https://app-ca.logz.io/#/dashboard/osd/discover"),
        ("eu", "https://api-eu.logz.io", "https://app-eu.logz.io/#/dashboard/osd/discover"),
        ("uk", "https://api-uk.logz.io", "https://app-uk.logz.io/#/dashboard/osd/discover"),
    ],
)
def test_the_accounts_region_gives_its_urls(region: str, api: str, search: str) -> None:
    logzio = loaded(changed("logzio.region", region)).logzio

    assert (logzio.base_url, logzio.search_url) == (api, search)


def test_an_api_url_overrides_the_region_and_has_no_search_url() -> None:
    logzio = loaded(changed("logzio.apiUrl", "https://api.example.org/")).logzio

    assert (logzio.base_url, logzio.search_url) == ("https://api.example.org", None)


@pytest.mark.parametrize(
    "key",
    [
        "partitioner.class",
        "path.format",
        "partition.duration.ms",
        "rotate.interval.ms",
        "timestamp.extractor",
    ],
)
def test_a_time_based_layout_is_refused_with_the_reason(key: str) -> None:
    (problem,) = problems(changed("connector.properties", {key: "x"}))

    assert problem.startswith(f"ccloud-logexporter:connector.properties.{key}: ")
    assert "alphabetical order" in problem


@pytest.mark.parametrize("key", sorted(OWN_CONNECTOR_PROPERTIES))
def test_a_property_that_the_project_sets_is_refused(key: str) -> None:
    (problem,) = problems(changed("connector.properties", {key: "x"}))

    assert "is set by the project" in problem


def test_a_refused_property_names_its_setting() -> None:
    (problem,) = problems(changed("connector.properties", {"rotate.schedule.interval.ms": "-1"}))

    assert problem.endswith("accepted: ccloud-logexporter:connector.rotationSeconds")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("consumer.override.bootstrap.servers", "another cluster"),
        ("consumer.override.group.id", "source.consumerGroup"),
        ("consumer.override.group.instance.id", "another group"),
        ("consumer.override.auto.offset.reset", "skip events"),
        ("consumer.override.sasl.jaas.config", "plain text"),
        ("producer.override.acks", "leave it out"),
        ("admin.override.bootstrap.servers", "leave it out"),
        ("errors.deadletterqueue.topic.name", "read-only"),
        ("transforms.rename.type", "connector.renames"),
        ("predicates", "connector.renames"),
        ("value.converter.replace.null.with.default", "leave it out"),
        ("s3.proxy.password", "plain text in the VM's files"),
        ("s3.sse.customer.key", "plain text"),
    ],
)
def test_a_dangerous_property_is_refused_with_the_reason(key: str, message: str) -> None:
    (problem,) = problems(changed("connector.properties", {key: "x"}))

    assert problem.startswith(f"ccloud-logexporter:connector.properties.{key}: ")
    assert message in problem


def test_other_properties_are_accepted_as_text_or_number() -> None:
    additional = {
        "s3.part.retries": 5,
        "s3.wan.mode": True,
        "s3.http.send.expect.continue": "false",
        "consumer.override.max.poll.records": 1000,
    }

    assert loaded(changed("connector.properties", additional)).connector.properties == {
        "s3.part.retries": "5",
        "s3.wan.mode": "true",
        "s3.http.send.expect.continue": "false",
        "consumer.override.max.poll.records": "1000",
    }


@pytest.mark.parametrize(
    ("name", "value"), [("renames", {"a": "b"}), ("flatten", True), ("excludedFields", ["a"])]
)
def test_format_raw_refuses_changes_of_fields(name: str, value: Any) -> None:
    raw = changed("connector.format", "raw")
    raw["connector"][name] = value

    (problem,) = problems(raw)
    assert problem.startswith(f"ccloud-logexporter:connector.{name}: ")
    assert "raw bytes have none" in problem
    assert loaded(changed("connector.format", "raw")).connector.format == "raw"


def test_format_raw_accepts_flatten_false() -> None:
    raw = changed("connector.format", "raw")
    raw["connector"]["flatten"] = False

    assert not loaded(raw).connector.flatten


@pytest.mark.parametrize(
    ("renames", "refused"), [({}, "id"), ({}, "time"), ({"id": "event_id", "time": "@timestamp"}, "event_id")]
)
def test_a_field_that_every_event_needs_cannot_be_excluded(renames: dict[str, str], refused: str) -> None:
    raw = changed("connector.excludedFields", [refused, "data_authorizationInfo_assignedPrincipals"])
    raw["connector"]["renames"] = renames

    (problem,) = problems(raw)
    assert problem.startswith(f"ccloud-logexporter:connector.excludedFields: has {refused}, ")


@pytest.mark.parametrize(
    ("also", "named"),
    [
        ({"destroyWithData": True}, "archive.destroyWithData"),
        ({"retentionDays": 399}, "archive.retentionDays"),
        ({"originalsRetentionDays": 399}, "archive.originalsRetentionDays"),
    ],
)
def test_a_deletion_before_the_lock_ends_is_refused(also: dict[str, Any], named: str) -> None:
    raw = changed("archive.objectLockDays", 400)
    raw["archive"] |= also

    (problem,) = problems(raw)
    assert problem.startswith(f"ccloud-logexporter:{named}: ")


def test_an_event_can_be_deleted_on_the_day_its_lock_ends() -> None:
    raw = changed("archive.objectLockDays", 400)
    raw["archive"]["retentionDays"] = 400

    assert loaded(raw).archive.object_lock_days == 400


def test_originals_are_archived_unless_switched_off_or_in_format_raw() -> None:
    assert loaded(BY_ENDPOINT).originals
    assert not loaded(changed("archive.originals", False)).originals
    assert not loaded(changed("connector.format", "raw")).originals


def test_originals_are_refused_in_format_raw() -> None:
    raw = changed("connector.format", "raw")
    raw["archive"]["originals"] = True

    (problem,) = problems(raw)
    assert problem.startswith(
        "ccloud-logexporter:archive.originals: is set, but with format raw every event is"
    )


@pytest.mark.parametrize(
    ("archive", "days"),
    [
        ({}, {}),
        ({"retentionDays": 400}, {"topics/": 400, "originals/": 400}),
        ({"retentionDays": 400, "originals": False}, {"topics/": 400, "originals/": 400}),
        ({"retentionDays": 400, "originalsRetentionDays": 30}, {"topics/": 400, "originals/": 30}),
        ({"originalsRetentionDays": 30}, {"originals/": 30}),
    ],
)
def test_originals_are_deleted_with_the_events_unless_they_have_their_own_days(
    archive: dict[str, int], days: dict[str, int]
) -> None:
    raw = copy.deepcopy(BY_ENDPOINT)
    raw["archive"] |= archive

    assert loaded(raw).retention_days == days


def test_a_bucket_cannot_be_adopted_and_destroyed() -> None:
    raw = changed("archive.destroyWithData", True)
    raw["archive"]["adoptExisting"] = True

    assert problems(raw)[0].startswith("ccloud-logexporter:archive.adoptExisting: ")


def test_a_version_may_be_a_number_in_yaml() -> None:
    assert loaded(changed("worker.platformVersion", 7.9)).worker.platform_version == "7.9"


CHECKED = {"archiveSha256": "0" * 64}
TOLD = {"email": ["on-call@example.com"]}
# A day on which every line is supported.
RELEASED = date(2026, 6, 17)


@pytest.mark.parametrize(
    ("line", "day", "message"),
    [
        ("7.9", date(2026, 11, 20), None),
        (
            "7.9",
            date(2026, 11, 21),
            "standard support ends about 2027-02-19, platinum support ends about 2028-02-19",
        ),
        ("7.9", date(2027, 2, 19), "standard support ended about 2027-02-19, platinum support ends"),
        ("7.7", date(2027, 7, 26), "platinum support ended about 2027-07-26"),
        ("8.3", date(2028, 3, 18), None),
        ("8.3", date(2028, 3, 19), "standard support ends about 2028-06-17"),
    ],
)
def test_the_end_of_a_platforms_support_gives_a_warning_90_days_before(
    line: str, day: date, message: str | None
) -> None:
    raw = changed("worker.platformVersion", line)
    raw["worker"]["javaVersion"] = 17
    found = settings.warnings(loaded({**raw, "connector": CHECKED, "alarms": TOLD}), day)

    assert len(found) == (message is not None)
    for warning in found:
        assert warning.startswith("ccloud-logexporter:worker.platformVersion is " + line)
        assert str(message) in warning


def test_default_settings_with_a_checked_archive_and_an_address_give_no_warning() -> None:
    assert settings.warnings(loaded({**BY_ENDPOINT, "connector": CHECKED, "alarms": TOLD}), RELEASED) == []


ALARM_TOPIC = "arn:aws:sns:us-west-2:123456789012:alarms"


@pytest.mark.parametrize(
    ("worker", "alarms", "message"),
    [
        ({}, {}, "alarms.email has no address, and worker.alarmTopicArn is not set"),
        ({}, TOLD, None),
        ({"alarmTopicArn": ALARM_TOPIC}, {}, None),
        ({"alarmTopicArn": ALARM_TOPIC}, TOLD, None),
        ({"metrics": False}, {}, None),
        (
            {"metrics": False, "alarmTopicArn": ALARM_TOPIC},
            {},
            "worker.alarmTopicArn is set, but worker.metrics is false",
        ),
    ],
)
def test_alarms_of_which_nobody_gets_a_message_give_a_warning(
    worker: dict[str, Any], alarms: dict[str, Any], message: str | None
) -> None:
    raw = {**BY_ENDPOINT, "connector": CHECKED, "worker": worker, "alarms": alarms}
    found = settings.warnings(loaded(raw), RELEASED)

    assert len(found) == (message is not None)
    assert all(str(message) in warning for warning in found)


def test_a_dashboard_needs_metrics_only_if_the_stack_file_asks_for_it() -> None:
    raw = changed("worker.metrics", False)
    without = {**raw, "alarms": {"dashboard": False}}

    assert loaded(raw).worker.metrics is loaded(without).worker.metrics is False
    (problem,) = problems({**raw, "alarms": {"dashboard": True}})
    assert problem.startswith("ccloud-logexporter:alarms.dashboard: is set, but without metrics")


@pytest.mark.parametrize(
    ("connector", "named"),
    [
        ({}, "archiveSha256"),
        ({**CHECKED, "format": "raw"}, "time of its arrival"),
        ({**CHECKED, "renames": {}}, "time of its arrival"),
        ({**CHECKED, "renames": {"time": "when"}}, "time of its arrival"),
        ({**CHECKED, "format": "raw"}, "an object where the first event of the day had text"),
        ({**CHECKED, "flatten": False}, "an object where the first event of the day had text"),
    ],
)
def test_settings_that_may_surprise_give_a_warning(connector: dict[str, Any], named: str) -> None:
    raw = {**BY_ENDPOINT, "connector": connector, "alarms": TOLD}
    (warning,) = settings.warnings(loaded(raw), RELEASED)

    assert warning.startswith("ccloud-logexporter:connector.")
    assert named in warning


def test_tags_may_be_numbers_and_replace_the_projects_own() -> None:
    tags = {"Stack": "prod", "CostCentre": 4711, **{f"more-{number}": "x" for number in range(6)}}

    assert loaded({**BY_ENDPOINT, "tags": tags}).tags["CostCentre"] == "4711"


def test_the_program_adds_the_tags_that_the_settings_count() -> None:
    program = (ROOT / "__main__.py").read_text()

    (own,) = re.findall(r"^tags = \{(.*)\*\*given\.tags\}$", program, re.MULTILINE)
    assert re.findall(r'"(\w+)":', own) == list(OWN_TAGS)


def from_pulumi(sections: dict[str, Any], region: str | None = "us-west-2", **environ: str) -> Settings:
    """Settings from a configuration in Pulumi's form: each section as JSON in a text."""
    config = {
        f"ccloud-logexporter:{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in sections.items()
    }
    if region is not None:
        config["aws:region"] = region
    pulumi.runtime.set_all_config(config)
    try:
        return settings.from_pulumi(environ)
    finally:
        pulumi.runtime.set_all_config({})


def test_pulumis_configuration_gives_the_same_settings() -> None:
    assert from_pulumi(BY_ENDPOINT) == loaded(BY_ENDPOINT)


def test_a_stack_without_a_region_is_refused() -> None:
    with pytest.raises(SettingsError, match="aws:region: is missing"):
        from_pulumi(BY_ENDPOINT, region=None)


@pytest.mark.parametrize("host", ["the SDK's own", "Pulumi's"])
def test_a_misspelt_section_is_reported_under_either_language_host(host: str) -> None:
    config = {f"ccloud-logexporter:{name}": json.dumps(value) for name, value in BY_ENDPOINT.items()}
    config |= {"ccloud-logexporter:conector": "{}", "aws:region": "us-west-2", "other:conector": "{}"}
    # Pulumi's host passes the configuration in the environment; the SDK's host sets it in the process.
    environ = {"PULUMI_CONFIG": json.dumps(config)} if host == "Pulumi's" else {}
    pulumi.runtime.set_all_config({} if environ else config)
    try:
        with mock.patch.dict(os.environ, environ), pytest.raises(SettingsError) as caught:
            settings.from_pulumi(os.environ)
    finally:
        pulumi.runtime.set_all_config({})

    (problem,) = caught.value.problems
    assert problem.startswith("ccloud-logexporter:conector: is not a setting, did you mean connector?")


def test_a_stack_without_a_token_takes_the_environments() -> None:
    given = from_pulumi({**BY_ENDPOINT, "logzio": {"region": "eu"}}, LOGZIO_API_TOKEN="from-the-environment")

    assert given.logzio.api_token is not None
    assert given.logzio.region == "eu"


def test_a_secret_becomes_a_pulumi_secret() -> None:
    async def made() -> tuple[bool, str | None]:
        output = settings.secret(SecretStr(MARKER))
        return await output.is_secret(), await output.future()

    assert asyncio.run(made()) == (True, MARKER)


def test_every_partition_has_a_prefix() -> None:
    raw = changed("source.topics", ["a", "b"])
    raw["source"]["partitions"] = {"a": 2, "b": 1}

    assert loaded(raw).partition_prefixes == [
        "topics/a/partition=0/",
        "topics/a/partition=1/",
        "topics/b/partition=0/",
    ]


def test_the_example_stack_file_loads_without_any_secret() -> None:
    given = settings.load_stack_file(ROOT / "Pulumi.dev.yaml")

    assert given.source.cluster == "lkc-abc12"
    assert given.source.partitions == {TOPIC: 12}


def test_the_example_stack_file_holds_no_secret() -> None:
    assert "secure:" not in (ROOT / "Pulumi.dev.yaml").read_text()


def stack_file(folder: Path, text: str) -> Path:
    path = folder / "Pulumi.test.yaml"
    path.write_text(text)
    return path


def test_encrypted_and_missing_secrets_of_a_stack_file_are_placeholders(tmp_path: Path) -> None:
    given = settings.load_stack_file(
        stack_file(
            tmp_path,
            """
encryptionsalt: v1:abc
config:
  aws:region: us-west-2
  other:setting: 5
  ccloud-logexporter:source:
    bootstrapServers: pkc-1.us-west-2.aws.confluent.cloud:9092
    apiKey: KAFKAKEY
    partitions: {confluent-audit-log-events: 3}
  ccloud-logexporter:archive: '{"bucket": "as-json"}'
  ccloud-logexporter:logzio: {apiToken: {secure: AAABAExyz}}
""",
        )
    )

    assert given.archive.bucket == "as-json"
    for value in (given.source.api_secret, given.logzio.api_token):
        assert value is not None
        assert value.get_secret_value() == "placeholder"


@pytest.mark.parametrize("text", ["", "- a", "config:", f"config: [{MARKER}", f"{MARKER}: {{"])
def test_a_file_that_is_not_a_stack_file_is_refused_without_its_text(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"Pulumi\.test\.yaml: is not a stack file") as caught:
        settings.load_stack_file(stack_file(tmp_path, text))

    assert MARKER not in shown(caught.value)


def test_a_section_that_is_encrypted_as_a_whole_is_refused(tmp_path: Path) -> None:
    file = stack_file(tmp_path, "config: {ccloud-logexporter:logzio: {secure: AAABAExyz}}")

    with pytest.raises(SettingsError, match="ccloud-logexporter:logzio: is encrypted as a whole"):
        settings.load_stack_file(file)


def test_a_source_that_is_not_an_object_is_refused_in_a_stack_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ccloud-logexporter:source: is not an object"):
        settings.load_stack_file(stack_file(tmp_path, "config: {ccloud-logexporter:source: apiKey}"))


def test_every_setting_has_a_description() -> None:
    for section in SECTIONS.values():
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"
