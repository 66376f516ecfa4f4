"""`GET /public/alerts.atom`: its order and its links, and how often anybody gets the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from hub.grants import Tlp
from hub.settings import RateSettings
from tests.support.node import Desk, Node, missing_child
from tests.support.public import FEED, TO_PUBLIC, address, clear, found, get, listed, open_to_public, publish


def test_the_newest_comes_first(desk: Desk) -> None:
    older, newer = publish(desk, clear(), clear(minutes=1))

    assert listed(desk.node) == [newer, older]


def test_what_the_public_has_no_document_of_takes_nobodys_place(
    node: Node, police: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.public.MOST_ENTRIES", 1)
    open_to_public(node, replace(TO_PUBLIC, max_tlp=Tlp.GREEN))
    shown, _ = publish(police, clear(), missing_child(label={"tlp": "green"}))

    assert listed(node) == [shown]


def test_the_feed_leads_to_the_document(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear())

    root = etree.fromstring(get(desk.node, FEED).data)

    assert found(root, "atom:entry/atom:link/@href") == [f"https://alerts.example{address(hub_id)}"]


def test_both_say_what_they_are(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear())

    assert get(desk.node, FEED).content_type == "application/atom+xml"
    assert get(desk.node, address(hub_id)).content_type == "application/cap+xml"


@pytest.mark.parametrize("path", ["feed", "document"])
def test_who_has_the_same_bytes_gets_none(desk: Desk, path: str) -> None:
    (hub_id,) = publish(desk, clear())
    where = FEED if path == "feed" else address(hub_id)
    answer = get(desk.node, where)

    again = get(desk.node, where, If_None_Match=answer.headers["ETag"])

    assert (again.status_code, again.data) == (304, b"")
    assert answer.headers["Cache-Control"] == again.headers["Cache-Control"] == "public, max-age=15"
    assert get(desk.node, where, If_None_Match='"other"').status_code == 200


def test_another_feed_has_another_tag(desk: Desk) -> None:
    before = get(desk.node, FEED).headers["ETag"]

    publish(desk, clear())

    assert get(desk.node, FEED, If_None_Match=before).status_code == 200


def test_one_address_asks_no_more_than_its_rate(open_node: Callable[..., Node]) -> None:
    node = open_to_public(open_node(rates=RateSettings(reads_per_s=0.2)))

    found = [get(node, FEED).status_code for _ in range(3)]

    assert found == [200, 200, 429]
