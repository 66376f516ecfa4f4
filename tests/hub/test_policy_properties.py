"""What holds for the policy whatever is asked, granted and labelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.grants import Grant
from hub.lanes import EXACT_AUDIENCE, EXACT_JURISDICTIONS, coarsen
from hub.policy import Decision, Facts, may_acknowledge, may_publish, may_read
from hub.principal import Principal
from schemas.registry import closes
from tests.hub import strategies
from tests.hub.strategies import rules_of
from tests.support.cast import LIMITS, NOW

LADDER = (None, "notice", "public", "partner", "enforcement", "full")
thorough = settings(max_examples=150, deadline=None)


def height(decision: Decision) -> int:
    """How much a decision shows; a refusal shows nothing."""
    assert decision.is_allowed is (decision.projection is not None)
    return LADDER.index(decision.projection)


@given(strategies.principals, strategies.events, strategies.grant_lists, strategies.grants, st.integers(0, 20))
@thorough
def test_adding_a_grant_never_removes_a_right(
    asking: Principal, events: list[Facts], held: list[Grant], added: Grant, place: int
) -> None:
    more = [*held[:place], replace(added, id="added"), *held[place:]]

    for facts in events:
        before, after = (may_read(asking, facts, rules_of(each), NOW) for each in (held, more))
        assert height(after) >= height(before)


@given(strategies.narrowings, strategies.events, strategies.grant_lists, st.booleans())
@thorough
def test_narrowing_a_token_never_adds_a_right(
    tokens: tuple[Principal, Principal], events: list[Facts], held: list[Grant], received: bool
) -> None:
    wide, narrow = tokens
    for facts in events:
        before, after = (may_read(asking, facts, rules_of(held), NOW, has_received=received) for asking in tokens)
        assert height(after) <= height(before)
        assert may_publish(narrow, facts, NOW).is_allowed <= may_publish(wide, facts, NOW).is_allowed
        assert may_acknowledge(narrow, facts, after).is_allowed <= may_acknowledge(wide, facts, before).is_allowed


@given(strategies.principals, strategies.events, strategies.grant_lists, strategies.moments)
@thorough
def test_no_grant_and_no_label_lifts_a_hard_limit(
    asking: Principal, events: list[Facts], held: list[Grant], at: datetime
) -> None:
    for facts in events:
        addressed = asking.agency.id in (facts.audience or ())
        ceiling = LIMITS.ceiling(asking.agency.kind, facts.type, addressed=addressed)
        most = "full" if facts.source == asking.agency.id else ceiling and ceiling.clearance.slug

        assert height(may_read(asking, facts, rules_of(held), at)) <= LADDER.index(most)


@given(strategies.principals, strategies.events, st.booleans())
@thorough
def test_without_grants_there_are_only_own_events_answers_and_owed_closings(
    asking: Principal, events: list[Facts], received: bool
) -> None:
    for facts in events:
        decision = may_read(asking, facts, rules_of([]), NOW, has_received=received)

        is_own = facts.source == asking.agency.id
        is_answer = facts.type.startswith("ack.") and asking.agency.id in (facts.audience or ())
        assert is_own or is_answer or (received and closes(facts.type)) or not decision.is_allowed


@given(strategies.principals, strategies.events, strategies.grant_lists, strategies.moments)
@thorough
def test_nothing_leaves_its_country_without_rel_to(
    asking: Principal, events: list[Facts], held: list[Grant], at: datetime
) -> None:
    home = asking.agency.country
    kept = [facts for facts in events if facts.source[:2].upper() != home and home not in facts.rel_to]

    assert not any(may_read(asking, facts, rules_of(held), at).is_allowed for facts in kept)


@given(strategies.principals, strategies.events, strategies.grant_lists, strategies.moments)
@thorough
def test_a_lane_is_laxer_than_every_event_in_it(
    asking: Principal, events: list[Facts], held: list[Grant], at: datetime
) -> None:
    for facts in events:
        lane, is_coarse = coarsen(facts)
        exact, proposed = (may_read(asking, each, rules_of(held), at) for each in (facts, lane))

        assert proposed.is_allowed >= exact.is_allowed
        assert is_coarse is (lane != facts)
        assert len(lane.jurisdictions) <= EXACT_JURISDICTIONS
        assert lane.audience is None or len(lane.audience) <= EXACT_AUDIENCE
