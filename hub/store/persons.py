"""Named people: who enrolled them, who confirmed it, what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row

from hub.directory import Person, PersonState, Role

if TYPE_CHECKING:
    from hub.store import Connection

COLUMNS = "id, agency, name, roles, state, enrolled_by, confirmed_by, wanted_roles, wanted_by, epoch, version"


def of_row(**row: Any) -> Person:
    """A row of `COLUMNS`."""
    roles = {name: frozenset(map(Role, row[name])) for name in ("roles", "wanted_roles")}
    return Person(**row | roles | {"state": PersonState(row["state"])})


def _parameters(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "agency": person.agency,
        "name": person.name,
        "roles": sorted(role.value for role in person.roles),
        "state": person.state.value,
        "enrolled_by": person.enrolled_by,
        "confirmed_by": person.confirmed_by,
        "wanted_roles": sorted(role.value for role in person.wanted_roles),
        "wanted_by": person.wanted_by,
        "epoch": person.epoch,
        "version": person.version,
    }


_INSERT = f"""
INSERT INTO person ({COLUMNS})
VALUES (%(id)s, %(agency)s, %(name)s, %(roles)s, %(state)s, %(enrolled_by)s, %(confirmed_by)s, %(wanted_roles)s,
        %(wanted_by)s, %(epoch)s, %(version)s)
"""  # noqa: S608 - a constant list of columns


def put(conn: Connection, person: Person) -> None:
    """Add a person, or bring the row up to date."""
    conn.execute(
        f"""{_INSERT} ON CONFLICT (id) DO UPDATE SET (name, roles, state, version)
           = (excluded.name, excluded.roles, excluded.state, excluded.version)
        """,
        _parameters(person),
    )


def add(conn: Connection, person: Person) -> bool:
    """A new person; False when the id is taken."""
    return conn.execute(f"{_INSERT} ON CONFLICT (id) DO NOTHING", _parameters(person)).rowcount == 1


def locked(conn: Connection, person_id: str) -> Person | None:
    """One person as they are now, held until the transaction ends."""
    return (
        conn.cursor(row_factory=kwargs_row(of_row))
        .execute(f"SELECT {COLUMNS} FROM person WHERE id = %s FOR UPDATE", (person_id,))  # noqa: S608 - as above
        .fetchone()
    )


def change(conn: Connection, person: Person) -> None:
    """Write what may change of a person: everything but who they are."""
    conn.execute(
        """
        UPDATE person SET (roles, state, enrolled_by, confirmed_by, wanted_roles, wanted_by, epoch, version)
             = (%(roles)s, %(state)s, %(enrolled_by)s, %(confirmed_by)s, %(wanted_roles)s, %(wanted_by)s, %(epoch)s,
                %(version)s)
         WHERE id = %(id)s
        """,
        _parameters(person),
    )


def operators(conn: Connection) -> int:
    """How many persons run the node, or are about to."""
    row = conn.execute(
        """
        SELECT count(*) FROM person p JOIN agency a ON a.id = p.agency
         WHERE 'operator' = ANY(p.roles) AND p.state <> 'disabled' AND a.standing = 'active'
        """
    ).fetchone()
    return int(str(row[0])) if row else 0


def disable_all(conn: Connection, agency: str) -> None:
    """End everybody of an agency."""
    conn.execute(
        """
        UPDATE person SET state = 'disabled', wanted_roles = '{}', wanted_by = NULL, epoch = epoch + 1,
                          version = version + 1
         WHERE agency = %s AND state <> 'disabled'
        """,
        (agency,),
    )
