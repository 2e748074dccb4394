"""What a page shows. All texts are plain; the page escapes them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """How a part of the chain, or a result, is. The value is the word that the page shows."""

    FINE = "in order"
    WAITING = "on its way"
    UNKNOWN = "not checked"
    MISSED = "goal missed"
    BROKEN = "broken"


@dataclass(frozen=True)
class Hop:
    """A station of the chain. `figure` is its most important number with its unit, `details` are further lines."""

    name: str
    state: State
    figure: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column names the row, the others are right-aligned. `text` explains them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: str = ""


@dataclass(frozen=True)
class Chart:
    """A drawing and the same figures as a table. `text` says how to read it, `svg` is one `<svg>` element."""

    title: str
    text: str
    svg: str
    table: Table


@dataclass(frozen=True)
class Message:
    """A sentence on what was found. `section`: the page of the documents that tells more, as a path."""

    state: State
    text: str
    section: str = ""


@dataclass(frozen=True)
class Page:
    """The page. `verdict` is one sentence; `at` is the time of the results. `chain` may be empty."""

    title: str
    at: datetime
    state: State
    verdict: str
    chain: tuple[Hop, ...]
    messages: tuple[Message, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
