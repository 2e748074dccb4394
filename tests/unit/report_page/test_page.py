"""The page holds what it was given, and nothing that would need the network."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

from report_page import charts
from report_page.charts import Bar
from report_page.model import Chart, Hop, Message, Page, State, Table
from report_page.page import render

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def page(**parts: object) -> str:
    given = {"chain": (Hop("Kafka", State.FINE, "5 events"),), **parts}
    return render(Page("the demo", NOON, State.BROKEN, "something is missing.", **given))  # type: ignore[arg-type]


def texts(chart: Chart) -> list[str]:
    """The words in a drawing."""
    return [element.text or "" for element in ElementTree.fromstring(chart.svg).iter(f"{SVG}text")]  # noqa: S314  # ours


def test_the_page_names_its_title_time_and_state() -> None:
    text = page()

    assert "<h1>the demo</h1>" in text
    assert "2026-03-10 12:00 UTC" in text
    assert "broken</span>: something is missing." in text
    assert "in order" in text


def test_texts_are_escaped() -> None:
    text = page(
        chain=(Hop("<b>", State.FINE, "<i>", ("<u>",)),),
        messages=(Message(State.BROKEN, "<script>alert(1)</script>", "<a>"),),
        tables=(Table("<h3>", ("<th>",), (("<td>",),)),),
    )

    assert not re.search(r"<(b|i|u|h3|script|a)>", text)
    assert "&lt;script&gt;alert(1)" in text


def test_labels_in_a_drawing_are_escaped() -> None:
    chart = charts.bars("t", "", [Bar("<script>x</script>", 1, "&")], columns=("a", "b"))

    assert "<script>x</script>" in texts(chart)
    assert "<script" not in page(charts=(chart,))


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    chart = charts.delays("t", "", {"way": [float(percent) for percent in range(101)]})
    text = page(charts=(chart,))

    addresses = set(re.findall(r"https?://[^\s\"'<]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"<script|@import|url\(|<img|<iframe", text)
    assert "default-src 'none'" in text


def test_events_per_minute_have_a_bar_for_each_minute_with_events_of_each_stage() -> None:
    chart = charts.per_minute("t", "", NOON, {"produced": [5, 0, 1], "archived": [0, 4, 2]})

    assert [
        color for color in re.findall(r'fill="var\(--(\w+)\)"', chart.svg) if color in ("first", "second")
    ] == [
        "first",
        "first",
        "second",
        "second",
        "second",
    ]
    assert {"produced", "archived", "12:00", "12:03"} <= set(texts(chart))
    assert chart.table.rows == (("12:00", "5", "0"), ("12:01", "0", "4"), ("12:02", "1", "2"))


def test_a_stage_that_nothing_reached_keeps_its_row() -> None:
    chart = charts.per_minute("t", "", NOON, {"produced": [5, 1], "archived": [0, 0]})

    assert "archived" in texts(chart)


def test_delays_are_a_line_for_each_way_and_name_median_and_longest() -> None:
    quantiles = [percent / 10 for percent in range(101)]
    chart = charts.delays("t", "", {"to the bucket": quantiles, "to Logz.io": [2 * at for at in quantiles]})

    assert {"to the bucket", "to Logz.io", "100 %"} <= set(texts(chart))
    assert chart.table.columns == ("way", "50 %", "95 %", "99 %", "all")
    assert chart.table.rows[0] == ("to the bucket", "5.0 s", "9.5 s", "9.9 s", "10 s")


def test_a_number_over_time_has_a_row_for_each_name_whatever_its_numbers() -> None:
    chart = charts.over_time("t", "", NOON, {"2": [0, 0], "10": [7, 3]})

    assert {"2", "10"} <= set(texts(chart))
    assert chart.table.rows == (("2", "0", "0"), ("10", "7", "3"))
    assert chart.svg.count("var(--first)") == 2


def test_what_did_not_recover_has_its_words_and_no_bar() -> None:
    found = [Bar("killed", 12, "12 s"), Bar("stuck", None, "not recovered", State.BROKEN)]
    chart = charts.bars("t", "", found, columns=("fault", "seconds"), are_seconds=True)

    assert {"killed", "12 s", "stuck", "not recovered"} <= set(texts(chart))
    assert "var(--fine)" in chart.svg
    assert "var(--broken)" not in chart.svg
    assert chart.table.rows == (("killed", "12 s"), ("stuck", "not recovered"))


def test_few_events_have_marks_at_whole_numbers_alone() -> None:
    chart = charts.bars("t", "", [Bar("partition 3", 2, "2 events")], columns=("a", "b"))

    assert [text for text in texts(chart) if text not in ("", "partition 3", "2 events")] == ["0", "1", "2"]


def test_a_chart_without_values_is_still_a_drawing() -> None:
    for chart in (
        charts.per_minute("t", "", NOON, {"produced": [], "archived": []}),
        charts.delays("t", "", {}),
        charts.over_time("t", "", NOON, {}),
        charts.bars("t", "", [], columns=("a", "b")),
    ):
        assert ElementTree.fromstring(chart.svg).tag == f"{SVG}svg"  # noqa: S314  # ours
