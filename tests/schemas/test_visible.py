"""The members told of are those of the cut: no more, no fewer, each where it stands in the event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.masks import NAMES
from schemas.projection import project, render
from schemas.visible import members
from tests.schemas import strategies
from tests.support.events import Wire, alert, bilingual, case
from tests.support.examples import examples

MACHINE = bilingual("Red shorts", "Cortocircuitos rojos", "machine") | {"original": "en-US"}


def at(value: Any, pointer: str) -> Any:
    """What stands at a pointer."""
    for step in pointer.split("/")[1:]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def flat(value: Any) -> Iterator[Any]:
    """The values of a document in its order; what is empty is a value too."""
    if value and isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from flat(inner)
    else:
        yield value


@given(strategies.events(), st.sampled_from(NAMES))
@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow])
def test_what_is_said_to_be_shown_is_what_the_projection_holds(event: Wire, name: str) -> None:
    cut = project(event, event["type"])
    whole = json.loads(cut.text)

    said = members(event, event["type"], name).shown

    told = [value for pointer in said for value in flat(at(whole, pointer))]
    given = [value for value in flat(json.loads(render(cut.text, cut.cuts[name]))) if value not in ({}, [])]
    assert [value for value in told if value not in ({}, [])] == given


@given(strategies.events(), st.sampled_from(NAMES))
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
def test_what_is_not_shown_is_said_to_be_hidden(event: Wire, name: str) -> None:
    told = members(event, event["type"], name)

    everything = [value for pointer in (*told.shown, *told.hidden) for value in held(event, pointer)]
    assert sorted(map(repr, everything)) == sorted(map(repr, flat(event)))


def held(event: Wire, pointer: str) -> list[Any]:
    """The values that the event itself has there; none for a coarser member."""
    try:
        return list(flat(at(event, pointer)))
    except KeyError:
        return []


def test_a_hidden_member_is_told_with_its_sensitivity() -> None:
    event = alert(label={"tlp": "green", "marks": {"/data/child/clothing": "enforcement"}})

    hidden = members(event, event["type"], "partner").hidden

    assert hidden["/data/child/medical"] == "protected"
    assert hidden["/data/last_seen/place"] == "enforcement"
    assert hidden["/data/child/clothing"] == "enforcement"


def test_one_language_of_a_text_may_be_hidden_alone() -> None:
    told = members(alert(data={"headline": MACHINE}), "alert.missing_child.issued", "public")

    assert "/data/headline/en" in told.shown
    assert told.hidden["/data/headline/es"] == "partner"


def test_a_text_that_is_shown_whole_is_one_member() -> None:
    told = members(alert(), "alert.missing_child.issued", "public")

    assert "/data/headline" in told.shown
    assert "/data/headline/en" not in told.shown


def test_a_coarser_member_is_shown_and_never_hidden() -> None:
    partner, enforcement = (members(alert(), "alert.missing_child.issued", name) for name in ("partner", "enforcement"))

    assert {"/data/last_seen/day", "/data/last_seen/area"} <= set(partner.shown)
    assert not {"/data/last_seen/day", "/data/last_seen/area"} & {*enforcement.shown, *enforcement.hidden}


@pytest.mark.parametrize("name", ["partner", "partner~"])
def test_what_a_consent_opens_is_shown_and_nothing_beside_it(name: str) -> None:
    event = case()
    closed = members(event, event["type"], name)

    opened = members(event, event["type"], name, ["/data/victims/0/prs_FirstName"])

    assert set(opened.shown) - set(closed.shown) == {"/data/victims/0/prs_FirstName"}
    assert closed.hidden.keys() - opened.hidden.keys() == {"/data/victims/0/prs_FirstName"}
