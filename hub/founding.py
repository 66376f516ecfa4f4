"""Found a node: the agency that operates it and its first two persons, by whoever holds the database.

Everything after that goes through the API. When nobody is left who could, this is also the way back in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import client_keys
from hub.agency_rows import PERSON_ID
from hub.directory import Agency, Kind, Person, Role, Standing
from hub.errors import Conflict, Invalid
from hub.policy import Decision
from hub.principal import Principal
from hub.store import agencies, audit, credentials, persons
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.store import Connection

FOUNDED = Text(
    "this node has operators; they enrol further people through the API",
    "este nodo ya tiene operadores; ellos registran a otras personas por la API",
)
TAKEN = Text("this id is taken", "este id ya está en uso", code="taken")
ANOTHER_KIND = Text("an agency of another kind has this id", "una agencia de otro tipo tiene este id")
TWO = Text(
    "two persons are needed: one alone confirms nobody", "se requieren dos personas: una sola no confirma a nadie"
)
FOREIGN = Text("an id here begins with {agency}.", "aquí un id empieza con {agency}.", code="not-an-operator")
BY_HAND = Decision(True, Text("by whoever holds the database", "por quien administra la base de datos"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Founder:
    """One of the first two: an id, a name, and the public half of their own key."""

    id: str
    name: str
    key: str


def operator_of(node: str) -> str:
    """The id of the agency that runs a node."""
    return f"{node}-operator"


def found(conn: Connection, node: str, founders: Sequence[Founder], *, policy: str) -> None:
    """
    Enrol the operator and two persons who may confirm each other's doings; all of it or nothing.

    Raises:
        Conflict: somebody runs this node already.
        Invalid: not two different persons with keys of their own, or an id that is taken.
    """
    operator = _operator(node)
    _require_two(operator, founders)
    with conn.transaction():
        agencies.lock_directory(conn)
        if persons.operators(conn):
            raise Conflict(FOUNDED)
        present = agencies.locked(conn, operator.id)
        if present is not None and present.kind is not Kind.OPERATOR:
            raise Conflict(ANOTHER_KIND)
        if present is None:
            agencies.add(conn, operator)
        else:  # whoever was cut off with it does not come back with it
            persons.disable_all(conn, operator.id)
            agencies.set_standing(conn, operator.id, Standing.ACTIVE)
        for number, founder in enumerate(founders):
            _enrol(conn, operator, number, founder, policy)


def _operator(node: str) -> Agency:
    country = node.upper()
    return Agency(
        id=operator_of(node),
        name=f"Node {node}",
        kind=Kind.OPERATOR,
        country=country,
        jurisdictions=(country,),
        languages=("en", "es"),
    )


def _require_two(operator: Agency, founders: Sequence[Founder]) -> None:
    if len({founder.id for founder in founders}) != 2 or len(founders) != 2:
        raise Invalid((flaw("/person", TWO),))
    for number, founder in enumerate(founders):
        if not PERSON_ID.fullmatch(founder.id) or founder.id.rpartition(".")[0] != operator.id:
            raise Invalid((flaw(f"/person/{number}", FOREIGN.format(agency=operator.id)),))


def _enrol(conn: Connection, operator: Agency, number: int, founder: Founder, policy: str) -> None:
    person = Person(id=founder.id, agency=operator.id, name=founder.name, roles=frozenset({Role.OPERATOR}))
    client = client_keys.of_person(person, client_keys.readable(founder.key))
    if not (persons.add(conn, person) and credentials.add(conn, client)):
        raise Invalid((flaw(f"/person/{number}", TAKEN),))
    client_keys.require_own(conn, person.id)
    by_hand = Principal(agency=operator, client_id="init", scopes=frozenset())
    detail = {"after": {"roles": [Role.OPERATOR.value], "state": person.state.value}}
    audit.record(conn, by_hand, "node.init", BY_HAND, policy=policy, subject=person.id, detail=detail)
