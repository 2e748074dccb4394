"""What each command's page says of its report."""

from dataclasses import replace

import pytest

from components.logzio import redaction
from local.proofs.chaos import html_page as chaos_page
from local.proofs.demo import html_page as demo_page
from report_page.model import Page, State
from report_page.page import render
from scripts.verify import html_page as verify_page
from scripts.verify.evaluate import Patience, evaluate
from scripts.verify.model import IndexReport, Report
from tests.unit.report_page.pages import CHAOS, DEMO, KILLED, ROWS, VERIFIED
from tests.unit.scripts.verify.test_evaluate import FINE, NOON, ago, report, waiting


def verified(seen: Report) -> Page:
    return verify_page.page(seen, evaluate(seen, Patience()))


def states(page: Page) -> dict[str, State]:
    return {hop.name: hop.state for hop in page.chain}


def test_a_demo_without_a_defect_is_in_order() -> None:
    page = demo_page.page(DEMO, NOON)

    assert page.state is State.FINE
    assert set(states(page).values()) == {State.FINE}
    assert ("events produced", "2,000") in page.tables[0].rows
    assert [chart.title for chart in page.charts] == ["Events per minute", "Delay", "Lag of each partition"]


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"events_produced": 0}, {"Confluent Cloud", "VM", "S3 bucket", "Logz.io"}),
        ({"events_archived": 1999, "events_missing": 1}, {"VM", "S3 bucket"}),
        ({"originals_missing": 1}, {"S3 bucket"}),
        ({"index_failures": 1}, {"Logz.io"}),
        ({"events_indexed": 1999}, {"Logz.io"}),
        ({"left_behind": 1}, set()),
    ],
)
def test_the_demo_shows_where_its_chain_is_broken(change: dict[str, int], broken: set[str]) -> None:
    page = demo_page.page(replace(DEMO, **change), NOON)  # type: ignore[arg-type]  # replace() takes any field

    assert page.state is State.BROKEN
    assert {name for name, state in states(page).items() if state is State.BROKEN} == broken


def test_a_demo_without_an_event_has_a_page_without_charts() -> None:
    assert "<h1>" in render(demo_page.page(replace(DEMO, flow=None), NOON))


def test_chaos_shows_recovery_losses_and_what_was_not_run() -> None:
    page = chaos_page.page(CHAOS, NOON)

    assert page.state is State.BROKEN
    assert page.charts[0].table.rows == (("1a JVM killed", "51 s"), ("3a broker restarted", "not recovered"))
    assert [(message.state, message.text) for message in page.messages] == [
        (State.BROKEN, "3a broker restarted: 0 events lost in the bucket, 2 in Logz.io; not recovered."),
        (State.UNKNOWN, "10 clock ahead: not run: no libfaketime here"),
    ]
    assert states(page) == {
        "Confluent Cloud": State.FINE,
        "VM": State.BROKEN,
        "S3 bucket": State.FINE,
        "Logz.io": State.BROKEN,
    }


def test_chaos_without_a_loss_is_in_order() -> None:
    page = chaos_page.page(replace(CHAOS, rows=(KILLED,), missing_at_the_end=0), NOON)

    assert page.state is State.FINE
    assert set(states(page).values()) == {State.FINE}
    assert page.messages == ()


def test_the_page_of_chaos_has_no_id_of_an_event() -> None:
    details = ("missing from bucket: event 3c9a7d10, partition 3, offset 9",)

    assert "3c9a7d10" not in render(chaos_page.page(replace(CHAOS, rows=ROWS, details=details), NOON))


def test_verify_shows_the_worst_finding_of_each_hop() -> None:
    page = verified(VERIFIED)

    assert page.state is State.BROKEN
    assert states(page) == {
        "Kafka": State.BROKEN,
        "S3 bucket": State.FINE,
        "Registrations": State.FINE,
        "Logz.io": State.BROKEN,
        "Index": State.FINE,
    }
    assert page.messages[0].text.startswith("Kafka: partition 3: 30 offsets are not archived")
    assert page.messages[0].section == "docs/operations.md#stuck"
    lag, behind, delay = page.charts
    assert lag.table.rows == (("partition 3", "30"), ("partition 4", "0"))
    assert behind.table.rows == (("partition 3", "2"), ("partition 4", "0"))
    assert delay.table.rows == (("partition 3", "0.0 s"), ("partition 4", "40 s"))


def test_verify_draws_no_more_partitions_than_a_person_looks_at() -> None:
    many = [replace(FINE, partition=number) for number in range(100)]
    many[57] = replace(waiting(ago(minutes=1)), partition=57)
    many[99] = replace(FINE, partition=99, position=None)
    lag = verified(report(*many)).charts[0]

    assert len(lag.table.rows) == 24
    assert {("partition 57", "30"), ("partition 99", "not checked")} <= set(lag.table.rows)
    assert "The 24 partitions with the most are shown, of 100." in lag.text


def test_what_verify_could_not_check_is_not_in_order() -> None:
    reasons = {
        "Kafka, group group-1": "no route to host",
        "events of audit partition 4": "AccessDenied",
        "Logz.io": "no answer",
    }
    unseen = report(replace(FINE, position=None), not_seen=reasons, registrations=(), index=None)
    page = verified(unseen)

    assert page.state is State.UNKNOWN
    assert set(states(page).values()) == {State.UNKNOWN}
    assert page.charts[0].table.rows == (("partition 3", "not checked"),)


def test_verify_leaves_out_what_logzio_says_of_an_event_and_its_id() -> None:
    index = IndexReport(5, 5, 5, ("5 x failed to parse, value: 'alice'",), ("3c9a7d10",))
    text = render(verified(report(index=index)))

    assert "5 failures" in text
    assert "alice" not in text
    assert "3c9a7d10" not in text


def test_verify_masks_a_secret_in_an_error() -> None:
    redaction.remember("s3cr3t-t0ken")
    text = render(verified(report(not_seen={"Logz.io": "refused s3cr3t-t0ken"})))

    assert "s3cr3t-t0ken" not in text
    assert "refused [redacted]" in text
