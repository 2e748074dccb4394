"""The measurement of settings, with real workers on a real broker: few events, so its figures are worth nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from components.settings import Connector
from local.base import java
from local.proofs.bench import sink, variants
from local.proofs.bench.site import Site, serving
from local.proofs.generator.events import events
from local.systems.connector import archive

EVENTS = 1_200
ARTICLE_EVENTS = 36
"""An object of three events in each of 12 partitions."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    values = [event.encoded() for event in events(EVENTS, 1, datetime.now(UTC))]
    with pytest.MonkeyPatch.context() as environment:
        # For a broker and workers that run for seconds: without it, a third more CPU.
        environment.setenv("JDK_JAVA_OPTIONS", java.FIRST_COMPILER_ONLY)
        with serving(tmp_path_factory.mktemp("bench"), archive.ensure(Connector().version), values) as made:
            yield made


def test_the_defaults_make_an_object_of_each_partition_for_logzio_and_for_the_originals(site: Site) -> None:
    taken = sink.take(site, variants.DEFAULTS, EVENTS)

    assert (taken.events, taken.objects, taken.requests) == (EVENTS, 24, 72)
    assert taken.stored_mb is not None
    assert 0 < taken.stored_mb < sum(map(len, site.values)) / 1_000_000
    assert taken.cpu_seconds > 0
    assert taken.peak_mb > 100


def test_the_articles_settings_ask_s3_three_times_for_three_events_and_wait_for_each_answer(
    site: Site,
) -> None:
    taken = sink.take(site, variants.ARTICLE_SLOW, EVENTS)

    assert (taken.events, taken.objects, taken.requests) == (ARTICLE_EVENTS, 12, 36)
    # One task, one request after the other.
    assert taken.seconds >= 36 * variants.SLOW


def test_a_bare_consumer_reads_every_event(site: Site) -> None:
    taken = sink.take(site, variants.BARE, EVENTS)

    assert (taken.events, taken.requests, taken.stored_mb) == (EVENTS, None, None)
    assert taken.seconds > 0
    assert taken.peak_mb > 30


def test_events_are_archived_without_the_connector_for_originals_too(site: Site) -> None:
    taken = sink.take(site, variants.NO_ORIGINALS, EVENTS)

    assert (taken.objects, taken.requests) == (12, 36)
