"""Lanes: exact where labels are short, coarse where they are long; and a reader's reach over them, kept while true."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.grants import Grant
from hub.lanes import Lane, LaneMap, Reach, Reaches, coarsen, reach_of
from hub.policy import Facts
from hub.principal import Principal
from tests.hub import strategies
from tests.hub.strategies import rules_of
from tests.support.cast import DAY, LIMITS, NOW, POLICE, SHELTER, facts, grant, principal, rules
from tests.support.examples import examples

COUNTIES = tuple(f"US-CA:06{number:03}" for number in range(1, 9, 2))
MANY = tuple(f"us-tx-police{number}" for number in range(5))
TICK = DAY / 86_400_000_000


def lane_map(*all_facts: Facts) -> LaneMap:
    """The lanes of events with these facts, numbered from 1."""
    return LaneMap.of(Lane(number, *coarsen(each)) for number, each in enumerate(dict.fromkeys(all_facts), 1))


@pytest.mark.parametrize(
    ("places", "coarser"),
    [
        (COUNTIES[:3], COUNTIES[:3]),
        (COUNTIES, ("US-CA",)),
        ((*COUNTIES, "US-CA"), ("US-CA",)),
        ((*COUNTIES, "MX-BCN:02004", "US-TX"), ("MX-BCN", "US-CA", "US-TX")),
        (("MX-BCN", "US-AZ", "US-CA", "US-TX"), ("MX", "US")),
    ],
)
def test_many_places_become_their_states_and_many_states_their_countries(
    places: tuple[str, ...], coarser: tuple[str, ...]
) -> None:
    lane, is_coarse = coarsen(facts(jurisdictions=places))

    assert (lane.jurisdictions, is_coarse) == (coarser, places != coarser)


def test_a_long_audience_is_left_to_each_event() -> None:
    assert coarsen(facts(audience=MANY[:4])) == (facts(audience=MANY[:4]), False)
    assert coarsen(facts(audience=MANY)) == (facts(audience=None), True)


def test_a_coarse_lane_and_an_exact_one_with_equal_facts_are_two() -> None:
    exact, coarse = Lane(1, *coarsen(facts(jurisdictions=("US-CA",)))), Lane(2, *coarsen(facts(jurisdictions=COUNTIES)))

    lanes = LaneMap.of([exact, coarse])

    assert exact.facts == coarse.facts
    assert lanes.by_facts == {(exact.facts, False): 1, (exact.facts, True): 2}
    assert (lanes.newest, LaneMap.of([]).newest) == (2, 0)


def test_a_reach_holds_the_lanes_with_something_to_find_and_every_decision() -> None:
    lanes = lane_map(facts(), facts(jurisdictions=("US-TX",)), facts(audience=MANY))

    reach = reach_of(principal(SHELTER), rules(grant()), lanes, NOW)

    assert reach.lanes == (1, 3)
    assert [reach.decisions[lane].is_allowed for lane in (1, 2, 3)] == [True, False, True]


@given(
    strategies.principals,
    strategies.grant_lists,
    strategies.events,
    st.lists(strategies.moments, min_size=1, max_size=6),
)
@settings(max_examples=examples(150))
def test_a_kept_reach_is_what_would_be_decided_anew(
    asking: Principal, held: list[Grant], events: list[Facts], moments: list[datetime]
) -> None:
    lanes, known, reaches = lane_map(*events), rules_of(held), Reaches()

    for at in moments:
        assert reaches.of(asking, known, lanes, at) == reach_of(asking, known, lanes, at)


def test_time_moves_a_reach_when_a_grant_begins_and_when_it_ends() -> None:
    lanes, known, reaches = lane_map(facts()), rules(grant(valid_from=NOW, valid_until=NOW + DAY)), Reaches()

    found = [reaches.of(principal(), known, lanes, at).lanes for at in (NOW - TICK, NOW, NOW + DAY - TICK, NOW + DAY)]

    assert found == [(), (1,), (1,), ()]


@pytest.mark.parametrize(
    "changed",
    [
        principal(SHELTER, purpose="rescue"),
        principal(SHELTER, scopes=frozenset({"events:publish"})),
        principal(SHELTER, jurisdictions=("MX",)),
        principal(replace(SHELTER, kind=POLICE.kind, epoch=2)),
    ],
)
def test_another_token_has_a_reach_of_its_own(changed: Principal) -> None:
    lanes, known, reaches = lane_map(facts()), rules(grant()), Reaches()
    reaches.of(principal(SHELTER), known, lanes, NOW)

    assert reaches.of(changed, known, lanes, NOW) == reach_of(changed, known, lanes, NOW)


def test_a_change_of_grants_limits_agencies_or_lanes_is_seen_at_once() -> None:
    lanes, reaches = lane_map(facts()), Reaches()
    suspended = principal(replace(SHELTER, epoch=2))
    asked = [
        (rules(grant()), lanes),
        (rules(), lanes),
        (rules(grant(), limits=replace(LIMITS, ceilings=(), digest="none")), lanes),
        (rules(grant(), version=2), lanes),
        (rules(grant()), lane_map(facts(), facts(type="alert.warning.issued"))),
    ]

    found = [reaches.of(suspended, known, over, NOW).lanes for known, over in asked]

    assert found == [(1,), (), (), (1,), (1, 2)]


def test_what_is_kept_is_bounded_and_reused() -> None:
    lanes, known, reaches = lane_map(facts()), rules(grant()), Reaches(most=2)
    askers = [principal(SHELTER, purpose=purpose) for purpose in ("one", "two", "three")]

    first: list[Reach] = [reaches.of(asker, known, lanes, NOW) for asker in askers]

    assert all(reaches.of(asker, known, lanes, NOW) is kept for asker, kept in zip(askers[1:], first[1:], strict=True))
    assert reaches.of(askers[0], known, lanes, NOW) is not first[0]
