"""The sections of the settings: each setting with its type, default and description."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.archive import layout
from components.logzio import facts as logzio_facts
from components.logzio.facts import TOKEN_VARIABLE
from components.settings.sizing import (
    LEAST_HEAP_MB,
    MAX_FLUSH_SIZE,
    MEASURED_HEAP_MB,
    MEASURED_PARTITIONS,
    MIB,
    MIN_PART_SIZE,
)
from components.settings.types import (
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
    EmailAddress,
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

DEFAULT_TOPIC = "confluent-audit-log-events"

ORIGINALS_SUFFIX = "-originals"
"""Suffix of the names of the connector and of the consumer group that archive the originals."""

# One VM carries far more events than an audit log has: more VMs than these bring no more safety.
MOST_VMS = 6

# Kafka's default session timeout: it gives the partitions of a consumer that is silent for so long to another one.
SESSION_SECONDS = 45

FLEET_PORT = 8443
"""Port on which the VMs of `worker.mode: distributed` reach each other."""

# S3 allows ten tags for an object. Every resource has the project's own tags, the sentinel objects too.
MAX_TAGS = 10
OWN_TAGS = ("Project", "Stack", "ManagedBy")


class Section(BaseModel):
    """Settings that belong together; the base class of all sections."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        # No conversion between types: "12" in quotes is not a number of partitions.
        strict=True,
        # A validation error must not show the input, which may be a secret.
        hide_input_in_errors=True,
    )


class Source(Section):
    """The audit-log cluster: an endpoint with a key, or three ids to look up the endpoint and make the key."""

    bootstrap_servers: BootstrapServers | None = Field(
        default=None,
        description="Endpoint of the audit-log cluster, host:port. If left out, it is looked up by the ids.",
    )
    api_key: ApiKey | None = Field(
        default=None, description="API key of the audit-log cluster. If left out, the program makes one."
    )
    api_secret: Secret | None = Field(default=None, description="Secret of the API key.")
    cluster: ClusterId | None = Field(
        default=None, description="Id of the audit-log cluster, from `confluent audit-log describe`."
    )
    environment: EnvironmentId | None = Field(
        default=None, description="Id of the cluster's environment, from the same command."
    )
    service_account: ServiceAccountId | None = Field(
        default=None,
        description="Id of the audit log's own service account, from the same command. It owns the key.",
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
        description="Number of partitions of each topic in Kafka. No default: with a number that is too small, the "
        "events of the partitions beyond it never reach Logz.io."
    )
    consumer_group: ConsumerGroup | None = Field(
        default=None,
        description="Consumer group of the connector; `<project>-<stack>-<bucket>` if left out. Name the group of an "
        "earlier worker to continue where it stopped. A group that has read nothing yet reads the last 7 days.",
    )


class Archive(Section):
    """The bucket, which belongs to the organisation."""

    bucket: BucketName = Field(description="Name of the bucket, unique in all of S3.")
    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None, description="Days after which events are deleted; if left out, they are kept for ever."
    )
    originals: bool = Field(
        default=True,
        description=f"Whether each record is archived a second time, below `{layout.ORIGINALS}/`, byte for byte as "
        "Confluent sent it. Format `raw` has no such copy, because its events are those bytes.",
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
        description="KMS key in the bucket's region that encrypts the objects; S3's own key if left out.",
    )
    object_lock_days: Annotated[int, Field(ge=1, le=36500)] | None = Field(
        default=None,
        description="Days for which nobody, not even the account's owner, can delete or change an event (S3 Object "
        "Lock in compliance mode, with versions). Removing this setting does not unlock objects that are locked.",
    )
    destroy_with_data: bool = Field(
        default=False,
        description="Whether `pulumi destroy` deletes the bucket with all events. A change takes effect with the "
        "next `pulumi up`, so run that before `destroy`.",
    )
    adopt_existing: bool = Field(
        default=False,
        description="Takes over the bucket that an earlier `destroy` kept, and changes it where it differs from these "
        "settings.",
    )
    allow_other_region: bool = Field(
        default=False,
        description="Allows a bucket in another region than the audit-log cluster's (data residency); every event "
        "then crosses regions.",
    )


class Iam(Section):
    """An organisation's rules for every role and user in its account."""

    permissions_boundary_arn: IamPolicyArn | None = Field(
        default=None,
        description="Permissions boundary of every role and user that the program makes. It must allow the rights that "
        "`make render` shows.",
    )
    path: IamPath = Field(
        default="/",
        description="Path of every role, user and instance profile. Changing it replaces the roles and the instance "
        "profile, and moves the users.",
    )


class Writer(Section):
    """The S3 sink's identity in AWS."""

    identity: Literal["user", "role"] = Field(
        default="user",
        description="`user`: an IAM user with a key. `role`: the VM's role, without a long-lived key, also for an "
        "organisation that forbids IAM users.",
    )
    key_generations: KeyGenerations = Field(
        default=(1,),
        description="Generations of the user's key; the last one is in use. `make rotate` changes it.",
    )


class Connector(Section):
    """The S3 sink."""

    name: ConnectorName = Field(
        default="auditlog-connector-s3-sink",
        description=f"Name of the connector; the one for originals has the suffix `{ORIGINALS_SUFFIX}`.",
    )
    topics_dir: TopicsDir = Field(
        default="topics",
        description="First part of the key of every object with events; not below "
        f"{' or '.join(f'`{reserved}`' for reserved in layout.RESERVED)}, where other objects are.",
    )
    flush_size: Annotated[int, Field(ge=1000, le=MAX_FLUSH_SIZE)] = Field(
        default=5000,
        description="Most events in an object. At 8 KiB each they stay under the 50 MB that Logz.io fetches. Fewer "
        "than 1000 would split a backlog into many small objects, with three requests each.",
    )
    rotation_seconds: Annotated[int, Field(ge=5, le=3600)] = Field(
        default=60,
        description="Most seconds that an event waits for its object. Never off: the last events of a quiet "
        "partition would never be written, and Kafka would delete them after 7 days.",
    )
    partitioner: Literal["ordered", "default"] = Field(
        default="ordered",
        description="`ordered`: an object's key has the time at which its file was opened, so that later objects "
        "sort later and Logz.io, which reads in alphabetical order, reads them all. It is compiled on the VM, which "
        "needs the JDK for that. `default`: the vendor's partitioner, which needs only the JRE. Its keys have only the "
        "first offset: when events are read again (Kafka was unreachable for a minute, a crash), new objects may sort "
        "before objects that Logz.io has read, and their events never reach Logz.io. The VM refuses to go back from "
        "`ordered` to `default` under the same topicsDir.",
    )
    part_size: Annotated[int, Field(ge=MIN_PART_SIZE, le=100 * MIB)] = Field(
        default=MIN_PART_SIZE,
        description="Bytes of a part of an upload; S3 needs 5 MiB at least. Each partition may hold one part in memory.",
    )
    format: Literal["json", "raw"] = Field(
        default="json",
        description="`json`: searchable, with renamed fields. `raw`: the bytes as Confluent sent them.",
    )
    compression: Literal["gzip", "none"] = Field(default="gzip", description="Compression of the objects.")
    compression_level: Annotated[int, Field(ge=1, le=9)] = Field(
        default=6,
        description="Level of gzip. 1 saves 5 to 8 % of the CPU time, but its objects are half as large again.",
    )
    renames: dict[FieldName, FieldName] = Field(
        default={"time": "@timestamp", "type": "event_type"},
        description="Top-level fields that get another name (json only). Logz.io takes `@timestamp` as the event's "
        "time and reserves `type`.",
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
            description="Fields that are not sent to Logz.io, by their names there (json only). Exclude a field that is "
            "a list of objects in one event and text in another.",
        )
    )
    version: ConnectorVersion = Field(
        default="12.1.11", description="Version of Confluent's S3 sink connector."
    )
    archive_url: Url | None = Field(
        default=None,
        description="URL of the connector's zip; Confluent Hub's URL of the version if left out.",
    )
    archive_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of the zip; if set, any other zip is refused."
    )
    properties: dict[PropertyName, AsText] = Field(
        default={},
        description="Additional connector properties, except those that the project sets. They are in plain text in "
        "the VM's files.",
    )

    @property
    def download_url(self) -> str:
        """The URL of the connector's zip."""
        zip_name = f"confluentinc-kafka-connect-s3-{self.version}.zip"
        return self.archive_url or (
            "https://hub-downloads.confluent.io/api/plugins/confluentinc/kafka-connect-s3/versions/"
            f"{self.version}/{zip_name}"
        )


class Endpoints(Section):
    """Endpoints of AWS services that replace the public ones."""

    s3: BaseUrl | None = Field(default=None, description="Endpoint of S3.")
    ssm: BaseUrl | None = Field(
        default=None, description="Endpoint of Systems Manager (the parameter store)."
    )
    cloudwatch: BaseUrl | None = Field(default=None, description="Endpoint of CloudWatch.")
    iam: BaseUrl | None = Field(
        default=None, description="Endpoint of IAM; AWS has private ones in us-east-1 only."
    )


class Worker(Section):
    """The VM and its software."""

    platform_version: PlatformVersion = Field(
        default="7.9", description="Release line of the Confluent Platform."
    )
    allow_unsupported_platform: bool = Field(
        default=False,
        description="Allows a new stack on a platform line whose support has ended for everyone.",
    )
    java_version: int = Field(
        default=8, description="Java on the VM: 8, 11 or 17 for platform 7.x, 17 or 21 for 8.x."
    )
    package: Literal["confluent-kafka", "confluent-platform"] = Field(
        default="confluent-kafka",
        description="`confluent-kafka` has all that the worker needs; `confluent-platform` has everything, as in the "
        "article.",
    )
    package_version: PackageVersion | None = Field(
        default=None,
        description="Full version of the package and of the `confluent-` packages that it depends on. A later version "
        "in the image is downgraded. If left out, each new VM gets the newest version of the platform's line.",
    )
    mode: Literal["standalone", "distributed"] = Field(
        default="standalone",
        description="How the VMs run Kafka Connect. `standalone`: each VM by itself; the consumer group divides the "
        "partitions among them. `distributed`: as one Connect cluster, which keeps its state in a Kafka cluster of your "
        "own (`fleet`) and depends on it.",
    )
    count: Annotated[int, Field(ge=1, le=MOST_VMS)] = Field(
        default=1,
        description="Number of VMs. They share the partitions, each in another availability zone as far as there are "
        "zones. If one is lost, the others take its partitions.",
    )
    instance_type: InstanceType = Field(
        default="t3.small",
        description="EC2 instance type. ARM types get Ubuntu's ARM image; nobody has tried them with this program.",
    )
    ami: Ami | None = Field(
        default=None,
        description="Image of Ubuntu 24.04 for the instance type's architecture (Debian 12 works with Java 17, but has "
        "no agent for a shell). If left out, the first `up` takes the newest Ubuntu 24.04, and later ones keep it.",
    )
    subnet_id: SubnetId | None = Field(
        default=None,
        description="An existing subnet with outbound access; if left out, the program makes a small network.",
    )
    subnet_ids: Annotated[tuple[SubnetId, ...], Field(strict=False)] = Field(
        default=(),
        description="Existing subnets of one VPC, instead of `subnetId`: VM 1 is in the first one, VM 2 in the second "
        "one, and so on, from the beginning again if there are more VMs.",
    )
    availability_zones: Annotated[tuple[AvailabilityZone, ...], Field(strict=False)] = Field(
        default=(),
        description="Zones for the network that the program makes, in order of preference; it takes those that offer "
        "the instance type, at most one for each VM. If left out, the first `up` chooses zones, and later ones keep "
        "them. Another zone replaces subnet and VM.",
    )
    dns_servers: Annotated[tuple[Ipv4, ...], Field(strict=False)] = Field(  # YAML has lists, no tuples
        default=(),
        description="DNS servers of the subnet's VPC, if its DHCP options name others than Amazon's.",
    )
    volume_gb: Annotated[int, Field(ge=10, le=1000)] = Field(
        default=20, description="Size of the encrypted root volume, in GiB; a change replaces the VM."
    )
    boot_minutes: Annotated[int, Field(ge=0, le=120)] = Field(
        default=20,
        description="Minutes that `pulumi up` waits until a new VM runs, before it goes on to the next VM, and removes "
        "the former ones in the end. With 0 it does not wait.",
    )
    heap_mb: Annotated[int, Field(ge=LEAST_HEAP_MB, le=65536)] = Field(
        default=384,
        description=f"Heap of Kafka Connect, in MiB. {MEASURED_HEAP_MB[0]} are enough for {MEASURED_PARTITIONS[0]} "
        f"partitions, {MEASURED_HEAP_MB[1]} for {MEASURED_PARTITIONS[1]}; originals need twice as much.",
    )
    log_level: Literal["INFO", "DEBUG"] = Field(
        default="INFO", description="Log level of Kafka Connect; DEBUG to investigate a fault."
    )
    reboot_time: RebootTime = Field(
        default="03:30",
        description="Time (UTC) at which VM 1 reboots after a security update that needs it, each further VM 20 minutes "
        "after the one before; with `never`, you reboot them.",
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
        description="URL of the repository's public key; `<repositoryUrl>/<platformVersion>/archive.key` if left out.",
    )
    # Confluent's key, as gpg shows it for https://packages.confluent.io/deb/7.4/archive.key. The same key signs the
    # other lines and the client packages.
    repository_key_fingerprint: Fingerprints = Field(
        default=("CBBB821E8FAF364F79835C438B1DA6120C2BF624",),
        description="Fingerprint of that key. apt trusts only the keys in the file whose fingerprints are named here; "
        "without any such key, the boot fails. Name two while the repository's owner changes the key.",
    )
    metrics: bool = Field(
        default=True,
        description="Whether the VM's watchdog sends metrics to CloudWatch, with alarms on those that matter. "
        "Otherwise it only writes a line in the VM's journal every minute.",
    )
    alarm_topic_arn: SnsTopicArn | None = Field(
        default=None,
        description="SNS topic that exists already and that every alarm notifies, besides the addresses of "
        "`alarms.email`.",
    )
    secrets_key_arn: KmsKeyArn | None = Field(
        default=None,
        description="KMS key in the stack's region that encrypts the VM's parameters; the program makes one if left "
        "out. Its key policy must let IAM policies of the account grant its use.",
    )
    endpoints: Endpoints = Field(
        default=Endpoints(), description="Endpoints of AWS services (private endpoints, air-gapped sites)."
    )

    @property
    def subnets(self) -> tuple[str, ...]:
        """The existing subnets; empty if the program makes a network."""
        return self.subnet_ids or ((self.subnet_id,) if self.subnet_id is not None else ())

    @property
    def key_url(self) -> str:
        """The URL of the package repository's key."""
        return self.repository_key_url or f"{self.repository_url}/{self.platform_version}/archive.key"


class Fleet(Section):
    """Your own Kafka cluster, for the state of `worker.mode: distributed`: two ids, or an endpoint with a key."""

    cluster: ClusterId | None = Field(
        default=None,
        description="Id of a Kafka cluster of your own in Confluent Cloud (the audit-log cluster is read-only). The "
        "program makes three topics, and two service accounts with an API key each: one for the VMs, one that "
        "administers the cluster and makes the topics and the VMs' rights.",
    )
    environment: EnvironmentId | None = Field(default=None, description="Id of the cluster's environment.")
    bootstrap_servers: BootstrapServers | None = Field(
        default=None,
        description="Endpoint of any Kafka cluster with SASL_SSL and PLAIN, host:port, instead of the two ids. You give "
        "the rights. Connect makes the topics if it has the right to.",
    )
    api_key: ApiKey | None = Field(default=None, description="API key of that cluster.")
    api_secret: Secret | None = Field(default=None, description="Secret of that API key.")
    key_generations: KeyGenerations = Field(
        default=(1,),
        description="Generations of the API key that the program makes; the last one is in use. `make rotate` "
        "changes it.",
    )
    name: ConsumerGroup | None = Field(
        default=None,
        description="Name of the Connect cluster's group and prefix of its topics (`<name>-configs`, `<name>-offsets`, "
        "`<name>-status`); `<project>-<stack>-<bucket>-connect` if left out.",
    )
    replication_factor: Literal[3, -1] = Field(
        default=3,
        description="Replication factor of topics that Connect makes; -1 for the cluster's default.",
    )
    certificate_generation: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1,
        description="Generation of the certificate with which the VMs reach each other. Another number makes a new "
        "certificate.",
    )


class Alarms(Section):
    """Who gets the messages of the alarms, and the dashboard. Without `worker.metrics` there are none of them."""

    email: Annotated[tuple[EmailAddress, ...], Field(strict=False)] = Field(  # YAML has lists, no tuples
        default=(),
        description="Addresses that get a message when an alarm begins and when it ends. AWS first sends each of them a "
        "link to confirm, which is valid for two days. Without an address and without `worker.alarmTopicArn`, alarms "
        "show only in CloudWatch.",
    )
    dashboard: bool = Field(
        default=True,
        description="Whether there is a CloudWatch dashboard of the chain. The first three dashboards of an account are "
        "free; each further one costs 3 USD a month.",
    )
    canary: bool = Field(
        default=False,
        description="An alarm on how long the oldest archived event has been missing from Logz.io. You measure that "
        "with `make verify PUBLISH=1` every hour or more often; the alarm also fires if nobody does. Without it, the "
        "VMs watch when Logz.io last used its role (`logzio.authentication: role`).",
    )


class Logzio(Section):
    """The Logz.io account."""

    region: Literal["us", "au", "ca", "eu", "uk"] = Field(
        default="us", description="Region of the account (not of the bucket)."
    )
    api_url: BaseUrl | None = Field(
        default=None, description="URL of the account API, if it is not the region's own."
    )
    listener_url: BaseUrl | None = Field(
        default=None,
        description="URL that `make replay` sends events to, if it is not the region's own. `make replay` needs it "
        "if `apiUrl` is set.",
    )
    api_token: Secret | None = Field(
        default=None,
        description=f"API token of the account. The environment variable {TOKEN_VARIABLE} overrides it.",
    )
    log_type: LogType = Field(default="confluent_audit", description="Value of the field `type` in Logz.io.")
    authentication: Literal["role", "keys"] = Field(
        default="role",
        description="How Logz.io reads the bucket: `role`, a role that only this account can assume, or `keys`, the key "
        "of an IAM user.",
    )
    key_generations: KeyGenerations = Field(
        default=(1,),
        description="Generations of the key of that user; the last one is in use. `make rotate` changes it.",
    )
    add_object_key: bool = Field(default=False, description="Adds the object's key to each event as a field.")
    adopt_existing: bool = Field(
        default=False,
        description="Takes over existing registrations for the same bucket and prefix instead of refusing them.",
    )

    @property
    def base_url(self) -> str:
        """The URL of the account API."""
        return self.api_url or logzio_facts.api_url(self.region)

    @property
    def listener(self) -> str | None:
        """The URL that `make replay` sends events to; None if it is unknown, because only `api_url` is set."""
        if self.listener_url is None and self.api_url is not None:
            return None
        return self.listener_url or logzio_facts.listener_url(self.region)

    @property
    def search_url(self) -> str | None:
        """The URL of the search page; None if it is unknown, because `api_url` is set."""
        return None if self.api_url else logzio_facts.search_url(self.region)


class Settings(Section):
    """All settings by section. `region` is `aws:region`, the region of the bucket and of the VM."""

    source: Source
    archive: Archive
    iam: Iam = Iam()
    writer: Writer = Writer()
    connector: Connector = Connector()
    worker: Worker = Worker()
    fleet: Fleet = Fleet()
    alarms: Alarms = Alarms()
    logzio: Logzio = Logzio()
    tags: dict[str, AsText] = Field(
        default={},
        description=f"Tags of every resource, besides the project's own ({', '.join(OWN_TAGS)}); at most "
        f"{MAX_TAGS - len(OWN_TAGS)}.",
    )
    region: str

    @property
    def originals(self) -> bool:
        """Whether a second connector archives the originals."""
        return self.archive.originals and self.connector.format == "json"

    @property
    def reader_role_is_watched(self) -> bool:
        """Whether the VMs report when Logz.io last used its role. The canary sees more than that."""
        return self.worker.metrics and not self.alarms.canary and self.logzio.authentication == "role"

    @property
    def retention_days(self) -> dict[str, int]:
        """Prefix in the bucket -> days after which its objects are deleted. Other objects are kept for ever.

        Originals are deleted after their days even if no more originals are written.
        """
        days = {
            f"{self.connector.topics_dir}/": self.archive.retention_days,
            f"{layout.ORIGINALS}/": self.archive.originals_retention_days or self.archive.retention_days,
        }
        return {prefix: number for prefix, number in days.items() if number is not None}

    @property
    def topic_partitions(self) -> list[tuple[str, int]]:
        """Every partition to archive: (topic, partition number)."""
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
    "fleet": Fleet,
    "alarms": Alarms,
    "logzio": Logzio,
}
