"""Confluent Cloud audit log -> S3 sink on a VM -> the organisation's bucket -> Logz.io."""

# ruff: noqa: E402  # gc.disable() comes before the imports that it is for
import gc

# The program ends after seconds. Looking for garbage among the objects of pulumi_aws takes a quarter of its import.
gc.disable()

import os
from datetime import UTC, datetime

import pulumi

from components import running_stack, settings
from components.archive import layout
from components.archive.bucket import AuditLogArchive, AuditLogArchiveArgs
from components.archive.writer import ArchiveWriter, ArchiveWriterArgs
from components.fleet.cluster import FleetCluster, FleetClusterArgs
from components.logzio.reader import ArchiveReader, ArchiveReaderArgs
from components.logzio.registration import LogzioShipping, LogzioShippingArgs
from components.owner import Owner
from components.source import AuditLogSource, AuditLogSourceArgs
from components.worker.dashboard import dashboard_url
from components.worker.vm import ConnectWorker, ConnectWorkerArgs, Machine
from components.worker_settings import consumer_group, fleet_name, worker_config

given = settings.from_pulumi(os.environ)
owner = Owner(pulumi.get_project(), pulumi.get_stack())
group = consumer_group(given, owner)
running, today = running_stack.read(), datetime.now(UTC).date()
running_stack.require_same_region(running, given.region)
running_stack.require_supported_platform(
    running,
    given.worker.platform_version,
    today,
    allow_unsupported=given.worker.allow_unsupported_platform,
)
warnings = [
    *settings.warnings(given, today),
    running_stack.group_warning(running, group, given.connector.name),
]
for warning in filter(None, warnings):
    pulumi.log.warn(warning)
tags = {"Project": owner.project, "Stack": owner.stack, "ManagedBy": "pulumi", **given.tags}

source = AuditLogSource(
    "audit-log",
    AuditLogSourceArgs(
        owner=owner,
        region=given.region,
        allow_other_region=given.archive.allow_other_region,
        bootstrap_servers=given.source.bootstrap_servers,
        api_key=given.source.api_key,
        api_secret=settings.secret(given.source.api_secret) if given.source.api_secret else None,
        cluster=given.source.cluster,
        environment=given.source.environment,
        service_account=given.source.service_account,
        key_generations=given.source.key_generations,
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
        owner=owner,
        bucket=archive.bucket,
        identity=given.writer.identity,
        path=given.iam.path,
        permissions_boundary_arn=given.iam.permissions_boundary_arn,
        key_generations=given.writer.key_generations,
        kms_key_arn=given.archive.kms_key_arn,
        tags=tags,
    ),
)

reader = ArchiveReader(
    "reader",
    ArchiveReaderArgs(
        owner=owner,
        bucket=archive.bucket,
        topics_dir=given.connector.topics_dir,
        authentication=given.logzio.authentication,
        path=given.iam.path,
        permissions_boundary_arn=given.iam.permissions_boundary_arn,
        key_generations=given.logzio.key_generations,
        logzio_url=given.logzio.base_url,
        kms_key_arn=given.archive.kms_key_arn,
        tags=tags,
    ),
)

# Logz.io never reads objects that are older than their registration: every prefix is registered before the VM starts.
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

fleet_cluster = (
    FleetCluster(
        "fleet",
        FleetClusterArgs(
            owner=owner,
            name=fleet_name(given, owner),
            bootstrap_servers=given.fleet.bootstrap_servers,
            api_key=given.fleet.api_key,
            api_secret=settings.secret(given.fleet.api_secret) if given.fleet.api_secret else None,
            cluster=given.fleet.cluster,
            environment=given.fleet.environment,
            key_generations=given.fleet.key_generations,
            certificate_generation=given.fleet.certificate_generation,
        ),
    )
    if given.worker.mode == "distributed"
    else None
)

worker = ConnectWorker(
    "worker",
    ConnectWorkerArgs(
        config=worker_config(
            given, owner, source.bootstrap_servers, fleet_cluster.bootstrap_servers if fleet_cluster else None
        ),
        machine=Machine(
            instance_type=given.worker.instance_type,
            ami=given.worker.ami,
            volume_gb=given.worker.volume_gb,
            subnet_ids=given.worker.subnets,
            availability_zones=given.worker.availability_zones,
            dns_servers=given.worker.dns_servers,
            boot_minutes=given.worker.boot_minutes,
        ),
        kafka_api_key=source.api_key,
        kafka_api_secret=source.api_secret,
        writer_credentials=writer.credentials,
        writer_policy=writer.instance_policy,
        running_stack=running,
        kms_key_arn=given.archive.kms_key_arn,
        path=given.iam.path,
        permissions_boundary_arn=given.iam.permissions_boundary_arn,
        secrets_key_arn=given.worker.secrets_key_arn,
        alarm_addresses=given.alarms.email,
        alarm_topic_arn=given.worker.alarm_topic_arn,
        reader_role_arn=reader.role_arn if given.reader_role_is_watched else None,
        dashboard=given.alarms.dashboard,
        fleet=fleet_cluster,
        tags=tags,
    ),
    pulumi.ResourceOptions(depends_on=[archive, writer, shipping]),
)

pulumi.export("bucket", archive.bucket)
pulumi.export("region", given.region)
pulumi.export(
    "topicPrefixes", [layout.topic_prefix(given.connector.topics_dir, topic) for topic in given.source.topics]
)
pulumi.export(running_stack.CONSUMER_GROUP, group)
pulumi.export(running_stack.PARTITIONER, given.connector.partitioner)
pulumi.export("registrationIds", shipping.registration_ids)
pulumi.export("instanceIds", worker.instance_ids)
pulumi.export("availabilityZones", worker.availability_zones)
pulumi.export("architecture", worker.architecture)
pulumi.export(
    "shellCommands",
    [
        pulumi.Output.concat("aws ssm start-session --region ", given.region, " --target ", instance_id)
        for instance_id in worker.instance_ids
    ],
)
pulumi.export("searchUrl", given.logzio.search_url)
pulumi.export("certificateNotAfter", fleet_cluster.certificate.not_after if fleet_cluster else None)
pulumi.export("alarmTopicArn", worker.made_topic_arn)
pulumi.export("dashboardUrl", dashboard_url(given.region, worker.dashboard_name))
