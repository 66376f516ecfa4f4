"""The ledger that the proofs rest on finds what it is there to find."""

from __future__ import annotations

import pytest

from tests.proof.facts import Fact, facts
from tests.proof.ledger import Entry, compare

A1, A2, B1 = Fact("a", 1), Fact("a", 2), Fact("b", 1)


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        ([A1, B1, A2], Entry(place="log")),
        ([A1, A2], Entry(place="log", lost=1)),
        ([A1, A2, B1, B1], Entry(place="log", doubled=1)),
        ([A1, A2, B1, Fact("c", 1)], Entry(place="log", foreign=1)),
        ([A2, A1, B1], Entry(place="log", misordered=1)),
    ],
)
def test_every_defect_is_counted_once(seen: list[Fact], found: Entry) -> None:
    assert compare("log", [A1, A2, B1], seen) == found


def test_a_fact_is_known_by_its_id_whichever_way_it_went() -> None:
    assert Fact.of("alert-0-001/0007") == Fact.of("alert-0-001/0007:0a1b2c") == Fact("alert-0-001", 7)


def test_facts_of_a_subject_come_in_their_order() -> None:
    assert compare("plan", facts("s", 10, 3), facts("s", 10, 3)).is_clean
