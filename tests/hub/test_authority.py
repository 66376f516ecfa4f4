"""Who may administer what: roles and the agencies that hold them, and the second person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.authority import ROLE_SCOPES, WRITE_PERSONS, may_confirm, may_keep, scopes_of, unfit
from hub.directory import Directory, Kind, Person, PersonState, Role
from hub.principal import ACKNOWLEDGE, PUBLISH, READ, Principal
from tests.support.cast import POLICE, SHELTER, agency, principal

NODE = agency("us-operator", Kind.OPERATOR, "US")


def person(name: str, *roles: Role, of: str = POLICE.id, **differs: object) -> Person:
    return replace(Person(id=f"{of}.{name}", agency=of, name=name, roles=frozenset(roles)), **differs)  # type: ignore[arg-type]


ANA, BEA = person("ana", Role.ADMIN), person("bea", Role.ADMIN)
OLGA, OMAR = (person(name, Role.OPERATOR, of=NODE.id) for name in ("olga", "omar"))
LUIS = person("luis", Role.OFFICER, state=PersonState.PROPOSED, enrolled_by=ANA.id)


def asking(who: Person) -> Principal:
    own = {POLICE.id: POLICE, NODE.id: NODE, SHELTER.id: SHELTER}[who.agency]
    return principal(own, person=who, scopes=scopes_of(who.roles))


def confirms(who: Person, whom: Person, *others: Person) -> bool:
    known = Directory.of(1, (POLICE, NODE, SHELTER), (who, whom, *others))
    return may_confirm(asking(who), WRITE_PERSONS, whom, known).is_allowed


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN, Role.AUDITOR])
def test_who_administers_has_no_scope_that_reads_or_sends_an_event(role: Role) -> None:
    assert ROLE_SCOPES[role].isdisjoint({READ, PUBLISH, ACKNOWLEDGE})


@pytest.mark.parametrize("roles", [{role} for role in Role] + [{Role.OPERATOR, Role.OFFICER}, {*Role}])
def test_operators_and_what_passes_through_the_node_are_never_in_one_person(roles: set[Role]) -> None:
    at_the_operator, elsewhere = unfit(NODE, roles) is None, unfit(POLICE, roles) is None

    assert at_the_operator == (roles <= {Role.OPERATOR, Role.AUDITOR})
    assert elsewhere == (Role.OPERATOR not in roles)


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (ANA, False),  # proposed it
        (BEA, True),
        (OLGA, True),  # one of the two is of the agency
        (person("carl", Role.ADMIN, of=SHELTER.id), False),
        (person("otis", Role.OFFICER), False),
        (person("alma", Role.AUDITOR), False),
        (replace(LUIS, roles=frozenset({Role.ADMIN})), False),  # is the person
    ],
)
def test_the_second_person_is_another_who_may(who: Person, may: bool) -> None:
    assert confirms(who, LUIS, ANA) is may


def test_two_operators_put_in_an_agencys_first_administrator_and_nobody_after() -> None:
    first = replace(LUIS, enrolled_by=OLGA.id)

    assert confirms(OMAR, first, OLGA)
    assert not confirms(OMAR, first, OLGA, ANA)
    assert confirms(OMAR, first, OLGA, replace(ANA, state=PersonState.DISABLED))
    assert confirms(OMAR, first, OLGA, person("otis", Role.OFFICER))


def test_a_further_role_is_confirmed_by_another_than_who_asked_for_it() -> None:
    wanting = replace(LUIS, state=PersonState.ACTIVE, enrolled_by=BEA.id, wanted_by=ANA.id)

    assert not confirms(ANA, wanting)
    assert confirms(BEA, wanting)


def test_what_an_agency_reads_through_is_given_by_its_own_people_alone() -> None:
    assert may_keep(asking(ANA), WRITE_PERSONS, POLICE.id).is_allowed
    assert not may_keep(asking(OLGA), WRITE_PERSONS, POLICE.id).is_allowed
    assert not may_keep(asking(ANA), WRITE_PERSONS, SHELTER.id).is_allowed
