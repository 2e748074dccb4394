"""What several settings must be together. `VALIDATORS` at the end has every validator.

A validator takes the draft of the settings and yields a line for each problem. It reads the settings that it compares
first: if one of them is invalid by itself, it ends there and reports nothing, see `components.settings.draft`.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from components.archive import layout
from components.logzio import facts as logzio_facts
from components.logzio.facts import TOKEN_VARIABLE
from components.settings.connector_properties import refusal
from components.settings.draft import Draft, InvalidSettingError
from components.settings.errors import NAMESPACE, SettingsError, problem
from components.settings.platforms import PLATFORMS
from components.settings.sections import FLEET_PORT, Fleet, Source
from components.settings.sizing import LEAST_HEAP_MB, MIB, OTHER_MEMORY_MB, instance_memory_mb, least_heap_mb

Validator = Callable[[Draft], Iterator[str]]


def validate(draft: Draft) -> list[str]:
    """The problems of all validators."""
    problems: list[str] = []
    for validator in VALIDATORS:
        with suppress(InvalidSettingError):
            problems += [*validator(draft)]
    return problems


def region_of_endpoint(bootstrap_servers: str) -> str | None:
    """us-west-2 from `pkc-abc12.us-west-2.aws.confluent.cloud:9092`; None for a name without a region."""
    match = re.search(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.aws\.", bootstrap_servers.lower())
    return match.group(1) if match else None


def require_region(cluster_region: str, region: str, *, allow_other_region: bool) -> None:
    """Compares the bucket's region with the audit-log cluster's.

    Raises:
        SettingsError: they differ, and that is not allowed.
    """
    differs = _region_problem(cluster_region, region)
    if differs and not allow_other_region:
        raise SettingsError([differs])


def _source_is_an_endpoint_or_ids(draft: Draft) -> Iterator[str]:
    given = draft.given.source
    endpoint = _endpoint(given)
    ids = {
        "cluster": given.cluster,
        "environment": given.environment,
        "serviceAccount": given.service_account,
    }
    names = {name for name, is_given in (endpoint | ids).items() if is_given}
    if names not in (set(endpoint), set(ids)):
        yield problem(
            "source",
            f"has {', '.join(sorted(names)) or 'no cluster'}",
            "either bootstrapServers, apiKey and apiSecret, or cluster, environment and serviceAccount",
        )


def _endpoint(given: Source | Fleet) -> dict[str, object]:
    """The settings of a cluster by its endpoint, and whether each is given."""
    return {
        "bootstrapServers": given.bootstrap_servers,
        "apiKey": given.api_key,
        "apiSecret": given.api_secret,
    }


def _distributed_has_a_cluster(draft: Draft) -> Iterator[str]:
    given = draft.given.fleet
    endpoint = _endpoint(given)
    ids = {"cluster": given.cluster, "environment": given.environment}
    names = {name for name, is_given in (endpoint | ids).items() if is_given}
    if draft.worker.mode == "distributed" and names not in (set(endpoint), set(ids)):
        yield problem(
            "fleet",
            f"has {', '.join(sorted(names)) or 'no cluster'}, and worker.mode is distributed",
            "either cluster and environment, or bootstrapServers, apiKey and apiSecret, of a Kafka cluster of your own",
        )


def _fleet_is_not_in_the_audit_log_cluster(draft: Draft) -> Iterator[str]:
    pairs = {
        "fleet.cluster": (draft.fleet.cluster, draft.source.cluster),
        "fleet.bootstrapServers": (draft.fleet.bootstrap_servers, draft.source.bootstrap_servers),
    }
    for setting, (own, audit_log) in pairs.items():
        if own is not None and own == audit_log:
            yield problem(
                setting,
                "is the audit-log cluster, in which nobody can write",
                "a Kafka cluster of your own",
            )


def _given_fleet_key_has_no_generations(draft: Draft) -> Iterator[str]:
    given = draft.given.fleet
    if given.api_key and given.key_generations:
        yield _given_key_has_no_generations("fleet")


def _fleet_port_is_free(draft: Draft) -> Iterator[str]:
    if draft.worker.mode == "distributed" and draft.worker.rest_port == FLEET_PORT:
        yield problem(
            "worker.restPort",
            f"is {FLEET_PORT}, on which the VMs of mode distributed reach each other",
            "another port",
        )


def _given_kafka_key_has_no_generations(draft: Draft) -> Iterator[str]:
    given = draft.given.source
    if given.api_key and given.key_generations:
        yield _given_key_has_no_generations("source")


def _given_key_has_no_generations(section: str) -> str:
    return problem(
        f"{section}.keyGenerations",
        "is set, but the key is given as apiKey",
        "leave it out; a given key is rotated by giving another one",
    )


def _writer_role_has_no_key(draft: Draft) -> Iterator[str]:
    if draft.writer.identity == "role" and draft.given.writer.key_generations:
        yield _role_has_no_key("writer")


def _logzio_role_has_no_key(draft: Draft) -> Iterator[str]:
    if draft.logzio.authentication == "role" and draft.given.logzio.key_generations:
        yield _role_has_no_key("logzio")


def _role_has_no_key(section: str) -> str:
    return problem(f"{section}.keyGenerations", "is set, but a role has no key", "leave it out")


def _logzio_can_read_the_region(draft: Draft) -> Iterator[str]:
    region = draft.region
    regions = ", ".join(logzio_facts.BUCKET_REGIONS)
    if region is None:
        yield f"aws:region: is missing; accepted: {regions}"
    elif region not in logzio_facts.BUCKET_REGIONS:
        yield f"aws:region: Logz.io cannot read a bucket in {region}; accepted: {regions}"


def _bucket_is_in_the_clusters_region(draft: Draft) -> Iterator[str]:
    servers, allow_other_region = draft.source.bootstrap_servers, draft.archive.allow_other_region
    if servers is None or draft.region is None or allow_other_region:
        return
    differs = _region_problem(region_of_endpoint(servers), draft.region)
    if differs:
        yield differs


def _region_problem(cluster_region: str | None, region: str) -> str | None:
    if cluster_region is None or cluster_region == region:
        return None
    return (
        f"aws:region: is {region}, but the audit-log cluster is in {cluster_region}; accepted: {cluster_region}, or "
        f"{NAMESPACE}:archive.allowOtherRegion: true where data residency asks for another one"
    )


def _bucket_key_is_in_the_region(draft: Draft) -> Iterator[str]:
    yield from _key_is_in_the_region(
        "archive.kmsKeyArn", draft.archive.kms_key_arn, draft.region, "the bucket is"
    )


def _secrets_key_is_in_the_region(draft: Draft) -> Iterator[str]:
    yield from _key_is_in_the_region(
        "worker.secretsKeyArn", draft.worker.secrets_key_arn, draft.region, "the VM's parameters are"
    )


def _key_is_in_the_region(setting: str, key_arn: str | None, region: str | None, what: str) -> Iterator[str]:
    if key_arn is None or region is None:
        return
    key_region = key_arn.split(":")[3]
    if key_region != region:
        yield problem(setting, f"is a key in {key_region}", f"a key in {region}, where {what}")


def _nothing_is_deleted_before_its_lock_ends(draft: Draft) -> Iterator[str]:
    archive = draft.archive
    object_lock_days, destroy_with_data = archive.object_lock_days, archive.destroy_with_data
    retentions = {
        "retentionDays": archive.retention_days,
        "originalsRetentionDays": archive.originals_retention_days,
    }
    if object_lock_days is None:
        return
    if destroy_with_data:
        yield problem(
            "archive.destroyWithData",
            "is set together with objectLockDays, and S3 deletes nothing that is locked",
            "one of the two",
        )
    for setting, days in retentions.items():
        if days is not None and days < object_lock_days:
            yield problem(
                f"archive.{setting}",
                f"{days} ends before the lock of {object_lock_days} days does",
                f"{object_lock_days} or more",
            )


def _adopted_bucket_is_not_destroyed(draft: Draft) -> Iterator[str]:
    adopt_existing, destroy_with_data = draft.archive.adopt_existing, draft.archive.destroy_with_data
    if adopt_existing and destroy_with_data:
        yield problem(
            "archive.adoptExisting",
            "is set together with destroyWithData, but a bucket is taken over as one that is kept",
            f"true with {NAMESPACE}:archive.destroyWithData: false; change that after the `up` that took it over",
        )


def _alarm_topic_is_in_the_region(draft: Draft) -> Iterator[str]:
    alarm_topic_arn, region = draft.worker.alarm_topic_arn, draft.region
    if alarm_topic_arn is None or region is None:
        return
    topic_region = alarm_topic_arn.split(":")[3]
    if topic_region != region:
        yield problem(
            "worker.alarmTopicArn",
            f"is a topic in {topic_region}, and CloudWatch sends alarms only to topics of its own region",
            f"a topic in {region}",
        )


def _addresses_are_unique(draft: Draft) -> Iterator[str]:
    addresses = [address.lower() for address in draft.alarms.email]
    if len(set(addresses)) < len(addresses):
        yield problem("alarms.email", "has an address twice", "each address once")


def _alarms_need_metrics(draft: Draft) -> Iterator[str]:
    if draft.worker.metrics:
        return
    given = {
        "email": draft.alarms.email,
        "canary": draft.alarms.canary,
        "dashboard": draft.given.alarms.dashboard and draft.alarms.dashboard,
    }
    for name, asks in given.items():
        if asks:
            yield problem(
                f"alarms.{name}",
                "is set, but without metrics there are no alarms and there is nothing to show",
                f"leave it out, or {NAMESPACE}:worker.metrics: true",
            )


def _topics_are_unique(draft: Draft) -> Iterator[str]:
    topics = draft.source.topics
    if not topics:
        yield problem("source.topics", "is empty", "at least one topic")
    elif len(set(topics)) < len(topics):
        yield problem("source.topics", "has a topic twice", "each topic once")


def _every_topic_has_a_number_of_partitions(draft: Draft) -> Iterator[str]:
    topics, partitions = draft.source.topics, draft.source.partitions
    if topics and set(topics) != set(partitions):
        shown = ", ".join(sorted(partitions)) or "nothing"
        wanted = ", ".join(dict.fromkeys(topics))
        yield problem(
            "source.partitions",
            f"has a number for {shown}",
            f"one for each of {wanted}, and for nothing else",
        )


def _java_runs_the_platform(draft: Draft) -> Iterator[str]:
    platform_version, java_version = draft.worker.platform_version, draft.worker.java_version
    fitting = PLATFORMS[platform_version].java
    if java_version not in fitting:
        yield problem(
            "worker.javaVersion",
            f"{java_version} does not run platform {platform_version}",
            ", ".join(str(version) for version in fitting),
        )


def _package_is_of_the_platform(draft: Draft) -> Iterator[str]:
    platform_version, package_version = draft.worker.platform_version, draft.worker.package_version
    if package_version is not None and not package_version.startswith(f"{platform_version}."):
        yield problem(
            "worker.packageVersion",
            f"{package_version} is of another line than platform {platform_version}",
            f"{platform_version}. and more, or leave it out",
        )


def _heap_is_large_enough(draft: Draft) -> Iterator[str]:
    heap_mb, part_size = draft.worker.heap_mb, draft.connector.part_size
    number = sum(draft.source.partitions.values())
    originals, data_format = draft.archive.originals, draft.connector.format
    twice = originals and data_format == "json"
    least = least_heap_mb(number, part_size, 2 if twice else 1)
    if heap_mb < least:
        parts = f"{number} partitions with parts of {part_size / MIB:.0f} MiB"
        yield problem(
            "worker.heapMb",
            f"{heap_mb} is too small for {parts}{' and for originals' if twice else ''}",
            f"{least} or more" + (f", or {NAMESPACE}:archive.originals: false" if twice else ""),
        )


def _heap_fits_the_instance(draft: Draft) -> Iterator[str]:
    heap_mb, instance_type = draft.worker.heap_mb, draft.worker.instance_type
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


def _zones_are_in_the_region(draft: Draft) -> Iterator[str]:
    zones, region = draft.worker.availability_zones, draft.region
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


def _given_subnets_have_no_zones(draft: Draft) -> Iterator[str]:
    for setting, given in _given_subnets(draft):
        if given and draft.worker.availability_zones:
            yield problem(
                "worker.availabilityZones", f"is set, but {setting} has a zone already", "one of the two"
            )


def _subnets_are_given_once(draft: Draft) -> Iterator[str]:
    subnet_ids = draft.worker.subnet_ids
    if draft.worker.subnet_id is not None and subnet_ids:
        yield problem("worker.subnetIds", "is set, and so is worker.subnetId", "one of the two")
    if len(set(subnet_ids)) < len(subnet_ids):
        yield problem("worker.subnetIds", "has a subnet twice", "each subnet once")


def _given_subnets(settings: Draft) -> list[tuple[str, bool]]:
    """The two settings for existing subnets, and whether each is set."""
    return [
        ("worker.subnetId", settings.worker.subnet_id is not None),
        ("worker.subnetIds", bool(settings.worker.subnet_ids)),
    ]


def _dns_servers_need_a_given_subnet(draft: Draft) -> Iterator[str]:
    dns_servers = draft.worker.dns_servers
    if len(set(dns_servers)) < len(dns_servers):
        yield problem("worker.dnsServers", "has an address twice", "each address once")
    elif dns_servers and not any(given for _, given in _given_subnets(draft)):
        yield problem(
            "worker.dnsServers",
            "is set, but the network that the program makes uses Amazon's",
            f"leave it out, or set {NAMESPACE}:worker.subnetId or subnetIds",
        )


def _token_is_given(draft: Draft) -> Iterator[str]:
    if draft.logzio.api_token is None:
        yield problem(
            "logzio.apiToken",
            "is missing",
            f"`pulumi config set --secret --path {NAMESPACE}:logzio.apiToken`, or the environment variable "
            f"{TOKEN_VARIABLE}",
        )


def _topics_dir_is_not_reserved(draft: Draft) -> Iterator[str]:
    topics_dir = draft.connector.topics_dir
    first = topics_dir.partition("/")[0]
    if first in layout.RESERVED:
        yield problem(
            "connector.topicsDir",
            f"{topics_dir} is in {first}/, which is not for events",
            f"any other first part than {' and '.join(layout.RESERVED)}",
        )


def _properties_are_allowed(draft: Draft) -> Iterator[str]:
    for name in draft.connector.properties:
        refused = refusal(name)
        if refused is not None:
            yield problem(f"connector.properties.{name}", *refused)


def _raw_changes_no_field(draft: Draft) -> Iterator[str]:
    connector, given = draft.connector, draft.given.connector
    if connector.format != "raw":
        return
    changes = {
        "renames": given.renames and connector.renames,
        "flatten": given.flatten and connector.flatten,
        "excludedFields": given.excluded_fields and connector.excluded_fields,
    }
    for name, changes_fields in changes.items():
        if changes_fields:
            yield problem(
                f"connector.{name}",
                "changes fields, and raw bytes have none",
                "leave it out, or format json",
            )


def _needed_fields_are_kept(draft: Draft) -> Iterator[str]:
    excluded_fields, renames = draft.connector.excluded_fields, draft.connector.renames
    needed = {renames.get(name, name) for name in ("id", "time")}
    for name in sorted(needed.intersection(excluded_fields)):
        yield problem(
            "connector.excludedFields", f"has {name}, which every event needs in Logz.io", "other fields"
        )


def _raw_has_no_originals(draft: Draft) -> Iterator[str]:
    data_format, originals = draft.connector.format, draft.archive.originals
    if data_format == "raw" and originals and draft.given.archive.originals:
        yield problem(
            "archive.originals",
            "is set, but with format raw every event is archived as Confluent sent it",
            "leave it out, or format json",
        )


def _renames_lose_no_field(draft: Draft) -> Iterator[str]:
    renames = draft.connector.renames
    if len(set(renames.values())) < len(renames):
        yield problem(
            "connector.renames",
            "gives two fields the same name, so that one is lost",
            "a different name for each",
        )


VALIDATORS: tuple[Validator, ...] = (
    _source_is_an_endpoint_or_ids,
    _given_kafka_key_has_no_generations,
    _distributed_has_a_cluster,
    _fleet_is_not_in_the_audit_log_cluster,
    _given_fleet_key_has_no_generations,
    _fleet_port_is_free,
    _writer_role_has_no_key,
    _logzio_role_has_no_key,
    _logzio_can_read_the_region,
    _bucket_is_in_the_clusters_region,
    _bucket_key_is_in_the_region,
    _secrets_key_is_in_the_region,
    _nothing_is_deleted_before_its_lock_ends,
    _adopted_bucket_is_not_destroyed,
    _alarm_topic_is_in_the_region,
    _addresses_are_unique,
    _alarms_need_metrics,
    _topics_are_unique,
    _every_topic_has_a_number_of_partitions,
    _java_runs_the_platform,
    _package_is_of_the_platform,
    _heap_is_large_enough,
    _heap_fits_the_instance,
    _zones_are_in_the_region,
    _given_subnets_have_no_zones,
    _subnets_are_given_once,
    _dns_servers_need_a_given_subnet,
    _token_is_given,
    _topics_dir_is_not_reserved,
    _properties_are_allowed,
    _raw_changes_no_field,
    _needed_fields_are_kept,
    _raw_has_no_originals,
    _renames_lose_no_field,
)
"""In the order in which their problems are reported."""
