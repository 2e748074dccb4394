"""Confluent Cloud audit log -> S3 sink on a VM -> the organisation's bucket -> Logz.io."""

import os
from datetime import UTC, datetime

import pulumi

from components import layout, living, settings
from components.access import ArchiveReader, ArchiveReaderArgs, ArchiveWriter, ArchiveWriterArgs
from components.archive import AuditLogArchive, AuditLogArchiveArgs
from components.shipping.registration import LogzioShipping, LogzioShippingArgs
from components.source import AuditLogSource, AuditLogSourceArgs
from components.worker.connect import consumer_group
from components.worker.vm import ConnectWorker, ConnectWorkerArgs

given = settings.from_pulumi(os.environ)
group = consumer_group(given, pulumi.get_project(), pulumi.get_stack())
before, today = living.read(), datetime.now(UTC).date()
living.require_same_region(before, given.region)
living.require_supported_platform(before, given, today)
warnings = [*settings.warnings(given, today), living.group_warning(before, group, given.connector.name)]
for warning in filter(None, warnings):
    pulumi.log.warn(warning)
tags = {"Project": pulumi.get_project(), "Stack": pulumi.get_stack(), "ManagedBy": "pulumi", **given.tags}

source = AuditLogSource(
    "audit-log",
    AuditLogSourceArgs(
        source=given.source,
        region=given.region,
        allow_other_region=given.archive.allow_other_region,
    ),
)

archive = AuditLogArchive(
    "archive",
    AuditLogArchiveArgs(
        bucket=given.archive.bucket,
        sentinel_keys=[
            layout.sentinel_key(given.connector.topics_dir, topic, partition)
            for topic, partition in given.topic_partitions
        ],
        retention_days=given.retention_days,
        kms_key_arn=given.archive.kms_key_arn,
        destroy_with_data=given.archive.destroy_with_data,
        adopt_existing=given.archive.adopt_existing,
        object_lock_days=given.archive.object_lock_days,
        tags=tags,
    ),
)

writer = ArchiveWriter(
    "writer",
    ArchiveWriterArgs(
        bucket=archive.bucket,
        identity=given.writer.identity,
        iam=given.iam,
        key_generations=given.writer.key_generations,
        kms_key_arn=given.archive.kms_key_arn,
        tags=tags,
    ),
)

reader = ArchiveReader(
    "reader",
    ArchiveReaderArgs(
        bucket=archive.bucket,
        topics_dir=given.connector.topics_dir,
        authentication=given.logzio.authentication,
        iam=given.iam,
        key_generations=given.logzio.key_generations,
        logzio_url=given.logzio.base_url,
        kms_key_arn=given.archive.kms_key_arn,
        tags=tags,
    ),
)

# Logz.io never reads what was there before its registration: it is told of every prefix first.
shipping = LogzioShipping(
    "logzio",
    LogzioShippingArgs(
        base_url=given.logzio.base_url,
        bucket=archive.bucket,
        region=given.region,
        prefixes=given.partition_prefixes,
        log_type=given.logzio.log_type,
        add_object_key=given.logzio.add_object_key,
        adopt_existing=given.logzio.adopt_existing,
        role_arn=reader.role_arn,
        access_key=reader.credentials.access_key_id if reader.credentials else None,
        secret_key=reader.credentials.secret_access_key if reader.credentials else None,
    ),
    pulumi.ResourceOptions(depends_on=[archive, reader]),
)

worker = ConnectWorker(
    "worker",
    ConnectWorkerArgs(
        settings=given,
        bootstrap_servers=source.bootstrap_servers,
        kafka_api_key=source.api_key,
        kafka_api_secret=source.api_secret,
        writer_credentials=writer.credentials,
        writer_policy=writer.instance_policy,
        living=before,
        tags=tags,
    ),
    pulumi.ResourceOptions(depends_on=[archive, writer, shipping]),
)

pulumi.export("bucket", archive.bucket)
pulumi.export("region", given.region)
pulumi.export(
    "topicPrefixes", [layout.topic_prefix(given.connector.topics_dir, topic) for topic in given.source.topics]
)
pulumi.export(living.CONSUMER_GROUP, group)
pulumi.export("registrationIds", shipping.registration_ids)
pulumi.export("instanceId", worker.instance_id)
pulumi.export("availabilityZone", worker.availability_zone)
pulumi.export("architecture", worker.architecture)
pulumi.export(
    "shellCommand",
    pulumi.Output.concat("aws ssm start-session --region ", given.region, " --target ", worker.instance_id),
)
pulumi.export("searchUrl", given.logzio.search_url)
