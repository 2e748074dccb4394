"""The documents: links that lead somewhere, a README of one screen or two, an entry for each alarm."""

import re
from pathlib import Path

import pytest

from components.worker.alarms import alarms
from scripts.verify import evaluate

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")])

_LINK = re.compile(r"\[[^\]]*\]\((?!https?://)([^)\s]+)\)")
_CODE = re.compile(r"```.*?```", re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub makes anchors of them."""
    text = _CODE.sub("", page.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = (page.parent / file).resolve() if file else page
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_the_documents_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(_CODE.sub("", page.read_text()))

    assert [link for link in links if not leads_somewhere(page, link)] == []


def test_a_link_to_a_missing_page_or_heading_is_found() -> None:
    assert leads_somewhere(ROOT / "README.md", "docs/operations.md#alarms")
    assert not leads_somewhere(ROOT / "README.md", "docs/operations.md#no-such-heading")
    assert not leads_somewhere(ROOT / "README.md", "docs/no-such-page.md")


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()

    assert len(readme.splitlines()) <= 150
    pages = [page.relative_to(ROOT).as_posix() for page in ROOT.glob("docs/**/*.md")]
    assert [page for page in pages if f"({page}" not in readme] == []


def test_every_alarm_has_its_entry_in_the_runbook() -> None:
    entries = anchors(ROOT / "docs" / "operations.md")

    every = alarms(originals=True, count=2, canary=True, reader_role=True)

    assert [alarm.name for alarm in every if alarm.name not in entries] == []


def test_what_verify_finds_leads_to_a_section() -> None:
    assert [
        section for section in evaluate.SECTIONS if not leads_somewhere(ROOT / "README.md", section)
    ] == []
