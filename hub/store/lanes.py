"""Lanes: found by their facts, and only ever added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row

from hub.grants import Tlp
from hub.lanes import Lane
from hub.policy import Facts

if TYPE_CHECKING:
    from hub.store import Connection


_COLUMNS = "id, source, type, status, tlp, jurisdictions, rel_to, audience, purpose, is_coarse, about, is_recalled"


def _lane(**row: Any) -> Lane:
    lane_id, is_coarse, audience = row.pop("id"), row.pop("is_coarse"), row.pop("audience")
    lists = {name: tuple(row[name]) for name in ("jurisdictions", "rel_to")}
    facts = Facts(**row | lists | {"tlp": Tlp(row["tlp"]), "audience": None if audience is None else tuple(audience)})
    return Lane(lane_id, facts, is_coarse)


def all_lanes(conn: Connection) -> list[Lane]:
    """Every lane there is."""
    return (
        conn.cursor(row_factory=kwargs_row(_lane))
        .execute(f"SELECT {_COLUMNS} FROM lane")  # noqa: S608 - a constant list of columns
        .fetchall()
    )


# A gateway may add lanes and not change them, so what is there is looked up, not touched.
_ADD = """
WITH added AS (
    INSERT INTO lane (source, type, status, tlp, jurisdictions, rel_to, audience, purpose, is_coarse, about,
                      is_recalled)
    VALUES (%(source)s, %(type)s, %(status)s, %(tlp)s, %(jurisdictions)s, %(rel_to)s, %(audience)s, %(purpose)s,
            %(is_coarse)s, %(about)s, %(is_recalled)s)
        ON CONFLICT (source, type, status, tlp, jurisdictions, rel_to, audience, purpose, is_coarse, about, is_recalled)
                    DO NOTHING
    RETURNING id
)
SELECT id FROM added
 UNION ALL
SELECT id FROM lane
 WHERE source = %(source)s AND type = %(type)s AND status = %(status)s AND tlp = %(tlp)s
   AND jurisdictions = %(jurisdictions)s::text[] AND rel_to = %(rel_to)s::text[]
   AND audience IS NOT DISTINCT FROM %(audience)s::text[] AND purpose IS NOT DISTINCT FROM %(purpose)s
   AND is_coarse = %(is_coarse)s AND about IS NOT DISTINCT FROM %(about)s AND is_recalled = %(is_recalled)s
"""


def add(conn: Connection, facts: Facts, *, is_coarse: bool) -> int:
    """The id of the lane with these facts, made now if it is new; safe against another process doing the same."""
    wanted = {
        "source": facts.source,
        "type": facts.type,
        "status": facts.status,
        "tlp": int(facts.tlp),
        "jurisdictions": list(facts.jurisdictions),
        "rel_to": list(facts.rel_to),
        "audience": None if facts.audience is None else list(facts.audience),
        "purpose": facts.purpose,
        "is_coarse": is_coarse,
        "about": facts.about,
        "is_recalled": facts.is_recalled,
    }
    with conn.transaction():
        # Ids must become visible in their order: gateways take the newest id as the version of their lane map.
        conn.execute("LOCK TABLE lane IN EXCLUSIVE MODE")
        row = conn.execute(_ADD, wanted).fetchone()
    assert row is not None  # noqa: S101 - it was added, or it is there
    return int(str(row[0]))
