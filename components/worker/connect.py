"""Kafka Connect on the VM: the properties of the worker and of its connectors (pure).

Sources: Kafka's standalone and distributed workers (source tree of 3.9), Confluent's S3 sink (its list of options), and
tests of the sink: this module sets correctly what its validation does not check (a rotation without time zone, an
unknown key).
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass

import javaproperties

from components.archive import layout
from components.owner import Owner
from components.settings import SettingsError, problem
from components.settings.sections import FLEET_PORT, ORIGINALS_SUFFIX
from components.worker.config import Fleet, Originals, Sink, WorkerConfig, default_group
from components.worker.fields import FIELD_DELIMITER

SERVICE = "s3-auditlog-sink"
"""Name of the unit, of its user and of its folders."""

SECRETS_FOLDER = f"/run/{SERVICE}"
SECRETS_FILE = f"{SECRETS_FOLDER}/secrets.properties"
# fetch_secrets.py writes here what it finds out about its VM.
INSTANCE_FILE = f"{SECRETS_FOLDER}/instance.properties"
# The key and the certificate of the VMs, in mode distributed.
CERTIFICATE_FILE = f"{SECRETS_FOLDER}/certificate.p12"
STATE_FOLDER = f"/var/lib/{SERVICE}"
LOG_FOLDER = f"/var/log/{SERVICE}"
PLUGIN_FOLDER = "/usr/share/confluent-hub-components"
CONNECTOR_CLASS = "io.confluent.connect.s3.S3SinkConnector"

# Sink offsets are committed at this interval, too. After a crash the sink reads again, and archives twice, what it has
# archived since the last commit. The interval does not bound that: while Kafka is out of reach no commit arrives, but
# objects are still completed. Idle partitions are rotated at this interval, because Connect wakes the task to commit.
OFFSET_FLUSH_MS = 1_000

# connector.partitioner -> the class. The VM compiles `ordered` (OrderedPartitioner.java).
PARTITIONERS = {
    "ordered": "ccloud.logexporter.OrderedPartitioner",
    "default": "io.confluent.connect.storage.partitioner.DefaultPartitioner",
}
# A fetch returns at most this many bytes of each partition, or one larger batch of a single partition. With Kafka's
# default of 1 MiB, large events fill the heap after an outage: this value lowers resident memory from 541 to 405 MB, at
# no cost in CPU. What it costs if all batches are larger is in docs/performance.md.
MAX_PARTITION_FETCH_BYTES = 262_144

# Of a parameter that costs nothing (AWS Systems Manager user guide, "Managing parameter tiers").
MOST_BYTES = 4096

_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
}
# The format writes a line break after each record, and does not look for line breaks in the record.
_RAW = {
    "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
    "format.bytearray.extension": ".json",
}


@dataclass(frozen=True)
class SinkConnector:
    """One of the worker's connectors.

    `group`: its consumer group. `client_id_prefix`: of the client ids of its consumers; the id of the VM follows.
    `rotation_seconds`: most seconds that an event waits for its object.
    """

    name: str
    group: str
    client_id_prefix: str
    rotation_seconds: int
    properties: Mapping[str, str]

    @property
    def text(self) -> str:
        """The value of its parameter, in mode distributed: the properties as JSON.

        Raises:
            SettingsError: a parameter cannot hold as much.
        """
        text = json.dumps(self.properties, separators=(",", ":"))
        if len(text.encode()) > MOST_BYTES:
            raise SettingsError(
                [
                    problem(
                        "connector",
                        f"makes {len(text.encode())} bytes for {self.name}, and worker.mode is distributed",
                        f"at most {MOST_BYTES}: fewer topics, renames, excludedFields or properties, or worker.mode: "
                        "standalone",
                    )
                ]
            )
        return text


def originals_group(owner: Owner, bucket: str) -> str:
    """The originals' group is always the stack's own: an earlier worker, whose group may go on, kept no originals."""
    return default_group(owner, bucket) + ORIGINALS_SUFFIX


def worker_properties(config: WorkerConfig) -> dict[str, str]:
    """The file of the worker: of a standalone one, or of a member of the Connect cluster."""
    return {
        **(_standalone(config) if config.fleet is None else _distributed(config, config.fleet)),
        "client.id": _client_id_prefix(config, "worker") + _INSTANCE_ID,
        # Each connector has its own group and client id. `All` is Kafka's default up to 4.x.
        "connector.client.config.override.policy": "All",
        "plugin.path": PLUGIN_FOLDER,
        # The default also scans every class of the plugin path and of the platform, which is half of a start's work.
        # Kafka's own plugins say what they are. The vendor's connector does not in its sources, so install.sh does.
        # Source: KIP-898; a worker older than Kafka 3.6 does not know the property, and scans.
        "plugin.discovery": "service_load",
        "offset.flush.interval.ms": str(OFFSET_FLUSH_MS),
        "task.shutdown.graceful.timeout.ms": "30000",
        "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        **_PROVIDERS,
    }


def client_properties(config: WorkerConfig) -> dict[str, str]:
    """The file with which Kafka's own tools log in to the audit-log cluster."""
    return {**_audit_log_login(config), **_PROVIDERS}


def _standalone(config: WorkerConfig) -> dict[str, str]:
    login = _audit_log_login(config)
    return {
        # The worker's own requests to the cluster use the plain names, the connectors' consumers `consumer.`.
        **login,
        **{f"consumer.{name}": value for name, value in login.items()},
        "listeners": f"http://127.0.0.1:{config.connect.rest_port}",
        "offset.storage.file.filename": f"{STATE_FOLDER}/connect.offsets",
    }


def _distributed(config: WorkerConfig, fleet: Fleet) -> dict[str, str]:
    """The worker keeps its state in the organisation's own cluster; only the connectors read the audit-log cluster."""
    topics = {f"{what}.storage.topic": topic for what, topic in fleet.topics.items()}
    factors = {f"{what}.storage.replication.factor": str(fleet.replication_factor) for what in fleet.topics}
    return {
        **_login(fleet.bootstrap_servers, "fleet"),
        "group.id": fleet.name,
        **topics,
        **factors,
        # The configuration always has one partition. A sink keeps no offsets there.
        "offset.storage.partitions": "1",
        "status.storage.partitions": "1",
        # With Kafka's default, the tasks of a VM that left have no other for five minutes.
        "scheduled.rebalance.max.delay.ms": "0",
        **_rest_of_the_fleet(config),
    }


def _rest_of_the_fleet(config: WorkerConfig) -> dict[str, str]:
    """Plain REST for the VM itself; for the other VMs, TLS with the one certificate that all of them have.

    Whoever reaches the interface can read secrets: `validate` answers with the values of the references. A keystore with
    a key is a truststore, too: Java trusts the certificate of the key (TrustStoreUtil in the JDK's source). So a VM
    trusts this certificate alone, and it makes no difference on which address it is presented.
    """
    address = _from_file(INSTANCE_FILE, "address")
    password = _from_file(SECRETS_FILE, "certificate.password")
    tls = {
        "client.auth": "required",
        "keystore.type": "PKCS12",
        "keystore.location": CERTIFICATE_FILE,
        "keystore.password": password,
        "key.password": password,
        "truststore.type": "PKCS12",
        "truststore.location": CERTIFICATE_FILE,
        "truststore.password": password,
        "endpoint.identification.algorithm": "",
    }
    return {
        "listeners": f"http://127.0.0.1:{config.connect.rest_port},https://{address}:{FLEET_PORT}",
        "rest.advertised.listener": "https",
        "rest.advertised.host.name": address,
        "rest.advertised.port": str(FLEET_PORT),
        **{f"listeners.https.ssl.{name}": value for name, value in tls.items()},
    }


def _audit_log_login(config: WorkerConfig) -> dict[str, str]:
    return _login(config.kafka.bootstrap_servers, "kafka")


def _login(bootstrap_servers: str, credentials: str) -> dict[str, str]:
    return {
        "bootstrap.servers": bootstrap_servers,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": _from_file(SECRETS_FILE, f"{credentials}.sasl.jaas.config"),
    }


def connectors(config: WorkerConfig) -> list[SinkConnector]:
    """The connector for events, whose objects Logz.io reads, then the connector for originals, if they are kept."""
    found = [_events(config)]
    if config.originals is not None:
        found.append(_originals(config, config.originals))
    return found


def _events(config: WorkerConfig) -> SinkConnector:
    sink = config.sink
    own = {
        "name": sink.name,
        "topics.dir": sink.topics_dir,
        "flush.size": str(sink.flush_size),
        **(_JSON if sink.format == "json" else _RAW),
    }
    if sink.format == "json":
        own |= _transforms(sink)
    return _connector(config, config.kafka.consumer_group, sink.rotation_seconds, own)


def _originals(config: WorkerConfig, originals: Originals) -> SinkConnector:
    own = {
        "name": config.sink.name + ORIGINALS_SUFFIX,
        "topics.dir": layout.ORIGINALS,
        "flush.size": str(originals.flush_size),
        **_RAW,
    }
    group = originals_group(config.owner, config.bucket)
    return _connector(config, group, originals.rotation_seconds, own)


def _connector(
    config: WorkerConfig, group: str, rotation_seconds: int, own: Mapping[str, str]
) -> SinkConnector:
    prefix = _client_id_prefix(config, own["name"])
    properties = {
        "consumer.override.group.id": group,
        "consumer.override.client.id": prefix + _INSTANCE_ID,
        # The default is 3 s. A consumer learns from the answer that another one joined or left.
        "consumer.override.heartbeat.interval.ms": "1000",
        "rotate.schedule.interval.ms": str(rotation_seconds * 1000),
        **_common(config),
        **own,
        **config.sink.properties,
    }
    return SinkConnector(own["name"], group, prefix, rotation_seconds, properties)


def _common(config: WorkerConfig) -> dict[str, str]:
    """The properties that both connectors have."""
    sink = config.sink
    properties = {
        "connector.class": CONNECTOR_CLASS,
        # Two tasks may write the same object around a rebalance (kafka-connect-storage-cloud issue 253), so a standalone
        # worker has one. A Connect cluster spreads its tasks over the VMs.
        "tasks.max": "1" if config.fleet is None else str(config.count),
        "topics": ",".join(config.kafka.topics),
        "consumer.override.max.partition.fetch.bytes": str(MAX_PARTITION_FETCH_BYTES),
        "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "s3.region": config.region,
        "s3.bucket.name": config.bucket,
        "s3.part.size": str(sink.part_size),
        "s3.elastic.buffer.enable": "true",
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "partitioner.class": PARTITIONERS[sink.partitioner],
        "schema.compatibility": "NONE",
        "file.delim": layout.FILE_DELIMITER,
        "filename.offset.zero.pad.width": str(layout.OFFSET_DIGITS),
        "timezone": "UTC",
        "enable.conditional.writes": "true",
        # A record that cannot be archived must not stop the connector, and a log must not show its contents. The logged
        # message of a sink's record is topic, partition, offset and timestamp (LogReporter in Kafka's source): enough
        # for a person to find the record. The sink reports each null in the same way.
        "behavior.on.null.values": "ignore",
        "errors.tolerance": "all",
        "errors.log.enable": "true",
        "errors.log.include.messages": "true",
        "s3.compression.type": sink.compression,
    }
    if sink.compression == "gzip":
        properties["s3.compression.level"] = str(sink.compression_level)
    if config.bucket_locked:
        # S3 accepts a part of a locked object only with its checksum (kafka-connect-storage-cloud issue 710).
        properties["s3.send.digest"] = "true"
    if config.fleet is not None:
        # A worker of the Connect cluster has the login of another cluster. Its admin client reads the offsets that
        # `GET /connectors/<name>/offsets` shows.
        login = _audit_log_login(config)
        properties |= {
            f"{client}.override.{name}": value
            for client in ("consumer", "admin")
            for name, value in login.items()
        }
    if config.endpoints.s3 is not None:
        properties["store.url"] = config.endpoints.s3
    if config.writer_identity == "user":
        properties |= {
            "aws.access.key.id": _from_file(SECRETS_FILE, "aws.access.key.id"),
            "aws.secret.access.key": _from_file(SECRETS_FILE, "aws.secret.access.key"),
        }
    return properties


def _client_id_prefix(config: WorkerConfig, client: str) -> str:
    """What Confluent's side sees of a client; the id of the VM follows."""
    return f"{default_group(config.owner, config.bucket)}-{client}-"


def _transforms(sink: Sink) -> dict[str, str]:
    """Kafka's own transformations of an event's fields, in the order in which Connect applies them.

    Renames come first, because `sink.renames` has Confluent's names. A joined name can then not take the place of
    `@timestamp`, and it could take that of `event_type` only if a top-level field `event` were an object, which
    CloudEvents 1.0 does not allow ("Type System"). Exclusions come last, by the names that a person sees in Logz.io.
    """
    replace = "org.apache.kafka.connect.transforms.ReplaceField$Value"
    chain: dict[str, dict[str, str]] = {}
    if sink.renames:
        renames = ",".join(f"{old}:{new}" for old, new in sink.renames.items())
        chain["rename"] = {"type": replace, "renames": renames}
    if sink.flatten:
        flatten = "org.apache.kafka.connect.transforms.Flatten$Value"
        chain["flatten"] = {"type": flatten, "delimiter": FIELD_DELIMITER}
    if sink.excluded_fields:
        chain["exclude"] = {"type": replace, "exclude": ",".join(sink.excluded_fields)}
    properties = {"transforms": ",".join(chain)} if chain else {}
    for name, settings in chain.items():
        properties |= {f"transforms.{name}.{key}": value for key, value in settings.items()}
    return properties


def render(properties: Mapping[str, str], title: str) -> str:
    """The text of a .properties file, the same for the same properties."""
    out = io.StringIO()
    javaproperties.dump(properties, out, timestamp=False, comments=title)
    return out.getvalue()


def _from_file(file: str, name: str) -> str:
    """Resolved by the worker when it starts, so that no secret is in a file that outlives a power-off."""
    return f"${{file:{file}:{name}}}"


_INSTANCE_ID = _from_file(INSTANCE_FILE, "instance.id")

_PROVIDERS = {
    "config.providers": "file",
    "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
    "config.providers.file.param.allowed.paths": SECRETS_FOLDER,
}
