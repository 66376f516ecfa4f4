"""Which grant counts when there are several, whom it covers, how long it holds, and which one's answer is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.directory import Agency, Kind
from hub.grants import Grant, Selector, Tlp
from hub.policy import Decision, Facts, may_read
from schemas.sensitivity import Sensitivity
from tests.support.cast import DAY, FISCALIA, LIMITS, NOW, SHELTER, STRANGER, agency, facts, grant, principal, rules

SHERIFF = agency("us-ca-sheriff", Kind.LAW_ENFORCEMENT, "US-CA")


def decide(who: Agency, event: Facts, *held: Grant) -> Decision:
    """What the policy says at NOW."""
    return may_read(principal(who), event, rules(*held, enrolled=(who,)), NOW)


def to(reader: Agency, **differs: Any) -> Grant:
    """A grant to one agency."""
    return grant(reader=Selector(agency=reader.id), **differs)


@pytest.mark.parametrize("turn", [1, -1])
def test_of_several_grants_the_one_with_the_highest_clearance_counts(turn: int) -> None:
    low = to(SHERIFF, id="low", clearance=Sensitivity.PUBLIC)
    high = to(SHERIFF, id="high", clearance=Sensitivity.ENFORCEMENT, purpose="rescue")
    over = to(SHERIFF, id="over", clearance=Sensitivity.ENFORCEMENT, valid_until=NOW)

    decision = decide(SHERIFF, facts(), *(low, over, high)[::turn])

    assert (decision.grant, decision.projection, decision.reason) == ("high", "enforcement", "granted for rescue")


def test_of_equal_grants_the_first_in_the_file_counts() -> None:
    assert decide(SHELTER, facts(), grant(id="first"), grant(id="second")).grant == "first"


def test_every_grant_that_names_the_reader_is_listed_with_its_answer() -> None:
    ended = grant(id="ended", valid_until=NOW)
    other = grant(id="other", reader=Selector(kind=Kind.SCHOOL))
    wide = grant(id="wide", reader=Selector(kind=Kind.NGO, country="US"))

    decision = decide(SHELTER, facts(), ended, other, wide)

    assert decision.considered == (("ended", "not in force at this time"), ("wide", "applies"))


# Grants that fail, each at a later question than the one before.
FAILING: list[tuple[str, dict[str, Any]]] = [
    ("covers another source", {"source": Selector(agency=FISCALIA.id)}),
    ("does not cover this type", {"types": ("case.*",)}),
    ("covers other jurisdictions", {"jurisdictions": ("US-TX",)}),
    ("covers up to TLP:CLEAR", {"max_tlp": Tlp.CLEAR}),
    ("not in force at this time", {"valid_until": NOW}),
    ("granted for another purpose", {"purpose": "rescue"}),
]


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("number", range(1, len(FAILING)))
def test_of_grants_that_fail_the_one_that_came_nearest_says_why(number: int, turn: int) -> None:
    held = [grant(id=because.replace(" ", "-"), **differs) for because, differs in FAILING[: number + 1]]

    decision = decide(SHELTER, facts(purpose="locate-child"), *held[::turn])

    assert decision.reason == FAILING[number][0]
    assert {str(reason) for _, reason in decision.considered} == {because for because, _ in FAILING[: number + 1]}


def test_without_any_grant_the_reason_says_so() -> None:
    decision = decide(STRANGER, facts(), grant())

    assert (decision.reason, decision.considered) == ("no grant covers it", ())


@pytest.mark.parametrize(
    ("selector", "reader", "covered"),
    [
        (Selector(kind=Kind.NGO), SHELTER, True),
        (Selector(kind=Kind.NGO, country="MX"), SHELTER, False),
        (Selector(country="US"), STRANGER, True),
        (Selector(country="US"), FISCALIA, False),
        (Selector(agency=SHELTER.id, kind=Kind.LAW_ENFORCEMENT), SHELTER, False),
    ],
)
def test_a_selector_covers_who_meets_all_it_states(selector: Selector, reader: Agency, covered: bool) -> None:
    assert decide(reader, facts(rel_to=("MX",)), grant(reader=selector)).is_allowed is covered


def test_a_grant_holds_from_its_first_instant_to_just_before_its_last() -> None:
    held = grant(valid_from=NOW, valid_until=NOW + DAY)
    tick = DAY / 86_400_000_000

    times = [NOW - tick, NOW, NOW + DAY - tick, NOW + DAY]
    allowed = [may_read(principal(), facts(), rules(held), at).is_allowed for at in times]

    assert allowed == [False, True, True, False]


def test_the_version_names_the_rules_a_decision_rests_on() -> None:
    without_limits = replace(LIMITS, digest="0" * 64)

    versions = {known.version for known in (rules(), rules(grant()), rules(version=2), rules(limits=without_limits))}

    assert len(versions) == 4


def test_the_rules_for_a_reader_hold_the_grants_that_name_it_and_all_else() -> None:
    mine, others = grant(), grant(id="others", reader=Selector(kind=Kind.SCHOOL))
    everything = rules(others, mine)

    named = everything.for_reader(SHELTER)

    assert named.grants.grants == (mine,)
    assert replace(named, grants=everything.grants) == everything
    assert named.version == everything.version
