"""Answers kept under their Idempotency-Key (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import class_row

from hub.errors import StillRunning

if TYPE_CHECKING:
    from hub.store import Connection


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request with this fingerprint."""

    fingerprint: bytes
    status: int
    body: str


def claim(conn: Connection, agency: str, key: str) -> Answer | None:
    """
    Hold the key until the transaction ends; the earlier answer, if there was one.

    Raises:
        StillRunning: another request holds the key.
    """
    row = conn.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", (f"{agency}\n{key}",)).fetchone()
    if row is None or not row[0]:
        raise StillRunning
    return (
        conn.cursor(row_factory=class_row(Answer))
        .execute("SELECT fingerprint, status, body FROM idempotency WHERE agency = %s AND key = %s", (agency, key))
        .fetchone()
    )


def keep(conn: Connection, agency: str, key: str, answer: Answer) -> None:
    """Keep the answer for a retry; answers older than 72 hours go."""
    conn.execute(
        "DELETE FROM idempotency WHERE agency = %s AND at < clock_timestamp() - interval '72 hours'", (agency,)
    )
    conn.execute(
        "INSERT INTO idempotency (agency, key, fingerprint, status, body) VALUES (%s, %s, %s, %s, %s)",
        (agency, key, answer.fingerprint, answer.status, answer.body),
    )
