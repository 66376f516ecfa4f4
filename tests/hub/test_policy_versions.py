"""Grants that one side has left, that a review has ended for one source, and versions that speak for older events."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from hub.directory import Kind
from hub.grants import Grant, GrantState, Owner, Selector
from hub.policy import Decision, may_read, weigh
from schemas.sensitivity import Sensitivity
from tests.support.cast import DAY, NOW, POLICE, SHELTER, STRANGER, facts, grant, principal, rules

TICK = DAY / 86_400_000_000
OWNED = Owner(agency=POLICE.id, events_from=NOW - 9 * DAY)


def decide(*held: Grant, at: datetime = NOW, **differs: Any) -> Decision:
    """What the policy says to the shelter."""
    return may_read(principal(), facts(**differs), rules(*held), at)


def owned(**differs: Any) -> Grant:
    """A grant of POLICE's alone, whose part is as stated."""
    return grant(owners=(replace(OWNED, **differs),))


@pytest.mark.parametrize(
    "part", [{"without_sources": frozenset({POLICE.id})}, {"without_readers": frozenset({SHELTER.id})}]
)
def test_either_side_may_leave_a_grant_by_itself(part: dict[str, Any]) -> None:
    assert decide(grant(**part)).reason == "suspended or ended by one side"


def test_what_others_have_left_stands_for_those_who_stay() -> None:
    part = {"without_sources": frozenset({STRANGER.id, SHELTER.id}), "without_readers": frozenset({POLICE.id})}

    assert decide(grant(**part)).is_allowed


@pytest.mark.parametrize(("at", "allowed"), [(NOW - TICK, True), (NOW, False), (NOW + TICK, False)])
def test_a_part_that_no_review_has_confirmed_ends_at_its_time(at: datetime, allowed: bool) -> None:
    decision = decide(owned(valid_until=NOW), at=at)

    assert decision.is_allowed is allowed
    assert allowed or decision.reason == "not confirmed in an access review"


def test_a_review_of_one_source_ends_nothing_of_another() -> None:
    other = Owner(agency=STRANGER.id, events_from=NOW, valid_until=NOW - DAY)

    assert decide(grant(owners=(other, OWNED))).is_allowed


@pytest.mark.parametrize(
    ("accepted_at", "allowed"), [(NOW - TICK, True), (NOW, False), (NOW + TICK, False), (None, False)]
)
def test_an_earlier_version_speaks_for_what_came_before_the_next(accepted_at: datetime | None, allowed: bool) -> None:
    decision = decide(owned(events_until=NOW), accepted_at=accepted_at)

    assert decision.is_allowed is allowed
    assert allowed or decision.reason == "replaced by a later version"


def test_a_refusal_of_new_events_holds_from_where_the_last_version_ended() -> None:
    first, second = owned(events_until=NOW - DAY), replace(owned(events_until=NOW), id="second")

    assert decide(first, second).holds_from == NOW
    assert decide(second, first).holds_from == NOW
    assert decide(first, accepted_at=NOW).holds_from is None
    assert decide(grant(state=GrantState.REVOKED, owners=(replace(OWNED, events_until=NOW),))).holds_from is None


def test_an_allowance_holds_from_where_every_version_beside_it_ended() -> None:
    ended = replace(owned(events_until=NOW), id="ended", clearance=Sensitivity.ENFORCEMENT)

    assert decide(grant(clearance=Sensitivity.PUBLIC), ended).holds_from == NOW
    assert decide(grant(clearance=Sensitivity.PUBLIC)).holds_from is None


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_grants_alike_the_one_that_its_source_opened_first_counts(turn: int) -> None:
    def opened(since: datetime, approved_at: datetime | None, name: str) -> Grant:
        return replace(owned(events_from=since, approved_at=approved_at), id=name)

    def counts(*held: Grant) -> str | None:
        return decide(*held[::turn]).grant

    early, late = NOW - 2 * DAY, NOW - DAY
    assert counts(opened(early, None, "a"), opened(late, None, "b")) == "a"
    assert counts(opened(early, late, "a"), opened(late, early, "b")) == "b"  # opened first, for later events alone
    assert counts(opened(early, None, "a"), grant(id="of-a-file")) == "of-a-file"
    of_another = Owner(agency=STRANGER.id, events_from=early - DAY)
    both = replace(opened(late, None, "b"), owners=(of_another, replace(OWNED, events_from=late)))
    assert counts(opened(early, None, "a"), both) == "a"


def test_weighing_gives_each_grant_that_names_the_reader_its_own_answer() -> None:
    revoked = grant(id="revoked", state=GrantState.REVOKED)
    others = grant(id="others", reader=Selector(kind=Kind.SCHOOL))
    early = replace(owned(events_from=NOW), id="early")
    event = facts(accepted_at=NOW - DAY)

    weighed = weigh(principal(), event, (revoked, others, grant(), early), rules(), NOW)

    assert [(one.id, str(answer)) for one, answer in weighed] == [
        ("revoked", "revoked"),
        ("police-to-shelter", "applies"),
        ("early", "opens only later events"),
    ]


def test_weighing_asks_at_the_moment_and_of_the_purpose_it_is_given() -> None:
    asking = principal(purpose="rescue")

    (over,) = weigh(principal(), facts(), (grant(valid_until=NOW + DAY),), rules(), NOW + DAY)
    (narrow,) = weigh(asking, facts(), (grant(),), rules(), NOW)

    assert (over[1], narrow[1]) == ("not in force at this time", "the token is for another purpose")
