"""Draws figures as SVG with Vega-Altair, in colours that the page's style sheet defines for light and dark.

Each chart is as wide as a phone, so that its text keeps its size there; wider screens show two side by side.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import altair as alt

from report_page.model import Chart, State, Table

_WIDTH = 350
"""Of a whole chart, in pixels: 390 of a phone less the margins of the page."""

_INK, _MUTED, _LINE = "var(--ink)", "var(--muted)", "var(--line)"
_STATES = {state: f"var(--{state.name.lower()})" for state in State}
_STAGES = ("var(--first)", "var(--second)", "var(--third)")

_MARKED_PERCENT = (50, 95, 99, 100)
_TICKS = (0, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
"""Seconds, on the axes that have more room for short times."""

# An expression of Vega: seconds as a person reads them.
_AS_TIME = (
    "datum.value < 60 ? datum.value + ' s' : datum.value < 7200 ? round(datum.value / 60) + ' min' : "
    "round(datum.value / 3600) + ' h'"
)


@dataclass(frozen=True)
class Bar:
    """A bar with its label above it, and `note` at the end of that line. There is no bar if `value` is None."""

    label: str
    value: float | None
    note: str
    state: State = State.FINE


def per_minute(title: str, text: str, begins: datetime, counts: Mapping[str, Sequence[int]]) -> Chart:
    """Events per minute, a row of bars for each stage. `counts`: at most three stages -> number in each minute."""
    rows = [
        {"stage": stage, "events": number, **_minute(begins, index)}
        for stage, numbers in counts.items()
        for index, number in enumerate(numbers)
        # A stage that nothing reached keeps its row.
        if number or index == 0
    ]
    stages = list(counts)
    base = alt.Chart(_data(rows), width=_WIDTH - 50, height=64)
    chart = base.mark_rect().encode(
        x=_time_axis(begins, max(map(len, counts.values()), default=0)),
        x2="until:T",
        y=alt.Y("events:Q", title=None, axis=_count_axis(3), scale=alt.Scale(domainMin=0)),
        y2=alt.datum(0),
        color=alt.Color("stage:N", scale=alt.Scale(domain=stages, range=_STAGES[: len(stages)]), legend=None),
        row=alt.Row("stage:N", sort=stages, title=None, spacing=14, header=_header()),
    )
    table = Table(
        title,
        ("minute (UTC)", *stages),
        tuple(
            (f"{begins + timedelta(minutes=index):%H:%M}", *(f"{number:,}" for number in numbers))
            for index, numbers in enumerate(zip(*counts.values(), strict=True))
        ),
    )
    return Chart(title, text, _svg(chart), table)


def delays(title: str, text: str, quantiles: Mapping[str, Sequence[float]]) -> Chart:
    """What share of the events arrived within how many seconds, a line for each way.

    `quantiles`: at most three ways -> seconds at each whole percent from 0 to 100.
    """
    rows = [
        {"way": way, "percent": percent, "seconds": max(0.0, seconds)}
        for way, values in quantiles.items()
        for percent, seconds in enumerate(values)
    ]
    ways = list(quantiles)
    longest = max((values[-1] for values in quantiles.values()), default=0.0)
    color = alt.Color(
        "way:N",
        scale=alt.Scale(domain=ways, range=_STAGES[: len(ways)]),
        legend=alt.Legend(title=None, orient="top", direction="vertical", symbolType="stroke"),
    )
    chart = (
        alt.Chart(_data(rows), width=_WIDTH - 60, height=190)
        .mark_line(strokeWidth=2.5, interpolate="step-after")
        .encode(
            x=_seconds_axis("seconds", longest),
            y=alt.Y("percent:Q", title=None, axis=alt.Axis(labelExpr="datum.value + ' %'", tickCount=5)),
            color=color,
            order="percent:Q",
        )
    )
    columns = ("way", *(f"{percent} %" if percent < 100 else "all" for percent in _MARKED_PERCENT))
    table = Table(
        title,
        columns,
        tuple(
            (way, *(seconds_text(values[percent]) for percent in _MARKED_PERCENT))
            for way, values in quantiles.items()
        ),
    )
    return Chart(title, text, _svg(chart), table)


def over_time(title: str, text: str, begins: datetime, numbers: Mapping[str, Sequence[int]]) -> Chart:
    """A number over time, a row of cells for each name, in a stronger colour for more.

    `numbers`: name -> number in each minute.
    """
    rows = [
        {"name": name, "number": number, **_minute(begins, index)}
        for name, values in numbers.items()
        for index, number in enumerate(values)
        if number
    ]
    most = max(map(max, filter(None, numbers.values())), default=0)
    opacity = alt.Opacity(
        "number:Q",
        scale=alt.Scale(type="sqrt", domain=[0, max(1, most)], range=[0.08, 1]),
        legend=None,
    )
    chart = (
        alt.Chart(_data(rows), width=_WIDTH - 50, height=alt.Step(18))
        .mark_rect(fill=_STAGES[0])
        .encode(
            x=_time_axis(begins, max(map(len, numbers.values()), default=0)),
            x2="until:T",
            y=alt.Y("name:N", title=None, scale=alt.Scale(domain=list(numbers), paddingInner=0.15)),
            opacity=opacity,
        )
    )
    table = Table(
        title,
        ("partition", "most", "at the end"),
        tuple(
            (name, f"{max(values, default=0):,}", f"{values[-1] if values else 0:,}")
            for name, values in numbers.items()
        ),
    )
    return Chart(title, text, _svg(chart), table)


def bars(
    title: str, text: str, found: Sequence[Bar], *, columns: tuple[str, str], are_seconds: bool = False
) -> Chart:
    """A bar for each value, its label above it; on a logarithmic axis if the values are seconds."""
    rows = [
        {"place": place, "label": bar.label, "note": bar.note, "value": bar.value, "state": bar.state}
        for place, bar in enumerate(found)
    ]
    longest = max((bar.value for bar in found if bar.value is not None), default=0.0)
    value = (
        _seconds_axis("value", longest, grid=False)
        if are_seconds
        else alt.X("value:Q", title=None, axis=_count_axis(4, grid=False))
    )
    base = alt.Chart(_data(rows), width=_WIDTH - 16, height=alt.Step(30)).encode(
        y=alt.Y("place:O", axis=None, scale=alt.Scale(padding=0))
    )
    drawn = base.mark_bar(height=9, yOffset=8).encode(
        x=value,
        color=alt.Color(
            "state:N", scale=alt.Scale(domain=list(_STATES), range=list(_STATES.values())), legend=None
        ),
    )
    labels = base.mark_text(align="left", color=_INK, fontSize=11, dy=-5, limit=_WIDTH - 90).encode(
        x=alt.value(0), text="label:N"
    )
    notes = base.mark_text(align="right", color=_MUTED, fontSize=11, dy=-5, limit=_WIDTH - 90).encode(
        x=alt.value(_WIDTH - 16), text="note:N"
    )
    table = Table(title, columns, tuple((bar.label, bar.note) for bar in found))
    return Chart(title, text, _svg(alt.layer(drawn, labels, notes)), table)


def seconds_text(seconds: float) -> str:
    """A duration in the unit that a person would choose."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def _minute(begins: datetime, index: int) -> dict[str, str]:
    at = begins + timedelta(minutes=index)
    return {"from": at.isoformat(), "until": (at + timedelta(seconds=56)).isoformat()}


def _time_axis(begins: datetime, minutes: int) -> alt.X:
    ends = begins + timedelta(minutes=max(1, minutes))
    scale = alt.Scale(type="utc", domain=[begins.isoformat(), ends.isoformat()])
    return alt.X("from:T", title=None, scale=scale, axis=alt.Axis(format="%H:%M", tickCount=5, grid=False))


def _count_axis(ticks: int, *, grid: bool = True) -> alt.Axis:
    # Few events would have marks between whole numbers.
    whole = "datum.value % 1 ? '' : format(datum.value, ',d')"
    return alt.Axis(tickCount=ticks, labelExpr=whole, grid=grid)


def _seconds_axis(field: str, longest: float, *, grid: bool = True) -> alt.X:
    """An axis with more room for short times, up to the first mark after the longest one."""
    end = next((later for earlier, later in pairwise(_TICKS) if later >= longest and earlier >= 1), longest)
    axis = alt.Axis(values=[tick for tick in _TICKS if tick <= end], labelExpr=_AS_TIME, grid=grid)
    scale = alt.Scale(type="symlog", constant=1, domain=[0, end], nice=False)
    return alt.X(f"{field}:Q", title=None, axis=axis, scale=scale)


def _header() -> alt.Header:
    return alt.Header(labelOrient="top", labelAnchor="start", labelPadding=2)


def _svg(chart: alt.FacetChart | alt.LayerChart | alt.Chart) -> str:
    styled = (
        chart.configure(font="sans-serif", aria=False, background="transparent", padding=2)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_MUTED,
            labelFontSize=11,
            labelFlush=False,
            labelOverlap="greedy",
            labelSeparation=6,
            gridColor=_LINE,
            domainColor=_LINE,
            tickColor=_LINE,
        )
        .configure_header(labelColor=_INK, labelFontSize=12)
        .configure_legend(labelColor=_INK, labelFontSize=12)
    )
    drawn = io.StringIO()
    styled.save(drawn, format="svg")
    # The page gives the size: as wide as its column.
    return re.sub(r'(<svg [^>]*?)width="[\d.]+" height="[\d.]+" ', r"\1", drawn.getvalue(), count=1)
