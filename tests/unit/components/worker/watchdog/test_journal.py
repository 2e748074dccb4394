from pathlib import Path

from components.worker.files.watchdog import journal
from components.worker.files.watchdog.journal import Event, Journal
from components.worker.files.watchdog.memory import Memory
from tests import runbook
from tests.unit.components.worker.watchdog.support import ORIGINALS, SINK, SKIPPED, TOPIC, play


def test_skipped_events_are_found_in_the_journal_and_the_next_run_begins_after_them(
    bin_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "journal").write_text(f"INFO something\n{SKIPPED}\nERROR another\n-- cursor: s=2;i=3\n")
    play(bin_folder, "journalctl", f'echo "$@" >>{tmp_path}/asked; cat {tmp_path}/journal')
    cursor = tmp_path / "cursor"

    first = journal.read_journal(cursor)
    cursor.write_text(first.cursor)
    journal.read_journal(cursor)

    assert first == Journal([Event(TOPIC, 3, 17, SINK)], 0, "s=2;i=3")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert "--after-cursor" not in asked[0]
    assert "--after-cursor=s=2;i=3" in asked[1]
    assert all("--unit=s3-auditlog-sink.service" in command for command in asked)


def test_a_skipped_event_is_its_connectors_own(bin_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text(f"{SKIPPED.replace('task sink-0', f'task {ORIGINALS}-0')}\n")
    play(bin_folder, "journalctl", f"cat {tmp_path}/journal")

    assert journal.read_journal(tmp_path / "cursor").skipped == [Event(TOPIC, 3, 17, ORIGINALS)]


def test_exits_for_lack_of_memory_are_counted(bin_folder: Path, tmp_path: Path) -> None:
    ends = "Terminating due to java.lang.OutOfMemoryError: Java heap space\n"
    (tmp_path / "journal").write_text(f"{ends}INFO Terminating due to java.lang.OutOfMemoryError\n{ends}")
    play(bin_folder, "journalctl", f"cat {tmp_path}/journal")

    assert journal.read_journal(tmp_path / "cursor").out_of_memory == 2
    assert runbook.found("memory", ends) == ends.splitlines()


def test_a_journal_with_nothing_new_keeps_the_cursor(bin_folder: Path, tmp_path: Path) -> None:
    play(bin_folder, "journalctl", "true")
    (tmp_path / "cursor").write_text("s=2;i=3")

    assert journal.read_journal(tmp_path / "cursor") == Journal([], 0, "s=2;i=3")


def test_a_skipped_event_that_is_told_again_is_remembered_once() -> None:
    memory = Memory()
    journal.remember(memory, [Event(TOPIC, 0, 10, SINK), Event(TOPIC, 0, 10, SINK)])
    journal.remember(memory, [Event(TOPIC, 0, 10, SINK), Event(TOPIC, 0, 11, ORIGINALS)])

    assert memory.connector(SINK).skipped == {f"{TOPIC}-0": [10]}
    assert memory.connector(ORIGINALS).skipped == {f"{TOPIC}-0": [11]}
