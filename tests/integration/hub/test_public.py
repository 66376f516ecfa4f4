"""`GET /public/alerts.atom` and `GET /public/alerts/{id}.xml`: what anybody reads, and that it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from hub.cap.press import Press
from hub.directory import Kind
from hub.grants import Selector, Tlp
from hub.picture import Picture, View
from hub.settings import RateSettings
from hub.store import Connection
from tests.support import events
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
    buried,
    clear,
    document,
    found,
    get,
    listed,
    open_to_public,
    own_seal,
    status_of,
    words,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def public_node(node: Node) -> Node:
    """A node whose public reads what is TLP:CLEAR."""
    return open_to_public(node)


@pytest.fixture
def desk(public_node: Node) -> Desk:
    """Publishes at a node with a public."""
    return public_node.desk(POLICE)


def publish(desk: Desk, *wanted: dict[str, Any]) -> list[str]:
    """Publish, and give each its place."""
    ids = [desk.publish(event) for event in wanted]
    desk.node.sequence()
    return ids


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


HIDDEN = "Kanari7Q"


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


@pytest.fixture
def outlived(desk: Desk) -> list[str]:
    """An alert that is public for three days, and an update two days later that stays so for longer; both are made."""
    update = clear("updated", subject="s", minutes=48 * 60)
    update["data"] = {"headline": bilingual("Seen in Tijuana", "Vista en Tijuana"), "expires": stamp(120 * 60)}
    ids = publish(desk, clear(subject="s", label={"tlp": "clear", "public_until": stamp(72 * 60)}), update)
    desk.node.clock.ahead = 60 * HOUR
    assert all("Ximena" in get(desk.node, address(one)).text for one in ids)
    return ids


def test_what_the_feed_lists_is_kept_as_what_is_asked_for_by_itself(desk: Desk, outlived: list[str]) -> None:
    entries = "SELECT count(*) FROM audit WHERE agency = %s AND action = 'disclose'"
    before = desk.node.rows(entries, PUBLIC.id)

    assert listed(desk.node) == outlived[1:]

    assert desk.node.rows(entries, PUBLIC.id) == before


def test_an_update_repeats_nothing_of_what_has_ceased_to_be_public(desk: Desk, outlived: list[str]) -> None:
    first, second = outlived

    desk.node.clock.ahead = 71 * HOUR  # the first was sent two hours before

    assert (status_of(desk.node, first), listed(desk.node)) == (410, [second])
    assert "Ximena" not in get(desk.node, address(second)).text


def test_an_update_repeats_nothing_of_what_an_end_in_between_has_ended(desk: Desk, outlived: list[str]) -> None:
    first, second = outlived

    publish(desk.node.desk(POLICE), clear("located", subject="s", minutes=60))

    assert (status_of(desk.node, first), status_of(desk.node, second)) == (410, 200)
    assert "Ximena" not in get(desk.node, address(second)).text


def test_every_gateway_ceases_to_repeat_it(desk: Desk, outlived: list[str]) -> None:
    desk.node.clock.ahead = 71 * HOUR
    kept = get(desk.node, address(outlived[1])).data

    another_gateway(desk.node)

    assert get(desk.node, address(outlived[1])).data == kept


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


def test_who_stands_for_the_public_makes_nothing_public_by_publishing_it(node: Node) -> None:
    speaking = agency(PUBLIC.id, Kind.PUBLIC, "US-CA:06073", publishes=("alert.*",))
    node.enrol(speaking)
    node.regrant(*USUAL, TO_PUBLIC)
    another_gateway(node)
    (hub_id,) = publish(node.desk(speaking), clear(source=PUBLIC.id))

    assert (listed(node), status_of(node, hub_id)) == ([], 404)


def test_one_address_asks_no_more_than_its_rate(open_node: Callable[..., Node]) -> None:
    node = open_to_public(open_node(rates=RateSettings(reads_per_s=0.2)))

    found = [get(node, FEED).status_code for _ in range(3)]

    assert found == [200, 200, 429]


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


def test_the_newest_comes_first(desk: Desk) -> None:
    older, newer = publish(desk, clear(), clear(minutes=1))

    assert listed(desk.node) == [newer, older]


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


def test_both_say_what_they_are(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear())

    assert get(desk.node, FEED).content_type == "application/atom+xml"
    assert get(desk.node, address(hub_id)).content_type == "application/cap+xml"


def test_the_feed_leads_to_the_document(desk: Desk) -> None:
    (hub_id,) = publish(desk, clear())

    root = etree.fromstring(get(desk.node, FEED).data)

    assert found(root, "atom:entry/atom:link/@href") == [f"https://alerts.example{address(hub_id)}"]


def test_a_node_without_a_public_has_nothing_public(node: Node) -> None:
    assert (get(node, FEED).status_code, status_of(node, "019ec1f0-7c3a-7e55-8c1b-0242ac120002")) == (404, 404)


def test_an_agency_of_another_kind_is_not_the_public(node: Node) -> None:
    open_to_public(node)
    node.hub = replace(node.hub, press=Press(replace(IMPRINT, agency=POLICE.id), own_seal()))
    node.app.extensions["puente"] = node.hub
    publish(node.desk(POLICE), clear())

    assert get(node, FEED).status_code == 404
