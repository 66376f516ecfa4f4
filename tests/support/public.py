"""The public of a node, and what it is given: documents and the feed, fetched without a token and read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from lxml import etree
from werkzeug.test import TestResponse

from hub.cap import seal
from hub.cap.press import Imprint, Press
from hub.directory import Kind
from hub.grants import Selector, Tlp
from schemas.sensitivity import Sensitivity
from tests.support import cast, events
from tests.support.node import USUAL, Desk, Node, grant, missing_child

PUBLIC = cast.agency("us-public", Kind.PUBLIC, "US")
TO_PUBLIC = grant(
    id="police-to-public",
    reader=Selector(agency=PUBLIC.id),
    clearance=Sensitivity.PUBLIC,
    max_tlp=Tlp.CLEAR,
    purpose="locate-child",
)
SENDER = "alerts@us.example"
IMPRINT = Imprint(agency=PUBLIC.id, sender=SENDER, url="https://alerts.example", node="us")
NAMES = {
    "atom": "http://www.w3.org/2005/Atom",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "cap": "urn:oasis:names:tc:emergency:cap:1.2",
}
FEED = "/public/alerts.atom"


@cache
def own_seal() -> seal.Seal:
    """One key for all tests: making it costs more than all documents."""
    pem = seal.self_made(SENDER)
    return seal.read(pem, pem)


def open_to_public(node: Node, *grants: Any) -> Node:
    """Enrol the public, let it read what is clear, and give the gateway a press."""
    node.enrol(PUBLIC)
    node.regrant(*USUAL, *(grants or (TO_PUBLIC,)))
    another_gateway(node)
    return node


def another_gateway(node: Node) -> None:
    """As if another process answered from here on: it has made no document yet."""
    node.hub = replace(node.hub, press=Press(IMPRINT, own_seal()))
    node.app.extensions["puente"] = node.hub


def clear(verb: str = "issued", **differs: Any) -> events.Wire:
    """An alert of POLICE that its source puts no limit on."""
    return missing_child(verb, **{"label": {"tlp": "clear"}} | differs)


def publish(desk: Desk, *wanted: events.Wire) -> list[str]:
    """Publish, and give each its place."""
    ids = [desk.publish(event) for event in wanted]
    desk.node.sequence()
    return ids


def get(node: Node, path: str, **headers: str) -> TestResponse:
    """Anybody asks, without a token."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return node.app.test_client().get(path, headers=named)


def address(hub_id: str) -> str:
    """Where the document of an event is."""
    return f"/public/alerts/{hub_id}.xml"


def document(node: Node, hub_id: str) -> etree._Element:
    """The document of an event, which must be there."""
    answer = get(node, address(hub_id))
    assert answer.status_code == 200, answer.text
    return etree.fromstring(answer.data)


def status_of(node: Node, hub_id: str) -> int:
    """What becomes of somebody who asks for the document."""
    return get(node, address(hub_id)).status_code


def feed(node: Node) -> etree._Element:
    """The feed."""
    answer = get(node, FEED)
    assert answer.status_code == 200, answer.text
    return etree.fromstring(answer.data)


def listed(node: Node) -> list[str]:
    """The hub's ids of what the feed lists, in its order."""
    return _ids(feed(node), "atom:entry/atom:id/text()")


def buried(node: Node) -> dict[str, datetime]:
    """The hub's ids of what the feed says is gone, each since when."""
    root = feed(node)
    ids, moments = _ids(root, "at:deleted-entry/@ref"), found(root, "at:deleted-entry/@when")
    return {one: datetime.fromisoformat(when) for one, when in zip(ids, moments, strict=True)}


def _ids(root: etree._Element, path: str) -> list[str]:
    return [one.removeprefix("urn:uuid:") for one in found(root, path)]


def words(root: etree._Element, path: str) -> list[str]:
    """The texts at a path of CAP element names."""
    return found(root, "/".join(f"cap:{step}" for step in path.split("/")) + "/text()")


def found(root: etree._Element, path: str) -> list[str]:
    """What an XPath of texts and attributes finds."""
    held = root.xpath(path, namespaces=NAMES)
    assert isinstance(held, list)
    return list(map(str, held))
