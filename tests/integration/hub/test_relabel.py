"""When a source tightens the label of an event that is out: who loses it, who keeps it, and who is told."""

from __future__ import annotations

from typing import Any

import pytest

from hub.grants import Selector
from tests.support.cast import POLICE, SHELTER
from tests.support.events import label_changed
from tests.support.node import SHERIFF, TO_SHELTER, TO_SHERIFF, Desk, Node, grant, missing_child, stamp

OPEN = {"tlp": "green", "rel_to": ["US", "MX"]}
MISSING = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"
NAMED = OPEN | {"audience": [SHERIFF.id]}
MARKED = OPEN | {"marks": {"/data/child/name": "enforcement"}}


def child(verb: str = "issued", *, minutes: float = 0, **differs: Any) -> dict[str, Any]:
    return missing_child(verb, minutes=minutes, **{"subject": "ximena"} | differs)


def publish(police: Desk, *events: dict[str, Any]) -> list[str]:
    """Publish and put into the log, in this order."""
    published = [police.publish(event) for event in events]
    police.node.sequence()
    return published


def change(desk: Desk, hub_id: str, label: dict[str, Any], **body: Any) -> Any:
    answered = desk.post(f"/v1/events/{hub_id}/label", {"reason": "safety", "label": label} | body)
    desk.node.sequence()
    return answered


def changed(desk: Desk, hub_id: str, label: dict[str, Any]) -> str:
    answered = change(desk, hub_id, label)
    assert answered.status_code == 201, answered.text
    return str(answered.get_json()["id"])


def kinds(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["event"]["type"].rpartition(".")[2], item["projection"]) for item in items]


@pytest.mark.parametrize("is_sequenced", [True, False])
def test_who_may_no_longer_read_it_gets_nothing_of_it(
    police: Desk, shelter: Desk, sheriff: Desk, is_sequenced: bool
) -> None:
    issued = police.publish(child())
    if is_sequenced:
        police.node.sequence()

    changed(police, issued, NAMED)

    assert shelter.event(issued) is None
    assert shelter.feed() == []
    assert shelter.get("/v1/alerts/active").get_json()["alerts"] == []
    assert sheriff.event(issued) is not None


def test_who_had_received_it_and_lost_it_is_told_that_its_label_changed(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    shelter.feed()

    control = changed(police, issued, NAMED)

    (notice,) = shelter.feed()
    assert (notice["id"], *kinds([notice])) == (control, ("label_changed", "notice"))
    assert notice["event"]["data"] == {"event": issued}


def test_who_had_not_received_it_hears_of_it_only_if_it_may_still_read_it(
    police: Desk, shelter: Desk, sheriff: Desk, stranger: Desk
) -> None:
    (issued,) = publish(police, child())

    control = changed(police, issued, NAMED)

    assert kinds(sheriff.feed()) == [("issued", "enforcement"), ("label_changed", "enforcement")]
    for desk in (shelter, stranger):
        assert (desk.event(control), desk.feed()) == (None, [])


def test_who_may_still_read_it_sees_the_tightened_one_and_what_changed(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    assert "name" in shelter.feed()[0]["event"]["data"]["child"]

    changed(police, issued, MARKED)

    event, control = shelter.feed()
    assert "name" not in event["event"]["data"]["child"]
    assert kinds([event, control]) == [("issued", "partner"), ("label_changed", "partner")]
    assert control["event"]["data"]["label"] == {"tlp": "green", "rel_to": ["US", "MX"]}  # not which members are hidden


def test_the_source_sees_its_event_with_the_new_label(police: Desk) -> None:
    (issued,) = publish(police, child())

    changed(police, issued, MARKED)

    found = police.event(issued)
    assert found is not None
    assert found["event"]["label"] == MARKED


def test_what_was_published_can_be_published_again_and_is_known(police: Desk) -> None:
    event = child()
    (issued,) = publish(police, event)
    changed(police, issued, MARKED)

    again = police.post("/v1/events", event)

    assert (again.status_code, again.get_json()["id"]) == (200, issued)


def test_a_higher_tlp_shuts_the_grants_that_do_not_reach_it(node: Node, police: Desk, shelter: Desk) -> None:
    node.regrant(TO_SHELTER, TO_SHERIFF)
    (issued,) = publish(police, child())

    changed(police, issued, {"tlp": "red", "audience": [SHERIFF.id]})

    assert shelter.event(issued) is None


def test_an_alert_that_ends_earlier_has_lapsed_then(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child(label=OPEN | {"active_until": stamp(300)}))
    before = shelter.event(issued)

    changed(police, issued, OPEN | {"active_until": stamp(60)})

    after = shelter.event(issued)
    assert (before and before["projection"], after and after["projection"]) == ("partner", "partner~")
    assert shelter.get("/v1/alerts/active").get_json()["alerts"] == []


def test_it_stays_in_its_place_among_the_active_alerts(police: Desk, sheriff: Desk) -> None:
    (issued,) = publish(police, child())

    changed(police, issued, NAMED)

    assert [item["id"] for item in sheriff.get("/v1/alerts/active").get_json()["alerts"]] == [issued]


def test_labels_are_tightened_again_and_again(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())
    changed(police, issued, MARKED)

    changed(police, issued, MARKED | {"tlp": "amber"})

    assert kinds(shelter.feed()) == [("issued", "partner"), ("label_changed", "partner"), ("label_changed", "partner")]


# --- What is refused.

LOOSER = {
    "a lower tlp": {"tlp": "clear"},
    "more countries": {"rel_to": ["US", "MX"]},
    "nobody named": {"audience": []},
    "others named": {"audience": [SHELTER.id, SHERIFF.id]},
    "no mark": {"marks": {}},
    "no end": {"active_until": None},
    "a later end": {"active_until": stamp(400)},
}
TIGHT = {
    "tlp": "amber",
    "rel_to": ["US"],
    "audience": [SHELTER.id],
    "marks": {"/data/child/name": "enforcement"},
    "active_until": stamp(300),
}


@pytest.mark.parametrize("differs", LOOSER.values(), ids=LOOSER.keys())
def test_loosening_is_refused_with_the_reason_and_changes_nothing(police: Desk, differs: dict[str, Any]) -> None:
    (issued,) = publish(police, child(label=TIGHT))
    label = {name: value for name, value in (TIGHT | differs).items() if value is not None}

    answered = change(police, issued, label)

    assert answered.status_code == 403
    assert "publish a new event" in answered.get_json()["detail"]
    found = police.event(issued)
    assert found is not None
    assert found["event"]["label"] == TIGHT


def test_the_reason_is_told_in_spanish_too(police: Desk) -> None:
    (issued,) = publish(police, child(label=TIGHT))

    body = {"reason": "safety", "label": TIGHT | {"tlp": "clear"}}
    answered = police.post(f"/v1/events/{issued}/label", body, {"Accept-Language": "es"})

    assert answered.get_json()["detail"] == (
        "la nueva etiqueta relajaría la anterior (un tlp más bajo); publique un evento nuevo"
    )


def test_only_its_source_changes_the_label(police: Desk, shelter: Desk, stranger: Desk) -> None:
    (issued,) = publish(police, child())

    assert change(shelter, issued, NAMED).status_code == 403
    hidden, missing = (change(stranger, one, NAMED) for one in (issued, MISSING))
    assert (hidden.status_code, hidden.data) == (missing.status_code, missing.data) == (404, missing.data)


def test_a_recalled_event_keeps_its_label(police: Desk) -> None:
    (issued,) = publish(police, child())
    police.post(f"/v1/events/{issued}/recall", {"reason": "error"})

    answered = change(police, issued, NAMED)

    assert (answered.status_code, answered.get_json()["detail"]) == (403, "it was recalled")


BAD = {
    "a mark at nothing": {"marks": {"/data/child/tail": "enforcement"}},
    "a mark that loosens the schema": {"marks": {"/data/child/medical": "partner"}},
    "an end before its time": {"active_until": stamp(-1)},
    "no tlp": {"tlp": "purple"},
}


@pytest.mark.parametrize("differs", BAD.values(), ids=BAD.keys())
def test_a_label_that_no_such_event_can_have_is_named_where_it_is_wrong(police: Desk, differs: dict[str, Any]) -> None:
    answered = change(police, publish(police, child())[0], OPEN | differs)

    assert answered.status_code == 422
    assert all(error["path"].startswith("/label/") for error in answered.get_json()["errors"])


def label_event(hub_id: str, tighter: dict[str, Any], **differs: Any) -> dict[str, Any]:
    """The change as an event, as a connector would publish it."""
    told = label_changed(tighter, data={"event": hub_id}, subject="ximena", time=stamp(5))
    return told | differs


def test_it_can_be_published_as_an_event(police: Desk, shelter: Desk) -> None:
    (issued,) = publish(police, child())

    first, again = (police.post("/v1/events", label_event(issued, NAMED)) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert shelter.event(issued) is None


def test_such_an_event_is_for_nobody_else_than_the_new_label_says(police: Desk) -> None:
    (issued,) = publish(police, child())

    assert police.post("/v1/events", label_event(issued, NAMED, label=OPEN)).status_code == 403


def test_the_same_label_twice_is_one_change(police: Desk) -> None:
    (issued,) = publish(police, child())
    first = change(police, issued, NAMED)

    again = change(police, issued, NAMED)

    assert (again.status_code, again.get_json()) == (200, first.get_json())


# --- The second barrier, and what is said of what was shown before.


def test_a_change_of_a_coarse_lane_is_decided_event_by_event(police: Desk, shelter: Desk, sheriff: Desk) -> None:
    many = [SHELTER.id, SHERIFF.id, *(f"us-ca-agency{number}" for number in range(6))]
    (issued,) = publish(police, child(label=OPEN | {"audience": many}))
    assert shelter.event(issued)

    changed(police, issued, OPEN | {"audience": [one for one in many if one != SHELTER.id]})

    assert shelter.event(issued) is None
    assert kinds(shelter.feed()) == [("label_changed", "notice")]
    assert kinds(sheriff.feed()) == [("issued", "enforcement"), ("label_changed", "enforcement")]


def test_what_was_offered_to_who_may_still_read_it_still_comes(node: Node, police: Desk, shelter: Desk) -> None:
    other = grant(id="other", reader=Selector(agency=SHERIFF.id))
    node.regrant(TO_SHELTER, other)
    (issued,) = publish(police, child())
    for name in (TO_SHELTER.id, other.id):
        node.rows(
            "INSERT INTO pending (event, lane, is_kept, closes, is_offer, offer_grant)"
            " SELECT hub_id, lane, false, false, true, %s FROM event",
            name,
        )
    node.sequence()

    changed(police, issued, {"tlp": "amber", "audience": [SHELTER.id]})

    assert node.rows("SELECT grant_id FROM offer ORDER BY 1") == [(other.id,), (TO_SHELTER.id,)]
    assert issued in [item["id"] for item in shelter.feed()]


def test_what_was_shown_before_the_change_is_told_as_it_was(node: Node, police: Desk, shelter: Desk, ana: Desk) -> None:
    (issued,) = publish(police, child())
    shelter.event(issued)
    changed(police, issued, MARKED)
    shelter.event(issued)
    node.notarize()

    found = ana.get("/v1/disclosures", event=issued).get_json()

    first, second = (one for one in found["disclosures"] if one["agency"] == SHELTER.id)
    name = "/data/child/name/given"
    assert [name in found["fields"][issued][one["shown_as"]] for one in (first, second)] == [True, False]


def test_a_token_of_the_police_alone_may_do_it(node: Node) -> None:
    police = node.desk(POLICE, scope="events:publish")
    issued = police.publish(child())

    assert change(police, issued, NAMED).status_code == 201
