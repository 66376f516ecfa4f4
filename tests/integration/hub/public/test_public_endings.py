"""What was public ends: replaced by its cancel, lapsed, recalled or taken away, and the feed says so for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from hub.picture import Picture, View
from hub.store import Connection
from tests.support import events
from tests.support.node import BEGAN, USUAL, Desk, missing_child, stamp
from tests.support.public import (
    FEED,
    PUBLIC,
    TO_PUBLIC,
    address,
    buried,
    clear,
    document,
    get,
    listed,
    publish,
    status_of,
    words,
)

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("label", [{"tlp": "clear"}, {"tlp": "amber"}])
def test_of_a_located_child_a_cancel_says_so_and_nothing_more(desk: Desk, label: dict[str, Any]) -> None:
    first, second = publish(desk, clear(subject="s"), clear("updated", subject="s", minutes=1))
    assert listed(desk.node) == [second]

    (end,) = publish(desk, clear("located", subject="s", minutes=2, label=label))

    assert [status_of(desk.node, one) for one in (first, second, end)] == [410, 410, 200]
    assert listed(desk.node) == [end]
    assert buried(desk.node).keys() == {first, second}
    root = document(desk.node, end)
    assert words(root, "msgType") == ["Cancel"]
    assert words(root, "references")[0].count("urn:uuid:") == 2
    assert "located" in words(root, "note")[0]
    assert "localizada" in words(root, "note")[0]
    assert "Ximena" not in etree.tostring(root).decode()
    assert words(root, "info/description") == words(root, "info/web") == words(root, "info/resource/uri") == []


def test_a_cancelled_alert_is_replaced_by_its_cancel(desk: Desk) -> None:
    (first,) = publish(desk, clear(subject="s"))
    document(desk.node, first)

    (end,) = publish(desk, clear("cancelled", subject="s", minutes=1))

    assert [status_of(desk.node, one) for one in (first, end)] == [410, 200]
    assert words(document(desk.node, end), "info/headline") == ["The alert is cancelled.", "La alerta queda cancelada."]


def test_a_cancelled_warning_is_gone_although_nothing_in_it_lapses(desk: Desk) -> None:
    flood: dict[str, Any] = {"data": {"expires": stamp(6000)}, "label": {"tlp": "clear"}}
    (first,) = publish(desk, events.warning(time=stamp(), **flood))
    document(desk.node, first)

    (end,) = publish(desk, events.warning("cancelled", time=stamp(1), **flood))

    assert [status_of(desk.node, one) for one in (first, end)] == [410, 200]
    assert listed(desk.node) == [end]


def test_gone_says_so_as_a_problem_and_in_the_callers_language(desk: Desk) -> None:
    (first,) = publish(desk, clear(subject="s"))
    document(desk.node, first)
    publish(desk, clear("cancelled", subject="s", minutes=1))

    answer = get(desk.node, address(first), Accept_Language="es")

    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["title"] == "Ya no es público"


def test_the_end_of_what_was_never_public_is_not_public(desk: Desk) -> None:
    first, end = publish(
        desk, missing_child(subject="s", label={"tlp": "amber"}), clear("located", subject="s", minutes=1)
    )

    assert [status_of(desk.node, one) for one in (first, end)] == [404, 404]
    assert listed(desk.node) == []


def test_after_public_until_it_is_gone_although_nothing_was_published(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear(label={"tlp": "clear", "public_until": stamp(180)}))
    assert listed(desk.node) == [hub_id]

    desk.node.clock.ahead = HOUR + HOUR / 60

    assert (listed(desk.node), status_of(desk.node, hub_id)) == ([], 410)
    assert buried(desk.node) == {hub_id: BEGAN + timedelta(minutes=180)}


def test_a_warning_ends_with_its_public_until_too(desk: Desk) -> None:
    flood = events.warning(
        data={"expires": stamp(6000)}, time=stamp(), label={"tlp": "clear", "public_until": stamp(180)}
    )
    (hub_id,) = publish(desk, flood)
    assert listed(desk.node) == [hub_id]

    desk.node.clock.ahead = 2 * HOUR

    assert (listed(desk.node), status_of(desk.node, hub_id)) == ([], 410)


def test_an_amber_alert_of_mexico_is_public_for_72_hours(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear(data={"programme": "AMBER_MX", "expires": stamp(60 * 24 * 365)}))
    desk.node.clock.ahead = 69 * HOUR
    assert listed(desk.node) == [hub_id]

    desk.node.clock.ahead = 71 * HOUR  # it was sent two hours ago

    assert (listed(desk.node), status_of(desk.node, hub_id)) == ([], 410)


def test_what_is_gone_is_said_for_72_hours(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear(label={"tlp": "clear", "public_until": stamp(180)}))
    listed(desk.node)
    desk.node.clock.ahead = 70 * HOUR
    assert hub_id in buried(desk.node)

    desk.node.clock.ahead = 74 * HOUR

    assert buried(desk.node) == {}
    assert status_of(desk.node, hub_id) == 410


def test_what_was_recalled_is_gone(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear(subject="s"))
    document(desk.node, hub_id)

    answer = desk.post(f"/v1/events/{hub_id}/recall", {"reason": "wrong-person"})
    assert answer.status_code < 300, answer.text
    desk.node.sequence()

    assert (listed(desk.node), status_of(desk.node, hub_id)) == ([], 410)
    assert buried(desk.node).keys() == {hub_id}


def test_a_tighter_label_takes_it_away(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear(subject="s"))
    document(desk.node, hub_id)

    answer = desk.post(f"/v1/events/{hub_id}/label", {"label": {"tlp": "amber"}, "reason": "safety"})
    assert answer.status_code < 300, answer.text

    assert (listed(desk.node), status_of(desk.node, hub_id)) == ([], 410)


def test_what_ended_unnoticed_long_ago_is_not_news(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear(label={"tlp": "clear", "public_until": stamp(180)}))
    assert listed(desk.node) == [hub_id]

    desk.node.clock.ahead = 80 * HOUR

    assert buried(desk.node) == {}


def test_what_is_gone_went_when_that_was_first_seen_and_no_later(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear())
    document(desk.node, hub_id)
    desk.node.regrant(*USUAL)
    first = buried(desk.node)

    desk.node.clock.ahead = HOUR

    assert buried(desk.node) == first
    assert first.keys() == {hub_id}


def test_what_came_back_goes_anew(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear(label={"tlp": "clear", "public_until": stamp(180)}))
    document(desk.node, hub_id)
    desk.node.regrant(*USUAL)
    assert listed(desk.node) == []
    desk.node.regrant(*USUAL, TO_PUBLIC)
    assert listed(desk.node) == [hub_id]

    desk.node.clock.ahead = 2 * HOUR

    assert buried(desk.node) == {hub_id: BEGAN + timedelta(minutes=180)}


def test_when_the_public_is_suspended_nothing_is_public(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear())
    assert (listed(desk.node), status_of(desk.node, hub_id)) == ([hub_id], 200)

    desk.node.rows("UPDATE agency SET standing = 'suspended' WHERE id = %s", PUBLIC.id)

    assert (status_of(desk.node, hub_id), get(desk.node, FEED).status_code) == (404, 404)


def test_without_an_active_public_nobody_makes_the_gateway_read_the_rules_again_and_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.node.rows("UPDATE agency SET standing = 'suspended' WHERE id = %s", PUBLIC.id)
    refresh, looks = Picture.refresh, []

    def counted(picture: Picture, conn: Connection) -> View:
        looks.append(1)
        return refresh(picture, conn)

    monkeypatch.setattr(Picture, "refresh", counted)

    assert get(desk.node, FEED).status_code == 404
    assert len(looks) == 1


def test_a_public_that_has_become_active_is_there_at_once(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear())
    desk.node.rows("UPDATE agency SET standing = 'suspended' WHERE id = %s", PUBLIC.id)
    assert get(desk.node, FEED).status_code == 404

    desk.node.rows("UPDATE agency SET standing = 'active' WHERE id = %s", PUBLIC.id)

    assert listed(desk.node) == [hub_id]


def test_a_revoked_grant_takes_it_away_and_another_one_brings_it_back(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear(subject="s"))
    document(desk.node, hub_id)

    desk.node.regrant(*USUAL)
    assert (listed(desk.node), list(buried(desk.node))) == ([], [hub_id])
    desk.node.regrant(*USUAL, TO_PUBLIC)

    assert (listed(desk.node), list(buried(desk.node))) == ([hub_id], [])


@pytest.mark.parametrize("status", ["exercise", "test"])
def test_what_is_not_real_says_so_and_is_not_in_the_feed(desk: Desk, status: str) -> None:
    (hub_id,) = publish(desk, clear(status=status))

    root = document(desk.node, hub_id)
    assert words(root, "status") == [status.capitalize()]
    assert listed(desk.node) == []
    desk.node.clock.ahead = 100 * HOUR
    assert (buried(desk.node), status_of(desk.node, hub_id)) == ({}, 410)
