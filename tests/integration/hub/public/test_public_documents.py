"""`GET /public/alerts/{id}.xml`: what anybody reads of an event, and what nobody does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from hub.cap.press import Press
from hub.directory import Kind
from hub.grants import Selector, Tlp
from tests.support.cast import POLICE, agency
from tests.support.events import bilingual
from tests.support.node import BEGAN, USUAL, Desk, Node, missing_child, stamp
from tests.support.public import (
    FEED,
    IMPRINT,
    PUBLIC,
    SENDER,
    TO_PUBLIC,
    address,
    another_gateway,
    clear,
    document,
    get,
    listed,
    open_to_public,
    own_seal,
    publish,
    status_of,
    words,
)

HIDDEN = "Kanari7Q"


def test_anybody_reads_what_is_clear(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear())

    root = document(desk.node, hub_id)

    assert words(root, "msgType") == ["Alert"]
    assert words(root, "info/headline") == ["AMBER Alert: San Ysidro", "Alerta AMBER: San Ysidro"]
    assert listed(desk.node) == [hub_id]


@pytest.mark.parametrize("label", [{"tlp": "green"}, {"tlp": "amber"}, {}, {"tlp": "clear", "audience": ["ngo"]}])
def test_what_has_a_limit_is_never_there(desk: Desk, label: dict[str, Any]) -> None:
    (hub_id,) = publish(desk, missing_child(label=label))

    assert listed(desk.node) == []
    assert status_of(desk.node, hub_id) == 404


def test_a_grant_that_goes_further_does_not_make_the_public_read_more(node: Node) -> None:
    open_to_public(node, replace(TO_PUBLIC, max_tlp=Tlp.AMBER))
    (hub_id,) = publish(node.desk(POLICE), missing_child(label={"tlp": "amber"}))

    assert (listed(node), status_of(node, hub_id)) == ([], 404)


def test_what_is_missing_and_what_is_forbidden_look_the_same(desk: Desk) -> None:
    (hub_id,) = publish(desk, missing_child(label={"tlp": "amber"}))

    assert get(desk.node, address(hub_id)).data == get(desk.node, address("019ec1f0-7c3a-7e55-8c1b-0242ac120002")).data


def test_a_stranger_writes_nothing_into_the_audit(desk: Desk) -> None:
    (hub_id,) = publish(desk, missing_child(label={"tlp": "amber"}))
    before = desk.node.rows("SELECT count(*) FROM audit")

    status_of(desk.node, hub_id)
    listed(desk.node)

    assert desk.node.rows("SELECT count(*) FROM audit") == before


def test_what_is_for_agencies_is_in_no_document(desk: Desk) -> None:
    child = {"name": {"given": "Ximena"}, "medical": bilingual(HIDDEN, HIDDEN), "folio_unico": HIDDEN}
    more = {
        "child": child,
        "note": bilingual(HIDDEN, HIDDEN),
        "circumstance": bilingual(HIDDEN, HIDDEN),
        "duty_contact": HIDDEN,
        "suspects": [{"name": {"given": HIDDEN}}],
        "references": [{"sender": HIDDEN, "identifier": HIDDEN, "sent": stamp()}],
        "contact": bilingual(HIDDEN, HIDDEN),
    }
    (hub_id,) = publish(desk, clear(data=more, label={"tlp": "clear", "marks": {"/data/contact": "enforcement"}}))

    assert HIDDEN not in get(desk.node, address(hub_id)).text + get(desk.node, FEED).text


def test_a_machine_translation_is_never_there(desk: Desk) -> None:
    text = {"en": "Seen at school.", "es": HIDDEN, "translation": "machine", "original": "en-US"}
    data = {"headline": text, "description": text, "event": text, "instruction": text, "contact": text}
    (hub_id,) = publish(desk, clear(data=data))

    root = document(desk.node, hub_id)

    assert HIDDEN not in etree.tostring(root).decode() + get(desk.node, FEED).text
    assert words(root, "info/language") == ["en-US", "es-MX"]
    assert words(root, "info/event") == ["Seen at school.", "Alerta AMBER"]
    assert words(root, "info/description") == ["Seen at school.", "El texto de esta alerta está solo en inglés."]


def test_what_was_made_is_on_record_once(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear())

    for _ in range(3):
        document(desk.node, hub_id)
        listed(desk.node)

    entries = "SELECT object, events::text, projections, grants FROM audit WHERE agency = %s AND action = 'disclose'"
    assert desk.node.rows(entries, PUBLIC.id) == [("cap", f"{{{hub_id}}}", ["public"], ["police-to-public"])]


def test_every_gateway_makes_the_same_document(desk: Desk) -> None:
    ids = publish(desk, clear(subject="s"), clear("updated", subject="s", minutes=1))
    first = [get(desk.node, address(one)).data for one in ids]

    another_gateway(desk.node)

    assert [get(desk.node, address(one)).data for one in reversed(ids)] == first[::-1]


def test_an_update_refers_to_what_was_public_before_it(desk: Desk) -> None:
    first, second = publish(desk, clear(subject="s"), clear("updated", subject="s", minutes=1))

    root = document(desk.node, second)

    sent = BEGAN.isoformat().replace("+00:00", "-00:00")
    assert words(root, "msgType") == ["Update"]
    assert words(root, "references") == [f"{SENDER},urn:uuid:{first},{sent}"]
    assert listed(desk.node) == [second]


def test_an_update_repeats_what_it_leaves_as_it_is(desk: Desk) -> None:
    update = clear("updated", subject="s", minutes=1)
    update["data"] = {"headline": bilingual("Seen in Tijuana", "Vista en Tijuana"), "expires": stamp(600)}
    _, second = publish(desk, clear(subject="s"), update)

    root = document(desk.node, second)

    assert words(root, "info/headline") == ["Seen in Tijuana", "Vista en Tijuana"]
    assert words(root, "info/urgency") == ["Immediate", "Immediate"]


def test_a_document_says_nothing_of_what_came_after_it(desk: Desk) -> None:
    later = {"headline": bilingual("Seen in Tijuana", "Vista en Tijuana"), "web": "https://sdpd.example"}
    update = clear("updated", subject="s", minutes=1, data=later)
    first, _ = publish(desk, clear(subject="s"), update)

    root = document(desk.node, first)

    assert words(root, "info/headline") == ["AMBER Alert: San Ysidro", "Alerta AMBER: San Ysidro"]
    assert words(root, "references") == words(root, "info/web") == []


def test_another_agencys_alert_of_the_same_name_is_another_alert(node: Node) -> None:
    troopers = agency("us-ca-chp", Kind.LAW_ENFORCEMENT, "US-CA:06073", publishes=("alert.*",))
    node.enrol(troopers)
    open_to_public(node, replace(TO_PUBLIC, source=Selector(kind=Kind.LAW_ENFORCEMENT)))
    theirs = publish(node.desk(troopers), clear(subject="s", source=troopers.id))

    ours = publish(node.desk(POLICE), clear("updated", subject="s", minutes=1))

    assert listed(node) == ours + theirs  # made at once
    assert words(document(node, ours[0]), "msgType") == ["Alert"]


def test_what_the_public_may_not_have_is_neither_referred_to_nor_repeated(desk: Desk) -> None:
    update = clear("updated", subject="s", minutes=1)
    update["data"] = {"expires": stamp(600)}
    _, second = publish(desk, missing_child(subject="s", label={"tlp": "amber"}), update)

    root = document(desk.node, second)

    assert words(root, "msgType") == ["Alert"]
    assert words(root, "references") == words(root, "info/headline") == []


def test_who_stands_for_the_public_makes_nothing_public_by_publishing_it(node: Node) -> None:
    speaking = agency(PUBLIC.id, Kind.PUBLIC, "US-CA:06073", publishes=("alert.*",))
    node.enrol(speaking)
    node.regrant(*USUAL, TO_PUBLIC)
    another_gateway(node)
    (hub_id,) = publish(node.desk(speaking), clear(source=PUBLIC.id))

    assert (listed(node), status_of(node, hub_id)) == ([], 404)


def test_a_node_without_a_public_has_nothing_public(node: Node) -> None:
    assert (get(node, FEED).status_code, status_of(node, "019ec1f0-7c3a-7e55-8c1b-0242ac120002")) == (404, 404)


def test_an_agency_of_another_kind_is_not_the_public(node: Node) -> None:
    open_to_public(node)
    node.hub = replace(node.hub, press=Press(replace(IMPRINT, agency=POLICE.id), own_seal()))
    node.app.extensions["puente"] = node.hub
    publish(node.desk(POLICE), clear())

    assert get(node, FEED).status_code == 404
