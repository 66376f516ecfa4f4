"""Lanes: found by their facts, and only ever added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row

from hub.grants import Tlp
from hub.lanes import Lane
from hub.policy import Facts

if TYPE_CHECKING:
    from hub.store import Connection


def _lane(**row: Any) -> Lane:
    lane_id, is_coarse, audience = row.pop("id"), row.pop("is_coarse"), row.pop("audience")
    lists = {name: tuple(row[name]) for name in ("jurisdictions", "rel_to")}
    facts = Facts(**row | lists | {"tlp": Tlp(row["tlp"]), "audience": None if audience is None else tuple(audience)})
    return Lane(lane_id, facts, is_coarse)


def all_lanes(conn: Connection) -> list[Lane]:
    """Every lane there is."""
    return (
        conn.cursor(row_factory=kwargs_row(_lane))
        .execute("SELECT id, source, type, status, tlp, jurisdictions, rel_to, audience, purpose, is_coarse FROM lane")
        .fetchall()
    )


def add(conn: Connection, facts: Facts, *, is_coarse: bool) -> int:
    """The id of the lane with these facts, made now if it is new; safe against another process doing the same."""
    key = (
        facts.source,
        facts.type,
        facts.status,
        int(facts.tlp),
        list(facts.jurisdictions),
        list(facts.rel_to),
        None if facts.audience is None else list(facts.audience),
        facts.purpose,
        is_coarse,
    )
    with conn.transaction():
        # Ids must become visible in their order: gateways take the newest id as the version of their lane map.
        conn.execute("LOCK TABLE lane IN EXCLUSIVE MODE")
        row = conn.execute(
            """
        INSERT INTO lane (source, type, status, tlp, jurisdictions, rel_to, audience, purpose, is_coarse)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (source, type, status, tlp, jurisdictions, rel_to, audience, purpose, is_coarse)
        DO UPDATE SET source = excluded.source RETURNING id
        """,
            key,
        ).fetchone()
    assert row is not None  # noqa: S101 - DO UPDATE always returns the row
    return int(str(row[0]))
