"""Which sources stand behind a grant and from when on, what was offered, and what takes a grant's force away."""

from __future__ import annotations

from typing import Any

import pytest

from hub.directory import Agency, Attestation, Kind
from hub.grants import Grant, GrantState, Owner, Selector, Tlp
from hub.policy import Decision, Facts, may_read
from schemas.sensitivity import Sensitivity
from tests.support.cast import DAY, FISCALIA, NOW, POLICE, SHELTER, STRANGER, agency, facts, grant, principal, rules

TICK = DAY / 86_400_000_000
OWNED = Owner(agency=POLICE.id, events_from=NOW)
NDA = Attestation(kind="nda", valid_from=NOW - DAY, valid_until=NOW + DAY)
ATTESTED = agency(SHELTER.id, Kind.NGO, "US-CA", attestations=(NDA,))


def decide(event: Facts, *held: Grant, who: Agency = SHELTER) -> Decision:
    """What the policy says at NOW."""
    return may_read(principal(who), event, rules(*held, enrolled=(who,)), NOW)


def owned(*owners: Owner, **differs: Any) -> Grant:
    """A grant for all of the country's sources behind which `owners` stand."""
    return grant(source=Selector(country="US"), owners=owners, **differs)


def test_a_source_that_stands_behind_a_grant_has_its_new_events_read() -> None:
    decision = decide(facts(), owned(OWNED))

    assert (decision.projection, decision.grant, decision.holds_from) == ("partner", "police-to-shelter", NOW)


@pytest.mark.parametrize("owners", [(), (Owner(agency=STRANGER.id, events_from=NOW - DAY),)])
def test_a_source_that_has_not_approved_a_grant_has_nothing_read(owners: tuple[Owner, ...]) -> None:
    decision = decide(facts(), owned(*owners))

    assert (decision.is_allowed, decision.reason) == (False, "the source has not approved it")


def test_each_source_answers_for_itself() -> None:
    held = owned(Owner(agency=STRANGER.id, events_from=NOW - DAY), OWNED)

    assert decide(facts(), held).holds_from == NOW
    assert decide(facts(source=STRANGER.id), held).holds_from == NOW - DAY


def test_a_grant_that_came_from_a_file_opens_events_of_any_age() -> None:
    decision = decide(facts(accepted_at=NOW - 1000 * DAY), grant(owners=None))

    assert (decision.is_allowed, decision.holds_from) == (True, None)


@pytest.mark.parametrize(("accepted_at", "allowed"), [(NOW - TICK, False), (NOW, True), (NOW + TICK, True)])
def test_what_a_source_sent_before_it_approved_stays_shut(accepted_at: Any, allowed: bool) -> None:
    decision = decide(facts(accepted_at=accepted_at), owned(OWNED))

    assert decision.is_allowed is allowed
    assert allowed or decision.reason == "opens only later events"


def test_what_was_offered_under_a_grant_is_open_although_it_is_older() -> None:
    early = facts(accepted_at=NOW - DAY, offers=frozenset({"police-to-shelter", "other"}))

    assert decide(early, owned(OWNED)).grant == "police-to-shelter"


def test_an_offer_under_one_grant_opens_nothing_under_another() -> None:
    early = facts(accepted_at=NOW - DAY, offers=frozenset({"other"}))

    assert decide(early, owned(OWNED)).reason == "opens only later events"


def test_an_offer_is_no_right_without_the_grant_it_was_made_under() -> None:
    offered = facts(accepted_at=NOW - DAY, offers=frozenset({"police-to-shelter"}))

    assert not decide(offered).is_allowed
    assert decide(offered, owned(OWNED, state=GrantState.REVOKED)).reason == "revoked"
    assert decide(offered, owned()).reason == "the source has not approved it"


def test_an_older_event_falls_back_on_the_grant_that_opens_it() -> None:
    old = grant(id="old", clearance=Sensitivity.PUBLIC)
    new = owned(OWNED, id="new")

    assert decide(facts(accepted_at=NOW - DAY), old, new).grant == "old"
    assert decide(facts(accepted_at=NOW), old, new).grant == "new"


@pytest.mark.parametrize(
    ("state", "because"),
    [
        (GrantState.PROPOSED, "waits for approval"),
        (GrantState.SUSPENDED, "suspended"),
        (GrantState.REVOKED, "revoked"),
        (GrantState.WITHDRAWN, "withdrawn before approval"),
        (GrantState.SUPERSEDED, "replaced by a later version"),
    ],
)
def test_only_what_is_in_force_opens_anything(state: GrantState, because: str) -> None:
    held = grant(state=state)

    assert decide(facts(), held).reason == because
    assert not held.is_in_force(NOW)
    assert decide(facts(), grant(state=GrantState.IN_FORCE)).is_allowed


def test_the_table_above_names_every_state() -> None:
    cases: Any = test_only_what_is_in_force_opens_anything
    told = {case[0] for case in cases.pytestmark[0].args[1]}

    assert told | {GrantState.IN_FORCE} == set(GrantState)


@pytest.mark.parametrize(
    ("parties", "allowed"),
    [
        (None, True),
        ((Selector(agency=POLICE.id), Selector(agency=SHELTER.id)), True),
        ((Selector(agency=POLICE.id), Selector(kind=Kind.NGO, country="US")), True),
        ((Selector(country="US"),), True),
        ((Selector(agency=POLICE.id),), False),
        ((Selector(agency=SHELTER.id),), False),
        ((Selector(country="MX"),), False),
        ((Selector(agency=POLICE.id), Selector(kind=Kind.NGO, country="MX")), False),
        ((), False),
    ],
)
def test_both_sides_are_parties_of_the_agreement(parties: tuple[Selector, ...] | None, allowed: bool) -> None:
    decision = decide(facts(), grant(parties=parties))

    assert decision.is_allowed is allowed
    assert allowed or decision.reason == "not both are parties of its agreement"


def test_a_reader_holds_what_the_grant_requires() -> None:
    held = grant(requires=("nda",))

    assert decide(facts(), held, who=ATTESTED).is_allowed
    assert decide(facts(), held).reason == "needs a live attestation: nda"


def test_a_reader_holds_all_that_the_grant_requires() -> None:
    held = grant(requires=("nda", "28-cfr-23"))

    assert decide(facts(), held, who=ATTESTED).reason == "needs a live attestation: 28-cfr-23"
    assert decide(facts(), grant(requires=()), who=SHELTER).is_allowed


@pytest.mark.parametrize(
    ("at", "allowed"), [(NOW - DAY - TICK, False), (NOW - DAY, True), (NOW + DAY - TICK, True), (NOW + DAY, False)]
)
def test_an_attestation_lapses_to_the_minute(at: Any, allowed: bool) -> None:
    known = rules(grant(requires=("nda",)), enrolled=(ATTESTED,))

    assert may_read(principal(ATTESTED), facts(), known, at).is_allowed is allowed


def test_another_attestation_is_no_substitute() -> None:
    other = agency(SHELTER.id, Kind.NGO, attestations=(Attestation(kind="x", valid_from=NOW, valid_until=NOW + DAY),))

    assert not decide(facts(), grant(requires=("nda",)), who=other).is_allowed


# What a grant fails on, in the order in which it is asked; the later one is nearer and tells why.
STANDING: list[tuple[str, dict[str, Any]]] = [
    ("covers up to TLP:CLEAR", {"max_tlp": Tlp.CLEAR}),
    ("revoked", {"state": GrantState.REVOKED, "purpose": "rescue"}),
    ("granted for another purpose", {"purpose": "rescue"}),
    ("opens only later events", {"owners": (OWNED,)}),
]


@pytest.mark.parametrize("number", range(len(STANDING)))
@pytest.mark.parametrize("turn", [1, -1])
def test_the_reason_is_that_of_the_grant_that_came_nearest(number: int, turn: int) -> None:
    event = facts(purpose="locate-child", accepted_at=NOW - DAY)
    held = [grant(id=f"grant-{at}", **differs) for at, (_, differs) in enumerate(STANDING[: number + 1])]

    assert decide(event, *held[::turn]).reason == STANDING[number][0]


def test_a_token_for_another_purpose_comes_nearer_than_a_grant_for_another() -> None:
    asking = principal(SHELTER, purpose="locate-child")
    held = [grant(id="one", purpose="rescue"), grant(id="two", state=GrantState.REVOKED)]

    assert may_read(asking, facts(), rules(*held), NOW).reason == "the token is for another purpose"
    assert may_read(asking, facts(), rules(*held[::-1]), NOW).reason == "the token is for another purpose"


def test_the_other_country_stands_behind_its_own_events_too() -> None:
    event = facts(source=FISCALIA.id, rel_to=("US",), jurisdictions=("MX-BCN:02004",))
    held = grant(source=Selector(country="MX"), jurisdictions=("MX",), owners=(OWNED,))

    assert decide(event, held).reason == "the source has not approved it"
