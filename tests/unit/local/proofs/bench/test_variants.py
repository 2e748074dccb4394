"""Each variant differs from the defaults in what its name says, and in nothing else."""

from collections.abc import Mapping

import pytest

from components.settings import Connector
from components.worker import connect
from components.worker.config import WorkerConfig
from local.proofs.bench import sink, variants
from local.proofs.bench.site import Setup
from local.proofs.bench.variants import VARIANTS, Variant
from local.systems.kafka import client
from tests.unit.components.worker.test_rendered import config

FULL = 240_000


def rendered(variant: Variant) -> WorkerConfig:
    """What a VM with the variant's settings would have."""
    sections = {name: dict(values) for name, values in (variant.setup or Setup()).settings.items()}
    return config(**sections | {"archive": {"bucket": "bench", **sections.get("archive", {})}})


def properties(variant: Variant) -> list[Mapping[str, str]]:
    setup = variant.setup or Setup()
    return [{**connector.properties, **setup.changed} for connector in setup.connectors(rendered(variant))]


def changes(variant: Variant) -> set[str]:
    """The names of the properties of the first connector that are not as with the defaults."""
    found, defaults = properties(variant)[0], properties(variants.DEFAULTS)[0]
    return {name for name in {*found, *defaults} if found.get(name) != defaults.get(name)}


FLATTEN = {"transforms", "transforms.flatten.type", "transforms.flatten.delimiter"}


@pytest.mark.parametrize(
    ("name", "changed", "connectors"),
    [
        ("this project's defaults", set(), 2),
        ("no flatten", FLATTEN, 2),
        ("partitioner `default`", {"partitioner.class"}, 2),
        ("no originals", set(), 1),
        ("no originals, no flatten, partitioner `default`", {*FLATTEN, "partitioner.class"}, 1),
        ("gzip level 1", {"s3.compression.level"}, 2),
        ("no gzip", {"s3.compression.type", "s3.compression.level"}, 2),
        ("no elastic buffer", {"s3.elastic.buffer.enable"}, 2),
        ("no originals, no flatten, S3 at 30 ms", FLATTEN, 1),
        ("this project's defaults, S3 at 30 ms", set(), 2),
    ],
)
def test_a_variant_turns_off_what_its_name_says(name: str, changed: set[str], connectors: int) -> None:
    (variant,) = (variant for variant in VARIANTS if variant.title == name)

    assert changes(variant) == changed
    assert len(properties(variant)) == connectors


def test_one_row_has_batches_that_a_fetch_cannot_bring_whole() -> None:
    sizes = {variant.title: sink.amount(variant, FULL).batch_bytes for variant in VARIANTS}

    assert sizes.pop("batches of 1 MB in Kafka") > connect.MAX_PARTITION_FETCH_BYTES
    assert set(sizes.values()) == {16_384}


def test_every_row_has_a_title_of_its_own() -> None:
    assert len({variant.title for variant in VARIANTS}) == len(VARIANTS)


def test_the_article_has_one_connector_with_its_own_settings() -> None:
    (found,) = properties(variants.ARTICLE)

    assert found["flush.size"] == "3"
    assert found["partitioner.class"].endswith(".DefaultPartitioner")
    # Beside its settings it has only where to read and to write, and as whom.
    assert not {"transforms", "s3.compression.type", "rotate.schedule.interval.ms"} & found.keys()
    assert found["s3.bucket.name"] == rendered(variants.ARTICLE).bucket


def test_the_articles_jvm_has_the_heap_of_kafkas_own_script() -> None:
    assert variants.ARTICLE.setup is not None
    options = variants.ARTICLE.setup.options(config())

    assert "-Xmx2G" in options
    assert not [option for option in options if "SerialGC" in option]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.title)
@pytest.mark.parametrize("events", [1_000, 5_000, FULL, 600_000])
def test_every_object_is_full_whatever_the_number_of_events(variant: Variant, events: int) -> None:
    given = sink.amount(variant, events)
    before = sink.warm_up(given)

    assert given.events <= events
    assert before <= events
    for connector in properties(variant):
        size = min(int(connector["flush.size"]), given.per_partition)
        assert given.per_partition % size == 0
        assert before % size == 0


def test_with_all_events_the_defaults_have_several_objects_in_each_partition() -> None:
    given = sink.amount(variants.DEFAULTS, FULL)

    assert given.flush_size == Connector().flush_size
    assert given.objects(given.flush_size) == 4 * client.PARTITIONS
    assert given.objects(min(50_000, given.per_partition)) == client.PARTITIONS


def test_no_variant_changes_a_file_of_the_worker_but_the_articles() -> None:
    with_files = [variant for variant in VARIANTS if variant.setup is not None and variant.setup.worker]

    assert with_files == [variants.ARTICLE, variants.ARTICLE_SLOW]
    known = connect.worker_properties(config())
    assert known["offset.flush.interval.ms"] != "10000"
