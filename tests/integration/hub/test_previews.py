"""A draft is looked at as publishing would: who would read it, what is wrong with it, and nothing is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from hub.directory import Kind, Role
from hub.grants import Selector, Tlp
from tests.integration.hub.foreseen import explained, preview
from tests.support import cast
from tests.support.cast import FISCALIA, POLICE, SHELTER, STRANGER
from tests.support.events import Wire, bilingual, label_changed
from tests.support.node import (
    BEGAN,
    SHERIFF,
    TO_SHELTER,
    YEAR,
    Desk,
    Node,
    grant,
    stamp,
)
from tests.support.node import missing_child as alert


@pytest.fixture
def admin(node: Node) -> Desk:
    """Administers POLICE."""
    return node.office(POLICE, "ana", Role.ADMIN)


TABLES = ("event", "pending", "lane", "log", "rejection", "audit")


def test_a_preview_leaves_nothing_behind(node: Node, admin: Desk) -> None:
    def counts() -> list[Any]:
        return [node.rows(f"SELECT count(*) FROM {table}") for table in TABLES]  # noqa: S608

    before = counts()
    preview(admin, alert())
    admin.post("/v1/decisions/preview", alert(data={"urgency": "soon"}))

    assert counts() == before


FLAWED = [
    alert(data={"urgency": "soon", "child": {"nickname": "x"}}),
    alert(label={"marks": {"/data/nothing": "partner"}}),
    {"id": "x"},
]


@pytest.mark.parametrize("draft", FLAWED, ids=["values", "marks", "nearly nothing"])
def test_a_flawed_draft_has_the_flaws_that_publishing_it_would_meet(police: Desk, admin: Desk, draft: Wire) -> None:
    foreseen, published = admin.post("/v1/decisions/preview", draft), police.post("/v1/events", draft)

    assert (foreseen.status_code, foreseen.data) == (422, published.data)


FORBIDDEN = {
    "another's": {"source": FISCALIA.id, "jurisdictions": ["MX-BCN"]},
    "elsewhere": {"jurisdictions": ["US-TX"]},
}


@pytest.mark.parametrize("differs", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_only_what_may_be_published_may_be_previewed(police: Desk, admin: Desk, differs: dict[str, Any]) -> None:
    draft = alert(**differs)

    foreseen, published = admin.post("/v1/decisions/preview", draft), police.post("/v1/events", draft)

    assert (foreseen.status_code, foreseen.data) == (403, published.data)


def test_another_body_under_a_taken_id_is_the_same_conflict(police: Desk, admin: Desk) -> None:
    draft = alert()
    police.publish(draft)
    changed = draft | {"time": (BEGAN - YEAR).isoformat()}

    assert preview(admin, draft)["count"] == 2
    foreseen, published = admin.post("/v1/decisions/preview", changed), police.post("/v1/events", changed)
    assert (foreseen.status_code, foreseen.data) == (409, published.data)


def test_machines_and_officers_that_publish_may_look_too(node: Node, police: Desk) -> None:
    draft = alert()

    answers = [preview(one, draft) for one in (police, node.office(POLICE, "otto", Role.OFFICER))]

    assert [answer["count"] for answer in answers] == [2, 2]


def test_it_says_whom_the_audience_keeps_out_and_lets_in(node: Node, admin: Desk) -> None:
    node.regrant(TO_SHELTER, grant(id="red", reader=Selector(agency=SHERIFF.id), max_tlp=Tlp.RED))

    narrow = preview(admin, alert(label={"tlp": "green", "audience": [SHERIFF.id]}))["label"]["audience"]
    named = preview(admin, alert(label={"tlp": "red", "audience": [SHERIFF.id]}))["label"]["audience"]

    assert narrow["kept_out"] == {"count": 1, "agencies": [SHELTER.id]}
    assert (named["kept_out"]["count"], named["let_in"]["agencies"]) == (0, [SHERIFF.id])


def test_it_says_what_the_marks_hide_from_whom(admin: Desk) -> None:
    told = preview(admin, alert(label={"tlp": "green", "marks": {"/data/headline": "enforcement"}}))["label"]["marks"]

    assert told == {"partner": ["/data/headline"], "enforcement": []}


def test_of_a_whole_kind_it_names_a_page_and_counts_them_all(node: Node, admin: Desk) -> None:
    schools = [cast.agency(f"us-ca-school-{number}", Kind.SCHOOL, "US-CA") for number in range(12)]
    node.enrol(*schools)
    node.regrant(grant(reader=Selector(kind=Kind.SCHOOL)))
    draft = alert()

    first = preview(admin, draft, "/v1/decisions/preview?limit=8")
    rest = preview(admin, draft, f"/v1/decisions/preview?limit=8&after={first['next']}")

    named = [one["agency"] for page in (first, rest) for one in page["recipients"]]
    assert named == sorted(school.id for school in schools)
    assert (first["count"], first["counts"], rest["next"]) == (12, {"partner": 12}, None)


def test_the_personal_data_of_an_event_is_in_no_answer(police: Desk, admin: Desk) -> None:
    draft = alert(data={"headline": bilingual("Ximena is missing", "Falta Ximena")})

    answers = [
        admin.post("/v1/decisions/preview", draft),
        admin.get("/v1/decisions", agency=SHELTER.id, event=police.publish(draft)),
        admin.get("/v1/decisions", agency=STRANGER.id, event=police.publish(alert())),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.text for answer in answers if "Ximena" in answer.text] == []


def test_a_preview_of_a_tighter_label_says_who_will_read_it_and_who_will_only_be_told(
    node: Node, police: Desk, shelter: Desk, admin: Desk
) -> None:
    issued = police.publish(alert(subject="s"))
    node.sequence()
    shelter.feed()
    label = {"tlp": "green", "rel_to": ["US", "MX"], "audience": [SHERIFF.id]}
    draft = label_changed(label, subject="s", time=stamp(1), data={"event": issued})

    found = {one["agency"]: one["projection"] for one in preview(admin, draft)["recipients"]}

    assert found == {SHELTER.id: "notice", SHERIFF.id: "enforcement"}
    assert shelter.event(issued) is not None


def test_a_recalled_event_is_explained_by_its_recall(node: Node, police: Desk, admin: Desk) -> None:
    issued = police.publish(alert())
    node.sequence()
    police.post(f"/v1/events/{issued}/recall", {"reason": "error"})

    found = explained(admin, SHELTER, issued)

    assert (found["allowed"], found["reason"]["en"]) == (False, "recalled by its source")
