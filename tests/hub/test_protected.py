"""What consents open across the border: over there exactly what its readers would get here, and never more for long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.grants import Grant, Selector
from hub.principal import Principal, of_agency
from hub.protected import FRESH_S
from schemas.sensitivity import Sensitivity
from tests.hub.protected_worlds import (
    LATER,
    PURPOSES,
    READERS,
    World,
    _subsets,
    consents,
    names_in,
    over_there,
    taken,
)
from tests.support.cast import NOW, grant


@st.composite
def standing(draw: st.DrawFn) -> tuple[Grant, ...]:
    """Grants to some of the readers, to one purpose each, as far as may be."""
    pairs = sorted(draw(_subsets((one.id, purpose) for one in READERS for purpose in PURPOSES)))
    return tuple(
        grant(
            id=f"{reader}-{purpose}",
            reader=Selector(agency=reader),
            types=("*",),
            purpose=purpose,
            clearance=draw(st.sampled_from([*Sensitivity, Sensitivity.PROTECTED, Sensitivity.PROTECTED])),
        )
        for reader, purpose in pairs
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """What holds at an origin."""
    return World(tuple(draw(consents(number)) for number in range(draw(st.integers(1, 3)))), draw(standing()))


@st.composite
def changes(draw: st.DrawFn) -> tuple[World, World]:
    """What held, and what holds after some consents were withdrawn and some grants given or taken."""
    before = draw(worlds())
    withdrawn = draw(st.frozensets(st.sampled_from(before.consents)))
    kept = tuple(replace(one, withdrawn_at=NOW) if one in withdrawn else one for one in before.consents)
    return before, World(kept, draw(st.one_of(st.just(before.grants), standing())))


ASKING = st.builds(
    lambda reader, purpose: replace(of_agency(reader), purpose=purpose),
    st.sampled_from(READERS),
    st.sampled_from((None, *PURPOSES)),
)


thorough = settings(max_examples=150)


@given(worlds(), ASKING)
@thorough
def test_over_there_a_reader_gets_of_protected_members_what_it_would_get_here(world: World, asking: Principal) -> None:
    body = world.sends(NOW)
    found = None if body is None else over_there(taken(body), asking, world.told, NOW)
    here = world.home(asking, NOW)

    assert names_in(found) == names_in(here)
    assert not names_in(found) or found == here


@given(changes(), ASKING)
@thorough
def test_once_the_end_of_consents_and_grants_was_told_nobody_gets_more_than_here(
    change: tuple[World, World], asking: Principal
) -> None:
    before, after = change
    body = before.sends(NOW)
    if body is None:
        return
    copy = taken(body)
    ended = {one.id for one in after.consents if not one.is_in_force(LATER)}
    left = tuple(one for one in copy.protected if ended.isdisjoint(one.consents))
    found = over_there(replace(copy, protected=left), asking, after.told, LATER, age_s=0.0)

    assert names_in(found) <= names_in(after.home(asking, LATER))


@given(changes(), ASKING, st.floats(0, 2 * FRESH_S))
@thorough
def test_behind_a_link_that_is_down_nobody_gets_more_than_what_held_when_it_was_up_nor_that_for_long(
    change: tuple[World, World], asking: Principal, age_s: float
) -> None:
    before, _ = change
    body = before.sends(NOW)
    if body is None:
        return
    at = NOW + timedelta(seconds=age_s)
    found = over_there(taken(body), asking, before.told, at, age_s=age_s)
    most = names_in(before.home(asking, at)) if age_s <= FRESH_S else frozenset()

    assert names_in(found) <= most


@given(worlds(), ASKING)
@thorough
def test_without_a_word_from_the_origin_or_an_open_border_nobody_gets_anything_apart(
    world: World, asking: Principal
) -> None:
    body = world.sends(NOW)
    if body is None:
        return
    links: tuple[dict[str, Any], ...] = ({"age_s": None}, {"is_open": False})

    assert {names_in(over_there(taken(body), asking, world.told, NOW, **link)) for link in links} == {frozenset()}
