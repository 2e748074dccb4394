"""The emulator's data: registrations, what was read for each, and the events, in one SQLite file."""

import json
import secrets
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS registrations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, created_at REAL NOT NULL, last_key TEXT, last_error TEXT
);
-- Each write adds one; reads show the newest that is visible by now. No body: deleted.
CREATE TABLE IF NOT EXISTS versions (
    seq INTEGER PRIMARY KEY, registration_id INTEGER NOT NULL, visible_from REAL NOT NULL, body TEXT
);
CREATE TABLE IF NOT EXISTS refused (registration_id INTEGER, bucket TEXT, key TEXT, reason TEXT, at REAL);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, registration_id INTEGER, bucket TEXT, key TEXT, line INTEGER, event_id TEXT,
    event TEXT, received_at REAL
);
CREATE INDEX IF NOT EXISTS events_by_id ON events (event_id);
-- The type of each field on each day (UTC), nested names joined by dots. One store is one account.
CREATE TABLE IF NOT EXISTS mappings (day TEXT, field TEXT, type TEXT, PRIMARY KEY (day, field));
"""

_NEWEST = """
SELECT registration_id, body FROM versions v
WHERE visible_from <= ? AND body IS NOT NULL
  AND seq = (SELECT MAX(seq) FROM versions w WHERE w.registration_id = v.registration_id AND w.visible_from <= ?)
ORDER BY registration_id
"""
_ALWAYS = 1e18


@dataclass(frozen=True)
class Registration:
    """A registration as it is now, whatever reads show. `body`: the request's fields, with the secret."""

    id: int
    created_at: float
    last_key: str | None
    last_error: str | None
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Event:
    """One line of an object, as it was indexed."""

    line: int
    event_id: str | None
    event: Mapping[str, Any]


class Store:
    """One connection for all threads, one transaction per call."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        # It holds keys of the local AWS.
        file.touch(mode=0o600)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(file, check_same_thread=False)
        # Other processes read it while this one writes.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the store; everything is then in the one file."""
        with self._lock:
            self._db.close()

    def external_id(self) -> str:
        """The external id of this Logz.io account: one for all its roles, which never changes."""
        return self._kept("external_id", f"logzio:aws:extid:{uuid.uuid4()}")

    def shipping_token(self) -> str:
        """The account's one log shipping token."""
        return self._kept("shipping_token", secrets.token_urlsafe(24))

    def _kept(self, name: str, new: str) -> str:
        """The value of a name; `new` if it has none yet."""
        with self._lock, self._db:
            self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, new))
            return str(self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])

    def create(self, body: Mapping[str, Any], *, shows_after: float = 0.0) -> int:
        """Adds a registration; reads show it `shows_after` seconds later."""
        with self._lock, self._db:
            now = time.time()
            made = self._db.execute("INSERT INTO registrations (created_at) VALUES (?)", (now,)).lastrowid
            assert made is not None  # noqa: S101  # an INSERT has a row
            self._write(made, body, now + shows_after)
            return made

    def exists(self, id_: int) -> bool:
        """Whether there is such a registration, whatever reads show."""
        return any(registration.id == id_ for registration in self.registrations())

    def update(self, id_: int, body: Mapping[str, Any], *, shows_after: float = 0.0) -> None:
        """Replaces all fields of a registration."""
        with self._lock, self._db:
            self._write(id_, body, time.time() + shows_after)

    def delete(self, id_: int, *, shows_after: float = 0.0) -> None:
        """Removes a registration; what was fetched stays."""
        with self._lock, self._db:
            self._write(id_, None, time.time() + shows_after)

    def _write(self, id_: int, body: Mapping[str, Any] | None, visible_from: float) -> None:
        self._db.execute(
            "INSERT INTO versions (registration_id, visible_from, body) VALUES (?, ?, ?)",
            (id_, visible_from, None if body is None else json.dumps(dict(body))),
        )

    def shown(self) -> dict[int, dict[str, Any]]:
        """The registrations that reads show now, by id."""
        with self._lock:
            now = time.time()
            return {id_: json.loads(body) for id_, body in self._db.execute(_NEWEST, (now, now))}

    def registrations(self) -> list[Registration]:
        """The registrations, whatever reads show."""
        with self._lock:
            bodies = dict(self._db.execute(_NEWEST, (_ALWAYS, _ALWAYS)).fetchall())
            rows = self._db.execute(
                "SELECT id, created_at, last_key, last_error FROM registrations ORDER BY id"
            )
            return [
                Registration(id_, created_at, last_key, last_error, json.loads(bodies[id_]))
                for id_, created_at, last_key, last_error in rows
                if id_ in bodies
            ]

    def record_error(self, id_: int, error: str | None) -> None:
        """Keeps the error of the last poll of the bucket; None: it succeeded."""
        with self._lock, self._db:
            self._db.execute("UPDATE registrations SET last_error = ? WHERE id = ?", (error, id_))

    def add_events(self, registration: Registration, key: str, events: Sequence[Event]) -> None:
        """Keeps an object's events, and that the object was read, in one transaction."""
        with self._lock, self._db:
            now = time.time()
            bucket = registration.body["bucket"]
            self._db.executemany(
                "INSERT INTO events (registration_id, bucket, key, line, event_id, event, received_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (registration.id, bucket, key, event.line, event.event_id, json.dumps(event.event), now)
                    for event in events
                ),
            )
            self._pass(registration.id, key)

    def add_sent(self, events: Sequence[Event]) -> None:
        """Keeps events that the listener accepted."""
        with self._lock, self._db:
            now = time.time()
            self._db.executemany(
                "INSERT INTO events (key, line, event_id, event, received_at) VALUES ('listener', ?, ?, ?, ?)",
                ((event.line, event.event_id, json.dumps(event.event), now) for event in events),
            )

    def mapping(self, day: str) -> dict[str, str]:
        """The fields of a day (ISO 8601) so far, and their types."""
        with self._lock:
            return dict(self._db.execute("SELECT field, type FROM mappings WHERE day = ?", (day,)).fetchall())

    def map_fields(self, day: str, fields: Mapping[str, str]) -> None:
        """Keeps the types of new fields; a field that the day already has keeps its type."""
        with self._lock, self._db:
            rows = ((day, name, type_) for name, type_ in fields.items())
            self._db.executemany("INSERT OR IGNORE INTO mappings VALUES (?, ?, ?)", rows)

    def refuse(self, registration: Registration, key: str, reason: str) -> None:
        """Keeps that an object was skipped, and why."""
        with self._lock, self._db:
            row = (registration.id, registration.body["bucket"], key, reason, time.time())
            self._db.execute("INSERT INTO refused VALUES (?, ?, ?, ?, ?)", row)
            self._pass(registration.id, key)

    def _pass(self, id_: int, key: str) -> None:
        self._db.execute("UPDATE registrations SET last_key = ? WHERE id = ?", (key, id_))

    def refused(self) -> list[dict[str, Any]]:
        """The objects that were skipped."""
        with self._lock:
            rows = self._db.execute("SELECT registration_id, bucket, key, reason FROM refused").fetchall()
        return [dict(zip(("registration_id", "bucket", "key", "reason"), row, strict=True)) for row in rows]

    def event_count(self) -> int:
        """How many events there are."""
        with self._lock:
            return int(self._db.execute("SELECT COUNT(*) FROM events").fetchone()[0])

    def bytes_since(self, received_at: float) -> int:
        """Size in bytes of the events that arrived at or after a time (seconds since the epoch)."""
        query = "SELECT COALESCE(SUM(LENGTH(event)), 0) FROM events WHERE received_at >= ?"
        with self._lock:
            return int(self._db.execute(query, (received_at,)).fetchone()[0])

    def events_with(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The events that have one of these ids, as indexed."""
        with self._lock:
            rows = self._db.execute(
                "SELECT event FROM events WHERE event_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def events_since(self, received_at: float, texts: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """The events that arrived at or after a time (seconds since the epoch), as indexed, one after the other.

        `texts`: only those whose JSON has each of these texts.
        """
        contains = " AND instr(event, ?) > 0" * len(texts)
        query = f"SELECT event FROM events WHERE received_at >= ?{contains}"  # noqa: S608  # texts are parameters
        with self._lock:
            for (event,) in self._db.execute(query, (received_at, *texts)):
                yield json.loads(event)
