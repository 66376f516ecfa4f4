"""Protected members across the border: one rule at a time, where random worlds are not enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from hub.apart import best
from hub.consents import Consent
from hub.crossed import NotTaken
from hub.grants import Selector
from hub.policy import may_read
from hub.principal import of_agency
from hub.protected import FRESH_S
from schemas.sensitivity import Sensitivity
from tests.hub.protected_worlds import (
    FACTS,
    LATER,
    PURPOSES,
    SUBJECT,
    World,
    held,
    names_in,
    over_there,
    taken,
)
from tests.support.cast import DAY, FISCALIA, NOW, grant
from tests.support.consenting import FIRST, SECOND

OPEN = World(
    (
        Consent(
            id=str(UUID(int=1)),
            source=SUBJECT[0],
            subject=SUBJECT[1],
            fields=(f"/data/victims/ref:V1/{FIRST}",),
            recipients=frozenset({FISCALIA.id}),
            purpose=PURPOSES[0],
            signed_at=NOW - DAY,
            valid_until=NOW + DAY,
        ),
    ),
    (
        grant(
            reader=Selector(agency=FISCALIA.id),
            types=("*",),
            purpose=PURPOSES[0],
            clearance=Sensitivity.PROTECTED,
        ),
    ),
)


def sent(**differs: Any) -> dict[str, Any]:
    """The event with what the consent opens, told otherwise."""
    body = OPEN.sends(NOW)
    assert body is not None
    (one,) = body["protected"]
    return body | {"protected": [one | differs]}


def test_the_random_worlds_are_not_empty() -> None:
    body = OPEN.sends(NOW)
    assert body is not None

    assert names_in(over_there(taken(body), of_agency(FISCALIA), OPEN.told, NOW)) == {FIRST}


def of_two(**second: Any) -> World:
    """Two consents, of which the second opens the other name and differs as said, and grants to either purpose."""
    (first,), (one,) = OPEN.consents, OPEN.grants
    other = replace(first, id=str(UUID(int=2)), fields=(f"/data/victims/ref:V1/{SECOND}",), **second)
    return World((first, other), (one, replace(one, id="another", purpose=PURPOSES[1])))


def read_of(world: World, at: datetime = NOW, **narrowed: Any) -> frozenset[str]:
    """Which names the fiscalía reads over there of what was sent now."""
    body = world.sends(NOW)
    assert body is not None
    return names_in(over_there(taken(body), replace(of_agency(FISCALIA), **narrowed), world.told, at))


@pytest.mark.parametrize(
    ("purpose", "opened"), [(None, {FIRST, SECOND}), (PURPOSES[0], {FIRST}), (PURPOSES[1], {SECOND})]
)
def test_of_consents_to_two_purposes_a_token_opens_those_to_its_own(purpose: str | None, opened: set[str]) -> None:
    assert read_of(of_two(purpose=PURPOSES[1]), purpose=purpose) == opened


def test_when_the_first_of_two_has_run_out_nothing_of_both_is_shown_until_the_origin_says_what_is_left() -> None:
    world = of_two(valid_until=LATER)

    assert [read_of(world, at) for at in (NOW, LATER)] == [{FIRST, SECOND}, frozenset()]


def test_what_widens_a_projection_is_not_shown_in_place_of_another() -> None:
    copy = taken(sent())
    (grant_of_more,) = OPEN.grants
    lesser = replace(grant_of_more, id="lesser", purpose=PURPOSES[1], clearance=Sensitivity.PARTNER)
    decision = may_read(of_agency(FISCALIA), FACTS, World((), (grant_of_more, lesser)).told, NOW)

    found = [best(held(copy.protected, FISCALIA.id), name, decision, NOW) for name in ("enforcement", "partner")]
    assert [one is None for one in found] == [False, True]


def test_of_what_either_side_thinks_fresh_the_stricter_holds() -> None:
    found = [taken(sent(fresh_s=seconds)).protected[0].fresh_s for seconds in (60, 10 * FRESH_S)]

    assert found == [60, FRESH_S]


def test_a_reader_that_is_not_ours_gets_no_row() -> None:
    assert taken(sent(readers=["us-ca-shelter"])).protected == ()


@pytest.mark.parametrize(
    ("differs", "code"),
    [
        ({"text": "{"}, "malformed"),
        ({"text": '{"source":"us-ca-other"}'}, "inconsistent"),
        ({"projection": "full"}, "malformed"),
        ({"projection": "notice"}, "malformed"),
        ({"consents": []}, "malformed"),
        ({"consents": ["a+b"]}, "malformed"),
        ({"readers": []}, "malformed"),
        ({"fresh_s": 0}, "malformed"),
    ],
)
def test_what_is_not_what_the_event_says_is_refused_with_it(differs: dict[str, Any], code: str) -> None:
    with pytest.raises(NotTaken) as refused:
        taken(sent(**differs))

    assert refused.value.code == code


def test_nothing_comes_apart_with_an_event_that_is_not_released_here() -> None:
    body = sent() | {"rel_to": ["US"]}
    body["texts"] = {"notice": body["texts"]["notice"]}

    with pytest.raises(NotTaken):
        taken(body)
