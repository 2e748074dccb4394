"""Kafka Connect on the VM: the properties of the worker and of its connectors (pure).

Sources: Kafka's standalone worker (source tree of 3.9), Confluent's S3 sink (its option list), and what was
observed of it: what its validation does not catch (a rotation without time zone, an unknown key) is fixed here.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import javaproperties

from components import layout, names
from components.settings import NAMESPACE, Connector, Settings
from components.settings.sections import ORIGINALS_SUFFIX
from components.worker.fields import FIELD_DELIMITER

SERVICE = "s3-auditlog-sink"
"""The one name of the unit, its user and its folders."""

SECRETS_FOLDER = f"/run/{SERVICE}"
SECRETS_FILE = f"{SECRETS_FOLDER}/secrets.properties"
# What fetch_secrets.py finds out about the VM it runs on.
INSTANCE_FILE = f"{SECRETS_FOLDER}/instance.properties"
STATE_FOLDER = f"/var/lib/{SERVICE}"
LOG_FOLDER = f"/var/log/{SERVICE}"
PLUGIN_FOLDER = "/usr/share/confluent-hub-components"

# Sink offsets are committed this often, too: what a crash makes the sink read again, so that it comes twice, is what
# was archived since. It does not bound what can be read again: while Kafka is out of reach no commit arrives, and
# objects are completed all the same. Idle partitions are rotated as often, as Connect wakes the task for commits.
OFFSET_FLUSH_MS = 1_000

# connector.partitioner -> the class. The first one is compiled on the VM (OrderedPartitioner.java).
PARTITIONERS = {
    "ordered": "ccloud.logexporter.OrderedPartitioner",
    "default": "io.confluent.connect.storage.partitioner.DefaultPartitioner",
}
# A fetch brings at least one record of each partition, and no more than this of small ones. Kafka's own 1 MiB fills the
# heap with large events after an outage: with this, resident memory falls from 541 to 405 MB, at no cost in CPU.
MAX_PARTITION_FETCH_BYTES = 262_144

_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
}
# The format writes a line break after each record, and does not look for one in it.
_RAW = {
    "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
    "format.bytearray.extension": ".json",
}


@dataclass(frozen=True)
class WorkerFacts:
    """What the VM needs to know beside the settings.

    `parameters`: which credentials (`kafka`, `writer`) it fetches -> the name of their parameter, whose value is JSON,
    {"key": ..., "secret": ...} or {"access_key_id": ..., "secret_access_key": ...}. No `writer`: the VM writes with
    its own role. `stack`: what its metrics are told apart by, see `components.names.owner`.
    """

    project: str
    stack: str
    bootstrap_servers: str
    parameters: Mapping[str, str]

    @property
    def owner(self) -> str:
        """What the stack's metrics carry, see `components.names.owner`."""
        return names.owner(self.project, self.stack)


def metrics_namespace(stack: str) -> str:
    """CloudWatch's; the VM may write to no other, so that it cannot speak for the VM of another stack.

    `stack`: see `components.names.owner`; 201 characters at most, of the 255 that CloudWatch takes.
    """
    return f"CcloudLogexporter/{stack}"


def parameter_name(stack: str, credentials: str) -> str:
    """The parameter that holds the VM's `kafka` or `writer` credentials. `stack`: see `components.names.owner`."""
    return f"/{NAMESPACE}/{stack}/{credentials}-credentials"


@dataclass(frozen=True)
class SinkConnector:
    """One of the worker's connectors.

    `group`: its consumer group. `client_id_prefix`: before the id of the VM in the client ids of its consumers.
    `rotation_seconds`: how long an event may wait for its object.
    """

    name: str
    group: str
    client_id_prefix: str
    rotation_seconds: int
    properties: Mapping[str, str]


def default_group(settings: Settings, project: str, stack: str) -> str:
    """The consumer group of this stack alone, as the name of a bucket is unique in all of S3."""
    return f"{project}-{stack}-{settings.archive.bucket}"


def consumer_group(settings: Settings, project: str, stack: str) -> str:
    """The consumer group of the connector that Logz.io's objects come from."""
    return settings.source.consumer_group or default_group(settings, project, stack)


def originals_group(settings: Settings, project: str, stack: str) -> str:
    """The originals' group is always the stack's own: an earlier worker, whose group may go on, kept no originals."""
    return default_group(settings, project, stack) + ORIGINALS_SUFFIX


def worker_properties(settings: Settings, facts: WorkerFacts) -> dict[str, str]:
    """`/etc/kafka/connect-standalone.properties`."""
    login = {
        "bootstrap.servers": facts.bootstrap_servers,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": _from_file(SECRETS_FILE, "kafka.sasl.jaas.config"),
    }
    return {
        # The worker asks the cluster itself with the first ones, the connectors' consumers with the second.
        **login,
        **{f"consumer.{name}": value for name, value in login.items()},
        "client.id": _client_id_prefix(settings, facts, "worker") + _INSTANCE_ID,
        # Each connector has a group and a client id of its own. `All` is Kafka's default up to 4.x.
        "connector.client.config.override.policy": "All",
        "listeners": f"http://127.0.0.1:{settings.worker.rest_port}",
        "plugin.path": PLUGIN_FOLDER,
        "offset.storage.file.filename": f"{STATE_FOLDER}/connect.offsets",
        "offset.flush.interval.ms": str(OFFSET_FLUSH_MS),
        "task.shutdown.graceful.timeout.ms": "30000",
        "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "config.providers": "file",
        "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        "config.providers.file.param.allowed.paths": SECRETS_FOLDER,
    }


def connectors(settings: Settings, facts: WorkerFacts) -> list[SinkConnector]:
    """The connector whose objects Logz.io reads, then that of the originals, if there is one."""
    found = [_events(settings, facts)]
    if settings.originals:
        found.append(_originals(settings, facts))
    return found


def _events(settings: Settings, facts: WorkerFacts) -> SinkConnector:
    connector = settings.connector
    group = consumer_group(settings, facts.project, facts.stack)
    own = {
        "name": connector.name,
        "topics.dir": connector.topics_dir,
        "flush.size": str(connector.flush_size),
        **(_JSON if connector.format == "json" else _RAW),
    }
    if connector.format == "json":
        own |= _transforms(connector)
    return _connector(settings, facts, group, connector.rotation_seconds, own)


def _originals(settings: Settings, facts: WorkerFacts) -> SinkConnector:
    archive = settings.archive
    group = originals_group(settings, facts.project, facts.stack)
    own = {
        "name": settings.connector.name + ORIGINALS_SUFFIX,
        "topics.dir": layout.ORIGINALS,
        "flush.size": str(archive.originals_flush_size),
        **_RAW,
    }
    return _connector(settings, facts, group, archive.originals_rotation_seconds, own)


def _connector(
    settings: Settings, facts: WorkerFacts, group: str, rotation_seconds: int, own: Mapping[str, str]
) -> SinkConnector:
    prefix = _client_id_prefix(settings, facts, own["name"])
    properties = {
        "consumer.override.group.id": group,
        "consumer.override.client.id": prefix + _INSTANCE_ID,
        "rotate.schedule.interval.ms": str(rotation_seconds * 1000),
        **_common(settings, facts),
        **own,
        **settings.connector.properties,
    }
    return SinkConnector(own["name"], group, prefix, rotation_seconds, properties)


def _common(settings: Settings, facts: WorkerFacts) -> dict[str, str]:
    """What both connectors have."""
    connector = settings.connector
    properties = {
        "connector.class": "io.confluent.connect.s3.S3SinkConnector",
        # Two tasks may write the same object around a rebalance (kafka-connect-storage-cloud issue 253).
        "tasks.max": "1",
        "topics": ",".join(settings.source.topics),
        "consumer.override.max.partition.fetch.bytes": str(MAX_PARTITION_FETCH_BYTES),
        "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "s3.region": settings.region,
        "s3.bucket.name": settings.archive.bucket,
        "s3.part.size": str(connector.part_size),
        "s3.elastic.buffer.enable": "true",
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "partitioner.class": PARTITIONERS[connector.partitioner],
        "schema.compatibility": "NONE",
        "file.delim": layout.FILE_DELIMITER,
        "filename.offset.zero.pad.width": str(layout.OFFSET_DIGITS),
        "timezone": "UTC",
        "enable.conditional.writes": "true",
        # A record that cannot be archived must neither stop the pipe nor show its contents in a log. Of a sink's record,
        # the message is topic, partition, offset and timestamp (LogReporter in Kafka's source): where a person finds
        # it. The sink reports each null so, too.
        "behavior.on.null.values": "ignore",
        "errors.tolerance": "all",
        "errors.log.enable": "true",
        "errors.log.include.messages": "true",
        "s3.compression.type": connector.compression,
    }
    if connector.compression == "gzip":
        properties["s3.compression.level"] = str(connector.compression_level)
    if settings.archive.object_lock_days is not None:
        # S3 takes a part of a locked object only with its checksum (kafka-connect-storage-cloud issue 710).
        properties["s3.send.digest"] = "true"
    if settings.worker.endpoints.s3 is not None:
        properties["store.url"] = settings.worker.endpoints.s3
    if "writer" in facts.parameters:
        properties |= {
            "aws.access.key.id": _from_file(SECRETS_FILE, "aws.access.key.id"),
            "aws.secret.access.key": _from_file(SECRETS_FILE, "aws.secret.access.key"),
        }
    return properties


def _client_id_prefix(settings: Settings, facts: WorkerFacts, client: str) -> str:
    """What Confluent's side sees of a client, but for the VM it is on."""
    return f"{default_group(settings, facts.project, facts.stack)}-{client}-"


def _transforms(connector: Connector) -> dict[str, str]:
    """Kafka's own transformations of an event's fields, in the order in which they are applied.

    Renames come first, as `connector.renames` has Confluent's names. A joined name can then not take the place of
    `@timestamp`, and that of `event_type` only if a top-level field `event` were an object, which CloudEvents 1.0 does
    not allow ("Type System"). What is left out comes last, by the name that a person sees in Logz.io.
    """
    replace = "org.apache.kafka.connect.transforms.ReplaceField$Value"
    chain: dict[str, dict[str, str]] = {}
    if connector.renames:
        renames = ",".join(f"{old}:{new}" for old, new in connector.renames.items())
        chain["rename"] = {"type": replace, "renames": renames}
    if connector.flatten:
        flatten = "org.apache.kafka.connect.transforms.Flatten$Value"
        chain["flatten"] = {"type": flatten, "delimiter": FIELD_DELIMITER}
    if connector.excluded_fields:
        chain["exclude"] = {"type": replace, "exclude": ",".join(connector.excluded_fields)}
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
    """Resolved by the worker when it starts, so that no secret stands in a file that outlives a power-off."""
    return f"${{file:{file}:{name}}}"


_INSTANCE_ID = _from_file(INSTANCE_FILE, "instance.id")
