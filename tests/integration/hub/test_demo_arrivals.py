"""The demo waits for what was published until it is in the log or refused, and says where the rest is."""

from __future__ import annotations

from pathlib import Path

from hub.demo import arriving, stage
from hub.demo.arriving import UNPLACED, UNREAD
from hub.demo.feeding import Fed, Source
from hub.fleet import Fleet
from hub.grants import GrantSet
from hub.settings import load_settings
from hub.store import connect, rejections
from hub.store.rejections import Rejection
from schemas import envelope
from schemas.texts import Text
from tests.support.events import Wire
from tests.support.node import Desk, Node, missing_child


def late(node: Node, *published: Wire, failure: Text | None = None) -> list[tuple[str, str]]:
    """Which of these do not arrive, and where they are."""
    told = load_settings(Path("config/demo/us.toml"), {})
    us = stage.Node(told, Fleet(Path("run"), {}), {"PUENTE_DATABASE_URL": node.url}, GrantSet())
    fed = Fed(Source(Path("cap-us.toml"), us, ()), tuple(map(envelope.load, published)), (), failure)
    running = stage.Running({"us": us}, lambda: False)
    return [(one.event.id, str(one.where)) for one in arriving.arrivals(running, [fed], still_s=0)]


def test_an_event_has_arrived_once_it_has_its_place_in_the_log(node: Node, police: Desk) -> None:
    placed, stored, sent = missing_child(), missing_child(), missing_child()
    police.publish(placed)
    node.sequence()
    police.publish(stored)

    assert late(node, placed, stored, sent) == [(stored["id"], UNPLACED), (sent["id"], UNREAD)]


def test_an_event_that_the_hub_refused_is_not_waited_for(node: Node) -> None:
    refused = missing_child()
    why = Rejection(
        agency=refused["source"], channel="kafka", sha256=b"", code="denied", flaws=(), event_id=refused["id"]
    )
    with connect(node.url, name="test") as conn:
        rejections.add(conn, [why])

    assert late(node, refused) == []


def test_what_a_failed_connector_did_not_publish_is_not_waited_for(node: Node) -> None:
    assert late(node, missing_child(), failure=Text("no broker", "sin broker")) == []
