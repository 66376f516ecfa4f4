"""Recipients are worked out for very many agencies at once, exactly as the policy would for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.directory import Agency, Attestation, Directory, Kind, Standing
from hub.grants import Grant, GrantSet, Selector
from hub.policy import Facts, Rules, may_read
from hub.principal import of_agency
from hub.recipients import Across, Answer, Awaited, Record, Sent, counted, crossings, listed, page, reached
from tests.support.cast import LIMITS, NOW, POLICE, SHELTER, agency, facts, grant

KINDS = (Kind.LAW_ENFORCEMENT, Kind.NGO, Kind.HEALTH, Kind.SCHOOL)
NOTHING = Record(placed=NOW, nodes={}, reads={}, answers={})


def attested(kind: str) -> tuple[Attestation, ...]:
    """Something shown for a day."""
    return (Attestation(kind=kind, valid_from=NOW, valid_until=NOW + timedelta(days=1)),)


@st.composite
def agencies(draw: st.DrawFn) -> list[Agency]:
    """A few, alike and unlike."""
    return [
        replace(
            agency(f"us-ca-a{number}", draw(st.sampled_from(KINDS)), draw(st.sampled_from(["US", "US-CA"]))),
            standing=draw(st.sampled_from([Standing.ACTIVE, Standing.ACTIVE, Standing.SUSPENDED])),
            attestations=draw(st.sampled_from([(), attested("nda"), attested("28-cfr-23")])),
        )
        for number in range(draw(st.integers(1, 8)))
    ]


IDS = st.sampled_from([f"us-ca-a{number}" for number in range(8)])
SELECTORS = st.one_of(
    st.builds(Selector, agency=IDS), st.builds(Selector, kind=st.sampled_from(KINDS)), st.just(Selector(country="US"))
)
GRANTS = st.lists(
    st.builds(
        lambda number, reader, requires, without, parties: grant(
            id=f"g{number}", reader=reader, requires=requires, without_readers=without, parties=parties
        ),
        st.integers(),
        SELECTORS,
        st.sampled_from([(), ("nda",)]),
        st.frozensets(IDS, max_size=2),
        st.one_of(st.none(), st.lists(SELECTORS, max_size=2).map(lambda some: (Selector(agency=POLICE.id), *some))),
    ),
    max_size=4,
)
FACTS = st.builds(
    lambda audience, closes: facts(
        audience=audience, type="alert.missing_child.cancelled" if closes else "alert.missing_child.issued"
    ),
    st.one_of(st.just(()), st.lists(st.one_of(IDS, st.sampled_from(KINDS)), max_size=3).map(tuple)),
    st.booleans(),
)


@given(agencies(), GRANTS, FACTS, st.frozensets(IDS, max_size=3))
def test_asking_once_for_all_that_are_alike_gives_what_asking_each_gives(
    enrolled: list[Agency], grants: list[Grant], event: Facts, owed: frozenset[str]
) -> None:
    rules = Rules(Directory.of(1, [POLICE, *enrolled]), GrantSet(tuple(grants)), LIMITS)

    one_by_one = {
        one.id
        for one in enrolled
        if may_read(of_agency(one), event, rules, NOW, has_received=one.id in owed).is_allowed
    }
    assert reached(event, owed, rules, NOW) == one_by_one


def test_of_18000_agencies_every_page_is_bounded_and_all_are_counted() -> None:
    homes = [agency(f"us-ca-h{number:05}", Kind.NGO, "US-CA") for number in range(18_000)]
    directory = Directory.of(1, [POLICE, *homes])
    rules = Rules(directory, GrantSet((grant(reader=Selector(kind=Kind.NGO)),)), LIMITS)
    record = replace(NOTHING, reads={homes[0].id: NOW}, answers={homes[1].id: {"ack.acknowledged": Answer(NOW, None)}})

    ids = listed(reached(facts(), frozenset(), rules, NOW), record)
    pages: list[list[str]] = [page(ids, "", 500)]
    while pages[-1]:
        pages.append(page(ids, pages[-1][-1], 500))

    assert [id_ for some in pages for id_ in some] == [home.id for home in homes]
    assert max(map(len, pages)) == 500
    found = counted(ids, directory.agencies, record)
    assert (found.recipients, found.received, found.read, found.acknowledged) == (18_000, 18_000, 1, 1)


def test_who_is_left_out_is_left_out_of_every_fact() -> None:
    them, us = "us-public", SHELTER.id
    waiting = Awaited(required_by=NOW, is_overdue=True, escalated=None, escalated_at=None)
    told = {them: NOW, us: NOW}
    said = {"ack.declined": Answer(NOW, None)}
    awaited = {them: waiting, us: waiting}
    record = replace(NOTHING, reads=told, told=told, answers={them: said, us: said}, awaited=awaited)

    without = record.without(frozenset([them]))

    alone = {us: NOW}
    expected = replace(NOTHING, reads=alone, told=alone, answers={us: said}, awaited={us: waiting})
    assert without == expected


def test_what_was_sent_once_more_and_known_there_changes_nothing() -> None:
    stored = Sent(peer="mx", seq=1, kind="event", made_at=NOW, receipted_at=NOW, outcome="stored", place=7)
    again = replace(stored, seq=2, outcome="known", place=None)

    assert crossings([stored, again]) == crossings([stored])


def test_a_node_has_received_it_with_the_first_envelope_that_it_took() -> None:
    times = [NOW + timedelta(seconds=number) for number in range(6)]
    refused = Sent(peer="mx", seq=1, kind="event", made_at=times[0], receipted_at=times[1], outcome="refused:malformed")
    stored = Sent(peer="mx", seq=2, kind="event", made_at=times[2], receipted_at=times[3], outcome="stored", place=7)
    recall = Sent(peer="mx", seq=3, kind="recall", made_at=times[4], receipted_at=times[5], outcome="applied")

    assert crossings([refused, stored, recall]) == {
        "mx": Across(sent=times[0], received=times[3], newest=recall, position=7)
    }
