"""The reconciler's lease, with what it last saw: which directory version the broker's rules follow, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.store.log import Deposed

if TYPE_CHECKING:
    from hub.store import Connection
    from hub.store.log import Leader

NAME = "reconciler"


def saw(conn: Connection, leader: Leader, *, version: int) -> None:
    """
    Note that the broker's rules are, right now, those of directory `version`.

    Raises:
        Deposed: another leads.
    """
    done = conn.execute(
        "UPDATE lease SET position = %s, seen_at = clock_timestamp() WHERE name = %s AND holder = %s AND fence = %s",
        (version, leader.lease, leader.holder, leader.fence),
    )
    if done.rowcount != 1:
        raise Deposed


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """Who is enrolled, by what the broker must know of it, and the directory version that says so."""

    version: int
    active: tuple[str, ...]
    others: tuple[str, ...]


# Who wants a topic to read, and may read it now: it has been written, and nothing there is being deleted.
_OUTS = """
SELECT s.agency, coalesce(t.state, '') = 'open'
  FROM subscription s JOIN agency a ON a.id = s.agency LEFT JOIN out_topic t ON t.agency = s.agency
 WHERE s.channel = 'kafka' AND s.state = 'enabled' AND a.standing = 'active' AND a.peer IS NULL
 ORDER BY s.agency
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outs:
    """Agencies that want a topic to read, and those of them that may read theirs now."""

    wanting: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


def outs(conn: Connection) -> Outs:
    """As things stand; asked again and again, so it says what is, and not that something has changed."""
    rows = [(str(agency), bool(is_open)) for agency, is_open in conn.execute(_OUTS).fetchall()]
    return Outs(wanting=tuple(one for one, _ in rows), readers=tuple(one for one, is_open in rows if is_open))


def enrolled(conn: Connection) -> Enrolled:
    """Everyone whom this node has enrolled; one statement, so that all of it is of one moment."""
    rows = conn.execute(
        "SELECT d.version, a.id, a.standing = 'active'"
        "  FROM directory d LEFT JOIN agency a ON a.peer IS NULL ORDER BY a.id"
    ).fetchall()
    return Enrolled(
        version=int(str(rows[0][0])),
        active=tuple(str(agency) for _, agency, is_active in rows if is_active),
        others=tuple(str(agency) for _, agency, is_active in rows if agency is not None and not is_active),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """The last time the broker's rules were seen to be right: for which directory version, and how long ago."""

    version: int
    age_s: float | None  # None: never


def last_seen(conn: Connection) -> Seen:
    """As the leading reconciler noted it."""
    row = conn.execute(
        "SELECT position, extract(epoch FROM clock_timestamp() - seen_at)::float8 FROM lease WHERE name = %s", (NAME,)
    ).fetchone()
    assert row is not None  # noqa: S101 - the migration inserts the row
    return Seen(int(str(row[0])), None if row[1] is None else max(0.0, float(str(row[1]))))
