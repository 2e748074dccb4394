"""The sections of the settings: each setting with its type, default and description."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.archive import layout
from components.logzio import facts as logzio_facts
from components.logzio.facts import TOKEN_VARIABLE
from components.settings.checks import (
    Ami,
    ApiKey,
    AsText,
    AvailabilityZone,
    BaseUrl,
    BootstrapServers,
    BucketName,
    ClusterId,
    ConnectorName,
    ConnectorVersion,
    ConsumerGroup,
    EnvironmentId,
    FieldName,
    Fingerprints,
    IamPath,
    IamPolicyArn,
    InstanceType,
    Ipv4,
    KeyGenerations,
    KmsKeyArn,
    LogType,
    PackageVersion,
    Partitions,
    PlatformVersion,
    PropertyName,
    RebootTime,
    Secret,
    ServiceAccountId,
    Sha256,
    SnsTopicArn,
    SubnetId,
    Topic,
    TopicsDir,
    Url,
)
from components.settings.sizes import (
    LEAST_HEAP_MB,
    MAX_FLUSH_SIZE,
    MEASURED_HEAP_MB,
    MEASURED_PARTITIONS,
    MIB,
    MIN_PART_SIZE,
)

DEFAULT_TOPIC = "confluent-audit-log-events"

ORIGINALS_SUFFIX = "-originals"
"""Behind the names of the connector and of the consumer group that keep the originals."""

# An object in S3 takes ten tags at most; the project's own stand on every resource, the sentinel objects too.
MAX_TAGS = 10
OWN_TAGS = ("Project", "Stack", "ManagedBy")


class Section(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        # No guesses: `yes` is no number of partitions.
        strict=True,
        # A validation error is not to show what was given: it may be a secret.
        hide_input_in_errors=True,
    )


class Source(Section):
    """The audit-log cluster: an endpoint with a key, or the three ids from which both are found and made."""

    bootstrap_servers: BootstrapServers | None = Field(
        default=None,
        description="Endpoint of the audit-log cluster, host:port. Leave out to have it looked up by the ids.",
    )
    api_key: ApiKey | None = Field(
        default=None, description="API key of the audit-log cluster. Leave out to have one made by the ids."
    )
    api_secret: Secret | None = Field(default=None, description="Its secret.")
    cluster: ClusterId | None = Field(
        default=None, description="Id of the audit-log cluster, from `confluent audit-log describe`."
    )
    environment: EnvironmentId | None = Field(
        default=None, description="Id of its environment, from the same command."
    )
    service_account: ServiceAccountId | None = Field(
        default=None,
        description="Id of the audit log's own service account, from the same command; it will own the key.",
    )
    key_generations: KeyGenerations = Field(
        default=(1,),
        description="Generations of the API key that the program makes; the last one is in use. `make rotate` "
        "changes it.",
    )
    topics: Annotated[tuple[Topic, ...], Field(strict=False)] = Field(  # YAML has lists, no tuples
        default=(DEFAULT_TOPIC,), description="Topics to archive."
    )
    partitions: dict[Topic, Partitions] = Field(
        description="Number of partitions of each topic, as Kafka has it. No default: a number that is too small "
        "loses the events of the partitions beyond it in Logz.io."
    )
    consumer_group: ConsumerGroup | None = Field(
        default=None,
        description="Consumer group of the connector; `<project>-<stack>-<bucket>` if left out. Name the group of an "
        "earlier worker to go on where it stopped. A group that has read nothing yet reads the last 7 days.",
    )


class Archive(Section):
    """The organisation's own bucket."""

    bucket: BucketName = Field(description="Name of the bucket; unique in all of S3.")
    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None, description="Days after which events are deleted; none keeps them for ever."
    )
    originals: bool = Field(
        default=True,
        description=f"Whether each record is kept a second time, below `{layout.ORIGINALS}/`, byte for byte as "
        "Confluent sent it. Format `raw` has no such copy: its events are those bytes.",
    )
    originals_retention_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None, description="Days after which originals are deleted; `retentionDays` if left out."
    )
    originals_rotation_seconds: Annotated[int, Field(ge=5, le=3600)] = Field(
        default=600, description="Most seconds that a record waits for its object of originals."
    )
    originals_flush_size: Annotated[int, Field(ge=1000, le=100_000)] = Field(
        default=50_000, description="Most records in an object of originals."
    )
    kms_key_arn: KmsKeyArn | None = Field(
        default=None,
        description="KMS key that encrypts the objects, in the bucket's region; none takes S3's own.",
    )
    object_lock_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None,
        description="Days for which nobody, the account's owner included, can delete or change an event (S3 Object "
        "Lock in compliance mode, with versions). What is locked stays locked: leaving it out again does not undo it.",
    )
    destroy_with_data: bool = Field(
        default=False,
        description="Whether `pulumi destroy` deletes the bucket with all events. A change takes effect with the "
        "next `pulumi up`, so run that before `destroy`.",
    )
    adopt_existing: bool = Field(
        default=False,
        description="Takes over the bucket that an earlier `destroy` kept; where it differs from these settings, it "
        "is changed.",
    )
    allow_other_region: bool = Field(
        default=False,
        description="Allows a bucket in another region than the audit-log cluster's (data residency); every event "
        "then crosses regions.",
    )


class Iam(Section):
    """What an organisation may ask of every role and user in its account."""

    permissions_boundary_arn: IamPolicyArn | None = Field(
        default=None,
        description="Policy that bounds the rights of every role and user that the program makes. It must allow what "
        "`make render` shows of them.",
    )
    path: IamPath = Field(
        default="/",
        description="Path of every role, user and instance profile. Another one makes new roles and a new instance "
        "profile and moves the users.",
    )


class Writer(Section):
    """The S3 sink's identity in AWS."""

    identity: Literal["user", "role"] = Field(
        default="user",
        description="An IAM user with a key, or the VM's role: no long-lived key, and nothing that an organisation "
        "without IAM users would refuse.",
    )
    key_generations: KeyGenerations = Field(
        default=(1,),
        description="Generations of the user's key; the last one is in use. `make rotate` changes it.",
    )


class Connector(Section):
    """The S3 sink."""

    name: ConnectorName = Field(
        default="auditlog-connector-s3-sink",
        description=f"Name of the connector; that of the originals has `{ORIGINALS_SUFFIX}` behind it.",
    )
    topics_dir: TopicsDir = Field(
        default="topics",
        description="First part of the key of every object with events; not below "
        f"{' or '.join(f'`{reserved}`' for reserved in layout.RESERVED)}, where other objects are.",
    )
    flush_size: Annotated[int, Field(ge=1000, le=MAX_FLUSH_SIZE)] = Field(
        default=5000,
        description="Most events in an object. At 8 KiB each they stay under the 50 MB that Logz.io fetches; "
        "fewer than 1000 would make many small objects of a backlog, at three requests each.",
    )
    rotation_seconds: Annotated[int, Field(ge=5, le=3600)] = Field(
        default=60,
        description="Most seconds that an event waits for its object. Never off: the last events of a quiet "
        "partition would stay behind and be lost after 7 days.",
    )
    partitioner: Literal["ordered", "default"] = Field(
        default="ordered",
        description="`ordered`: a key has the time at which its file was opened, so that later objects sort later "
        "and Logz.io, which reads in alphabetical order, reads them all; it is compiled on the VM, which then has the "
        "JDK. `default`: the vendor's own, which needs the JRE alone. Its keys have the first offset only: once events "
        "are read again (Kafka out of reach for a minute, a crash), new objects may sort before what Logz.io has read; "
        "their events are in the bucket and never in Logz.io. There is no way back from `ordered` to `default` under "
        "the same topicsDir: the VM refuses it.",
    )
    part_size: Annotated[int, Field(ge=MIN_PART_SIZE, le=100 * MIB)] = Field(
        default=MIN_PART_SIZE,
        description="Bytes of a part of an upload; S3 takes 5 MiB at least. Each partition may hold one in memory.",
    )
    format: Literal["json", "raw"] = Field(
        default="json",
        description="`json`: searchable, with renamed fields. `raw`: the bytes as Confluent sent them.",
    )
    compression: Literal["gzip", "none"] = Field(default="gzip", description="Compression of the objects.")
    compression_level: Annotated[int, Field(ge=1, le=9)] = Field(
        default=6,
        description="gzip's level; 1 saves 5 to 8 % of the CPU, and its objects are half as large again.",
    )
    renames: dict[FieldName, FieldName] = Field(
        default={"time": "@timestamp", "type": "event_type"},
        description="Top-level fields that get another name (json only). Logz.io takes `@timestamp` as the event's "
        "time and keeps `type` for itself.",
    )
    flatten: bool = Field(
        default=True,
        description="Joins the names of nested fields: `data_methodName` for `data.methodName` (json only). Without it, "
        "Logz.io indexes about half of the events: it keeps one type per field, but Confluent sends text in one event "
        "where it sends an object in another.",
    )
    excluded_fields: Annotated[tuple[FieldName, ...], Field(strict=False)] = (
        Field(  # YAML has lists, no tuples
            default=(),
            description="Fields that Logz.io does not get, by the names they have there (json only): the way out for a "
            "field that is a list of objects in one event and text in another.",
        )
    )
    version: ConnectorVersion = Field(
        default="12.1.11", description="Version of Confluent's S3 sink connector."
    )
    archive_url: Url | None = Field(
        default=None,
        description="Where its zip is downloaded; Confluent Hub's address of the version if left out.",
    )
    archive_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of the zip; with it, any other zip is refused."
    )
    properties: dict[PropertyName, AsText] = Field(
        default={},
        description="Further connector properties; none of those that the project sets. They stand in plain text.",
    )

    @property
    def download_url(self) -> str:
        """The address of the connector's zip."""
        zip_name = f"confluentinc-kafka-connect-s3-{self.version}.zip"
        return self.archive_url or (
            "https://hub-downloads.confluent.io/api/plugins/confluentinc/kafka-connect-s3/versions/"
            f"{self.version}/{zip_name}"
        )


class Endpoints(Section):
    """Addresses of AWS services where they are not the public ones."""

    s3: BaseUrl | None = Field(default=None, description="Endpoint of S3.")
    ssm: BaseUrl | None = Field(
        default=None, description="Endpoint of Systems Manager (the parameter store)."
    )
    cloudwatch: BaseUrl | None = Field(default=None, description="Endpoint of CloudWatch.")


class Worker(Section):
    """The VM and what is installed on it."""

    platform_version: PlatformVersion = Field(default="7.9", description="Line of the Confluent Platform.")
    allow_unsupported_platform: bool = Field(
        default=False,
        description="Allows a new stack on a platform line that Confluent supports for nobody any more.",
    )
    java_version: int = Field(
        default=8, description="Java on the VM: 8, 11 or 17 for platform 7.x, 17 or 21 for 8.x."
    )
    package: Literal["confluent-kafka", "confluent-platform"] = Field(
        default="confluent-kafka",
        description="`confluent-kafka` has all that is needed; `confluent-platform` is everything, as in the article.",
    )
    package_version: PackageVersion | None = Field(
        default=None,
        description="Its full version, and that of the `confluent-` packages it depends on; a later one that the image "
        "has is downgraded. The newest of the platform's line at each new VM if left out.",
    )
    instance_type: InstanceType = Field(
        default="t3.small",
        description="EC2 instance type. ARM types get the ARM image of Ubuntu; nobody has tried them with this program.",
    )
    ami: Ami | None = Field(
        default=None,
        description="Image of Ubuntu 24.04 (Debian 12 works with Java 17, but has no agent for a shell) for the "
        "instance type's architecture; the newest Ubuntu 24.04 at the first `up`, kept from then on, if left out.",
    )
    subnet_id: SubnetId | None = Field(
        default=None,
        description="An existing subnet with a way out; a small network of its own if left out.",
    )
    availability_zones: Annotated[tuple[AvailabilityZone, ...], Field(strict=False)] = Field(
        default=(),
        description="Zones for the network of its own; the first one that has the instance type is taken. If left out, "
        "one is chosen at the first `up` and kept. A zone that is not the present one replaces subnet and VM.",
    )
    dns_servers: Annotated[tuple[Ipv4, ...], Field(strict=False)] = Field(  # YAML has lists, no tuples
        default=(),
        description="DNS servers of the subnet's VPC, where its DHCP options name others than Amazon's.",
    )
    volume_gb: Annotated[int, Field(ge=10, le=1000)] = Field(
        default=20, description="Size of the encrypted root volume, in GiB; another one replaces the VM."
    )
    heap_mb: Annotated[int, Field(ge=LEAST_HEAP_MB, le=65536)] = Field(
        default=384,
        description=f"Heap of Kafka Connect, in MiB. {MEASURED_HEAP_MB[0]} carry {MEASURED_PARTITIONS[0]} partitions, "
        f"{MEASURED_HEAP_MB[1]} carry {MEASURED_PARTITIONS[1]}; with originals it takes twice as much.",
    )
    log_level: Literal["INFO", "DEBUG"] = Field(
        default="INFO", description="Log level of Kafka Connect; DEBUG to look into a fault."
    )
    reboot_time: RebootTime = Field(
        default="03:30",
        description="When (UTC) the VM reboots after a security update that needs it; `never` leaves that to you.",
    )
    rest_port: Annotated[int, Field(ge=1024, le=65535)] = Field(
        default=8083, description="Port of Connect's REST interface, on 127.0.0.1 only."
    )
    repository_url: BaseUrl = Field(
        default="https://packages.confluent.io/deb",
        description="Package repository; the platform version is appended.",
    )
    repository_key_url: Url | None = Field(
        default=None,
        description="Its public key; `<repositoryUrl>/<platformVersion>/archive.key` if left out.",
    )
    # Confluent's own, as gpg shows it for https://packages.confluent.io/deb/7.4/archive.key; the same key signs
    # the other lines and the client packages.
    repository_key_fingerprint: Fingerprints = Field(
        default=("CBBB821E8FAF364F79835C438B1DA6120C2BF624",),
        description="Fingerprint of that key. Of the keys in the file, apt trusts those with a fingerprint named here; "
        "a file without any fails the boot. Name two while the repository's owner changes the key.",
    )
    metrics: bool = Field(
        default=True,
        description="Whether the VM's watchdog sends metrics to CloudWatch, with an alarm on each that matters. "
        "Without, it only writes a line in the VM's journal every minute.",
    )
    alarm_topic_arn: SnsTopicArn | None = Field(
        default=None,
        description="SNS topic that alarms are sent to. Without one, they show in CloudWatch only.",
    )
    secrets_key_arn: KmsKeyArn | None = Field(
        default=None,
        description="KMS key that encrypts the VM's parameters, in the stack's region; the program makes one if left "
        "out. Its key policy must let IAM policies of the account grant its use.",
    )
    endpoints: Endpoints = Field(
        default=Endpoints(), description="Endpoints of AWS services (private endpoints, air-gapped sites)."
    )

    @property
    def key_url(self) -> str:
        """The address of the package repository's key."""
        return self.repository_key_url or f"{self.repository_url}/{self.platform_version}/archive.key"


class Logzio(Section):
    """The Logz.io account."""

    region: Literal["us", "au", "ca", "eu", "uk"] = Field(
        default="us", description="Region of the account (not of the bucket)."
    )
    api_url: BaseUrl | None = Field(
        default=None, description="Address of the account API, if it is not the region's own."
    )
    listener_url: BaseUrl | None = Field(
        default=None,
        description="Address that `make replay` sends events to, if it is not the region's own. Needed there where "
        "`apiUrl` is set.",
    )
    api_token: Secret | None = Field(
        default=None, description=f"API token of the account. The environment variable {TOKEN_VARIABLE} wins."
    )
    log_type: LogType = Field(default="confluent_audit", description="Value of the field `type` in Logz.io.")
    authentication: Literal["role", "keys"] = Field(
        default="role",
        description="How Logz.io reads the bucket: a role that only this account can take, or a user's key.",
    )
    key_generations: KeyGenerations = Field(
        default=(1,),
        description="Generations of that user's key; the last one is in use. `make rotate` changes it.",
    )
    add_object_key: bool = Field(default=False, description="Adds the object's key to each event as a field.")
    adopt_existing: bool = Field(
        default=False,
        description="Takes over registrations that exist for the same bucket and prefix instead of refusing them.",
    )

    @property
    def base_url(self) -> str:
        """The account API."""
        return self.api_url or logzio_facts.api_url(self.region)

    @property
    def listener(self) -> str | None:
        """Where `make replay` sends events; not known where the API is elsewhere than in its region."""
        if self.listener_url is None and self.api_url is not None:
            return None
        return self.listener_url or logzio_facts.listener_url(self.region)

    @property
    def search_url(self) -> str | None:
        """Where a person searches; not known where the API is elsewhere than in its region."""
        return None if self.api_url else logzio_facts.search_url(self.region)


class Settings(Section):
    """All settings, each in its section; `region` is `aws:region`, where the bucket and the VM are."""

    source: Source
    archive: Archive
    iam: Iam = Iam()
    writer: Writer = Writer()
    connector: Connector = Connector()
    worker: Worker = Worker()
    logzio: Logzio = Logzio()
    tags: dict[str, AsText] = Field(
        default={},
        description=f"Tags of every resource, beside the project's own ({', '.join(OWN_TAGS)}); at most "
        f"{MAX_TAGS - len(OWN_TAGS)}.",
    )
    region: str

    @property
    def originals(self) -> bool:
        """Whether a second connector keeps the originals."""
        return self.archive.originals and self.connector.format == "json"

    @property
    def retention_days(self) -> dict[str, int]:
        """Prefix in the bucket -> days after which what is below it is deleted; what has none is kept for ever.

        Originals go after their days also where none are written any more.
        """
        days = {
            f"{self.connector.topics_dir}/": self.archive.retention_days,
            f"{layout.ORIGINALS}/": self.archive.originals_retention_days or self.archive.retention_days,
        }
        return {prefix: number for prefix, number in days.items() if number is not None}

    @property
    def topic_partitions(self) -> list[tuple[str, int]]:
        """Every partition to archive: (topic, number)."""
        return [
            (topic, partition)
            for topic in self.source.topics
            for partition in range(self.source.partitions[topic])
        ]

    @property
    def partition_prefixes(self) -> list[str]:
        """The prefix of each partition in the bucket."""
        return [
            layout.partition_prefix(self.connector.topics_dir, topic, partition)
            for topic, partition in self.topic_partitions
        ]


SECTIONS: Mapping[str, type[Section]] = {
    "source": Source,
    "archive": Archive,
    "iam": Iam,
    "writer": Writer,
    "connector": Connector,
    "worker": Worker,
    "logzio": Logzio,
}
