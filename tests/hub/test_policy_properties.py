"""What holds for the policy whatever is asked, granted and labelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.answering import may_answer
from hub.consented import consent_for
from hub.consents import Consent
from hub.directory import Attestation, Directory
from hub.grants import Grant, GrantState
from hub.lanes import EXACT_AUDIENCE, EXACT_JURISDICTIONS, coarsen
from hub.policy import Decision, Facts, Rules, may_publish, may_read
from hub.principal import Principal
from schemas.registry import closes, is_answer, is_control
from tests.hub import strategies
from tests.hub.strategies import rules_of
from tests.support.cast import DAY, LIMITS, NOW
from tests.support.examples import examples

LADDER = (None, "notice", "public", "partner", "enforcement", "full")
thorough = settings(max_examples=examples(150))
few = settings(max_examples=examples(40))


def height(decision: Decision) -> int:
    """How much a decision shows; a refusal shows nothing."""
    assert decision.is_allowed is (decision.projection is not None)
    return LADDER.index(decision.projection)


def opened(asking: Principal, facts: Facts, decision: Decision, rules: Rules, at: datetime) -> set[str]:
    """The consents that open something of any subject of the event's source."""
    subjects = [(facts.source, subject) for subject in strategies.SUBJECTS]
    found = (consent_for(asking, subject, decision, rules, at) for subject in subjects)
    return {one for consent in found if consent is not None for one in consent.id.split("+")}


def rights(asking: Principal, facts: Facts, rules: Rules, at: datetime = NOW) -> tuple[int, set[str]]:
    """How much is shown, and which consents widen it."""
    decision = may_read(asking, facts, rules, at)
    return height(decision), opened(asking, facts, decision, rules, at)


@given(
    strategies.principals,
    strategies.events,
    strategies.grant_lists,
    strategies.grants,
    strategies.consent_lists,
    st.integers(0, 20),
)
@thorough
def test_adding_a_grant_never_removes_a_right(
    asking: Principal, events: list[Facts], held: list[Grant], added: Grant, consented: list[Consent], place: int
) -> None:
    more = [*held[:place], replace(added, id="added"), *held[place:]]

    for facts in events:
        before, after = (rights(asking, facts, rules_of(each, consented)) for each in (held, more))
        assert after[0] >= before[0]
        assert after[1] >= before[1]


@given(strategies.principals, strategies.events, strategies.grant_lists, strategies.consent_lists, strategies.consents)
@thorough
def test_adding_a_consent_never_removes_a_right(
    asking: Principal, events: list[Facts], held: list[Grant], consented: list[Consent], added: Consent
) -> None:
    for facts in events:
        before, after = (rights(asking, facts, rules_of(held, each)) for each in (consented, [added, *consented]))
        assert after[0] == before[0]
        assert after[1] >= before[1]


ENDED = [GrantState.SUSPENDED, GrantState.REVOKED, GrantState.SUPERSEDED, GrantState.WITHDRAWN, GrantState.PROPOSED]


@pytest.mark.parametrize("how", [*ENDED, "ended agreement", "no longer a party", "no longer approved"])
@given(asking=strategies.principals, events=strategies.events, held=strategies.grant_lists, data=st.data())
@few
def test_ending_a_grant_removes_all_that_rested_on_it(
    how: GrantState | str, asking: Principal, events: list[Facts], held: list[Grant], data: st.DataObject
) -> None:
    consented = data.draw(strategies.consent_lists)
    for facts in events:
        grant = may_read(asking, facts, rules_of(held, consented), NOW).grant
        ended = [_ended(one, how) if one.id == grant else one for one in held]
        without = [one for one in held if one.id != grant]

        after = may_read(asking, facts, rules_of(ended, consented), NOW)
        assert grant is None or after.grant != grant
        assert rights(asking, facts, rules_of(ended, consented)) == rights(asking, facts, rules_of(without, consented))


def _ended(grant: Grant, how: GrantState | str) -> Grant:
    if isinstance(how, GrantState):
        return replace(grant, state=how)
    if how == "ended agreement":  # the store gives a grant the end of its agreement
        return replace(grant, valid_until=NOW)
    return replace(grant, parties=()) if how == "no longer a party" else replace(grant, owners=())


@given(strategies.principals, strategies.events, strategies.grant_lists)
@thorough
def test_a_lapsed_attestation_removes_all_that_needs_it(
    asking: Principal, events: list[Facts], held: list[Grant]
) -> None:
    lapsed = tuple(replace(one, valid_until=NOW) for one in asking.agency.attestations)
    bare = replace(asking, agency=replace(asking.agency, attestations=lapsed))
    undemanding = [grant for grant in held if not grant.requires]

    for facts in events:
        assert rights(bare, facts, rules_of(held)) == rights(bare, facts, rules_of(undemanding))


@given(strategies.principals, strategies.events, strategies.grant_lists)
@thorough
def test_with_every_attestation_nothing_is_refused_for_want_of_one(
    asking: Principal, events: list[Facts], held: list[Grant]
) -> None:
    live = tuple(
        Attestation(kind=kind, valid_from=NOW - DAY, valid_until=NOW + DAY) for kind in strategies.ATTESTATIONS
    )
    attested = replace(asking, agency=replace(asking.agency, attestations=live))
    undemanding = [replace(grant, requires=()) for grant in held]

    for facts in events:
        assert rights(attested, facts, rules_of(held)) == rights(attested, facts, rules_of(undemanding))


@given(strategies.principals, strategies.events, strategies.grant_lists, strategies.consent_lists, strategies.moments)
@thorough
def test_a_withdrawn_consent_opens_nothing_from_that_moment_on(
    asking: Principal, events: list[Facts], held: list[Grant], consented: list[Consent], at: datetime
) -> None:
    withdrawn = [replace(consent, withdrawn_at=at) for consent in consented]

    assert not any(rights(asking, facts, rules_of(held, withdrawn), at)[1] for facts in events)


@given(strategies.principals, strategies.events, strategies.grant_lists)
@thorough
def test_a_source_that_leaves_takes_its_events_with_it(
    asking: Principal, events: list[Facts], held: list[Grant]
) -> None:
    rules = rules_of(held)
    for facts in events:
        left = {name: one for name, one in rules.directory.agencies.items() if name != facts.source}
        without = replace(rules, directory=Directory.of(2, left.values()))
        assert facts.source == asking.agency.id or height(may_read(asking, facts, without, NOW)) == 0


@given(strategies.narrowings, strategies.events, strategies.grant_lists, strategies.consent_lists, st.booleans())
@thorough
def test_narrowing_a_token_never_adds_a_right(
    tokens: tuple[Principal, Principal],
    events: list[Facts],
    held: list[Grant],
    consented: list[Consent],
    received: bool,
) -> None:
    wide, narrow = tokens
    rules = rules_of(held, consented)
    for facts in events:
        before, after = (may_read(asking, facts, rules, NOW, has_received=received) for asking in tokens)
        assert height(after) <= height(before)
        assert opened(narrow, facts, after, rules, NOW) <= opened(wide, facts, before, rules, NOW)
        assert may_publish(narrow, facts, NOW).is_allowed <= may_publish(wide, facts, NOW).is_allowed
        assert (
            may_answer(narrow, "ack.read", facts, after).is_allowed
            <= may_answer(wide, "ack.read", facts, before).is_allowed
        )


@given(strategies.principals, strategies.events, strategies.grant_lists, strategies.moments)
@thorough
def test_no_grant_and_no_label_lifts_a_hard_limit(
    asking: Principal, events: list[Facts], held: list[Grant], at: datetime
) -> None:
    for facts in events:
        addressed = asking.agency.id in (facts.audience or ())
        ceiling = LIMITS.ceiling(asking.agency.kind, facts.read_as, addressed=addressed)
        most = "full" if facts.source == asking.agency.id else ceiling and ceiling.clearance.slug

        assert height(may_read(asking, facts, rules_of(held), at)) <= LADDER.index(most)


@given(strategies.principals, strategies.events, st.booleans())
@thorough
def test_without_grants_there_are_only_own_events_answers_and_what_is_owed(
    asking: Principal, events: list[Facts], received: bool
) -> None:
    for facts in events:
        decision = may_read(asking, facts, rules_of([]), NOW, has_received=received)

        is_own = facts.source == asking.agency.id
        answers = is_answer(facts.read_as) and asking.agency.id in (facts.audience or ())
        is_owed = received and (closes(facts.type) or is_control(facts.type))
        assert is_own or answers or is_owed or not decision.is_allowed


@given(strategies.principals, strategies.events, strategies.grant_lists, strategies.consent_lists, st.booleans())
@thorough
def test_what_was_taken_back_is_its_sources_alone(
    asking: Principal, events: list[Facts], held: list[Grant], consented: list[Consent], received: bool
) -> None:
    rules = rules_of(held, consented)
    for facts in events:
        recalled = replace(facts, is_recalled=True)
        decision = may_read(asking, recalled, rules, NOW, has_received=received)
        assert not decision.is_allowed or facts.source == asking.agency.id


@given(strategies.principals, strategies.events, strategies.grant_lists)
@thorough
def test_no_grant_tells_of_a_recall(asking: Principal, events: list[Facts], held: list[Grant]) -> None:
    for facts in events:
        told = replace(facts, type="control.recalled", about=None)
        assert facts.source == asking.agency.id or not may_read(asking, told, rules_of(held), NOW).is_allowed


@given(strategies.principals, strategies.events, strategies.grant_lists)
@thorough
def test_a_changed_label_is_read_as_the_event_that_has_it(
    asking: Principal, events: list[Facts], held: list[Grant]
) -> None:
    rules = rules_of(held)
    for facts in events:
        if not is_control(facts.type):
            changed = replace(facts, type="control.label_changed", about=facts.type)
            assert may_read(asking, changed, rules, NOW) == may_read(asking, facts, rules, NOW)


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


@given(strategies.principals, strategies.events, strategies.grant_lists, strategies.moments)
@thorough
def test_the_grants_that_name_the_reader_are_all_it_takes(
    asking: Principal, events: list[Facts], held: list[Grant], at: datetime
) -> None:
    rules = rules_of(held)
    named = rules.for_reader(asking.agency)

    assert named.version == rules.version
    for facts in events:
        mine, all_of_them = (may_read(asking, facts, each, at) for each in (named, rules))
        assert (mine, mine.considered) == (all_of_them, all_of_them.considered)
