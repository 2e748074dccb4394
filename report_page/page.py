"""The page as one HTML file: no script, no font and no picture from elsewhere, so it opens without a network."""

from datetime import UTC

from jinja2 import Environment, PackageLoader, StrictUndefined

from report_page.model import Page, State

MARKS = {
    State.FINE: "\u2713",
    State.WAITING: "\u2026",
    State.UNKNOWN: "?",
    State.MISSED: "!",
    State.BROKEN: "\u2717",
}
"""Beside each word of state, so that colour alone says nothing."""


def render(page: Page) -> str:
    """The whole file. Its content security policy forbids scripts and every request."""
    environment = Environment(
        loader=PackageLoader("report_page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html.jinja")
    return template.render(page=page, at=page.at.astimezone(UTC), marks=MARKS)
