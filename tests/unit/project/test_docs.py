"""The documents: links that lead somewhere, a README of one screen or two, an entry for each alarm."""

import re
from pathlib import Path

import pytest

from components.owner import Owner
from components.worker.alarms import RUNBOOK, alarms
from local.systems.aws.evaluation import FURTHER_PERIODS
from scripts.verify import evaluate
from tests import runbook

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


ALARMS = {
    alarm.name: alarm
    for alarm in alarms(originals=True, count=2, distributed=True, canary=True, reader_role=True)
}


def test_every_alarm_has_its_entry_in_the_runbook_and_every_entry_its_alarm() -> None:
    assert sorted(runbook.entries()) == sorted(ALARMS)


@pytest.mark.parametrize("name", ALARMS)
def test_an_entry_has_a_meaning_one_command_a_fix_and_the_end_of_the_alarm(name: str) -> None:
    form = r".+ - First look: [^`]*`[^`]+`.* - Fix: .+ - Fixed when: .+\."
    entry = runbook.entries()[name]

    assert re.fullmatch(form, entry), entry
    assert runbook.first_look(entry).count("`") == 2
    # A mail says the same.
    assert f"`{runbook.command(entry)}`" in ALARMS[name].first_look


@pytest.mark.parametrize("name", ALARMS)
def test_the_text_of_an_alarm_leads_to_its_entry(name: str) -> None:
    text = ALARMS[name].description(Owner("project", "stack"), None)

    assert leads_somewhere(ROOT / "README.md", text.rpartition("Runbook: ")[2])


ON_SILENCE = [name for name, alarm in ALARMS.items() if alarm.missing == "breaching"]


@pytest.mark.parametrize("name", ON_SILENCE)
def test_the_runbook_says_how_long_the_silence_is_that_raises_an_alarm(name: str) -> None:
    alarm = ALARMS[name]
    shortest, longest = (
        alarm.period * periods // 60 for periods in (alarm.periods, alarm.periods + FURTHER_PERIODS)
    )

    assert f"\n| `{name}` | {shortest} to {longest} minutes |\n" in (ROOT / RUNBOOK).read_text()


def test_what_verify_finds_leads_to_a_section() -> None:
    assert [
        section for section in evaluate.SECTIONS if not leads_somewhere(ROOT / "README.md", section)
    ] == []
