"""Rules across settings. `RULES` at the end says which settings each looks at."""

import re
from collections.abc import Callable, Iterator

from pydantic import SecretStr

from components.archive import layout
from components.logzio import facts as logzio_facts
from components.logzio.facts import TOKEN_VARIABLE
from components.settings.connector_properties import refusal
from components.settings.platforms import PLATFORMS
from components.settings.problems import NAMESPACE, SettingsError, problem
from components.settings.sizes import LEAST_HEAP_MB, MIB, OTHER_MEMORY_MB, instance_memory_mb, least_heap_mb


def region_of_endpoint(bootstrap_servers: str) -> str | None:
    """us-west-2 from `pkc-abc12.us-west-2.aws.confluent.cloud:9092`; None where the name does not tell."""
    match = re.search(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.aws\.", bootstrap_servers.lower())
    return match.group(1) if match else None


def require_region(cluster_region: str, region: str, *, allow_other_region: bool) -> None:
    """Holds the bucket's region against the audit-log cluster's.

    Raises:
        SettingsError: they differ and that is not allowed.
    """
    differs = _region_problem(cluster_region, region)
    if differs and not allow_other_region:
        raise SettingsError([differs])


def _endpoint_or_ids(given: set[str]) -> Iterator[str]:
    endpoint = {"bootstrapServers", "apiKey", "apiSecret"}
    ids = {"cluster", "environment", "serviceAccount"}
    way = given & (endpoint | ids)
    if way not in (endpoint, ids):
        yield problem(
            "source",
            f"has {', '.join(sorted(way)) or 'no cluster'}",
            "either bootstrapServers, apiKey and apiSecret, or cluster, environment and serviceAccount",
        )


def _given_key_has_no_generations(given: set[str]) -> Iterator[str]:
    if {"apiKey", "keyGenerations"} <= given:
        yield problem(
            "source.keyGenerations",
            "is set, but the key is given as apiKey",
            "leave it out; a given key is rotated by giving another one",
        )


def _role_has_no_key(section: str) -> Callable[[set[str], str], Iterator[str]]:
    def rule(given: set[str], way: str) -> Iterator[str]:
        if way == "role" and "keyGenerations" in given:
            yield problem(f"{section}.keyGenerations", "is set, but a role has no key", "leave it out")

    return rule


def _region_is_readable(region: str | None) -> Iterator[str]:
    regions = ", ".join(logzio_facts.BUCKET_REGIONS)
    if region is None:
        yield f"aws:region: is missing; accepted: {regions}"
    elif region not in logzio_facts.BUCKET_REGIONS:
        yield f"aws:region: Logz.io cannot read a bucket in {region}; accepted: {regions}"


def _bucket_is_beside_the_cluster(
    bootstrap_servers: str | None, allow_other_region: bool, region: str | None
) -> Iterator[str]:
    if bootstrap_servers is None or region is None or allow_other_region:
        return
    differs = _region_problem(region_of_endpoint(bootstrap_servers), region)
    if differs:
        yield differs


def _region_problem(cluster_region: str | None, region: str) -> str | None:
    if cluster_region is None or cluster_region == region:
        return None
    return (
        f"aws:region: is {region}, but the audit-log cluster is in {cluster_region}; accepted: {cluster_region}, or "
        f"{NAMESPACE}:archive.allowOtherRegion: true where data residency asks for another one"
    )


def _key_is_in_the_region(setting: str, what: str) -> Callable[[str | None, str | None], Iterator[str]]:
    def rule(key_arn: str | None, region: str | None) -> Iterator[str]:
        if key_arn is None or region is None:
            return
        key_region = key_arn.split(":")[3]
        if key_region != region:
            yield problem(setting, f"is a key in {key_region}", f"a key in {region}, where {what}")

    return rule


def _deletion_waits_for_the_lock(
    object_lock_days: int | None,
    retention_days: int | None,
    originals_retention_days: int | None,
    destroy_with_data: bool,
) -> Iterator[str]:
    if object_lock_days is None:
        return
    if destroy_with_data:
        yield problem(
            "archive.destroyWithData",
            "is set together with objectLockDays, and S3 deletes nothing that is locked",
            "one of the two",
        )
    retentions = {"retentionDays": retention_days, "originalsRetentionDays": originals_retention_days}
    for setting, days in retentions.items():
        if days is not None and days < object_lock_days:
            yield problem(
                f"archive.{setting}",
                f"{days} ends before the lock of {object_lock_days} days does",
                f"{object_lock_days} or more",
            )


def _bucket_is_taken_over_or_given_up(adopt_existing: bool, destroy_with_data: bool) -> Iterator[str]:
    if adopt_existing and destroy_with_data:
        yield problem(
            "archive.adoptExisting",
            "is set together with destroyWithData, but a bucket is taken over as one that is kept",
            f"true with {NAMESPACE}:archive.destroyWithData: false; change that after the `up` that took it over",
        )


def _topic_arn_is_in_the_vms_region(alarm_topic_arn: str | None, region: str | None) -> Iterator[str]:
    if alarm_topic_arn is None or region is None:
        return
    topic_region = alarm_topic_arn.split(":")[3]
    if topic_region != region:
        yield problem(
            "worker.alarmTopicArn",
            f"is a topic in {topic_region}, and CloudWatch tells only those of its own region",
            f"a topic in {region}",
        )


def _topics_are_named_once(topics: tuple[str, ...]) -> Iterator[str]:
    if not topics:
        yield problem("source.topics", "is empty", "at least one topic")
    elif len(set(topics)) < len(topics):
        yield problem("source.topics", "has a topic twice", "each topic once")


def _every_topic_has_its_partitions(topics: tuple[str, ...], partitions: dict[str, int]) -> Iterator[str]:
    if topics and set(topics) != set(partitions):
        shown = ", ".join(sorted(partitions)) or "nothing"
        wanted = ", ".join(dict.fromkeys(topics))
        yield problem(
            "source.partitions",
            f"has a number for {shown}",
            f"one for each of {wanted}, and for nothing else",
        )


def _java_runs_the_platform(platform_version: str, java_version: int) -> Iterator[str]:
    fitting = PLATFORMS[platform_version].java
    if java_version not in fitting:
        yield problem(
            "worker.javaVersion",
            f"{java_version} does not run platform {platform_version}",
            ", ".join(str(version) for version in fitting),
        )


def _package_is_of_the_platform(platform_version: str, package_version: str | None) -> Iterator[str]:
    if package_version is not None and not package_version.startswith(f"{platform_version}."):
        yield problem(
            "worker.packageVersion",
            f"{package_version} is of another line than platform {platform_version}",
            f"{platform_version}. and more, or leave it out",
        )


def _heap_carries_the_partitions(
    heap_mb: int, partitions: dict[str, int], part_size: int, originals: bool, data_format: str
) -> Iterator[str]:
    number = sum(partitions.values())
    twice = originals and data_format == "json"
    least = least_heap_mb(number, part_size, 2 if twice else 1)
    if heap_mb < least:
        parts = f"{number} partitions with parts of {part_size / MIB:.0f} MiB"
        yield problem(
            "worker.heapMb",
            f"{heap_mb} is too small for {parts}{' and for originals' if twice else ''}",
            f"{least} or more" + (f", or {NAMESPACE}:archive.originals: false" if twice else ""),
        )


def _heap_fits_the_instance(heap_mb: int, instance_type: str) -> Iterator[str]:
    memory = instance_memory_mb(instance_type)
    if memory is None or heap_mb <= memory - OTHER_MEMORY_MB:
        return
    most = memory - OTHER_MEMORY_MB
    larger = f"a larger {NAMESPACE}:worker.instanceType"
    yield problem(
        "worker.heapMb",
        f"{heap_mb} does not fit {instance_type} ({memory} MiB, of which {OTHER_MEMORY_MB} are for the rest)",
        f"at most {most}, or {larger}" if most >= LEAST_HEAP_MB else larger,
    )


def _zones_are_of_the_region(zones: tuple[str, ...], region: str | None) -> Iterator[str]:
    if region is None:
        return
    if len(set(zones)) < len(zones):
        yield problem("worker.availabilityZones", "has a zone twice", "each zone once")
    foreign = [zone for zone in zones if zone[:-1] != region]
    if foreign:
        yield problem(
            "worker.availabilityZones",
            f"{foreign[0]} is not in {region}",
            f"zones of {region}, e.g. {region}a",
        )


def _zones_are_for_the_own_subnet(zones: tuple[str, ...], subnet_id: str | None) -> Iterator[str]:
    if zones and subnet_id is not None:
        yield problem(
            "worker.availabilityZones",
            "is set, but worker.subnetId is in a zone already",
            "one of the two",
        )


def _dns_servers_are_of_a_given_subnet(dns_servers: tuple[str, ...], subnet_id: str | None) -> Iterator[str]:
    if len(set(dns_servers)) < len(dns_servers):
        yield problem("worker.dnsServers", "has an address twice", "each address once")
    elif dns_servers and subnet_id is None:
        yield problem(
            "worker.dnsServers",
            "is set, but the network of its own uses Amazon's",
            f"leave it out, or set {NAMESPACE}:worker.subnetId",
        )


def _token_is_there(api_token: SecretStr | None) -> Iterator[str]:
    if api_token is None:
        yield problem(
            "logzio.apiToken",
            "is missing",
            f"`pulumi config set --secret --path {NAMESPACE}:logzio.apiToken`, or the environment variable "
            f"{TOKEN_VARIABLE}",
        )


def _topics_stand_beside_the_reserved_prefixes(topics_dir: str) -> Iterator[str]:
    first = topics_dir.partition("/")[0]
    if first in layout.RESERVED:
        yield problem(
            "connector.topicsDir",
            f"{topics_dir} is in {first}/, which is not for events",
            f"any other first part than {' and '.join(layout.RESERVED)}",
        )


def _properties_are_further_ones(properties: dict[str, str]) -> Iterator[str]:
    for name in properties:
        refused = refusal(name)
        if refused is not None:
            yield problem(f"connector.properties.{name}", *refused)


def _raw_changes_no_field(
    data_format: str,
    renames: dict[str, str],
    flatten: bool,
    excluded_fields: tuple[str, ...],
    given: set[str],
) -> Iterator[str]:
    changes = {"renames": bool(renames), "flatten": flatten, "excludedFields": bool(excluded_fields)}
    for name, changes_fields in changes.items():
        if data_format == "raw" and changes_fields and name in given:
            yield problem(
                f"connector.{name}",
                "changes fields, and raw bytes have none",
                "leave it out, or format json",
            )


def _needed_fields_are_kept(excluded_fields: tuple[str, ...], renames: dict[str, str]) -> Iterator[str]:
    needed = {renames.get(name, name) for name in ("id", "time")}
    for name in sorted(needed.intersection(excluded_fields)):
        yield problem(
            "connector.excludedFields", f"has {name}, which every event needs in Logz.io", "other fields"
        )


def _raw_has_no_originals(data_format: str, originals: bool, given: set[str]) -> Iterator[str]:
    if data_format == "raw" and originals and "originals" in given:
        yield problem(
            "archive.originals",
            "is set, but with format raw every event is archived as Confluent sent it",
            "leave it out, or format json",
        )


def _renames_lose_no_field(renames: dict[str, str]) -> Iterator[str]:
    if len(set(renames.values())) < len(renames):
        yield problem(
            "connector.renames",
            "gives two fields the same name, so that one is lost",
            "a name of its own for each",
        )


RULES: tuple[tuple[tuple[str, ...], Callable[..., Iterator[str]]], ...] = (
    (("source given",), _endpoint_or_ids),
    (("source given",), _given_key_has_no_generations),
    (("writer given", "writer.identity"), _role_has_no_key("writer")),
    (("logzio given", "logzio.authentication"), _role_has_no_key("logzio")),
    (("region",), _region_is_readable),
    (("source.bootstrap_servers", "archive.allow_other_region", "region"), _bucket_is_beside_the_cluster),
    (("archive.kms_key_arn", "region"), _key_is_in_the_region("archive.kmsKeyArn", "the bucket is")),
    (
        ("worker.secrets_key_arn", "region"),
        _key_is_in_the_region("worker.secretsKeyArn", "the VM's parameters are"),
    ),
    (
        (
            "archive.object_lock_days",
            "archive.retention_days",
            "archive.originals_retention_days",
            "archive.destroy_with_data",
        ),
        _deletion_waits_for_the_lock,
    ),
    (("archive.adopt_existing", "archive.destroy_with_data"), _bucket_is_taken_over_or_given_up),
    (("worker.alarm_topic_arn", "region"), _topic_arn_is_in_the_vms_region),
    (("source.topics",), _topics_are_named_once),
    (("source.topics", "source.partitions"), _every_topic_has_its_partitions),
    (("worker.platform_version", "worker.java_version"), _java_runs_the_platform),
    (("worker.platform_version", "worker.package_version"), _package_is_of_the_platform),
    (
        (
            "worker.heap_mb",
            "source.partitions",
            "connector.part_size",
            "archive.originals",
            "connector.format",
        ),
        _heap_carries_the_partitions,
    ),
    (("worker.heap_mb", "worker.instance_type"), _heap_fits_the_instance),
    (("worker.availability_zones", "region"), _zones_are_of_the_region),
    (("worker.availability_zones", "worker.subnet_id"), _zones_are_for_the_own_subnet),
    (("worker.dns_servers", "worker.subnet_id"), _dns_servers_are_of_a_given_subnet),
    (("logzio.api_token",), _token_is_there),
    (("connector.topics_dir",), _topics_stand_beside_the_reserved_prefixes),
    (("connector.properties",), _properties_are_further_ones),
    (
        (
            "connector.format",
            "connector.renames",
            "connector.flatten",
            "connector.excluded_fields",
            "connector given",
        ),
        _raw_changes_no_field,
    ),
    (("connector.excluded_fields", "connector.renames"), _needed_fields_are_kept),
    (("connector.format", "archive.originals", "archive given"), _raw_has_no_originals),
    (("connector.renames",), _renames_lose_no_field),
)
"""Which settings a rule looks at, and the rule; it is asked when each of them is right by itself."""
