"""`GET /v1/feed`: order, cursors, and that nothing else can be told from them."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, child_case, grant, missing_child
from tests.support.waiting import until

WAITING = """
    SELECT 1 FROM pg_stat_activity
     WHERE wait_event_type = 'Lock' AND query LIKE '%owe_closings%' AND datname = current_database()
"""


def page(desk: Desk, **query: Any) -> dict[str, Any]:
    answer = desk.get("/v1/feed", **query)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["event"]["id"] for item in items]


def publish_alerts(police: Desk, count: int, **differs: Any) -> list[str]:
    """Publish alerts and give them their places; their ids."""
    events = [missing_child(**differs) for _ in range(count)]
    for event in events:
        police.publish(event)
    police.node.sequence()
    return [event["id"] for event in events]


def test_events_come_in_the_order_of_the_log(police: Desk, shelter: Desk) -> None:
    published = publish_alerts(police, 3) + publish_alerts(police, 2)

    assert ids(shelter.feed()) == published


def test_what_has_no_place_yet_is_not_in_the_feed(police: Desk) -> None:
    police.publish(missing_child())

    assert police.feed() == []
    police.node.sequence()
    assert len(police.feed()) == 1


def test_pages_follow_one_another_without_gap_or_repetition(police: Desk, shelter: Desk) -> None:
    published = publish_alerts(police, 5)
    seen, after, more = [], "", True
    while more:
        found = page(shelter, after=after, limit=2)
        seen += ids(found["events"])
        after, more = found["next"], found["more"]

    assert seen == published


def test_the_same_url_gives_the_same_bytes(police: Desk, shelter: Desk) -> None:
    publish_alerts(police, 4)
    cursor = page(shelter, limit=1)["next"]
    first = shelter.get("/v1/feed", after=cursor, limit=2)

    publish_alerts(police, 2)

    assert shelter.get("/v1/feed", after=cursor, limit=2).data == first.data


def test_after_the_last_event_the_cursor_stands_still(police: Desk, shelter: Desk) -> None:
    publish_alerts(police, 2)
    end = page(shelter)["next"]

    assert page(shelter, after=end) == {"events": [], "next": end, "more": False}


@pytest.mark.parametrize("status", ["exercise", "test"])
def test_what_is_not_real_never_mixes_with_what_is(police: Desk, shelter: Desk, status: str) -> None:
    real, other = publish_alerts(police, 1), publish_alerts(police, 1, status=status)

    assert ids(shelter.feed()) == real
    assert ids(shelter.feed(status=status)) == other


def test_a_cursor_says_nothing_about_where_it_stands(police: Desk, shelter: Desk) -> None:
    publish_alerts(police, 2)
    one, two = (base64.urlsafe_b64decode(page(shelter, limit=limit)["next"]) for limit in (1, 2))

    assert sum(a != b for a, b in zip(one, two, strict=True)) > len(one) / 2


def test_a_cursor_is_for_its_reader_alone(police: Desk, shelter: Desk, sheriff: Desk) -> None:
    publish_alerts(police, 1)

    answer = sheriff.get("/v1/feed", after=page(shelter)["next"])

    assert answer.status_code == 422
    assert answer.get_json()["errors"] == [
        {"path": "/after", "code": "not-a-cursor", "detail": "This is not a cursor of this feed."}
    ]


def test_a_cursor_is_for_its_status_alone(police: Desk, shelter: Desk) -> None:
    publish_alerts(police, 1)

    assert shelter.get("/v1/feed", after=page(shelter)["next"], status="test").status_code == 422


@pytest.mark.parametrize("bent", [lambda c: c[:-4] + "AAAA", lambda _: "A" * 32, lambda _: "ñ", str.lower])
def test_a_bent_cursor_is_refused(police: Desk, shelter: Desk, bent: Any) -> None:
    publish_alerts(police, 1)

    assert shelter.get("/v1/feed", after=bent(page(shelter)["next"])).status_code == 422


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 501}, {"limit": "many"}, {"status": "real"}, {"after": "x" * 201}]
)
def test_a_query_out_of_bounds_is_refused_with_its_member(shelter: Desk, query: dict[str, Any]) -> None:
    answer = shelter.get("/v1/feed", **query)

    assert answer.status_code == 422
    assert [error["path"] for error in answer.get_json()["errors"]] == [f"/{next(iter(query))}"]


def test_who_has_no_grant_learns_nothing_from_what_others_publish(police: Desk, stranger: Desk) -> None:
    before = stranger.get("/v1/feed")
    publish_alerts(police, 3)

    after = stranger.get("/v1/feed")

    assert before.get_json()["events"] == []
    assert (after.data, after.headers.to_wsgi_list()) == (before.data, before.headers.to_wsgi_list())


def test_what_a_reader_may_not_see_does_not_move_its_cursor(police: Desk, shelter: Desk) -> None:
    publish_alerts(police, 1)
    before = shelter.get("/v1/feed").data

    publish_alerts(police, 3, label={"tlp": "red"})
    police.publish(child_case())
    police.node.sequence()

    assert shelter.get("/v1/feed").data == before


def test_a_page_is_full_however_much_is_hidden_before_it(police: Desk, shelter: Desk) -> None:
    publish_alerts(police, 5, label={"tlp": "red"})
    seen = publish_alerts(police, 2)

    assert ids(shelter.feed(limit=2)) == seen


COARSE = [f"us-ca-agency{n}" for n in range(6)]  # more than a lane keeps apart (hub/lanes.py)


def test_events_with_long_audiences_are_decided_one_by_one(police: Desk, shelter: Desk) -> None:
    publish_alerts(police, 3, label={"tlp": "green", "audience": COARSE})
    for_shelter = publish_alerts(police, 1, label={"tlp": "green", "audience": [*COARSE, SHELTER.id]})

    found = page(shelter, limit=2)

    assert ids(found["events"]) == for_shelter
    assert ids(page(shelter, limit=2, after=found["next"])["events"]) == []


def test_a_reader_behind_very_many_hidden_events_gets_an_empty_page_and_goes_on(police: Desk, shelter: Desk) -> None:
    publish_alerts(police, 9, label={"tlp": "green", "audience": COARSE})
    for_shelter = publish_alerts(police, 1)

    found = page(shelter, limit=1)

    assert (found["events"], found["more"]) == ([], True)
    assert ids(page(shelter, limit=2, after=found["next"])["events"]) == for_shelter


def test_a_token_narrows_the_feed(node: Node, police: Desk) -> None:
    publish_alerts(police, 1)

    assert node.desk(SHELTER, jurisdictions="US-AZ").feed() == []
    assert node.desk(SHELTER, purpose="statistics").feed() == []
    assert len(node.desk(SHELTER, purpose="locate-child", jurisdictions="US-CA").feed()) == 1


def test_a_token_without_the_scope_reads_nothing_and_that_is_on_record(node: Node) -> None:
    answer = node.desk(POLICE, scope="events:publish").get("/v1/feed")

    assert answer.status_code == 403
    assert node.rows("SELECT agency, action, is_allowed FROM audit WHERE action LIKE 'events:%'") == [
        (POLICE.id, "events:read", False)
    ]


def test_an_end_that_another_reading_has_just_come_to_owe_is_on_the_page_too(
    node: Node, police: Desk, shelter: Desk
) -> None:
    node.regrant(grant(types=("alert.missing_child.issued",)))
    alert, end = (missing_child(verb, subject="one", minutes=n) for n, verb in enumerate(("issued", "cancelled")))
    hub_id = police.publish(alert)
    police.publish(end)
    node.sequence()

    with ThreadPoolExecutor(1) as threads:
        with node.database() as conn, conn.transaction():
            conn.execute("SELECT owe_closings(%s, ARRAY[%s::uuid])", (SHELTER.id, hub_id))
            answer = threads.submit(shelter.feed)
            until(lambda: node.rows(WAITING), what="the reading")

        assert ids(answer.result()) == [alert["id"], end["id"]]
