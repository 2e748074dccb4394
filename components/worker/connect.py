"""Kafka Connect on the VM: the worker's and the connector's properties (pure).

Sources: Kafka's standalone worker (source tree of 3.9), Confluent's S3 sink (its option list), and what was
observed of it: what its validation does not catch (a rotation without time zone, an unknown key) is fixed here.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import javaproperties

from components import layout
from components.settings import NAMESPACE, Connector, Settings
from components.worker.fields import FIELD_DELIMITER

SERVICE = "s3-auditlog-sink"
"""The one name of the unit, its user and its folders."""

SECRETS_FOLDER = f"/run/{SERVICE}"
SECRETS_FILE = f"{SECRETS_FOLDER}/secrets.properties"
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

_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
    # A malformed event must neither stop the pipe nor show its contents in a log. Of a sink's record, the message
    # is topic, partition, offset and timestamp (LogReporter in Kafka's source): where a person finds it.
    "errors.tolerance": "all",
    "errors.log.enable": "true",
    "errors.log.include.messages": "true",
}
_RAW = {
    "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
    "format.bytearray.extension": ".json",
    "errors.tolerance": "none",
}


@dataclass(frozen=True)
class WorkerFacts:
    """What the VM needs to know beside the settings.

    `parameters`: which credentials (`kafka`, `writer`) it fetches -> the name of their parameter, whose value is JSON,
    {"key": ..., "secret": ...} or {"access_key_id": ..., "secret_access_key": ...}. No `writer`: the VM writes with
    its own role. `stack` is what its metrics are told apart by.
    """

    stack: str
    bootstrap_servers: str
    parameters: Mapping[str, str]


def metrics_namespace(stack: str) -> str:
    """CloudWatch's; the VM may write to no other, so that it cannot speak for the VM of another stack."""
    return f"CcloudLogexporter/{stack}"


def parameter_name(stack: str, credentials: str) -> str:
    """The parameter that holds the VM's `kafka` or `writer` credentials."""
    return f"/{NAMESPACE}/{stack}/{credentials}-credentials"


def worker_properties(settings: Settings, facts: WorkerFacts) -> dict[str, str]:
    """`/etc/kafka/connect-standalone.properties`."""
    client = {
        "bootstrap.servers": facts.bootstrap_servers,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": _from_secrets("kafka.sasl.jaas.config"),
        # What Confluent's side sees of this client.
        "client.id": SERVICE,
    }
    return {
        # The worker asks the cluster itself with the first ones, the connector's consumer with the second.
        **client,
        **{f"consumer.{name}": value for name, value in client.items()},
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


def connector_properties(settings: Settings, facts: WorkerFacts) -> dict[str, str]:
    """`/etc/kafka-connect-s3/s3-sink-connector.properties`."""
    return {**_own_properties(settings, facts), **settings.connector.properties}


def _own_properties(settings: Settings, facts: WorkerFacts) -> dict[str, str]:
    connector = settings.connector
    properties = {
        "name": connector.name,
        "connector.class": "io.confluent.connect.s3.S3SinkConnector",
        # Two tasks may write the same object around a rebalance (kafka-connect-storage-cloud issue 253).
        "tasks.max": "1",
        "topics": ",".join(settings.source.topics),
        "topics.dir": connector.topics_dir,
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
        "flush.size": str(connector.flush_size),
        "rotate.schedule.interval.ms": str(connector.rotation_seconds * 1000),
        "timezone": "UTC",
        "enable.conditional.writes": "true",
        "behavior.on.null.values": "ignore",
        "s3.compression.type": connector.compression,
        **(_JSON if connector.format == "json" else _RAW),
    }
    if connector.compression == "gzip":
        properties["s3.compression.level"] = str(connector.compression_level)
    if connector.format == "json":
        properties |= _transforms(connector)
    if settings.archive.object_lock_days is not None:
        # S3 takes a part of a locked object only with its checksum (kafka-connect-storage-cloud issue 710).
        properties["s3.send.digest"] = "true"
    if settings.worker.endpoints.s3 is not None:
        properties["store.url"] = settings.worker.endpoints.s3
    if "writer" in facts.parameters:
        properties |= {
            "aws.access.key.id": _from_secrets("aws.access.key.id"),
            "aws.secret.access.key": _from_secrets("aws.secret.access.key"),
        }
    return properties


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


def _from_secrets(name: str) -> str:
    """Resolved by the worker when it starts, so that no secret stands in a file that outlives a power-off."""
    return f"${{file:{SECRETS_FILE}:{name}}}"
