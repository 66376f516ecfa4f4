"""What consents open crosses by name, and is shown over there only while the origin is heard of."""

from __future__ import annotations

import pytest

from hub import feed
from schemas.sensitivity import Sensitivity
from tests.integration.border.conftest import REFUGIO
from tests.integration.border.consented import NAMES, TO_REFUGIO, names, names_in, opened_case
from tests.support import cast
from tests.support.cast import FISCALIA
from tests.support.consenting import (
    CANARY,
    FIRST,
    SECOND,
    VICTIM,
    for_victims,
    records,
    released_case,
)
from tests.support.crossing import Pair, bodies

OTHER = cast.agency("mx-son-refugio", REFUGIO.kind, "MX-SON")


@pytest.fixture
def served(nodes: Pair) -> Pair:
    """The shelter over there may have cases of the police, up to what consents open."""
    nodes.us.regrant(TO_REFUGIO)
    nodes.cross()
    return nodes


def test_a_consent_opens_its_member_to_the_shelter_across(served: Pair) -> None:
    """Given a case over there, when its victim consents for the shelter, then it reads her name and not the rest."""
    opened_case(served, FIRST)
    assert names(served) == {FIRST: VICTIM[FIRST]}


def test_each_reader_gets_its_own_projection_with_it(served: Pair) -> None:
    """Given a shelter and a fiscalía that a consent names, when the case has crossed, then the fiscalía sees more."""
    served.us.regrant(TO_REFUGIO, for_victims(FISCALIA))
    served.cross()
    event = released_case()
    served.us.publish(event)
    records(served.us, event["subject"], REFUGIO, FISCALIA)
    served.cross()
    (refugio, *_), (fiscalia, *_) = served.mx.feed(REFUGIO), served.mx.feed(FISCALIA)
    assert names_in(refugio) == names_in(fiscalia) == {FIRST: VICTIM[FIRST]}
    assert len(str(refugio)) < len(str(fiscalia))


def test_a_case_that_comes_later_crosses_with_it(served: Pair) -> None:
    """Given a consent for a subject, when another event of it is published, then it is read with the name at once."""
    event = opened_case(served, FIRST)
    served.us.publish(released_case("updated", subject=event["subject"], minutes=5))
    served.cross()
    assert [names_in(got) for got in served.mx.feed(REFUGIO)[-1:]] == [{FIRST: VICTIM[FIRST]}]


def test_who_had_passed_the_case_gets_it_once_more(served: Pair) -> None:
    """Given a case that the shelter has read, when a consent opens more, then it comes again behind its cursor."""
    event = released_case()
    served.us.publish(event)
    served.cross()
    before = feed.read_feed(served.mx.conn, served.mx.asking(REFUGIO), after=0, limit=9)
    records(served.us, event["subject"], REFUGIO)
    served.cross()
    assert [names_in(got) for got in served.mx.feed(REFUGIO, after=before.position)] == [{FIRST: VICTIM[FIRST]}]


def test_nobody_else_over_there_gets_it(served: Pair) -> None:
    """Given two shelters with alike grants, when the consent names one, then the other reads the case without."""
    served.mx.enrol(OTHER)
    served.us.regrant(TO_REFUGIO, for_victims(OTHER))
    served.cross()
    opened_case(served, FIRST)
    assert names(served, OTHER) == {}


def test_without_a_grant_that_reaches_so_far_nothing_of_it_leaves(nodes: Pair) -> None:
    """Given a grant to partners, when a victim consents for the shelter, then no envelope holds her name."""
    nodes.us.regrant(for_victims(REFUGIO, clearance=Sensitivity.PARTNER))
    nodes.cross()
    event = released_case()
    nodes.us.publish(event)
    records(nodes.us, event["subject"], REFUGIO)
    nodes.us.makes()
    assert CANARY not in str(bodies(nodes.us.batch()))


def test_a_grant_that_comes_later_sends_it(nodes: Pair) -> None:
    """Given a consent and a grant to partners, when the grant is raised, then the name crosses with the case."""
    nodes.us.regrant(for_victims(REFUGIO, clearance=Sensitivity.PARTNER))
    nodes.cross()
    event = released_case()
    nodes.us.publish(event)
    records(nodes.us, event["subject"], REFUGIO)
    nodes.cross()
    before = names(nodes)
    nodes.us.regrant(TO_REFUGIO)
    nodes.cross()
    assert (before, names(nodes)) == ({}, {FIRST: VICTIM[FIRST]})


def test_a_consent_for_somebody_here_sends_nothing(served: Pair) -> None:
    """Given a case over there, when its victim consents for a shelter here, then nothing crosses."""
    served.us.enrol(cast.SHELTER)
    served.cross()
    event = released_case()
    served.us.publish(event)
    served.cross()
    records(served.us, event["subject"], cast.SHELTER)
    assert served.cross() == []


def test_what_is_marked_resident_stays_whatever_is_consented(served: Pair) -> None:
    """Given a name that is marked resident, when its bearer consents, then no envelope holds it."""
    event = released_case(label={"marks": {f"/data/victims/0/{FIRST}": "resident"}})
    served.us.publish(event)
    records(served.us, event["subject"], REFUGIO, fields=(f"/data/victims/0/{FIRST}", f"/data/victims/0/{SECOND}"))
    served.us.makes()
    assert VICTIM[FIRST] not in str(bodies(served.us.batch()))
    served.cross()
    assert names(served) == {SECOND: VICTIM[SECOND]}


def test_two_consents_open_what_both_name(served: Pair) -> None:
    """Given two consents of one victim, when her case has crossed, then the shelter reads both names."""
    opened_case(served, FIRST, SECOND)
    assert names(served) == NAMES


def test_what_has_crossed_with_it_is_not_sent_again(served: Pair) -> None:
    """Given a case and its consent over there, when the sender's processes start anew, then nothing is sent."""
    opened_case(served, FIRST)
    served.us.begin()
    assert served.cross() == []
