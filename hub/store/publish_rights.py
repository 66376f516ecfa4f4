"""Publish rights: what an agency may publish and where, each approved by somebody other than who proposed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.directory import BEGINNING, NEVER

if TYPE_CHECKING:
    from hub.directory import Agency
    from hub.store import Connection


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
