"""
What a connector remembers on disk, so that killed at any point and started again it publishes everything.

SQLite (standard library), because it gives one transaction over "this item is done", "these events were issued" and
"this ETag was seen", survives kill -9 and power loss, and needs no server on the agency's machine; a JSON file would
have to be rewritten whole for every batch. An event waits here, as the bytes to be sent, only from before it is sent
until the broker has acknowledged it; what is kept afterwards are ids, types and digests.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from connectors.source import Issued, Item, Record
from schemas import wire
from schemas.texts import Text

VERSION = 1
FOLDER_MODE = 0o700
FILE_MODE = 0o600

IN_USE = Text(
    "Another process runs this connector (its state folder is locked).",
    "Otro proceso ya ejecuta este conector (su carpeta de estado está bloqueada).",
    code="already-running",
)
NOT_OURS = Text(
    "The state folder belongs to another connector ({name}).",
    "La carpeta de estado pertenece a otro conector ({name}).",
    code="foreign-state",
)
UNUSABLE = Text(
    "The state folder cannot be used ({why}).", "No se puede usar la carpeta de estado ({why}).", code="state-unusable"
)

SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE item (key TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE issued (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, time TEXT NOT NULL,
    digest TEXT NOT NULL, subject TEXT NOT NULL, told BLOB NOT NULL,  -- SHA-256 of what was sent
    body BLOB  -- NULL once acknowledged or set aside
);
CREATE INDEX issued_by_key ON issued (key, seq);
CREATE INDEX issued_pending ON issued (seq) WHERE body IS NOT NULL;
CREATE TABLE aside (id TEXT PRIMARY KEY, code TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE mark (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
HISTORY = "SELECT id, type, subject, time, digest, body IS NULL FROM issued WHERE key = ? ORDER BY seq"
LATEST = """
SELECT id, type, subject, time, digest, body IS NULL, key FROM issued
 WHERE seq IN (SELECT max(seq) FROM issued GROUP BY key) ORDER BY seq
"""


class JournalError(Exception):
    """The state folder cannot be used; nothing may be published without it."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text
        self.code = text.code


class Journal:
    """The memory of one connector; one process at a time may hold it. Use it as a context manager."""

    def __init__(self, state_dir: Path, name: str) -> None:
        """
        Open or create the journal of connector ``name``.

        Raises:
            JournalError: locked, another connector's, or not writable.
        """
        try:
            state_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            self._lock = _locked(state_dir / "lock")
        except BlockingIOError as error:
            raise JournalError(IN_USE) from error
        except OSError as error:
            raise JournalError(UNUSABLE.format(why=type(error).__name__)) from error
        try:
            self._db = _opened(state_dir / "journal.sqlite3", name)
        except (OSError, sqlite3.Error) as error:
            os.close(self._lock)
            raise JournalError(UNUSABLE.format(why=type(error).__name__)) from error
        except JournalError:
            os.close(self._lock)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the state folder."""
        self._db.close()
        os.close(self._lock)  # releases the lock

    def knows(self, key: str, digest: str) -> bool:
        """See ``Cursor.knows``."""
        return self._db.execute("SELECT 1 FROM item WHERE key = ? AND digest = ?", (key, digest)).fetchone() is not None

    def history(self, key: str) -> tuple[Issued, ...]:
        """See ``Cursor.history``."""
        rows = self._db.execute(HISTORY, (key,))
        return tuple(_issued(*row) for row in rows)

    def latest(self) -> Iterator[tuple[str, Issued]]:
        """See ``Cursor.latest``."""
        return ((key, _issued(*row)) for *row, key in self._db.execute(LATEST).fetchall())

    def mark(self, name: str) -> str | None:
        """See ``Cursor.mark``."""
        row = self._db.execute("SELECT value FROM mark WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def intend(self, items: Iterable[Item]) -> list[str]:
        """
        Write down, before anything is sent, the events of ``items``; those issued before stay as they were.

        Returns the ids that were issued before with another content: the same identity may not say two things.
        """
        clashes: list[str] = []
        with self._db:
            for item in items:
                clashes += [event["id"] for event in item.events if not self._intend(item, event)]
        return clashes

    def _intend(self, item: Item, event: Mapping[str, Any]) -> bool:
        body = wire.encode(event)
        told = hashlib.sha256(body).digest()
        row = (item.identity, event["id"], event["type"], event["time"], item.digest, event["subject"], told, body)
        new = self._db.execute(
            "INSERT INTO issued (key, id, type, time, digest, subject, told, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO NOTHING",
            row,
        ).rowcount
        if new:
            return True
        before = self._db.execute("SELECT told FROM issued WHERE id = ?", (event["id"],)).fetchone()
        return bool(before == (told,))

    def pending(self) -> list[Record]:
        """Everything not acknowledged yet, in the order it was intended."""
        rows = self._db.execute("SELECT id, subject, body FROM issued WHERE body IS NOT NULL ORDER BY seq")
        return [Record(id=id_, subject=subject, body=body) for id_, subject, body in rows]

    def settle(self, acknowledged: Iterable[str], aside: Mapping[str, str]) -> None:
        """Record which ids were acknowledged, and which never will be (``aside``: id -> code)."""
        with self._db:
            done = [(one,) for one in (*acknowledged, *aside)]
            self._db.executemany("UPDATE issued SET body = NULL WHERE id = ?", done)
            self._db.executemany("INSERT OR REPLACE INTO aside (id, code) VALUES (?, ?)", list(aside.items()))

    def finish(self, items: Iterable[Item]) -> None:
        """Remember that ``items`` are done; none of their events may be pending any more."""
        done = [item for item in items if not item.unknown]
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO item (key, digest) VALUES (?, ?)",
                [(item.identity, item.digest) for item in done if item.digest],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)",
                [mark for item in done for mark in item.marks.items()],
            )

    def tidy(self) -> None:
        """Empty the write-ahead log, which still holds the bodies of acknowledged events."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def counts(self) -> dict[str, int]:
        """Events acknowledged, pending and set aside, over this connector's whole life."""
        acknowledged, pending = self._db.execute(
            "SELECT count(*) FILTER (WHERE body IS NULL), count(*) FILTER (WHERE body IS NOT NULL) FROM issued"
        ).fetchone()
        (aside,) = self._db.execute("SELECT count(*) FROM aside").fetchone()
        return {"acknowledged": acknowledged - aside, "pending": pending, "set_aside": aside}


def _issued(id_: str, type_: str, subject: str, time: str, digest: str, acknowledged: int) -> Issued:
    return Issued(id=id_, type=type_, subject=subject, time=time, digest=digest, acknowledged=bool(acknowledged))


def _locked(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def _opened(path: Path, name: str) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
    db = sqlite3.connect(path, isolation_level="IMMEDIATE")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")  # an intention must be on disk before the event is on its way
    db.execute("PRAGMA secure_delete = ON")  # bodies leave no trace once acknowledged
    if db.execute("PRAGMA user_version").fetchone() == (0,):
        _create(db, name)
    owner: Any = db.execute("SELECT value FROM about WHERE name = 'connector'").fetchone()
    if owner != (name,):
        db.close()
        raise JournalError(NOT_OURS.format(name=owner and owner[0]))
    return db


def _create(db: sqlite3.Connection, name: str) -> None:
    db.execute("BEGIN IMMEDIATE")
    with db:
        for statement in SCHEMA.split(";"):
            db.execute(statement)
        db.execute("INSERT INTO about (name, value) VALUES ('connector', ?)", (name,))
        db.execute(f"PRAGMA user_version = {VERSION}")
