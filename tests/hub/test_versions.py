"""Versions of a grant: the newest approved one decides, and earlier ones where it does not speak."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from hub.grants import Grant, GrantState, Owner, Selector
from hub.policy import may_read
from hub.versions import in_use, narrowed
from schemas.sensitivity import Sensitivity
from tests.support import cast
from tests.support.cast import DAY, FISCALIA, NOW, POLICE

BOTH = Selector()
OPENED, AMENDED = NOW - 20 * DAY, NOW - 10 * DAY


def version(number: int, *owners: tuple[str, datetime], **terms: Any) -> Grant:
    state = GrantState.SUPERSEDED if number == 1 else GrantState.IN_FORCE
    held = tuple(Owner(agency=agency, events_from=since) for agency, since in owners)
    return cast.grant(version=number, owners=held, **{"state": state, "source": BOTH} | terms)


FIRST = version(1, (POLICE.id, OPENED), (FISCALIA.id, OPENED))
WIDER = version(2, (POLICE.id, AMENDED), clearance=Sensitivity.ENFORCEMENT)
NARROWER = version(2, (POLICE.id, AMENDED), clearance=Sensitivity.PUBLIC)
SHERIFF = replace(cast.STRANGER, id="us-ca-sheriff", jurisdictions=("US-CA",))


def read(held: tuple[Grant, ...], accepted_at: datetime | None, **differs: Any) -> str | None:
    grants = tuple(replace(one, reader=Selector(agency=SHERIFF.id)) for one in held)
    facts = cast.facts(accepted_at=accepted_at, rel_to=("US", "MX"), **differs)
    return may_read(cast.principal(SHERIFF), facts, cast.rules(*grants, enrolled=(SHERIFF,)), NOW).projection


@pytest.mark.parametrize(
    ("second", "accepted_at", "projection"),
    [
        (WIDER, None, "enforcement"),
        (WIDER, AMENDED, "enforcement"),
        (WIDER, AMENDED - DAY, "partner"),
        (WIDER, OPENED - DAY, None),
        (NARROWER, None, "public"),
        (NARROWER, AMENDED - DAY, "public"),
    ],
)
def test_an_event_is_opened_by_the_version_of_its_time_and_no_further_than_by_the_newest(
    second: Grant, accepted_at: datetime | None, projection: str | None
) -> None:
    assert read(in_use((FIRST, second)), accepted_at) == projection


def test_a_source_that_has_not_approved_the_next_goes_on_with_the_one_before() -> None:
    assert read(in_use((FIRST, WIDER)), None, source=FISCALIA.id) == "partner"


def test_what_was_offered_under_one_version_is_not_opened_further_by_the_next() -> None:
    offered = frozenset({FIRST.offer_name})

    assert read(in_use((FIRST, WIDER)), OPENED - DAY, offers=offered) == "partner"


@pytest.mark.parametrize(
    "state", [GrantState.REVOKED, GrantState.SUPERSEDED, GrantState.PROPOSED, GrantState.WITHDRAWN]
)
def test_without_a_version_that_stands_nothing_speaks(state: GrantState) -> None:
    assert in_use((FIRST, replace(WIDER, state=state))) == ()


def test_suspended_all_of_it_is() -> None:
    held = in_use((FIRST, replace(WIDER, state=GrantState.SUSPENDED)))

    assert {one.state for one in held} == {GrantState.SUSPENDED}


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        (("alert.*",), ("alert.warning.*",), ("alert.warning.*",)),
        (("*",), ("alert.*", "case.*"), ("alert.*", "case.*")),
        (("alert.warning.issued",), ("alert.*",), ("alert.warning.issued",)),
        (("alert.*", "case.*"), ("case.trafficking.*", "alert.*"), ("alert.*", "case.trafficking.*")),
    ],
)
def test_both_types_are_the_narrower_of_each_pair(
    left: tuple[str, ...], right: tuple[str, ...], both: tuple[str, ...]
) -> None:
    held = narrowed(replace(FIRST, types=left), replace(WIDER, types=right))

    assert held is not None
    assert set(held.types) == set(both)


def test_of_what_has_nothing_in_common_nothing_is_left() -> None:
    assert narrowed(FIRST, replace(WIDER, types=("case.*",))) is None
    assert narrowed(FIRST, replace(WIDER, jurisdictions=("US-TX",))) is None
