"""When a source takes an event back: nobody else reads it any more, and who had received it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from hub.grants import Selector
from tests.integration.hub.barrier import as_gateway, visible
from tests.support.cast import POLICE, SHELTER
from tests.support.node import TO_SHELTER, Desk, Node, grant
from tests.support.recalling import child, publish, recall

NAME = "Ximena"


def kinds(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["event"]["type"], item["projection"]) for item in items]


def everything(desk: Desk, hub_id: str) -> str:
    """Whatever the API hands this agency that could hold the event."""
    asked = ("/v1/feed", f"/v1/events/{hub_id}", "/v1/cases/ximena", "/v1/alerts/active")
    return "".join(desk.get(path).text for path in asked)


@pytest.mark.parametrize("is_sequenced", [True, False])
def test_nobody_reads_it_any_more_on_any_path(
    police: Desk, shelter: Desk, sheriff: Desk, stranger: Desk, is_sequenced: bool
) -> None:
    issued = police.publish(child())
    if is_sequenced:
        police.node.sequence()
    assert NAME in everything(shelter, issued)

    recall(police, issued)

    for desk in (shelter, sheriff, stranger):
        assert desk.event(issued) is None
        assert NAME not in everything(desk, issued)
        assert desk.get("/v1/cases/ximena").status_code == 404


def test_its_source_sees_it_marked_as_recalled(police: Desk) -> None:
    (issued,) = publish(police, child())

    recall(police, issued)

    found = police.event(issued)
    assert found is not None
    assert found["event"]["data"]["child"]["name"]["given"] == NAME
    assert found["recalled_at"]
    (case,) = police.get("/v1/cases/ximena").get_json()["cases"]
    assert (case["state"], [("recalled_at" in item) for item in case["history"]]) == ("closed", [True])


def test_who_had_received_it_is_told_which_one_it_was_and_nothing_else(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    shelter.feed()

    change = recall(police, issued)

    (notice,) = shelter.feed()
    assert (notice["id"], notice["projection"]) == (change, "notice")
    assert notice["event"]["type"] == "control.recalled"
    assert notice["event"]["data"] == {"event": issued}
    assert shelter.event(change) == notice


def test_it_is_told_even_when_the_right_has_gone(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    shelter.feed()
    police.node.regrant()

    recall(police, issued)

    assert kinds(shelter.feed()) == [("control.recalled", "notice")]


def test_nobody_else_learns_of_it(police: Desk, shelter: Desk, sheriff: Desk, stranger: Desk) -> None:
    everywhere = grant(id="all", types=("*",), reader=Selector(country="US"))
    police.node.regrant(everywhere)
    (issued,) = publish(police, child())
    shelter.feed()

    change = recall(police, issued)

    for desk in (sheriff, stranger):
        assert desk.event(change) is None
        assert desk.feed() == []


def test_what_was_offered_anew_does_not_come_any_more(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    police.node.rows(
        "INSERT INTO pending (event, lane, is_kept, closes, is_offer, offer_grant)"
        " SELECT hub_id, lane, false, false, true, %s FROM event",
        TO_SHELTER.id,
    )
    police.node.sequence()

    recall(police, issued)

    assert police.node.rows("SELECT count(*) FROM offer") == [(0,)]
    assert shelter.feed(limit=1) == []


# --- Where the alert stands.


def test_an_alert_falls_back_to_the_newest_event_that_was_not_recalled(police: Desk, shelter: Desk) -> None:
    first, second = publish(police, child(), child("updated", minutes=1))

    recall(police, second)

    assert [item["id"] for item in shelter.get("/v1/alerts/active").get_json()["alerts"]] == [first]


def test_an_alert_all_of_which_was_recalled_is_not_active_to_anybody(police: Desk) -> None:
    for hub_id in publish(police, child(), child("updated", minutes=1)):
        recall(police, hub_id)

    assert police.get("/v1/alerts/active").get_json()["alerts"] == []
    assert police.node.rows("SELECT count(*) FROM subject_state") == [(0,)]


def test_an_end_that_is_recalled_ended_nothing(police: Desk, shelter: Desk) -> None:
    issued, located = publish(police, child(), child("located", minutes=1))
    before = shelter.event(issued)

    recall(police, located)

    after = shelter.event(issued)
    assert (before and before["projection"], after and after["projection"]) == ("partner~", "partner")
    assert [item["id"] for item in shelter.get("/v1/alerts/active").get_json()["alerts"]] == [issued]


def test_of_two_ends_the_other_one_holds(police: Desk, shelter: Desk) -> None:
    issued, located, _ = publish(police, child(), child("located", minutes=1), child("cancelled", minutes=2))

    recall(police, located)

    found = shelter.event(issued)
    assert (found and found["projection"]) == "partner~"
    assert shelter.get("/v1/alerts/active").get_json()["alerts"] == []


def test_a_notice_of_an_end_goes_with_the_end(police: Desk, shelter: Desk) -> None:
    publish(police, child())
    shelter.feed()
    police.node.regrant()
    (located,) = publish(police, child("located", minutes=1))
    assert kinds(shelter.feed()) == [("alert.missing_child.located", "notice")]

    change = recall(police, located)

    assert [item["id"] for item in shelter.feed()] == [change]
    assert shelter.event(located) is None


def test_an_end_that_was_recalled_before_it_had_its_place_ends_nothing(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    located = police.publish(child("located", minutes=1))

    recall(police, located)

    found = shelter.event(issued)
    assert (found and found["projection"]) == "partner"


def test_where_anothers_alert_of_the_same_subject_stands_is_not_touched(
    node: Node, police: Desk, shelter: Desk
) -> None:
    node.enrol(fellow := replace(police.agency, id="us-ca-cvpd"))
    node.regrant(TO_SHELTER, grant(id="cvpd", source=Selector(agency=fellow.id)))
    theirs = node.desk(fellow).publish(child(source=fellow.id))
    (issued,) = publish(police, child(minutes=1))

    recall(police, issued)

    assert [item["id"] for item in shelter.get("/v1/alerts/active").get_json()["alerts"]] == [theirs]


# --- The second barrier.


def test_the_database_by_itself_shows_it_to_its_source_alone(node: Node, police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    shelter.feed()
    recall(police, issued)

    with psycopg.connect(node.url, autocommit=True) as conn:
        shown = {agency: visible(conn, agency) for agency in (POLICE.id, SHELTER.id)}

    assert shown[POLICE.id] == {"event": {"ximena"}, "log": {"ximena"}, "state": set()}
    assert shown[SHELTER.id]["log"] == shown[SHELTER.id]["state"] == set()  # of the event table, the recall it is owed
    with psycopg.connect(node.url, autocommit=True) as conn, as_gateway(conn, SHELTER.id):
        assert conn.execute("SELECT type FROM event").fetchall() == [("control.recalled",)]
