"""What a stack pays for, from its settings; and the same with the article's settings."""

from dataclasses import dataclass, replace

from components.logzio import facts as logzio_facts
from components.owner import Owner
from components.settings import Settings
from components.settings.validators import region_of_endpoint
from components.worker.alarms import alarms
from components.worker.files.watchdog.metrics import OF_THE_FLEET, PER_VM, UNITS
from components.worker_settings import worker_config

SELDOM = ("BootFailed", "SkippedEventOffset")
"""Metrics that are sent only when something happened. CloudWatch bills a metric for the hours in which it gets data
(aws.amazon.com/cloudwatch/pricing), so they are not counted."""

FLATTENED = 36.2 / 31.2
"""How much longer the sample events are when they are flattened: docs/logzio.md, "What Logz.io can index"."""


@dataclass(frozen=True)
class Copy:
    """One copy of the events in the bucket.

    `rotation_seconds`: None writes full objects only. `growth`: length of an archived event, uncompressed, to that of
    the event in Kafka. `gzip_level`: None is no compression. `retention_days`: None keeps events for ever. `settings`:
    the one that changes its requests, and the one that changes its storage.
    """

    name: str
    partitions: int
    flush_size: int
    rotation_seconds: int | None
    part_size: int
    growth: float
    gzip_level: int | None
    retention_days: int | None
    settings: tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """What a stack pays for.

    `addresses`: public addresses; None if the subnets are existing ones. `from_other_region`: Kafka is, or may be, in
    another region. `logzio_region`: AWS region of the Logz.io account. `copies`: the events, whose objects Logz.io
    reads, then the originals. `own_key`: the stack makes a KMS key. `bucket_key`: a KMS key encrypts the objects.
    `metrics`, `alarms`, `dashboards`, `heartbeats`: custom metrics, alarms, dashboards, and VMs that send a request each
    minute.
    """

    region: str
    from_other_region: bool
    logzio_region: str
    instance_type: str
    vms: int
    volume_gb: int
    addresses: int | None
    copies: tuple[Copy, ...]
    registrations: int
    own_key: bool
    bucket_key: bool
    parameters: int
    metrics: int
    alarms: int
    dashboards: int
    heartbeats: int


def plan_of(settings: Settings) -> Plan:
    """The plan of a stack."""
    worker, count = settings.worker, settings.worker.count
    # The names in it do not matter here, the number of parameters does.
    credentials = len(worker_config(settings, Owner("project", "stack"), "broker:9092").parameters)
    return Plan(
        region=settings.region,
        from_other_region=_from_other_region(settings),
        logzio_region=logzio_facts.ACCOUNT_AWS_REGIONS[settings.logzio.region],
        instance_type=worker.instance_type,
        vms=count,
        volume_gb=worker.volume_gb,
        addresses=None if worker.subnets else count,
        copies=_copies(settings),
        registrations=len(settings.partition_prefixes),
        own_key=worker.secrets_key_arn is None,
        bucket_key=settings.archive.kms_key_arn is not None,
        # Beside the credentials, each VM has its status.
        parameters=credentials + count,
        metrics=_metrics(settings, credentials) if worker.metrics else 0,
        alarms=_alarms(settings) if worker.metrics else 0,
        dashboards=int(worker.metrics and settings.alarms.dashboard),
        heartbeats=count if worker.metrics else 0,
    )


def the_articles(plan: Plan) -> Plan:
    """The same events, topics and VM with what the article sets: objects of 3 events, as they are, and no second copy.

    It names no VM, so it gets one of the same type. It has one registration, one bucket, and secrets in plain text.
    """
    events = replace(
        plan.copies[0], flush_size=3, rotation_seconds=None, growth=1.0, gzip_level=None, retention_days=None
    )
    return replace(
        plan,
        vms=1,
        addresses=None if plan.addresses is None else 1,
        copies=(events,),
        registrations=1,
        own_key=False,
        bucket_key=False,
        parameters=0,
        metrics=0,
        alarms=0,
        dashboards=0,
        heartbeats=0,
    )


def _metrics(settings: Settings, credentials: int) -> int:
    """How many custom metrics the watchdogs and the canary send. `credentials`: parameters with credentials."""
    standalone = settings.worker.mode == "standalone"
    sent = [name for name in UNITS if name not in SELDOM and not (standalone and name in OF_THE_FLEET)]
    if not settings.reader_role_is_watched:
        sent.remove("SecondsSinceLogzioRead")
    if not settings.originals:
        sent = [name for name in sent if not name.startswith("Originals")]
    return int(settings.alarms.canary) + sum(
        (settings.worker.count if name in PER_VM else 1)
        # This metric also has the credentials as a dimension.
        * (credentials if name == "CredentialsVersion" else 1)
        for name in sent
    )


def _alarms(settings: Settings) -> int:
    count = settings.worker.count
    wanted = alarms(
        originals=settings.originals,
        count=count,
        distributed=settings.worker.mode == "distributed",
        canary=settings.alarms.canary,
        reader_role=settings.reader_role_is_watched,
    )
    return sum(count if alarm.per_vm else 1 for alarm in wanted)


def _copies(settings: Settings) -> tuple[Copy, ...]:
    archive, connector = settings.archive, settings.connector
    flattened = connector.format == "json" and connector.flatten
    events = Copy(
        name="events",
        partitions=len(settings.topic_partitions),
        flush_size=connector.flush_size,
        rotation_seconds=connector.rotation_seconds,
        part_size=connector.part_size,
        growth=FLATTENED if flattened else 1.0,
        gzip_level=connector.compression_level if connector.compression == "gzip" else None,
        retention_days=archive.retention_days,
        settings=("connector.rotationSeconds", "archive.retentionDays"),
    )
    if not settings.originals:
        return (events,)
    originals = replace(
        events,
        name="originals",
        flush_size=archive.originals_flush_size,
        rotation_seconds=archive.originals_rotation_seconds,
        growth=1.0,
        retention_days=archive.originals_retention_days or archive.retention_days,
        settings=("archive.originalsRotationSeconds", "archive.originalsRetentionDays"),
    )
    return events, originals


def _from_other_region(settings: Settings) -> bool:
    servers = settings.source.bootstrap_servers
    known = region_of_endpoint(servers) if servers is not None else None
    # The three ids do not tell the region; a stack that allows another one says that it is another one.
    return settings.archive.allow_other_region if known is None else known != settings.region
