import copy
import traceback
from pathlib import Path
from typing import Any

import pytest

from components import settings
from components.settings import Settings, SettingsError, load

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "confluent-audit-log-events"
MARKER = "planted-marker-4711"

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


# path, value, the setting that is named, what is said of it
REFUSED = [
    (
        "source.bootstrapServers",
        "pkc-1.us-west-2.aws.confluent.cloud",
        "source.bootstrapServers",
        "host:port",
    ),
    ("source.bootstrapServers", "SASL_SSL://:9092", "source.bootstrapServers", "host:port"),
    ("source.bootstrapServers", "host:70000", "source.bootstrapServers", "host:port"),
    ("source.bootstrapServers", None, "source", "accepted: either"),
    ("source.cluster", "lkc-abc12", "source", "accepted: either"),
    ("source.apiKey", "with space", "source.apiKey", "accepted"),
    ("source.partitions", None, "source.partitions", "is missing"),
    ("source.partitions", {TOPIC: 0}, f"source.partitions.{TOPIC}", "1 to 1000"),
    ("source.partitions", {"other": 3}, "source.partitions", TOPIC),
    ("source.topics", [], "source.topics", "at least one"),
    ("source.topics", ["no spaces"], "source.topics.0", "Kafka topic name"),
    ("archive.bucket", None, "archive.bucket", "is missing"),
    ("archive.bucket", "ab", "archive.bucket", "3 to 63"),
    ("archive.bucket", "a" * 64, "archive.bucket", "3 to 63"),
    ("archive.bucket", "Upper", "archive.bucket", "a-z"),
    ("archive.bucket", "with.dot", "archive.bucket", "TLS"),
    ("archive.bucket", "192.168.0.1", "archive.bucket", "dot"),
    ("archive.bucket", "-start", "archive.bucket", "starting and ending"),
    ("archive.bucket", "xn--bucket", "archive.bucket", "xn--"),
    ("archive.bucket", "bucket-s3alias", "archive.bucket", "-s3alias"),
    ("archive.bucket", "bucket--x-s3", "archive.bucket", "--x-s3"),
    ("archive.retentionDays", 0, "archive.retentionDays", "greater than or equal to 1"),
    ("archive.kmsKeyArn", "alias/mine", "archive.kmsKeyArn", "arn:aws:kms"),
    ("writer.identity", "root", "writer.identity", "'user' or 'role'"),
    ("connector.flushSize", 0, "connector.flushSize", "greater than or equal to 1"),
    ("connector.flushSize", 6104, "connector.flushSize", "50 MB"),
    ("connector.rotationSeconds", 0, "connector.rotationSeconds", "Never off"),
    ("connector.rotationSeconds", -1, "connector.rotationSeconds", "Never off"),
    ("connector.partSize", 5 * 1024 * 1024 - 1, "connector.partSize", "5 MiB"),
    ("connector.format", "avro", "connector.format", "'json' or 'raw'"),
    ("connector.compression", "zip", "connector.compression", "'gzip' or 'none'"),
    ("connector.topicsDir", "/topics", "connector.topicsDir", "no slash"),
    ("connector.renames", {"time": "a:b"}, "connector.renames.time", "field name"),
    ("connector.version", "10.5.25", "connector.version", "10.6.0 or later"),
    ("connector.version", "latest", "connector.version", "three numbers"),
    ("connector.archiveUrl", "http://example.org/c.zip", "connector.archiveUrl", "https"),
    ("connector.archiveSha256", "abc", "connector.archiveSha256", "64 hexadecimal"),
    ("worker.platformVersion", "4.0", "worker.platformVersion", "7.9"),
    ("worker.platformVersion", "8.0", "worker.javaVersion", "17, 21"),
    ("worker.javaVersion", 21, "worker.javaVersion", "8, 11, 17"),
    ("worker.package", "confluent-server", "worker.package", "'confluent-kafka'"),
    ("worker.instanceType", "big", "worker.instanceType", "t3.small"),
    ("worker.instanceType", "t4g.small", "worker.instanceType", "ARM"),
    ("worker.ami", "ubuntu", "worker.ami", "ami-"),
    ("worker.subnetId", "vpc-0123abcd", "worker.subnetId", "subnet-"),
    ("worker.heapMb", 128, "worker.heapMb", "12 partitions"),
    ("worker.heapMb", 1600, "worker.heapMb", "does not fit t3.small"),
    ("worker.logLevel", "TRACE", "worker.logLevel", "'INFO' or 'DEBUG'"),
    ("worker.restPort", 80, "worker.restPort", "127.0.0.1"),
    ("worker.repositoryUrl", "ftp://mirror", "worker.repositoryUrl", "https"),
    ("worker.repositoryKeyFingerprint", "ABC", "worker.repositoryKeyFingerprint", "40 hexadecimal"),
    ("worker.endpoints", {"s3": "http://10.0.0.1"}, "worker.endpoints.s3", "https"),
    ("logzio.region", "nl", "logzio.region", "'us', 'au', 'ca', 'eu' or 'uk'"),
    ("logzio.apiUrl", "http://api.example.org", "logzio.apiUrl", "https"),
    ("logzio.apiToken", None, "logzio.apiToken", settings.TOKEN_VARIABLE),
    ("logzio.logType", "with space", "logzio.logType", "no spaces"),
    ("logzio.logType", "kafka_server", "logzio.logType", "built-in"),
    ("logzio.authentication", "password", "logzio.authentication", "'role' or 'keys'"),
    ("tags", {"aws:name": "x"}, "tags.aws:name", "AWS keeps"),
    ("tags", {"name": 1}, "tags", "texts"),
    ("conector", {}, "conector", "did you mean connector?"),
    ("worker.heapMB", 512, "worker.heapMB", "did you mean heapMb?"),
    ("worker", "t3.small", "worker", "an object"),
]


@pytest.mark.parametrize(("path", "value", "named", "said"), REFUSED)
def test_a_wrong_setting_is_named_in_full_with_what_is_accepted(
    path: str, value: Any, named: str, said: str
) -> None:
    (problem,) = problems(changed(path, value))

    assert problem.startswith(f"ccloud-logexporter:{named}: "), problem
    assert said in problem


def test_all_problems_are_told_at_once() -> None:
    raw = changed("archive.bucket", "No")
    raw["connector"] = {"flushSize": 0, "rotationSeconds": 1}
    raw["worker"] = {"javaVersion": 9}
    raw["logzio"] = {"region": "xx", "apiToken": "made-up-token"}

    told = problems(raw, "eu-north-1")

    for name in ("bucket", "flushSize", "rotationSeconds", "javaVersion", "region", "aws:region"):
        assert any(name in problem.split(": ")[0] for problem in told), name


@pytest.mark.parametrize("prefix", ["SASL_SSL://", "sasl_ssl://", ""])
def test_the_prefix_of_an_endpoint_as_confluent_shows_it_is_stripped(prefix: str) -> None:
    given = loaded(changed("source.bootstrapServers", f"{prefix}pkc-1.us-west-2.aws.confluent.cloud:9092"))

    assert given.source.bootstrap_servers == "pkc-1.us-west-2.aws.confluent.cloud:9092"


# Each place for a secret, and values that some rule refuses.
PLANTED = [
    ("source.apiSecret", f"{MARKER} with space"),
    ("source.apiSecret", f'{MARKER}"'),
    ("source.apiSecret", f"{MARKER}${{"),
    ("source.apiSecret", {"nested": MARKER}),
    ("source.apiSecret", [MARKER]),
    ("logzio.apiToken", f"{MARKER}\n"),
    ("logzio.apiToken", {"nested": MARKER}),
    ("logzio", MARKER),
    ("source", MARKER),
]


@pytest.mark.parametrize(("path", "value"), PLANTED)
def test_no_refusal_shows_a_secret(path: str, value: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(changed(path, value))

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(caught.value)
    assert MARKER not in shown


def test_settings_do_not_show_their_secrets() -> None:
    raw = changed("source.apiSecret", MARKER)
    raw["logzio"]["apiToken"] = MARKER

    assert MARKER not in repr(loaded(raw)) + str(loaded(raw))


def test_the_variable_of_the_environment_wins_over_the_stacks_token() -> None:
    given = loaded(BY_ENDPOINT, LOGZIO_API_TOKEN="from-the-environment")

    assert given.logzio.api_token is not None
    assert given.logzio.api_token.get_secret_value() == "from-the-environment"


def test_a_bucket_in_another_region_than_the_cluster_is_refused_by_the_endpoints_name() -> None:
    (problem,) = problems(BY_ENDPOINT, "eu-west-1")

    assert "us-west-2" in problem
    assert "allowOtherRegion" in problem


def test_another_region_can_be_allowed_for_data_residency() -> None:
    assert loaded(changed("archive.allowOtherRegion", True), "eu-west-1").region == "eu-west-1"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_region_that_logzio_cannot_read_is_refused_in_any_case(allowed: bool) -> None:
    told = problems(changed("archive.allowOtherRegion", allowed), "eu-north-1")

    assert any("Logz.io cannot read a bucket in eu-north-1" in problem for problem in told)


def test_a_missing_region_is_named() -> None:
    assert problems(BY_IDS, None)[0].startswith("aws:region: is missing")


def test_a_looked_up_region_is_held_against_the_buckets() -> None:
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
def test_the_region_is_read_from_an_endpoint_that_tells_it(endpoint: str, region: str | None) -> None:
    assert settings.region_of_endpoint(endpoint) == region


def test_more_partitions_need_more_heap() -> None:
    needed = [settings.least_heap_mb(partitions) for partitions in (1, 12, 13, 50, 100)]

    assert needed == sorted(needed)
    assert needed[1] == 192
    assert needed[3] == 512


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


@pytest.mark.parametrize("key", sorted(settings.OWN_CONNECTOR_PROPERTIES))
def test_a_property_that_the_project_sets_cannot_be_overwritten(key: str) -> None:
    (problem,) = problems(changed("connector.properties", {key: "x"}))

    assert "is set by the project" in problem


def test_a_connector_cannot_be_sent_to_another_cluster() -> None:
    (problem,) = problems(changed("connector.properties", {"consumer.override.bootstrap.servers": "x:1"}))

    assert "another cluster" in problem


def test_other_properties_are_welcome() -> None:
    given = loaded(changed("connector.properties", {"s3.part.retries": "5"}))

    assert given.connector.properties == {"s3.part.retries": "5"}


def test_raw_bytes_cannot_have_renamed_fields() -> None:
    raw = changed("connector.format", "raw")
    raw["connector"]["renames"] = {"a": "b"}

    assert "raw bytes have no fields" in problems(raw)[0]
    assert loaded(changed("connector.format", "raw")).connector.format == "raw"


def test_versions_that_yaml_takes_for_numbers_are_understood() -> None:
    assert loaded(changed("worker.platformVersion", 7.9)).worker.platform_version == "7.9"


def test_an_unchecked_archive_is_worth_a_warning() -> None:
    assert "archiveSha256" in settings.warnings(loaded(BY_ENDPOINT))[0]
    assert settings.warnings(loaded(changed("connector.archiveSha256", "0" * 64))) == []


def test_each_partition_of_each_topic_has_a_prefix() -> None:
    raw = changed("source.topics", ["a", "b"])
    raw["source"]["partitions"] = {"a": 2, "b": 1}

    assert loaded(raw).partition_prefixes == [
        "topics/a/partition=0/",
        "topics/a/partition=1/",
        "topics/b/partition=0/",
    ]


def test_the_example_stack_file_loads_without_any_secret() -> None:
    given = settings.load_stack_file(ROOT / "Pulumi.dev.yaml")

    assert given.source.partitions


def test_the_example_stack_file_holds_no_secret() -> None:
    assert "secure:" not in (ROOT / "Pulumi.dev.yaml").read_text()


def test_every_setting_is_described() -> None:
    for section in settings.SECTIONS.values():
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"
