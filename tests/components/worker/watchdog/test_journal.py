from pathlib import Path

from components.worker.files.watchdog import journal
from components.worker.files.watchdog.journal import Event
from tests.components.worker.watchdog.support import SKIPPED, TOPIC, play


def test_skipped_events_are_found_in_the_journal_and_the_next_run_begins_after_them(
    bin_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "journal").write_text(f"INFO something\n{SKIPPED}\nERROR another\n-- cursor: s=2;i=3\n")
    play(bin_folder, "journalctl", f'echo "$@" >>{tmp_path}/asked; cat {tmp_path}/journal')
    cursor = tmp_path / "cursor"

    first = journal.read_journal(cursor)
    cursor.write_text(first[1])
    journal.read_journal(cursor)

    assert first == ([Event(TOPIC, 3, 17)], "s=2;i=3")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert "--after-cursor" not in asked[0]
    assert "--after-cursor=s=2;i=3" in asked[1]
    assert all("--unit=s3-auditlog-sink.service" in one for one in asked)


def test_a_journal_with_nothing_new_keeps_the_cursor(bin_folder: Path, tmp_path: Path) -> None:
    play(bin_folder, "journalctl", "true")
    (tmp_path / "cursor").write_text("s=2;i=3")

    assert journal.read_journal(tmp_path / "cursor") == ([], "s=2;i=3")
