"""`POST /v1/events/{id}/notes`: sightings, questions and answers, from one agency to one other."""

from __future__ import annotations

from typing import Any

import pytest

from hub.grants import Selector
from tests.support.cast import FISCALIA, POLICE, SHELTER
from tests.support.events import note
from tests.support.node import TO_SHELTER, TO_SHERIFF, Desk, Node, grant, missing_child, stamp

TEXT = {"en": "At the bus station", "es": "En la central de autobuses"}
SIGHTING = {
    "kind": "sighting",
    "text": TEXT,
    "seen_at": "2026-05-04T15:10:00-07:00",
    "place": {"jurisdiction": "US-CA:06073"},
}
QUESTION = {"kind": "question", "text": {"en": "Which exit?"}}
ANSWER = {"kind": "answer", "text": {"en": "The southern one."}}


def say(desk: Desk, hub_id: str, body: dict[str, Any] = SIGHTING, **differs: Any) -> Any:
    return desk.post(f"/v1/events/{hub_id}/notes", body | differs)


def said(desk: Desk, hub_id: str, body: dict[str, Any] = SIGHTING) -> str:
    answered = say(desk, hub_id, body)
    assert answered.status_code == 201, answered.text
    return str(answered.get_json()["id"])


def notes_seen(desk: Desk) -> list[tuple[str, str, str]]:
    """(type, source, the event it is about) of each note in the feed."""
    desk.node.sequence()
    return [
        (item["event"]["type"], item["event"]["source"], item["event"]["data"]["event"])
        for item in desk.feed()
        if item["event"]["type"].startswith("note.")
    ]


def test_a_sighting_comes_to_the_source_with_what_was_said(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child())

    written = said(shelter, hub_id)

    assert notes_seen(police) == [("note.sighting", SHELTER.id, hub_id)]
    found = police.event(written)
    assert found is not None
    assert found["event"]["data"] == {name: SIGHTING[name] for name in ("text", "seen_at", "place")} | {"event": hub_id}


def test_nobody_else_hears_of_it(police: Desk, shelter: Desk, sheriff: Desk, stranger: Desk) -> None:
    written = said(shelter, police.publish(missing_child()))

    assert notes_seen(sheriff) == notes_seen(stranger) == []
    assert sheriff.event(written) is stranger.event(written) is None


def test_a_question_is_answered_to_who_asked_it(police: Desk, shelter: Desk, sheriff: Desk) -> None:
    sighting = said(shelter, police.publish(missing_child()))

    question = said(police, sighting, QUESTION)
    said(shelter, question, ANSWER)

    assert notes_seen(shelter)[1:] == [("note.question", POLICE.id, sighting), ("note.answer", SHELTER.id, question)]
    assert notes_seen(police)[-1] == ("note.answer", SHELTER.id, question)
    assert notes_seen(sheriff) == []


def test_that_a_sighting_was_seen_is_acknowledged(police: Desk, shelter: Desk) -> None:
    sighting = said(shelter, police.publish(missing_child()))

    assert police.post(f"/v1/events/{sighting}/acks", {"state": "acknowledged"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (ANSWER, "an answer needs a question"),
        (SIGHTING, "a sighting is of an alert or a case"),
    ],
)
def test_what_makes_no_sense_on_a_sighting_is_refused(
    police: Desk, shelter: Desk, body: dict[str, Any], reason: str
) -> None:
    sighting = said(shelter, police.publish(missing_child()))

    answered = say(police, sighting, body)

    assert (answered.status_code, answered.get_json()["detail"]) == (403, reason)


def test_the_same_words_twice_are_one_note_and_other_words_another(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child())
    first = say(shelter, hub_id)

    again, other = say(shelter, hub_id), say(shelter, hub_id, text={"en": "At the pier"})

    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert other.status_code == 201
    assert len(notes_seen(police)) == 2


def test_a_note_on_what_cannot_be_seen_is_like_one_on_nothing(police: Desk, stranger: Desk) -> None:
    hidden, missing = (
        say(stranger, one) for one in (police.publish(missing_child()), "019ec1f0-7c3a-7e55-8c1b-0242ac120002")
    )

    assert (hidden.status_code, hidden.data) == (missing.status_code, missing.data) == (404, missing.data)


FLAWED = {
    "no kind": ({"kind": None}, "/kind"),
    "no place": ({"place": None}, "/place"),
    "a place that is none": ({"place": {"jurisdiction": "US-CA:99999"}}, "/place/jurisdiction"),
    "no text": ({"text": {}}, "/text"),
    "another event than the one in the path": ({"event": "019ec1f0-7c3a-7e55-8c1b-0242ac120002"}, "/event"),
}


@pytest.mark.parametrize(("body", "path"), FLAWED.values(), ids=FLAWED.keys())
def test_a_flaw_is_named_where_the_sender_wrote_it(
    police: Desk, shelter: Desk, body: dict[str, Any], path: str
) -> None:
    answered = say(shelter, police.publish(missing_child()), **body)

    assert answered.status_code == 422
    assert [error["path"] for error in answered.get_json()["errors"]] == [path]


def published_note(hub_id: str, **differs: Any) -> dict[str, Any]:
    """A note as an event, as a connector would publish it."""
    usual = {"source": SHELTER.id, "subject": "s", "jurisdictions": ["US-CA"], "time": stamp(1)}
    label = {"tlp": "amber+strict", "audience": [POLICE.id]}
    return note("question", data={"event": hub_id}, **usual | {"label": label} | differs)


def test_a_note_can_be_published_as_an_event_with_a_token_that_may_only_publish(node: Node, police: Desk) -> None:
    hub_id = police.publish(missing_child(subject="s"))

    node.desk(SHELTER, scope="events:read events:publish").publish(published_note(hub_id))

    assert notes_seen(police) == [("note.question", SHELTER.id, hub_id)]


@pytest.mark.parametrize(
    "differs",
    [{"label": {"tlp": "clear"}}, {"label": {"audience": [POLICE.id, "ngo"]}}, {"subject": "another"}],
    ids=["to everybody", "to others too", "under another subject"],
)
def test_such_a_note_goes_to_the_source_alone(police: Desk, shelter: Desk, differs: dict[str, Any]) -> None:
    hub_id = police.publish(missing_child(subject="s"))

    assert shelter.post("/v1/events", published_note(hub_id, **differs)).status_code == 403
    assert notes_seen(police) == []


def test_notes_are_no_part_of_where_an_alert_stands(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child(subject="s"))
    said(shelter, hub_id)
    police.node.sequence()

    (case,) = police.get("/v1/cases/s").get_json()["cases"]
    (active,) = police.get("/v1/alerts/active").get_json()["alerts"]

    assert [item["id"] for item in case["history"]] == [active["id"]] == [hub_id]


# --- Across the border.


@pytest.fixture
def abroad(node: Node) -> Desk:
    """FISCALIA, to whom POLICE has opened its alerts."""
    node.regrant(TO_SHELTER, TO_SHERIFF, grant(id="police-to-fge", reader=Selector(agency=FISCALIA.id)))
    return node.desk(FISCALIA)


def test_an_answer_to_another_country_is_released_to_it(police: Desk, abroad: Desk) -> None:
    hub_id = police.publish(missing_child())

    answered = abroad.post(f"/v1/events/{hub_id}/acks", {"state": "read"}).get_json()["id"]
    written = said(abroad, hub_id)

    for one in (answered, written):
        found = police.event(one)
        assert found is not None
        assert found["event"]["label"]["rel_to"] == ["US"]


def test_a_published_answer_that_names_no_country_would_never_arrive_and_is_refused(police: Desk, abroad: Desk) -> None:
    hub_id = police.publish(missing_child(subject="s"))
    usual = {"source": FISCALIA.id, "jurisdictions": ["MX-BCN"]}

    refused = abroad.post("/v1/events", published_note(hub_id, **usual))

    assert refused.status_code == 403
    assert "rel_to" in refused.get_json()["detail"]
    label = {"tlp": "amber+strict", "audience": [POLICE.id], "rel_to": ["US"]}
    assert abroad.post("/v1/events", published_note(hub_id, **usual, label=label)).status_code == 201
