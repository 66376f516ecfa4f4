"""Who may read what, and why not: each rule of the policy as a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.directory import Agency, Kind, Standing
from hub.grants import Grant, Selector, Tlp
from hub.policy import Decision, Facts, may_read
from hub.principal import PUBLISH, READ, Principal
from schemas.sensitivity import Sensitivity
from tests.support.cast import (
    DAY,
    FISCALIA,
    NOW,
    POLICE,
    SHELTER,
    STRANGER,
    agency,
    facts,
    grant,
    principal,
    rules,
)

UNKNOWN = "us-ca-nobody"


def decide(who: Agency | Principal, event: Facts, *held: Grant, **more: Any) -> Decision:
    """What the policy says at NOW."""
    asking = who if isinstance(who, Principal) else principal(who)
    return may_read(asking, event, rules(*held, enrolled=(asking.agency,)), NOW, **more)


def to(reader: Agency, **differs: Any) -> Grant:
    """A grant to one agency."""
    return grant(reader=Selector(agency=reader.id), **differs)


def test_a_shelter_reads_as_a_partner_the_alerts_police_share_with_it() -> None:
    decision = decide(SHELTER, facts(), grant())

    assert decision == Decision(True, decision.reason, "partner", "police-to-shelter")
    assert (decision.reason, decision.reason.es) == ("granted for locate-child", "permitido para locate-child")


def test_without_a_grant_nothing_is_read() -> None:
    assert not decide(STRANGER, facts()).is_allowed


def test_a_grant_to_another_reader_opens_nothing() -> None:
    assert not decide(STRANGER, facts(), grant()).is_allowed


def test_an_agency_reads_its_own_event_in_full_without_a_grant() -> None:
    decision = decide(POLICE, facts(tlp=Tlp.RED, audience=(SHELTER.id,)))

    assert (decision.is_allowed, decision.projection, decision.grant) == (True, "full", None)


@pytest.mark.parametrize(
    ("because", "event", "differs"),
    [
        ("covers another source", facts(), {"source": Selector(agency=FISCALIA.id)}),
        ("covers another source", facts(), {"source": Selector(kind=Kind.HEALTH)}),
        ("covers another source", facts(), {"source": Selector(agency=POLICE.id, country="MX")}),
        ("does not cover this type", facts(type="case.trafficking.opened"), {}),
        ("does not cover this type", facts(type="alerts.other"), {}),
        ("does not cover this type", facts(), {"types": ("alert.missing_child.updated",)}),
        ("covers other jurisdictions", facts(jurisdictions=("US-TX", "MX-BCN")), {}),
        ("covers other jurisdictions", facts(), {"jurisdictions": ("US-CA:06075",)}),
        ("covers up to TLP:GREEN", facts(), {"max_tlp": Tlp.GREEN}),
        ("covers up to TLP:AMBER+STRICT", facts(tlp=Tlp.RED, audience=(SHELTER.id,)), {}),
        ("not in force at this time", facts(), {"valid_until": NOW}),
        ("not in force at this time", facts(), {"valid_from": NOW + DAY}),
        ("granted for another purpose", facts(purpose="trafficking-investigation"), {}),
        ("not in the audience of the label", facts(audience=(STRANGER.id,)), {}),
        ("not in the audience of the label", facts(audience=("school", "health")), {}),
        ("TLP:RED is for named agencies only", facts(tlp=Tlp.RED, audience=("ngo",)), {"max_tlp": Tlp.RED}),
        ("TLP:RED is for named agencies only", facts(tlp=Tlp.RED), {"max_tlp": Tlp.RED}),
        ("the source is not enrolled here", facts(source=UNKNOWN), {"source": Selector(country="US")}),
    ],
)
def test_it_says_why_not(because: str, event: Facts, differs: dict[str, Any]) -> None:
    decision = decide(SHELTER, event, grant(**differs))

    assert (decision.is_allowed, decision.reason, decision.projection, decision.grant) == (False, because, None, None)
    assert decision.reason.es not in ("", because)


@pytest.mark.parametrize(
    ("because", "narrowed"),
    [
        ("the token lacks events:read", {"scopes": frozenset({PUBLISH})}),
        ("the token lacks events:read", {"scopes": frozenset[str]()}),
        ("outside the token's jurisdictions", {"jurisdictions": ("US-CA:06075", "US-TX")}),
        ("outside the token's jurisdictions", {"jurisdictions": ("MX",)}),
        ("outside the token's jurisdictions", {"jurisdictions": ()}),
        ("the token is for another purpose", {"purpose": "trafficking-investigation"}),
    ],
)
def test_a_token_narrows_what_the_grants_give(because: str, narrowed: dict[str, Any]) -> None:
    assert decide(principal(SHELTER, **narrowed), facts(), grant()).reason == because


@pytest.mark.parametrize(
    "narrowed",
    [
        {"scopes": frozenset({READ})},
        {"jurisdictions": ("US-CA:06073",)},
        {"jurisdictions": ("US",)},
        {"purpose": "locate-child"},
    ],
)
def test_a_narrow_token_that_covers_the_event_reads_it(narrowed: dict[str, Any]) -> None:
    assert decide(principal(SHELTER, **narrowed), facts(purpose="locate-child"), grant()).is_allowed


def test_a_narrow_token_does_not_open_even_ones_own_event() -> None:
    own = facts(source=POLICE.id)

    assert not decide(principal(POLICE, jurisdictions=("US-TX",)), own).is_allowed
    assert not decide(principal(POLICE, scopes=frozenset({PUBLISH})), own).is_allowed


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.RETIRED])
def test_an_agency_that_is_not_active_reads_nothing_not_even_its_own(standing: Standing) -> None:
    decisions = [
        decide(replace(SHELTER, standing=standing), facts(), grant()),
        decide(replace(POLICE, standing=standing), facts()),
        decide(replace(SHELTER, standing=standing), facts(type="alert.warning.cancelled"), has_received=True),
    ]

    assert {(decision.is_allowed, str(decision.reason)) for decision in decisions} == {
        (False, "the agency is not active")
    }


@pytest.mark.parametrize("place", ["US", "US-CA", "US-CA:06073"])
def test_a_grant_for_a_place_opens_what_touches_it_from_above_or_below(place: str) -> None:
    assert decide(SHELTER, facts(jurisdictions=(place, "MX-SON")), grant(jurisdictions=("US-CA:06073",))).is_allowed
    assert decide(SHELTER, facts(), grant(jurisdictions=("MX-SON", place))).is_allowed


def test_equal_digits_of_the_other_country_are_another_place() -> None:
    both = facts(jurisdictions=("MX-BCN:02004",), rel_to=("US",))

    assert not decide(SHELTER, both, grant(jurisdictions=("US-AL",))).is_allowed


def test_nothing_reaches_the_other_country_unless_the_label_names_it() -> None:
    held = to(FISCALIA, clearance=Sensitivity.ENFORCEMENT)

    assert decide(FISCALIA, facts(), held).reason == "not released to this country"
    assert decide(FISCALIA, facts(rel_to=("US",)), held).reason == "not released to this country"
    assert decide(FISCALIA, facts(audience=(FISCALIA.id,)), held).reason == "not released to this country"
    assert decide(FISCALIA, facts(rel_to=("MX",)), held).projection == "enforcement"


def test_within_one_country_rel_to_takes_nothing_away() -> None:
    assert decide(SHELTER, facts(rel_to=("MX",)), grant()).is_allowed


def test_an_audience_is_met_by_id_or_by_kind() -> None:
    assert decide(SHELTER, facts(audience=(FISCALIA.id, SHELTER.id)), grant()).is_allowed
    assert decide(SHELTER, facts(audience=("school", "ngo")), grant()).is_allowed


def test_an_audience_alone_opens_nothing_without_a_grant() -> None:
    assert not decide(SHELTER, facts(audience=(SHELTER.id,))).is_allowed


def test_tlp_red_needs_the_readers_own_name_and_a_grant_up_to_red() -> None:
    red = facts(tlp=Tlp.RED, audience=(SHELTER.id,))

    assert decide(SHELTER, red, grant(max_tlp=Tlp.RED)).is_allowed
    assert not decide(SHELTER, red).is_allowed


@pytest.mark.parametrize("tlp", [tlp for tlp in Tlp if tlp < Tlp.RED])
def test_a_grant_opens_every_tlp_up_to_its_own(tlp: Tlp) -> None:
    opened = {event for event in Tlp if decide(SHELTER, facts(tlp=event), grant(max_tlp=tlp)).is_allowed}

    assert opened == {event for event in Tlp if event <= tlp}


@pytest.mark.parametrize("kind", Kind)
def test_an_acknowledgement_reaches_the_agency_it_answers_and_nobody_else(kind: Kind) -> None:
    answer = facts(type="ack.read", source=SHELTER.id, audience=(POLICE.id,), tlp=Tlp.AMBER_STRICT)
    bystander = agency("us-ca-other", kind, "US-CA")
    everything = grant(source=Selector(country="US"), reader=Selector(country="US"), types=("*",), max_tlp=Tlp.RED)

    assert decide(POLICE, answer).projection == "enforcement"
    assert decide(POLICE, answer).reason == "answers your event"
    assert not decide(bystander, answer, everything).is_allowed


def test_an_acknowledgement_that_names_nobody_is_open_to_nobody() -> None:
    assert not decide(POLICE, facts(type="ack.read", source=SHELTER.id)).is_allowed


@pytest.mark.parametrize("verb", ["cancelled", "located", "closed"])
def test_who_has_received_an_event_is_told_that_it_closed_and_no_more(verb: str) -> None:
    closing = facts(type=f"alert.missing_child.{verb}", tlp=Tlp.RED, audience=(POLICE.id,))

    decision = decide(STRANGER, closing, has_received=True)

    assert (decision.is_allowed, decision.projection, decision.grant) == (True, "notice", None)
    assert not decide(STRANGER, closing).is_allowed


def test_having_received_one_event_opens_no_update() -> None:
    assert not decide(STRANGER, facts(type="alert.missing_child.updated"), has_received=True).is_allowed


def test_who_still_has_a_grant_gets_more_than_a_notice() -> None:
    closing = facts(type="alert.missing_child.located")

    assert decide(SHELTER, closing, grant(), has_received=True).projection == "partner"


def test_a_token_without_the_right_to_read_is_told_nothing() -> None:
    closing = facts(type="alert.missing_child.located")

    assert not decide(principal(STRANGER, scopes=frozenset({PUBLISH})), closing, has_received=True).is_allowed
