"""`GET /v1/cases/{subject}` and `GET /v1/alerts/active`: where things stand, as the reader may see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub import cases
from hub.grants import Selector
from tests.support.cast import SHELTER
from tests.support.node import BEGAN, TO_SHELTER, Desk, Node, child_case, grant, missing_child, stamp


def publish(desk: Desk, *events: dict[str, Any]) -> None:
    for event in events:
        desk.publish(event)
        desk.node.sequence()


def case(desk: Desk, subject: str) -> list[tuple[str, str, list[str]]]:
    """Per source: its state and the verbs of its history."""
    answer = desk.get(f"/v1/cases/{subject}")
    assert answer.status_code == 200, answer.text
    return [
        (one["source"], one["state"], [item["event"]["type"].rpartition(".")[2] for item in one["history"]])
        for one in answer.get_json()["cases"]
    ]


def active(desk: Desk, **query: Any) -> list[str]:
    """The ids of the events that stand for the active alerts."""
    answer = desk.get("/v1/alerts/active", **query)
    assert answer.status_code == 200, answer.text
    return [item["event"]["id"] for item in answer.get_json()["alerts"]]


def test_a_case_is_open_until_it_is_closed(police: Desk) -> None:
    publish(police, child_case(subject="s"), child_case("updated", minutes=1, subject="s"))
    assert case(police, "s") == [(police.agency.id, "open", ["opened", "updated"])]

    publish(police, child_case("closed", minutes=2, subject="s"))

    assert case(police, "s") == [(police.agency.id, "closed", ["opened", "updated", "closed"])]


def test_an_update_that_arrives_late_does_not_open_a_case_again(police: Desk) -> None:
    publish(police, child_case(subject="s"), child_case("closed", minutes=9, subject="s"))

    publish(police, child_case("updated", minutes=5, subject="s"))

    assert case(police, "s") == [(police.agency.id, "closed", ["opened", "closed", "updated"])]


def test_an_update_that_was_sent_later_does(police: Desk) -> None:
    publish(police, child_case("closed", subject="s"), child_case("updated", minutes=5, subject="s"))

    assert case(police, "s") == [(police.agency.id, "open", ["closed", "updated"])]


def test_two_sources_under_one_subject_are_two_cases(node: Node, police: Desk) -> None:
    node.enrol(fellow := replace(police.agency, id="us-ca-cvpd"))
    node.regrant(TO_SHELTER, grant(id="cvpd", source=Selector(agency=fellow.id)))
    publish(police, missing_child(subject="s"))
    theirs: dict[str, Any] = {"subject": "s", "source": fellow.id}
    publish(node.desk(fellow), missing_child(**theirs), missing_child("located", minutes=1, **theirs))

    assert case(node.desk(SHELTER), "s") == [
        (fellow.id, "closed", ["issued", "located"]),
        (police.agency.id, "open", ["issued"]),
    ]


def test_each_reader_has_its_own_history(police: Desk, shelter: Desk) -> None:
    hidden = missing_child("updated", minutes=1, subject="s", label={"tlp": "red"})
    publish(police, missing_child(subject="s"), hidden)

    assert case(police, "s")[0][2] == ["issued", "updated"]
    assert case(shelter, "s")[0][2] == ["issued"]


def test_who_is_owed_the_end_finds_it_in_the_history(police: Desk, shelter: Desk) -> None:
    publish(police, missing_child(subject="s"))
    shelter.feed()
    publish(police, missing_child("cancelled", minutes=1, subject="s", label={"tlp": "red"}))

    assert case(shelter, "s") == [(police.agency.id, "closed", ["issued", "cancelled"])]


def test_answers_are_no_part_of_the_history(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child(subject="s"))
    shelter.post(f"/v1/events/{hub_id}/acks", {"state": "read"})
    police.node.sequence()

    assert case(police, "s")[0][2] == ["issued"]


def test_a_long_history_ends_with_the_newest(police: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MOST_EVENTS", 2)
    publish(
        police, *(child_case(verb, minutes=n, subject="s") for n, verb in enumerate(("opened", "updated", "closed")))
    )

    assert case(police, "s") == [(police.agency.id, "closed", ["updated", "closed"])]


def test_others_under_the_same_subject_take_no_room_in_the_history(
    node: Node, police: Desk, shelter: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "MOST_EVENTS", 1)
    node.enrol(fellow := replace(police.agency, id="us-ca-cvpd"))
    publish(police, missing_child(subject="s"))
    publish(node.desk(fellow), missing_child(subject="s", source=fellow.id))

    assert case(shelter, "s") == [(police.agency.id, "open", ["issued"])]


@pytest.mark.parametrize("subject", ["with/slash", "con ñ", "a%b", "a?b#c"])
def test_any_subject_can_be_asked_for(police: Desk, subject: str) -> None:
    publish(police, missing_child(subject=subject))

    answer = police.get(f"/v1/cases/{subject.replace('%', '%25').replace('?', '%3F').replace('#', '%23')}")

    assert (answer.status_code, answer.get_json()["subject"]) == (200, subject)


def test_a_subject_no_event_can_have_is_not_there(police: Desk) -> None:
    assert police.get("/v1/cases/a%00b").status_code == 404


def test_the_newest_event_stands_for_its_alert_and_the_newest_alert_comes_first(police: Desk, shelter: Desk) -> None:
    first, second = missing_child(subject="one"), missing_child(subject="two")
    update = missing_child("updated", minutes=5, subject="one")
    publish(police, first, second, update)

    assert active(shelter) == [update["id"], second["id"]]
    assert active(shelter, limit=1) == [update["id"]]


def test_an_older_event_that_arrives_late_stands_for_nothing(police: Desk, shelter: Desk) -> None:
    newest = missing_child("updated", minutes=5, subject="s")
    publish(police, newest, missing_child(subject="s"))

    assert active(shelter) == [newest["id"]]


@pytest.mark.parametrize("verb", ["cancelled", "located"])
def test_a_closed_alert_is_gone_from_the_active_ones(police: Desk, shelter: Desk, verb: str) -> None:
    publish(police, missing_child(subject="s"), missing_child(verb, minutes=1, subject="s"))

    assert active(shelter) == []


def test_a_late_update_does_not_bring_it_back(police: Desk, shelter: Desk) -> None:
    publish(police, missing_child(subject="s"), missing_child("cancelled", minutes=9, subject="s"))

    publish(police, missing_child("updated", minutes=5, subject="s"))

    assert active(shelter) == []


def test_an_alert_is_active_until_its_active_until(police: Desk, node: Node) -> None:
    event = missing_child(label={"tlp": "green", "active_until": stamp(180)})
    publish(police, event)
    assert active(node.desk(SHELTER)) == [event["id"]]

    node.clock.ahead = BEGAN + timedelta(minutes=181) - node.clock()

    assert active(node.desk(SHELTER)) == []


def test_cases_and_answers_are_no_alerts(police: Desk, shelter: Desk) -> None:
    alert = missing_child()
    hub_id = police.publish(alert)
    shelter.post(f"/v1/events/{hub_id}/acks", {"state": "acknowledged"})
    publish(police, child_case())

    assert active(police) == [alert["id"]]


def test_an_exercise_is_not_active_among_what_is_real(police: Desk, shelter: Desk) -> None:
    exercise = missing_child(status="exercise")
    publish(police, exercise)

    assert active(shelter) == []
    assert active(shelter, status="exercise") == [exercise["id"]]
