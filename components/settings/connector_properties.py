"""Which additional connector properties are refused, and why."""

import re

from components.settings.errors import NAMESPACE

# Connector properties that a setting controls, and others that the project sets (components/worker/connect.py; a test
# there compares both lists) or that would undo a property that it sets.
_SETTING_OF = {
    "name": "connector.name",
    "topics": "source.topics",
    "topics.dir": "connector.topicsDir",
    "s3.bucket.name": "archive.bucket",
    "s3.part.size": "connector.partSize",
    "format.class": "connector.format",
    "flush.size": "connector.flushSize",
    "rotate.schedule.interval.ms": "connector.rotationSeconds",
    "s3.compression.type": "connector.compression",
    "s3.compression.level": "connector.compressionLevel",
    "store.url": "worker.endpoints.s3",
    "s3.send.digest": "archive.objectLockDays",
    "consumer.override.group.id": "source.consumerGroup",
}
OWN_CONNECTOR_PROPERTIES = frozenset(_SETTING_OF) | {
    "connector.class",
    "tasks.max",
    "topics.regex",
    "key.converter",
    "value.converter",
    "value.converter.schemas.enable",
    "s3.region",
    "s3.elastic.buffer.enable",
    "storage.class",
    "format.bytearray.extension",
    # Logz.io, and everyone who reads originals, takes each line as an event.
    "format.bytearray.separator",
    "consumer.override.client.id",
    "schema.compatibility",
    "directory.delim",
    "file.delim",
    "filename.offset.zero.pad.width",
    "timezone",
    "enable.conditional.writes",
    "store.kafka.keys",
    "store.kafka.headers",
    "behavior.on.null.values",
    "errors.tolerance",
    "errors.log.enable",
    "errors.log.include.messages",
    "aws.access.key.id",
    "aws.secret.access.key",
}

# Properties that would change the layout of one ascending prefix per partition.
TIME_LAYOUT = {
    "partitioner.class",
    "partition.duration.ms",
    "path.format",
    "locale",
    "timestamp.extractor",
    "timestamp.field",
    "rotate.interval.ms",
    "partition.field.name",
}

# Consumer properties that cannot lead to another cluster or group, and cannot skip events.
_CONSUMER_TUNING = {
    f"consumer.override.{name}"
    for name in (
        "client.rack",
        "fetch.max.bytes",
        "fetch.max.wait.ms",
        "fetch.min.bytes",
        "heartbeat.interval.ms",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "max.poll.records",
        "receive.buffer.bytes",
        "request.timeout.ms",
        "session.timeout.ms",
    )
}

_FIELDS = f"{NAMESPACE}:connector.renames, flatten or excludedFields"

# Beginning of a name, the problem with it, and what to write instead.
_REFUSED_BEGINNINGS = (
    ("key.converter.", "would change what the project sets", "leave it out"),
    ("value.converter.", "would change what the project sets", "leave it out"),
    ("transforms", "is set by the project", _FIELDS),
    ("predicates", "belongs to transforms, which the project sets", _FIELDS),
    (
        "errors.deadletterqueue.",
        "needs a topic to write to, and the audit-log cluster is read-only",
        "leave it out",
    ),
    (
        "consumer.override.",
        "would connect to another cluster, join another group or skip events",
        f"{', '.join(sorted(_CONSUMER_TUNING))}, or leave it out",
    ),
    ("producer.override.", "is for a cluster to write to, and the connector writes to none", "leave it out"),
    ("admin.override.", "would connect to another cluster", "leave it out"),
)
_SECRET_PROPERTY = re.compile(r"password|secret|token|jaas|customer\.key", re.IGNORECASE)


def refusal(name: str) -> tuple[str, str] | None:
    """The problem with an additional property of this name, and what to write instead; None if it is allowed."""
    if name in TIME_LAYOUT:
        return (
            "is refused: Logz.io reads each prefix in alphabetical order and never goes back, so any layout but one "
            "prefix per partition loses events, a layout by time above all",
            "leave it out",
        )
    if name in OWN_CONNECTOR_PROPERTIES:
        setting = _SETTING_OF.get(name)
        return "is set by the project", f"{NAMESPACE}:{setting}" if setting else "leave it out"
    if name in _CONSUMER_TUNING:
        return None
    if _SECRET_PROPERTY.search(name):
        return "would be in plain text in the VM's files", "leave it out"
    refused = (
        (wrong, instead) for beginning, wrong, instead in _REFUSED_BEGINNINGS if name.startswith(beginning)
    )
    return next(refused, None)
