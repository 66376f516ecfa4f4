"""Between two nodes the limits of both hold: for every kind, type and direction the stricter side wins."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.borders import Border, bound
from hub.directory import Agency, Kind
from hub.grants import Selector
from hub.limits import COUNTRIES, Crossing, Limits, limits_document, load_limits
from hub.policy import may_read
from hub.principal import of_agency
from schemas import registry
from schemas.sensitivity import Sensitivity
from schemas.texts import Text
from tests.support import cast
from tests.support.cast import FISCALIA, LIMITS, NOW, POLICE

CLEARANCES = (Sensitivity.PUBLIC, Sensitivity.PARTNER, Sensitivity.ENFORCEMENT)
TYPES = sorted(registry.BODIES)
FOREIGN = replace(FISCALIA, peer="mx")


def border(limits: Limits | None = LIMITS, **differs: object) -> Border:
    """The border to Mexico, over which everybody here is known."""
    told: dict[str, Any] = {
        "node": "mx",
        "country": "MX",
        "is_open": True,
        "limits": limits,
        "knows": {POLICE.id: POLICE.kind},
    }
    return Border(**told | differs)


def readers(country: str) -> list[Agency]:
    """One agency of each kind over there."""
    return [cast.agency(f"{country.lower()}-{kind.value.replace('_', '')}", kind, peer="mx") for kind in Kind]


def clearance(own: Limits, theirs: Limits, reader: Agency, event_type: str) -> Sensitivity | None:
    """What the law leaves a reader in Mexico of what the police in San Diego send."""
    law = bound(reader, POLICE, event_type, own, {"mx": border(theirs)}, addressed=False)
    return None if isinstance(law, Text) else law.row.clearance


def rows(draw_from: tuple[Sensitivity, ...] = CLEARANCES) -> st.SearchStrategy[Limits]:
    """Limits whose crossings are any at all."""
    row = st.builds(
        Crossing,
        origin=st.sampled_from(COUNTRIES),
        destination=st.sampled_from(COUNTRIES),
        kind=st.sampled_from(list(Kind)),
        types=st.sampled_from([("*",), ("alert.*",), ("case.*",), ("alert.missing_child.issued",)]),
        clearance=st.sampled_from(draw_from),
        basis=st.just("a law"),
    )
    return st.lists(row, max_size=40).map(lambda held: replace(LIMITS, crossings=tuple(held)))


@given(rows(), rows())
def test_what_holds_is_no_more_than_either_side_allows(own: Limits, theirs: Limits) -> None:
    """Given any two files of limits, then for every kind and type both together leave no more than each alone."""
    for reader, event_type in product(readers("MX"), TYPES):
        both = clearance(own, theirs, reader, event_type)
        alone = [clearance(one, one, reader, event_type) for one in (own, theirs)]
        if both is None:
            assert None in alone
        else:
            assert both == min(one for one in alone if one is not None)
            assert None not in alone


@pytest.mark.parametrize(("origin", "destination"), list(permutations(COUNTRIES, 2)))
def test_the_shipped_limits_have_a_row_for_every_kind_that_reads_at_all(origin: str, destination: str) -> None:
    """Given the shipped file, then whoever may read something at home may be sent something, or is the operator."""
    without = {
        kind for kind in Kind if LIMITS.crossing(origin, destination, kind, "alert.missing_child.issued") is None
    }
    assert without == {Kind.OPERATOR}


def test_every_shipped_crossing_states_its_legal_source() -> None:
    """Given the shipped file, then no row goes without its basis."""
    assert [row for row in LIMITS.crossings if len(row.basis) < 10] == []


def test_limits_come_out_of_their_document_as_they_went_in() -> None:
    """Given limits, when they are told to the other side, then it reads the same rows."""
    told = load_limits(limits_document(LIMITS), b"")
    assert replace(told, digest=LIMITS.digest) == LIMITS


def decided(peer: Border | None, reader: Agency = FOREIGN, source: Agency = POLICE) -> str:
    """Why an agency reads nothing, or as what it reads."""
    held = cast.grant(source=Selector(agency=source.id), reader=Selector(agency=reader.id))
    rules = cast.rules(held, enrolled=(reader, source))
    rules = replace(rules, borders=MappingProxyType({} if peer is None else {peer.node: peer}))
    facts = cast.facts(source=source.id, rel_to=("MX", "US"), jurisdictions=source.jurisdictions)
    decision = may_read(of_agency(reader), facts, rules, NOW)
    return decision.projection or str(decision.reason)


def test_a_reader_over_there_reads_by_a_grant_of_this_side() -> None:
    """Given an open border, when a grant names an agency over there, then it may be sent what the grant opens."""
    assert decided(border()) == "partner"


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        (None, "no border to that node"),
        (border(is_open=False), "the border to that node is closed"),
        (border(None), "the other node has not told its limits yet"),
    ],
)
def test_without_a_border_nobody_over_there_reads(peer: Border | None, why: str) -> None:
    """Given a border that is not there, closed, or whose limits are not known, then nothing is released over it."""
    assert decided(peer) == why


def test_an_agency_that_the_other_side_does_not_know_reads_nothing_of_it() -> None:
    """Given an event from over there, when its node has not confirmed the reader, then the reader does not get it."""
    here, there = replace(FISCALIA, peer=None), replace(POLICE, peer="us")
    assert decided(border(node="us", country="US", knows={}), here, there) == (
        "the other node does not know this agency yet"
    )


def test_an_agency_that_has_become_another_kind_reads_nothing_until_that_is_known() -> None:
    """Given a reader known as an NGO, when it is a prosecutor here, then it gets nothing of the other side."""
    here, there = replace(FISCALIA, peer=None), replace(POLICE, peer="us")
    assert decided(border(node="us", country="US", knows={here.id: Kind.NGO}), here, there) == (
        "the other node does not know this agency yet"
    )


def test_a_grant_of_this_side_opens_nothing_of_the_other() -> None:
    """Given an event from over there, when only this side has granted it, then nobody here reads it."""
    here, there = replace(FISCALIA, peer=None), replace(POLICE, peer="us")
    peer = border(node="us", country="US", knows={here.id: here.kind})
    assert decided(peer, here, there) == "covers another source"


def test_between_two_others_nothing_goes_through_here() -> None:
    """Given agencies of two other nodes, then this node gives the one nothing of the other: no loops, no relays."""
    assert decided(border(), FOREIGN, replace(POLICE, peer="us")) == "neither side is of this node"
