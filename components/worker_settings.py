"""The worker's configuration, from the settings of a stack: for the program and for `make render`."""

from components.owner import Owner
from components.settings import Settings
from components.worker.config import (
    Connect,
    Endpoints,
    Kafka,
    Originals,
    Platform,
    Sink,
    WorkerConfig,
    default_group,
)


def worker_config(settings: Settings, owner: Owner, bootstrap_servers: str) -> WorkerConfig:
    """What the VM's files say, apart from the reader's role, whose name AWS has once it is made.

    `bootstrap_servers`: host:port; the settings may have only the id of the cluster.
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
    )


def consumer_group(settings: Settings, owner: Owner) -> str:
    """The consumer group of the connector for events, whose objects Logz.io reads."""
    return settings.source.consumer_group or default_group(owner, settings.archive.bucket)
