"""A pointer of a consent stays with the person it was given for, wherever that one stands in a later event."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import registry
from schemas.pins import NO_SUCH_MEMBER, NOT_PROTECTED, POINTER, pinned, placed, why_not
from tests.support.events import Wire, case

BODIES = [registry.BODIES["case.trafficking.opened"]]
ALERT = [registry.BODIES["alert.missing_child.issued"]]


def with_victims(*refs: str | None) -> Wire:
    """A case whose victims go by these references, each with a first name."""
    victims: list[dict[str, Any]] = [{"prs_FirstName": "x"} | ({"ref": ref} if ref else {}) for ref in refs]
    return case(data={"victims": victims})


def test_a_place_becomes_the_reference_that_stands_there_in_the_newest_event() -> None:
    events = [case(data={"victims": []}), with_victims("V2", "V1"), with_victims("V1", "V2")]

    assert pinned("/data/victims/0/prs_FirstName", events[1:]) == "/data/victims/ref:V2/prs_FirstName"


@pytest.mark.parametrize(("refs", "place"), [(["V1"], 1), (["V1", None], 1)], ids=["nobody", "nobody named"])
def test_who_cannot_be_named_cannot_be_pinned(refs: list[str | None], place: int) -> None:
    assert pinned(f"/data/victims/{place}/prs_FirstName", [with_victims(*refs)]) is None


@pytest.mark.parametrize(
    "pointer", ["/data/victims/ref:V9/prs_FirstName", "/data/support_plans/0/spl_Objectives", "/data/child/medical"]
)
def test_what_has_no_reference_or_has_one_already_stays_as_it_is(pointer: str) -> None:
    assert pinned(pointer, [with_victims("V1")]) == pointer


@pytest.mark.parametrize("ref", ["V1", "a/b", "7", "x:y.z-1"])
def test_whoever_is_pinned_is_found_again_in_any_place(ref: str) -> None:
    pointer = pinned("/data/victims/0/prs_FirstName", [with_victims(ref, "V2")])

    assert pointer is not None
    assert POINTER.fullmatch(pointer)
    assert placed(with_victims("V2", "V3", ref), [pointer]) == ["/data/victims/2/prs_FirstName"]


def test_of_two_with_one_reference_both_are_meant() -> None:
    pointers = ["/data/victims/ref:V1/prs_FirstName"]

    assert placed(with_victims("V1", "V1"), pointers) == [f"/data/victims/{one}/prs_FirstName" for one in (0, 1)]


@pytest.mark.parametrize(
    "pointer", ["/data/victims/ref:V9/prs_FirstName", "/data/victims/ref:V1/prs_Email", "/data/comments/0"]
)
def test_what_an_event_does_not_hold_has_no_place_in_it(pointer: str) -> None:
    assert placed(with_victims("V1"), [pointer]) == []


@pytest.mark.parametrize(
    ("pointer", "bodies", "why"),
    [
        ("/data/victims/0/prs_FirstName", BODIES, None),
        ("/data/victims/ref:V1/prs_FirstName", BODIES, None),
        ("/data/events/0/hte_Street", BODIES, None),
        ("/data/child/name", ALERT, None),
        ("/data/child/name/given", ALERT, None),
        ("/data/victims/0/ref", BODIES, NOT_PROTECTED),
        ("/data/victims/0", BODIES, NOT_PROTECTED),
        ("/data/lookout", ALERT, NOT_PROTECTED),
        ("/data/victims/prs_FirstName", BODIES, NO_SUCH_MEMBER),
        ("/data/child/name", BODIES, NO_SUCH_MEMBER),
    ],
)
def test_only_protected_members_can_be_consented_to(pointer: str, bodies: Any, why: object) -> None:
    assert why_not(pointer, bodies) == why
