"""The settings that are compared, each with what differs from this project's defaults (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.worker import connect
from components.worker.config import WorkerConfig
from local.proofs.bench.backlog import BATCH_BYTES, MB
from local.proofs.bench.site import Setup

SLOW = 0.03
"""Seconds by which S3 answers later in the rows "30 ms"."""

_ARTICLE_CONNECTOR = {
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "s3.part.size": "5242880",
    "flush.size": "3",
    "storage.class": "io.confluent.connect.s3.storage.S3Storage",
    "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
    "partitioner.class": "io.confluent.connect.storage.partitioner.DefaultPartitioner",
    "schema.compatibility": "NONE",
}
_ARTICLE_WORKER = {
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "key.converter.schemas.enable": "false",
    "offset.flush.interval.ms": "10000",
}
# The article sets none, so Kafka's own scripts do: bin/connect-standalone.sh (heap) and bin/kafka-run-class.sh of 3.9.
_ARTICLE_JVM = (
    "-Xms256M",
    "-Xmx2G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:MaxInlineLevel=15",
    "-Djava.awt.headless=true",
)


@dataclass(frozen=True)
class Variant:
    """A row of the table.

    Attributes:
        name: of the row, without S3's delay.
        setup: None for the bare consumer.
        delay: seconds by which S3 answers later.
        share: how many of the backlog's events it gets, 1/`share`: a slow one would take hours with all.
        batch_bytes: of a batch in Kafka at most.
    """

    name: str
    setup: Setup | None = field(compare=False)
    delay: float = 0.0
    share: int = 1
    batch_bytes: int = BATCH_BYTES

    @property
    def title(self) -> str:
        """The row's name, with S3's delay."""
        return f"{self.name}, S3 at {round(1000 * self.delay)} ms" if self.delay else self.name


def article(config: WorkerConfig) -> Sequence[connect.SinkConnector]:
    """The article's one connector; the names of topic, bucket and group are those of the measurement."""
    (first, *_) = connect.connectors(config)
    kept = (
        "name",
        "topics",
        "consumer.override.group.id",
        "s3.region",
        "s3.bucket.name",
        "store.url",
        "aws.access.key.id",
        "aws.secret.access.key",
    )
    properties = {
        name: first.properties[name] for name in kept if name in first.properties
    } | _ARTICLE_CONNECTOR
    return [connect.SinkConnector(first.name, first.group, "", first.rotation_seconds, properties)]


def _without(connector: Mapping[str, object] | None = None, *, originals: bool = True) -> Setup:
    return Setup(settings={"connector": connector or {}, "archive": {"originals": originals}})


_ARTICLE = Setup(connectors=article, worker=_ARTICLE_WORKER, options=lambda _: _ARTICLE_JVM)
_PLAIN = {"flatten": False, "partitioner": "default"}

DEFAULTS = Variant("this project's defaults", Setup())
ARTICLE = Variant("the article's settings", _ARTICLE, share=200)
NO_ORIGINALS = Variant("no originals", _without(originals=False))
PLAIN = Variant("no originals, no flatten, partitioner `default`", _without(_PLAIN, originals=False))
BARE = Variant("bare consumer (the limit)", None)

DEFAULTS_SLOW = Variant(DEFAULTS.name, DEFAULTS.setup, SLOW)
ARTICLE_SLOW = Variant(ARTICLE.name, ARTICLE.setup, SLOW, share=200)
LEAN_SLOW = Variant("no originals, no flatten", _without({"flatten": False}, originals=False), SLOW)

VARIANTS = (
    ARTICLE,
    DEFAULTS,
    Variant("no flatten", _without({"flatten": False})),
    Variant("partitioner `default`", _without({"partitioner": "default"})),
    NO_ORIGINALS,
    PLAIN,
    Variant("gzip level 1", _without({"compressionLevel": 1})),
    Variant("no gzip", _without({"compression": "none"})),
    Variant("no elastic buffer", Setup(changed={"s3.elastic.buffer.enable": "false"})),
    # More than a fetch may bring of a partition: Kafka then sends one batch at a time.
    Variant("batches of 1 MB in Kafka", Setup(), batch_bytes=MB),
    BARE,
    ARTICLE_SLOW,
    DEFAULTS_SLOW,
    LEAN_SLOW,
)
"""Every row, in the table's order."""
