"""What the origin released, and nothing else, is read on the other side, as the origin's policy says."""

from __future__ import annotations

from dataclasses import replace

from hub.acks import acknowledge
from hub.grants import Selector
from hub.notes import write
from schemas.sensitivity import Sensitivity
from tests.integration.border.conftest import REFUGIO, TO_FISCALIA, TO_REFUGIO, released
from tests.support import cast
from tests.support.cast import FISCALIA, POLICE
from tests.support.crossing import Pair, bodies, changed

SEEN = {"en": "Near the bus station", "es": "Cerca de la central camionera", "translation": "human"}


def test_a_prosecutor_across_reads_what_a_prosecutor_here_would(met: Pair) -> None:
    """Given a grant to prosecutors in Mexico, when an alert is released to Mexico, then the fiscalía reads it."""
    event = released()
    met.us.publish(event)
    met.cross()
    (got,) = met.mx.feed(FISCALIA)
    assert got["data"]["child"]["name"] == event["data"]["child"]["name"]


def test_each_reader_across_gets_its_own_projection(met: Pair) -> None:
    """Given grants at two clearances, when an alert crosses, then the shelter sees less than the fiscalía."""
    met.us.publish(released())
    met.cross()
    (fiscalia,), (refugio,) = met.mx.feed(FISCALIA), met.mx.feed(REFUGIO)
    assert len(str(refugio)) < len(str(fiscalia))


def test_what_is_not_released_to_the_country_stays(met: Pair) -> None:
    """Given the same grants, when a label names the US alone, then no envelope with an event is made."""
    met.us.publish(released(label={"rel_to": ["US"]}))
    assert met.cross() == []


def test_what_no_grant_opens_over_there_stays(nodes: Pair) -> None:
    """Given no grant to Mexico, when an alert is released to Mexico, then nothing of it leaves."""
    nodes.cross()
    nodes.us.publish(released())
    assert nodes.cross() == []


def test_nothing_above_the_released_projections_leaves(nodes: Pair) -> None:
    """Given a grant to shelters alone, when an alert crosses, then the envelope holds no text for enforcement."""
    nodes.us.regrant(TO_REFUGIO)
    nodes.cross()
    nodes.us.publish(released())
    nodes.us.makes()
    (body,) = bodies(nodes.us.batch())
    assert set(body["texts"]) <= {"notice", "partner", "partner~"}


def test_a_grant_that_ends_takes_the_copy_with_it(met: Pair) -> None:
    """Given an alert that was read over there, when its grant ends, then nobody there reads it any more."""
    met.us.publish(released())
    met.cross()
    assert len(met.mx.feed(FISCALIA)) == 1
    met.us.regrant(TO_REFUGIO)
    assert met.cross() == [("grant", "applied")]
    assert met.mx.feed(FISCALIA) == []


def test_of_a_copy_that_nobody_may_read_only_its_notice_stays(met: Pair) -> None:
    """Given an alert over there, when every grant to there ends, then its text is gone from the other database."""
    event = released()
    met.us.publish(event)
    met.cross()
    met.us.regrant()
    met.cross()
    name = event["data"]["child"]["name"]["given"]
    assert met.mx.rows("SELECT count(*) FROM event WHERE text LIKE %s", f"%{name}%") == [(0,)]


def test_what_is_granted_late_is_sent_from_the_beginning(nodes: Pair) -> None:
    """Given alerts that nobody there might read, when a grant opens them, then all of them cross, in order."""
    nodes.cross()
    subjects = [released(minutes=minute) for minute in range(5)]
    for event in subjects:
        nodes.us.publish(event)
    nodes.cross()
    nodes.us.regrant(TO_FISCALIA)
    nodes.cross(most=2)
    assert [got["id"] for got in nodes.mx.feed(FISCALIA)] == [event["id"] for event in subjects]


def test_an_agency_that_joins_later_gets_what_is_open_to_its_kind(met: Pair) -> None:
    """Given an alert that crossed, when another fiscalía joins over there, then it reads it once both sides know it."""
    met.us.publish(released())
    met.cross()
    late = cast.agency("mx-son-fge", FISCALIA.kind, "MX-SON")
    met.mx.enrol(late)
    before = met.mx.feed(late)
    met.cross()
    assert (before, len(met.mx.feed(late))) == ([], 1)


def test_a_kind_that_joins_later_is_sent_its_own_projection(met: Pair) -> None:
    """Given an alert that only the fiscalía could read, when a shelter joins, then its projection is sent, no more."""
    met.us.regrant(TO_FISCALIA)
    met.mx.enrol(replace(REFUGIO, standing=cast.CAST[0].standing))
    met.us.publish(released())
    met.cross()
    assert met.mx.feed(REFUGIO) == []
    met.us.regrant(TO_FISCALIA, TO_REFUGIO)
    met.cross()
    assert [got["data"].get("child", {}).get("name") is not None for got in met.mx.feed(REFUGIO)] == [True]


def test_who_received_an_alert_hears_its_end_when_its_right_has_gone(met: Pair) -> None:
    """Given an alert that was read there and a grant that ended, when it is cancelled, then a notice crosses."""
    event = released()
    met.us.publish(event)
    met.cross()
    met.mx.feed(FISCALIA)
    met.us.regrant()
    met.us.publish(released("cancelled", minutes=5, subject=event["subject"]))
    met.cross()
    assert [(got["type"], got.get("data")) for got in met.mx.feed(FISCALIA)] == [
        ("alert.missing_child.cancelled", None)
    ]


def test_an_acknowledgement_goes_back_to_the_originator(met: Pair) -> None:
    """Given an alert that crossed, when the fiscalía acknowledges it, then the police read that on their side."""
    hub_id = met.us.publish(released())
    met.cross()
    acknowledge(met.mx.conn, met.mx.asking(FISCALIA), hub_id, "acknowledged", {})
    met.mx.sequence()
    met.cross()
    answers = [got for got in met.us.feed(POLICE) if got["type"] == "ack.acknowledged"]
    assert [(got["source"], got["data"]["event"]) for got in answers] == [(FISCALIA.id, str(hub_id))]


def test_an_alert_that_ended_during_an_outage_crosses_in_its_order(met: Pair) -> None:
    """Given an alert, an update and its end, and nothing sent meanwhile, then each crosses once and in this order."""
    subject = released()["subject"]
    for minutes, verb in enumerate(("issued", "updated", "cancelled")):
        met.us.publish(released(verb, minutes=minutes, subject=subject))
    met.us.makes()
    assert [body["type"].rpartition(".")[2] for body in bodies(met.us.batch())] == ["issued", "updated", "cancelled"]


def test_a_read_over_there_is_among_the_originators_disclosures(met: Pair) -> None:
    """Given an alert that crossed, when the fiscalía reads it, then the police's node has that on record."""
    hub_id = met.us.publish(released())
    met.cross()
    met.mx.feed(FISCALIA)
    met.mx.notarize()
    met.cross()
    found = met.us.rows(
        "SELECT agency, object, projections FROM audit WHERE action = 'disclose' AND events @> ARRAY[%s]", hub_id
    )
    assert found == [(FISCALIA.id, "border.feed", ["enforcement"])]


def test_what_came_from_elsewhere_goes_no_further(met: Pair) -> None:
    """Given a grant here that would open everything to everybody, when an alert has come, then none goes back."""
    met.us.publish(released())
    met.cross()
    met.mx.regrant(cast.grant(id="mx-everything", source=Selector(country="US"), reader=Selector(country="US")))
    assert {kind for kind, _ in met.cross()} <= {"grant"}


def test_a_grant_of_this_side_opens_nothing_of_the_other(met: Pair) -> None:
    """Given no grant of the origin, when this side grants itself the other's alerts, then nobody reads more."""
    met.us.regrant(TO_FISCALIA)
    met.us.publish(released())
    met.cross()
    usual = {"valid_from": TO_REFUGIO.valid_from, "valid_until": TO_REFUGIO.valid_until}
    met.mx.regrant(
        cast.grant(id="mx-widening", source=Selector(country="US"), reader=Selector(agency=REFUGIO.id), **usual)
    )
    assert met.mx.feed(REFUGIO) == []


def test_an_audience_names_agencies_across(met: Pair) -> None:
    """Given an alert for one named agency, when it crosses, then no other agency over there reads it."""
    met.us.publish(changed(released(), audience=[FISCALIA.id]))
    met.cross()
    assert (len(met.mx.feed(FISCALIA)), met.mx.feed(REFUGIO)) == (1, [])


def test_a_clearance_that_is_raised_sends_what_it_opens(nodes: Pair) -> None:
    """Given prosecutors who were partners, when they are cleared for more, then the copy there holds more."""
    nodes.us.regrant(replace(TO_FISCALIA, clearance=Sensitivity.PARTNER))
    nodes.cross()
    nodes.us.publish(released())
    nodes.cross()
    before = nodes.mx.feed(FISCALIA)
    nodes.us.regrant(TO_FISCALIA)
    nodes.cross()
    assert len(str(nodes.mx.feed(FISCALIA))) > len(str(before))


def test_times_keep_the_offset_they_were_written_with(met: Pair) -> None:
    """Given an alert that was sent at a Pacific time, when it crosses, then it says so over there."""
    event = released(time="2026-11-25T13:30:00-08:00", data={"expires": "2026-12-25T13:30:00-08:00"})
    met.us.publish(event)
    met.cross()
    assert [got["time"] for got in met.mx.feed(FISCALIA)] == ["2026-11-25T13:30:00-08:00"]


def test_places_keep_their_country(met: Pair) -> None:
    """Given an alert for a county whose digits are a municipio's as well, when it crosses, then it is the county's."""
    met.us.publish(released(jurisdictions=["US-CA:06073"]))
    met.cross()
    assert [got["jurisdictions"] for got in met.mx.feed(FISCALIA)] == [["US-CA:06073"]]


def test_a_text_without_a_human_translation_says_so(met: Pair) -> None:
    """Given a headline that nobody has translated, when it crosses, then it is marked, and not made up."""
    headline = {"en": "Child abduction", "translation": "none"}
    met.us.publish(released(data={"headline": headline}))
    met.cross()
    assert [got["data"]["headline"] for got in met.mx.feed(FISCALIA)] == [headline]


def test_both_languages_cross(met: Pair) -> None:
    """Given a headline in both languages, when it crosses, then it is in both over there."""
    event = released()
    met.us.publish(event)
    met.cross()
    assert [got["data"]["headline"] for got in met.mx.feed(FISCALIA)] == [event["data"]["headline"]]


def test_what_is_marked_resident_is_on_no_wire_and_in_no_other_database(met: Pair) -> None:
    """Given a member that never leaves its node, when its event crosses, then the member is nowhere over there."""
    event = released(data={"description": {"en": "CANARY-7391", "es": "CANARY-7391", "translation": "human"}})
    met.us.publish(changed(event, marks={"/data/description": "resident"}))
    met.us.makes()
    assert not any("CANARY-7391" in one.body for one in met.us.batch())
    met.cross()
    (got,) = met.mx.feed(FISCALIA)
    assert "description" not in got["data"]


def test_what_one_node_was_sent_it_does_not_send_on(met: Pair) -> None:
    """Given three nodes in a ring, when an alert has come to the second, then it does not go on to the third."""
    met.us.publish(released())
    met.cross()
    met.mx.rows(
        "INSERT INTO agency (id, name, kind, country, jurisdictions, peer)"
        " VALUES ('us-third', 'third', 'law_enforcement', 'US', '{US}', 'us')"
    )
    met.mx.makes()
    assert not any(one.head.kind == "event" for one in met.mx.batch())


def test_a_sighting_over_there_reaches_the_originator_alone(met: Pair) -> None:
    """Given an alert that crossed, when the fiscalía reports a sighting, then the police have it, and nobody else."""
    hub_id = met.us.publish(released())
    met.cross()
    seen = {"text": SEEN, "seen_at": "2026-11-25T13:30:00-08:00", "place": {"jurisdiction": "MX-BCN:02004"}}
    write(met.mx.conn, met.mx.asking(FISCALIA), hub_id, "sighting", seen)
    met.mx.sequence()
    met.cross()
    (note,) = [got for got in met.us.feed(POLICE) if got["type"] == "note.sighting"]
    assert (note["data"]["text"], met.mx.feed(REFUGIO)[1:]) == (SEEN, [])


def test_a_question_goes_over_and_its_answer_comes_back(met: Pair) -> None:
    """Given an alert that crossed, when the fiscalía asks and the police answer, then the fiscalía reads the answer."""
    hub_id = met.us.publish(released())
    met.cross()
    question = write(met.mx.conn, met.mx.asking(FISCALIA), hub_id, "question", {"text": SEEN})
    met.mx.sequence()
    met.cross()
    write(met.us.conn, met.us.asking(POLICE), question.hub_id, "answer", {"text": SEEN})
    met.us.sequence()
    met.cross()
    answers = [got for got in met.mx.feed(FISCALIA) if got["type"] == "note.answer"]
    assert [(got["source"], got["data"]["event"]) for got in answers] == [(POLICE.id, str(question.hub_id))]


def test_a_release_names_the_directory_and_the_readers_that_it_was_decided_with(met: Pair) -> None:
    """Given agencies that the other side has shown, when an alert is released, then it says which, and as of when."""
    met.us.publish(released())
    met.us.makes()
    (body,) = bodies(met.us.batch())
    shown = met.mx.rows("SELECT max((body::json->>'version')::bigint) FROM departure WHERE kind = 'directory'")
    readers = sorted(body["release"]["readers"])
    assert ([(body["release"]["directory"],)], readers) == (shown, [FISCALIA.id, REFUGIO.id])
