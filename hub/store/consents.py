"""Consents as rows, and what one opens behind its recipients' cursors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row

from hub.consents import ConsentRecord, Giver
from hub.store.events import COLUMNS, stored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from hub.store import Connection
    from hub.stored import Stored

_COLUMNS = """id::text, source, subject, fields, recipients, purpose, given_by, form_version, language, signed_at,
       valid_until, withdrawn_at, recorded_by"""


def _record(**row: Any) -> ConsentRecord:
    lists = {"fields": tuple(row["fields"]), "recipients": frozenset(row["recipients"])}
    return ConsentRecord(**row | lists | {"given_by": Giver(row["given_by"])})


def new_id(conn: Connection) -> str:
    """An id for a consent that is about to be recorded."""
    row = conn.execute("SELECT uuidv7()::text").fetchone()
    assert row is not None  # noqa: S101 - a function without a table
    return str(row[0])


def add(conn: Connection, consent: ConsentRecord) -> None:
    """Record a consent."""
    conn.execute(
        """
        INSERT INTO consent (id, source, subject, fields, recipients, purpose, given_by, form_version, language,
                             signed_at, valid_until, recorded_by, not_abuser_attested)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true)
        """,
        (
            consent.id,
            consent.source,
            consent.subject,
            list(consent.fields),
            sorted(consent.recipients),
            consent.purpose,
            consent.given_by.value,
            consent.form_version,
            consent.language,
            consent.signed_at,
            consent.valid_until,
            consent.recorded_by,
        ),
    )


def by_id(conn: Connection, consent_id: UUID, *, held: bool = False) -> ConsentRecord | None:
    """One consent; `held`: until the transaction ends nobody else changes it."""
    return (
        conn.cursor(row_factory=kwargs_row(_record))
        .execute(f"SELECT {_COLUMNS} FROM consent WHERE id = %s {'FOR UPDATE' if held else ''}", (consent_id,))  # noqa: S608 - constants only
        .fetchone()
    )


def concerning(conn: Connection, agency: str, *, after: UUID, limit: int) -> list[ConsentRecord]:
    """The consents that an agency recorded, and those that name it, in order of ids."""
    return (
        conn.cursor(row_factory=kwargs_row(_record))
        .execute(
            f"""
            SELECT {_COLUMNS} FROM consent WHERE id > %(after)s AND (source = %(me)s OR %(me)s = ANY(recipients))
             ORDER BY id LIMIT %(limit)s
            """,  # noqa: S608 - a constant list of columns
            {"after": after, "me": agency, "limit": limit},
        )
        .fetchall()
    )


def withdraw(conn: Connection, consent_id: str, person: str) -> None:
    """From now on it opens nothing."""
    conn.execute(
        """
        UPDATE consent SET (withdrawn_at, withdrawn_by) = (clock_timestamp(), %s)
         WHERE id = %s AND withdrawn_at IS NULL
        """,
        (person, consent_id),
    )


def stop_the_log(conn: Connection) -> None:
    """
    Until the transaction ends, nothing is published and nothing gets a position: what has one now is all there is.

    What is in the log may have been read without what is opened here; what comes later cannot.
    """
    conn.execute("LOCK TABLE pending IN SHARE ROW EXCLUSIVE MODE")


def own_events(conn: Connection, source: str, subject: str) -> list[Stored]:
    """A source's events of a subject, newest first; those without a position are not in the log yet."""
    rows = conn.execute(
        f"""
        SELECT {COLUMNS} FROM event e LEFT JOIN log l ON l.event = e.hub_id
         WHERE e.subject = %s AND e.source = %s ORDER BY e."time" DESC, e.hub_id DESC
        """,  # noqa: S608 - a constant list of columns
        (subject, source),
    ).fetchall()
    return [stored(row) for row in rows]


def offer(conn: Connection, reader: str, events: Sequence[Stored]) -> None:
    """These come to this reader once more, at new positions."""
    conn.cursor().executemany(
        """
        INSERT INTO pending (event, lane, is_kept, closes, is_offer, offer_reader)
        VALUES (%s, %s, false, false, true, %s)
        """,
        [(row.hub_id, row.lane, reader) for row in events],
    )
