"""Rejections: what was refused and why, for its sender alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.store import Connection
    from schemas.flaws import Flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A refused record. `flaws` name paths and rules, never values; `sha256` lets the sender find its own copy."""

    agency: str
    channel: str
    sha256: bytes
    code: str
    flaws: tuple[Flaw, ...]
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    event_id: str | None = None


# Senders read on behind the last number they have seen, and so does who tells them: whoever takes a number commits it
# before another is given out. Events are not numbered so: for them it would undo the commits that share a flush.
_TURN = (1, 2)


def add(conn: Connection, rejections: Sequence[Rejection]) -> None:
    """Keep them, numbered in the order of their commits; a redelivered record is not refused twice."""
    conn.cursor().executemany(
        """
        INSERT INTO rejection (agency, channel, topic, partition, "offset", event_id, sha256, code, flaws)
        SELECT r.* FROM (SELECT pg_advisory_xact_lock(%s, %s)) AS turn
         CROSS JOIN LATERAL (VALUES (%s, %s, %s, %s::int, %s::bigint, %s, %s::bytea, %s, %s)) AS r
            ON CONFLICT (topic, partition, "offset") DO NOTHING
        """,
        [
            (*_TURN, r.agency, r.channel, r.topic, r.partition, r.offset, r.event_id, r.sha256, r.code, _flaws(r.flaws))
            for r in rejections
        ],
    )


def _flaws(flaws: tuple[Flaw, ...]) -> str:
    return orjson.dumps(
        [{"path": f.path, "code": f.code, "text": {"en": str(f.text), "es": f.text.es}} for f in flaws[:50]]
    ).decode()


_COLUMNS = """no, at, agency, channel, topic, partition, "offset", event_id, encode(sha256, 'hex'), code, flaws"""
_NAMES = ("no", "at", "agency", "channel", "topic", "partition", "offset", "event_id", "sha256", "code", "flaws")


def since(conn: Connection, after: int, *, limit: int, agency: str | None = None) -> list[dict[str, Any]]:
    """Rejections behind number `after`, of one agency or (for the relay) of all; wire members as they are read."""
    whose = "" if agency is None else "AND agency = %(agency)s"  # an index each, so a statement each
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM rejection WHERE no > %(after)s {whose} ORDER BY no LIMIT %(limit)s",  # noqa: S608 - constants
        {"after": after, "agency": agency, "limit": limit},
    ).fetchall()
    return [_wire(row) for row in rows]


def _wire(row: tuple[object, ...]) -> dict[str, Any]:
    members = dict(zip(_NAMES, row, strict=True))
    members["flaws"] = orjson.loads(str(members["flaws"]))
    return members


def told(conn: Connection) -> int:
    """How far the senders have been told over Kafka."""
    row = conn.execute("SELECT position FROM lease WHERE name = 'feedback'").fetchone()
    return int(str(row[0])) if row else 0


def note_told(conn: Connection, no: int) -> None:
    """Senders have been told up to this number."""
    conn.execute("UPDATE lease SET position = greatest(position, %s) WHERE name = 'feedback'", (no,))
