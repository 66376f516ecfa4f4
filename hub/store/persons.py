"""Named people: who enrolled them, who confirmed it, what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.directory import Person
    from hub.store import Connection


def put(conn: Connection, person: Person) -> None:
    """Add a person, or bring the row up to date."""
    conn.execute(
        """
        INSERT INTO person (id, agency, name, roles, state, enrolled_by, version) VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE SET (name, roles, state, version)
           = (excluded.name, excluded.roles, excluded.state, excluded.version)
        """,
        (
            person.id,
            person.agency,
            person.name,
            sorted(role.value for role in person.roles),
            person.state.value,
            person.enrolled_by,
            person.version,
        ),
    )
