"""Sends archived events to Logz.io: `python -m scripts.replay --stack prod --unread`.

Exit codes: 0, every chosen event was sent or is in Logz.io; 1, some were left out, or the run stopped before its end
(the same command continues there); 2, it could not begin.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from components.logzio import redaction
from components.logzio.errors import LogzioError
from components.logzio.facts import SHIPPING_TOKEN_VARIABLE
from components.logzio.listener import Listener
from components.logzio.model import Plan
from components.settings import SettingsError
from scripts.access import Access, AccessError
from scripts.replay.event_format import EventFormat
from scripts.replay.progress import FOLDER, Progress
from scripts.replay.run import Counts, QuotaError, Replay, objects_of
from scripts.replay.selection import Selection, SelectionError, select
from scripts.stack import PulumiError
from scripts.verify.bucket import Bucket
from scripts.verify.collect import Collector, Scope
from scripts.verify.lookup import Lookup

INCOMPLETE, COULD_NOT_BEGIN = 1, 2
_PROGRESS_SECONDS = 5.0
_GB = 1_000_000_000
"""Logz.io does not say whether its GB has 10^9 or 2^30 bytes; the smaller one errs on the safe side."""


def main(
    stack: Annotated[str, typer.Option(help="Name of the stack.")],
    *,
    since: Annotated[
        str | None, typer.Option("--from", help="Events from this time on (ISO 8601, UTC).")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Events before this time.")] = None,
    unread: Annotated[
        bool,
        typer.Option("--unread", help="Events that Logz.io does not have and no registration will read."),
    ] = False,
    days: Annotated[float, typer.Option(help="With --unread: objects of this many days.", min=0)] = 7.0,
    objects: Annotated[str, typer.Option(help="Keys of objects, separated by spaces.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also send events that Logz.io has already.")
    ] = False,
    over_quota: Annotated[
        bool, typer.Option("--over-quota", help="Continue when the plan's daily quota is used up.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send without counting and asking first.")] = False,
    fetch_minutes: Annotated[
        float, typer.Option(help="Leave out younger objects: Logz.io may still fetch them.", min=0)
    ] = 10.0,
    progress: Annotated[
        Path, typer.Option(help="Folder of the files that record how far a run came.")
    ] = FOLDER,
) -> None:
    """Sends archived events to Logz.io's listener, except those that Logz.io has already."""
    try:
        selection = select(
            since=since,
            until=until,
            unread=unread,
            days=days,
            objects=objects.split(),
            now=datetime.now(UTC),
            settling=timedelta(minutes=fetch_minutes),
        )
        session = _Session(Access.of(stack), selection, again=again, folder=progress)
        if dry_run or not yes:
            counts = session.count()
            if dry_run or not counts.sent:
                raise typer.Exit(INCOMPLETE if counts.left else 0)
            typer.confirm("Send them?", abort=True)
        counts = session.send(over_quota=over_quota)
    except QuotaError as problem:
        raise _ended(
            f"{problem}: the same command continues there tomorrow; OVER_QUOTA=1 continues now", INCOMPLETE
        ) from None
    except (SelectionError, AccessError, PulumiError, SettingsError) as problem:
        raise _ended(str(problem), COULD_NOT_BEGIN) from None
    except (LogzioError, BotoCoreError, ClientError) as problem:
        raise _ended(f"{problem}\nThe same command continues where it stopped.", INCOMPLETE) from None
    raise typer.Exit(INCOMPLETE if counts.left else 0)


class _Session:
    """Counts or sends the selected events of a stack."""

    def __init__(self, access: Access, selection: Selection, *, again: bool, folder: Path) -> None:
        settings = access.settings
        self._access, self._selection, self._again = access, selection, again
        self._format = EventFormat.of(settings)
        self._bucket = Bucket(access.client("s3"), settings.archive.bucket)
        self._progress = Progress.at(folder, access.stack.short_name, selection.name)
        self._collector = Collector(access, Scope(days=_days(selection)))
        self._chain = next(chain for chain in self._collector.chains() if chain.delivered)
        self._left_to_fetch = self._collector.on_their_way(self._chain) if selection.is_unread else set()
        self._plan = access.logzio.plan()

    def count(self) -> Counts:
        """Counts the events without sending any, and prints the figures."""
        counts = self._replay(None, None)
        typer.echo(_shown(counts, "to send"))
        typer.echo(_quota(counts, self._plan))
        if self._left_to_fetch:
            typer.echo(
                f"left out: {len(self._left_to_fetch):,} objects after the last one that Logz.io has. Its registration "
                "may still read them; FROM and TO send them anyway"
            )
        if text := self._selection.left_out():
            typer.echo(text)
        return counts

    def send(self, *, over_quota: bool) -> Counts:
        """Sends the events, and prints the figures."""
        address = self._access.settings.logzio.listener
        if address is None:
            raise AccessError(
                "logzio.listenerUrl is not set, but logzio.apiUrl is: set the listener's URL, too"
            )
        token = os.environ.get(SHIPPING_TOKEN_VARIABLE) or self._access.logzio.shipping_token()
        listener = Listener(address, token, self._access.settings.logzio.log_type)
        if self._progress.is_resumed:
            typer.echo(f"continuing where an earlier run stopped ({self._progress.file})")
        counts = self._replay(listener, None if over_quota else _room(self._plan))
        typer.echo(_shown(counts, "sent"))
        return counts

    def _replay(self, listener: Listener | None, most_bytes: float | None) -> Counts:
        replay = Replay(
            bucket=self._bucket,
            selection=self._selection,
            event_format=self._format,
            found=Lookup(self._access.logzio, self._format.id_field).found,
            listener=listener,
            progress=self._progress,
            again=self._again,
            most_bytes=most_bytes,
            say=_throttled(lambda text: typer.echo(f"  {text}", err=True)),
        )
        chosen = objects_of(
            self._bucket, self._chain, self._collector.partitions(self._chain), self._selection
        )
        return replay.run(stored for stored in chosen if stored.key not in self._left_to_fetch)


def _throttled(say: Callable[[str], None]) -> Callable[[str], None]:
    """Passes on a text at most every few seconds, and drops the others."""
    last = time.monotonic()

    def say_seldom(text: str) -> None:
        nonlocal last
        if time.monotonic() - last > _PROGRESS_SECONDS:
            last = time.monotonic()
            say(text)

    return say_seldom


def _days(selection: Selection) -> float:
    begin = selection.begin
    return 7.0 if begin is None else (datetime.now(UTC) - begin) / timedelta(days=1)


def _room(plan: Plan | None) -> float | None:
    """Bytes that the account may still index today; None if unknown."""
    if plan is None or plan.max_daily_gb is None or plan.used_today is None:
        return None
    return max(0.0, plan.max_daily_gb * _GB - plan.used_today)


def _shown(counts: Counts, what: str) -> str:
    rows = {
        "objects read": counts.objects,
        "events chosen": counts.events,
        "in Logz.io already": counts.present,
        "archived twice": counts.twice,
        "without an id, which cannot be searched": counts.without_id,
        "too long for the listener": counts.oversized,
        "lines that are not JSON objects": counts.unreadable,
        "refused by the listener": counts.refused,
        what: counts.sent,
    }
    lines = [
        f"{name}: {number:,}" for name, number in rows.items() if number or name in ("events chosen", what)
    ]
    if counts.sent:
        lines.append(
            f"size: {counts.bytes / _GB:.6f} GB, events of {counts.oldest:%F %T} to {counts.newest:%F %T} UTC"
        )
    if counts.named:
        lines.append(f"left out are events of {', '.join(counts.named)}")
    return "\n".join(lines)


def _quota(counts: Counts, plan: Plan | None) -> str:
    if plan is None:
        return "daily quota: unknown, only a token of the main account can read it"
    if plan.max_daily_gb is None:
        return "daily quota: none"
    used = "" if plan.used_today is None else f", {plan.used_today / _GB:.6f} GB of them used today"
    text = f"daily quota: {plan.max_daily_gb:g} GB{used}"
    if counts.bytes > (_room(plan) or 0.0):
        text += ". That is too little: the run will stop before the quota is used up"
    if plan.retention_days is not None:
        text += f"; events stay searchable for {plan.retention_days} days"
        if counts.oldest is not None and datetime.now(UTC) - counts.oldest > timedelta(
            days=plan.retention_days
        ):
            text += ". Some of these are older: Logz.io does not document what happens to them"
    return text


def _ended(problem: str, code: int) -> typer.Exit:
    typer.echo(f"error: {redaction.clean(problem)}", err=True)
    return typer.Exit(code)


if __name__ == "__main__":
    typer.run(main)
