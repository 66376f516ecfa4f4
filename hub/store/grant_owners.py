"""Who stands behind a grant: approvals, the sources that it stands for, and parts that were suspended or ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import class_row

from hub.granting import Side

if TYPE_CHECKING:
    from datetime import datetime

    from hub.grants import Grant
    from hub.store import Connection


def approve(conn: Connection, grant: Grant, agency: str, person: str) -> None:
    """A person of an owning agency stands behind this version."""
    conn.execute(
        "INSERT INTO grant_approval (grant_id, version, agency, person) VALUES (%s, %s, %s, %s)",
        (grant.id, grant.version, agency, person),
    )


def add(conn: Connection, grant: Grant, agency: str, *, events_from: datetime, at: datetime) -> None:
    """From now on this version stands for `agency`, whatever it had suspended or ended before."""
    conn.execute(
        """
        INSERT INTO grant_owner (grant_id, version, agency, events_from, approved_at) VALUES (%s, %s, %s, %s, %s)
        """,
        (grant.id, grant.version, agency, events_from, at),
    )
    reopen(conn, grant.id, agency, Side.SOURCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A source that a version stands for, and whether a review waits for its word."""

    grant_id: str
    version: int
    agency: str
    events_from: datetime
    approved_at: datetime
    confirmed_at: datetime | None
    confirm_until: datetime | None


def of_grants(conn: Connection, grant_ids: list[str]) -> list[Owned]:
    """The sources behind every version of these grants, in order."""
    return (
        conn.cursor(row_factory=class_row(Owned))
        .execute(
            """
            SELECT grant_id, version, agency, events_from, approved_at, confirmed_at, confirm_until
              FROM grant_owner WHERE grant_id = ANY(%s) ORDER BY grant_id, version, agency
            """,
            (grant_ids,),
        )
        .fetchall()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one agency has suspended or ended of a grant that goes on for others."""

    grant_id: str
    agency: str
    side: str
    state: str
    since: datetime
    reason: str


def parts_of(conn: Connection, grant_ids: list[str]) -> list[Part]:
    """The parts of these grants that are suspended or have ended, in order."""
    return (
        conn.cursor(row_factory=class_row(Part))
        .execute(
            """
            SELECT grant_id, agency, side, state, since, reason FROM grant_part
             WHERE grant_id = ANY(%s) ORDER BY grant_id, agency, side
            """,
            (grant_ids,),
        )
        .fetchall()
    )


def shut(conn: Connection, part: tuple[str, str, Side], state: str, *, by: str, reason: str) -> None:
    """Suspend or end the part (grant, agency, side)."""
    grant_id, agency, side = part
    conn.execute(
        """
        INSERT INTO grant_part (grant_id, agency, side, state, person, reason) VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (grant_id, agency, side) DO UPDATE
           SET (state, since, person, reason) = (excluded.state, excluded.since, excluded.person, excluded.reason)
        """,
        (grant_id, agency, side.value, state, by, reason),
    )


def reopen(conn: Connection, grant_id: str, agency: str, side: Side) -> None:
    """The part goes on."""
    conn.execute(
        "DELETE FROM grant_part WHERE grant_id = %s AND agency = %s AND side = %s", (grant_id, agency, side.value)
    )
