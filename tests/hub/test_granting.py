"""Who may do what about a grant, and how many persons it takes: tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.authority import scopes_of
from hub.directory import Directory, Kind, Person, PersonState, Role
from hub.granting import (
    Approval,
    Proposal,
    Side,
    Version,
    is_approved,
    is_whole,
    may_approve,
    may_halt,
    may_propose,
    may_see,
    may_withdraw,
    needs_two,
)
from hub.grants import Selector
from hub.principal import Principal
from schemas.sensitivity import Sensitivity
from tests.support import cast
from tests.support.cast import FISCALIA, NOW, POLICE, SHELTER, STRANGER

SHERIFF = cast.agency("us-ca-sheriff", Kind.LAW_ENFORCEMENT, "US-CA")
OPERATOR = cast.agency("us-operator", Kind.OPERATOR, "US")
PEOPLE = [
    Person(id=f"{agency.id}.{name}", agency=agency.id, name=name, roles=frozenset({role}))
    for agency, name, role in [
        (POLICE, "ana", Role.ADMIN),
        (POLICE, "beto", Role.ADMIN),
        (POLICE, "carla", Role.ADMIN),
        (POLICE, "oscar", Role.OFFICER),
        (POLICE, "augusto", Role.AUDITOR),
        (SHERIFF, "saul", Role.ADMIN),
        (STRANGER, "stella", Role.ADMIN),
        (OPERATOR, "olga", Role.OPERATOR),
    ]
]
AGENCIES = (*cast.CAST, SHERIFF, OPERATOR)
DIRECTORY = Directory.of(1, AGENCIES, PEOPLE)
TO_SHERIFF = cast.grant(reader=Selector(agency=SHERIFF.id))


def person(name: str) -> Principal:
    found = next(one for one in PEOPLE if one.id.endswith(f".{name}"))
    return Principal(
        agency=DIRECTORY.agencies[found.agency], client_id=found.id, scopes=scopes_of(found.roles), person=found
    )


def version(*approved_by: str, proposed_by: str = "us-ca-sheriff.saul", **terms: Any) -> Version:
    approvals = tuple(Approval(agency=one.rpartition(".")[0], person=one, at=NOW) for one in approved_by)
    proposal = Proposal(grant=replace(TO_SHERIFF, **terms))
    return Version(proposal=proposal, is_imported=False, proposed_by=proposed_by, proposed_at=NOW, approvals=approvals)


@pytest.mark.parametrize(
    ("needed", "terms"),
    [
        (False, {}),
        (False, {"reader": Selector(kind=Kind.LAW_ENFORCEMENT, country="US")}),
        (True, {"reader": Selector(agency=SHELTER.id)}),
        (True, {"reader": Selector(kind=Kind.NGO, country="US")}),
        (True, {"reader": Selector(country="US")}),
        (True, {"reader": Selector(kind=Kind.LAW_ENFORCEMENT)}),
        (True, {"reader": Selector(kind=Kind.PROSECUTOR, country="MX")}),
        (True, {"reader": Selector(agency=FISCALIA.id)}),
        (True, {"clearance": Sensitivity.PROTECTED}),
    ],
)
def test_what_weighs_more_needs_two(needed: bool, terms: dict[str, Any]) -> None:
    assert needs_two(replace(TO_SHERIFF, **terms), POLICE, DIRECTORY) is needed


ANA, BETO, CARLA = (f"us-ca-sdpd.{name}" for name in ("ana", "beto", "carla"))
NGO: dict[str, Any] = {"reader": Selector(kind=Kind.NGO)}


@pytest.mark.parametrize(
    ("enough", "given"),
    [
        (False, version()),
        (True, version(ANA)),
        (False, version(ANA, proposed_by=ANA)),
        (True, version(ANA, BETO, proposed_by=ANA)),
        (False, version("us-ca-sheriff.saul", proposed_by=ANA)),
        (False, version("us-ca-sdpd.gone")),
        (False, version(ANA, **NGO)),
        (False, version(ANA, ANA, **NGO)),
        (True, version(ANA, BETO, **NGO)),
        (False, version(ANA, BETO, proposed_by=ANA, **NGO)),
        (True, version(BETO, CARLA, proposed_by=ANA, **NGO)),
    ],
)
def test_persons_of_the_owner_count_and_never_the_proposer(enough: bool, given: Version) -> None:
    assert is_approved(given, POLICE, DIRECTORY) is enough


def test_who_has_left_counts_no_more() -> None:
    gone = [replace(one, state=PersonState.DISABLED) if one.id == ANA else one for one in PEOPLE]

    assert not is_approved(version(ANA), POLICE, Directory.of(1, AGENCIES, gone))


WHO = {
    "ana": (True, True, True, False),
    "oscar": (False, False, True, False),
    "augusto": (False, False, True, False),
    "saul": (True, False, True, True),
    "stella": (False, False, False, False),
    "olga": (False, False, True, False),
}


@pytest.mark.parametrize(("name", "may"), WHO.items())
def test_each_does_what_is_theirs(name: str, may: tuple[bool, ...]) -> None:
    who, given = person(name), version()

    assert may == (
        may_propose(who, given.grant).is_allowed,
        may_approve(who, given).is_allowed,
        may_see(who, given.grant),
        may_withdraw(who, given).is_allowed,
    )


@pytest.mark.parametrize(
    ("allowed", "name", "side", "for_good"),
    [
        (True, "ana", Side.SOURCE, False),
        (True, "ana", Side.SOURCE, True),
        (False, "ana", Side.READER, True),
        (True, "saul", Side.READER, True),
        (False, "saul", Side.READER, False),
        (False, "saul", Side.SOURCE, True),
        (False, "olga", Side.SOURCE, True),
        (False, "oscar", Side.SOURCE, True),
    ],
)
def test_each_side_ends_its_own(allowed: bool, name: str, side: Side, for_good: bool) -> None:
    assert may_halt(person(name), TO_SHERIFF, side, for_good=for_good).is_allowed is allowed


@pytest.mark.parametrize(
    ("whole", "terms", "agency", "side", "owners"),
    [
        (True, {}, POLICE.id, Side.SOURCE, [POLICE.id]),
        (True, {}, SHERIFF.id, Side.READER, [POLICE.id]),
        (True, {"source": Selector(country="US")}, POLICE.id, Side.SOURCE, [POLICE.id]),
        (False, {"source": Selector(country="US")}, POLICE.id, Side.SOURCE, [POLICE.id, STRANGER.id]),
        (False, {"reader": Selector(country="US")}, SHERIFF.id, Side.READER, [POLICE.id]),
    ],
)
def test_the_last_part_is_the_whole(
    whole: bool, terms: dict[str, Any], agency: str, side: Side, owners: list[str]
) -> None:
    assert is_whole(version(**terms), agency, side, owners) is whole


def test_a_machine_does_nothing_of_it() -> None:
    machine = replace(person("ana"), person=None)

    assert not may_propose(machine, TO_SHERIFF).is_allowed
    assert not may_approve(machine, version()).is_allowed
