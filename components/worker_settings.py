"""The worker's configuration, from the settings of a stack: for the program and for `make render`."""

from components.owner import Owner
from components.settings import Settings
from components.worker.config import (
    Connect,
    Endpoints,
    Fleet,
    Kafka,
    Originals,
    Platform,
    Sink,
    WorkerConfig,
    default_group,
)


def worker_config(
    settings: Settings, owner: Owner, bootstrap_servers: str, fleet_bootstrap_servers: str | None = None
) -> WorkerConfig:
    """What the VM's files say, apart from the reader's role, whose name AWS has once it is made.

    `bootstrap_servers`: host:port; the settings may have only the id of the cluster. `fleet_bootstrap_servers`: the same
    for the cluster with Connect's state; a placeholder if left out.
    """
    archive, connector, worker = settings.archive, settings.connector, settings.worker
    return WorkerConfig(
        owner=owner,
        region=settings.region,
        kafka=Kafka(
            bootstrap_servers=bootstrap_servers,
            topics=settings.source.topics,
            partitions=settings.source.partitions,
            consumer_group=consumer_group(settings, owner),
        ),
        bucket=archive.bucket,
        bucket_locked=archive.object_lock_days is not None,
        sink=Sink(
            name=connector.name,
            topics_dir=connector.topics_dir,
            flush_size=connector.flush_size,
            rotation_seconds=connector.rotation_seconds,
            partitioner=connector.partitioner,
            part_size=connector.part_size,
            format=connector.format,
            compression=connector.compression,
            compression_level=connector.compression_level,
            renames=connector.renames,
            flatten=connector.flatten,
            excluded_fields=connector.excluded_fields,
            properties=connector.properties,
            url=connector.download_url,
            sha256=connector.archive_sha256,
        ),
        originals=Originals(archive.originals_flush_size, archive.originals_rotation_seconds)
        if settings.originals
        else None,
        writer_identity=settings.writer.identity,
        platform=Platform(
            version=worker.platform_version,
            java_version=worker.java_version,
            package=worker.package,
            package_version=worker.package_version,
            repository_url=worker.repository_url,
            key_url=worker.key_url,
            key_fingerprints=worker.repository_key_fingerprint,
        ),
        connect=Connect(worker.heap_mb, worker.log_level, worker.rest_port),
        endpoints=Endpoints(
            worker.endpoints.s3, worker.endpoints.ssm, worker.endpoints.cloudwatch, worker.endpoints.iam
        ),
        count=worker.count,
        reboot_time=worker.reboot_time,
        metrics=worker.metrics,
        canary=settings.alarms.canary,
        fleet=Fleet(
            fleet_bootstrap_servers
            or settings.fleet.bootstrap_servers
            or f"<endpoint of {settings.fleet.cluster}>",
            fleet_name(settings, owner),
            settings.fleet.replication_factor,
        )
        if settings.worker.mode == "distributed"
        else None,
    )


def fleet_name(settings: Settings, owner: Owner) -> str:
    """The name of the Connect cluster of mode distributed."""
    return settings.fleet.name or default_group(owner, settings.archive.bucket)


def consumer_group(settings: Settings, owner: Owner) -> str:
    """The consumer group of the connector for events, whose objects Logz.io reads."""
    return settings.source.consumer_group or default_group(owner, settings.archive.bucket)
