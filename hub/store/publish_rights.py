"""Publish rights: what an agency may publish and where, each approved by somebody other than who proposed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row

from hub.directory import BEGINNING, NEVER, PublishRight, RightState

if TYPE_CHECKING:
    from hub.directory import Agency
    from hub.store import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A publish right as a row: whose, who stands behind it, and why it ended."""

    id: str
    agency: str
    right: PublishRight
    proposed_by: str | None = None
    approved_by: str | None = None
    reason: str | None = None
    version: int = 1


_COLUMNS = "id, agency, types, jurisdictions, valid_from, valid_until, state, proposed_by, approved_by, reason, version"


def _held(**row: Any) -> Held:
    opens: dict[str, Any] = {name: tuple(row.pop(name)) for name in ("types", "jurisdictions")}
    opens |= {name: row.pop(name) for name in ("valid_from", "valid_until")}
    return Held(right=PublishRight(**opens, state=RightState(row.pop("state"))), **row)


def propose(conn: Connection, agency: str, right: PublishRight, proposed_by: str) -> Held:
    """A new right that waits for its approval, with the id it was given."""
    held = (
        conn.cursor(row_factory=kwargs_row(_held))
        .execute(
            f"""
            INSERT INTO publish_right (id, agency, types, jurisdictions, valid_from, valid_until, state, proposed_by)
            VALUES (uuidv7()::text, %s, %s, %s, %s, %s, 'proposed', %s) RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant list of columns
            (agency, list(right.types), list(right.jurisdictions), right.valid_from, right.valid_until, proposed_by),
        )
        .fetchone()
    )
    assert held is not None  # noqa: S101 - an insert without a conflict clause returns its row
    return held


def locked(conn: Connection, right_id: str) -> Held | None:
    """One right as it is now, held until the transaction ends."""
    return (
        conn.cursor(row_factory=kwargs_row(_held))
        .execute(f"SELECT {_COLUMNS} FROM publish_right WHERE id = %s FOR UPDATE", (right_id,))  # noqa: S608 - as above
        .fetchone()
    )


def listed(conn: Connection, *, agency: str | None, after: str, limit: int) -> list[Held]:
    """Rights whatever their state, in order of ids, behind the id `after`: of one agency, or of all."""
    return (
        conn.cursor(row_factory=kwargs_row(_held))
        .execute(
            f"""
            SELECT {_COLUMNS} FROM publish_right
             WHERE id > %(after)s {"" if agency is None else "AND agency = %(agency)s"} ORDER BY id LIMIT %(limit)s
            """,  # noqa: S608 - constants only
            {"after": after, "agency": agency, "limit": limit},
        )
        .fetchall()
    )


def change(conn: Connection, held: Held) -> None:
    """Write where a right stands now; what it opens never changes."""
    conn.execute(
        "UPDATE publish_right SET (state, approved_by, reason, version) = (%s, %s, %s, %s) WHERE id = %s",
        (held.right.state.value, held.approved_by, held.reason, held.version, held.id),
    )


def replace_enrolled(conn: Connection, agency: Agency) -> bool:
    """Put the rights that an agency is enrolled with in the place of those it was enrolled with before."""
    wanted = {(right.types, right.jurisdictions, right.valid_from, right.valid_until) for right in agency.publishes}
    rows = conn.execute(
        """
        SELECT types, jurisdictions, valid_from, valid_until FROM publish_right
         WHERE agency = %s AND proposed_by IS NULL AND state = 'in_force'
        """,
        (agency.id,),
    ).fetchall()
    if {(tuple(row[0]), tuple(row[1]), row[2], row[3]) for row in rows} == wanted:  # type: ignore[arg-type]
        return False
    conn.execute("DELETE FROM publish_right WHERE agency = %s AND proposed_by IS NULL", (agency.id,))
    for number, right in enumerate(agency.publishes):
        conn.execute(
            """
            INSERT INTO publish_right (id, agency, types, jurisdictions, valid_from, valid_until, state)
            VALUES (%s, %s, %s, %s, %s, %s, 'in_force')
            """,
            (
                f"{agency.id}.enrolled-{number}",
                agency.id,
                list(right.types),
                list(right.jurisdictions),
                max(right.valid_from, BEGINNING),
                min(right.valid_until, NEVER),
            ),
        )
    return True
