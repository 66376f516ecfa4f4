"""Agreements over HTTP: one party drafts, another puts them in force, and every grant on them follows."""

from __future__ import annotations

from typing import Any

import pytest

from hub.directory import Role
from tests.support.cast import SHELTER, STRANGER
from tests.support.granting import MONTH, Office, act, agreement, at, done
from tests.support.node import OPERATOR, SHERIFF, Node, missing_child

PATH = "/v1/agreements/us-ca-sdpd-mou"
WHY = {"reason": "under review"}


@pytest.fixture
def office(node: Node) -> Office:
    """People at three agencies, and no grant."""
    node.regrant()
    return Office(node, OPERATOR)


@pytest.mark.parametrize(("who", "status"), [("ana", 403), ("beto", 403), ("nora", 200), ("olga", 200)])
def test_another_party_or_an_operator_approves_never_the_drafters_side(office: Office, who: str, status: int) -> None:
    done(office.ana.post("/v1/agreements", agreement()), 201)

    assert act(getattr(office, who), PATH, "approve").status_code == status


def test_an_operator_does_not_approve_its_own_draft(office: Office) -> None:
    done(office.olga.post("/v1/agreements", agreement()), 201)

    assert (act(office.olga, PATH, "approve").status_code, act(office.ana, PATH, "approve").status_code) == (403, 200)


def test_it_goes_its_way_and_no_other(office: Office) -> None:
    office.agree()
    states = []
    for verb, body in (("suspend", WHY), ("suspend", WHY), ("resume", {}), ("resume", {}), ("end", WHY), ("end", WHY)):
        answer = act(office.olga, PATH, verb, body)
        states.append((answer.status_code, answer.get_json().get("state")))

    assert states == [(200, "suspended"), (409, None), (200, "in_force"), (409, None), (200, "ended"), (409, None)]


def test_what_one_party_suspends_another_does_not_resume(office: Office) -> None:
    office.agree()
    done(act(office.ana, PATH, "suspend", WHY))

    assert (act(office.nora, PATH, "resume").status_code, act(office.beto, PATH, "resume").status_code) == (403, 200)


@pytest.mark.parametrize("verb", ["suspend", "end"])
def test_with_it_goes_what_rests_on_it(office: Office, verb: str) -> None:
    office.agree()
    office.grant()
    hub_id = office.node.desk(office.ana.agency).publish(missing_child())
    reader = office.node.desk(SHERIFF)
    before = reader.event(hub_id)

    done(act(office.ana, PATH, verb, WHY))

    assert (before is not None, reader.event(hub_id)) == (True, None)


def test_narrowing_needs_a_reason(office: Office) -> None:
    office.agree()

    assert [act(office.ana, PATH, verb, {}).status_code for verb in ("suspend", "end")] == [422, 422]


def test_a_change_names_the_version_it_changes(office: Office) -> None:
    done(office.ana.post("/v1/agreements", agreement()), 201)

    late = act(office.nora, PATH, "approve", if_match='"7"')
    blind = office.nora.post(f"{PATH}/approve", {})

    assert (late.status_code, blind.status_code) == (412, 428)


FLAWS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown party": ({"parties": [{"agency": "us-ca-sdpd"}, {"agency": "us-ca-nobody"}]}, "/parties/1/agency"),
    "contradictory party": (
        {"parties": [{"agency": "us-ca-sdpd"}, {"agency": SHELTER.id, "kind": "school"}]},
        "/parties/1",
    ),
    "empty party": ({"parties": [{}]}, "/parties/0"),
    "no party": ({"parties": []}, "/parties"),
    "the same party twice": ({"parties": [{"agency": "us-ca-sdpd"}] * 2}, "/parties"),
    "without the drafter": ({"parties": [{"agency": SHELTER.id}]}, "/parties"),
    "over": ({"valid_until": at(-MONTH / 2)}, "/valid_until"),
    "no document": ({"document_sha256": "abc"}, "/document_sha256"),
    "one language": ({"title": {"en": "Only English"}}, "/title/es"),
    "another's name": ({"id": "us-ca-shelter-mou"}, "/id"),
}


@pytest.mark.parametrize(("differs", "path"), FLAWS.values(), ids=FLAWS.keys())
def test_a_flaw_is_named_by_its_place(office: Office, differs: dict[str, Any], path: str) -> None:
    answer = office.ana.post("/v1/agreements", agreement(**differs))

    assert [one["path"] for one in done(answer, 422)["errors"]] == [path]
    assert office.node.rows("SELECT count(*) FROM agreement WHERE id <> 'imported'") == [(0,)]


def test_others_agreements_look_like_missing(office: Office) -> None:
    office.agree()
    stranger = office.node.office(STRANGER, "stella", Role.ADMIN)
    for path, body in (("", None), ("/approve", {}), ("/suspend", WHY), ("/resume", {}), ("/end", WHY)):
        answers = [
            stranger.get(f"/v1/agreements/{name}{path}")
            if body is None
            else stranger.post(f"/v1/agreements/{name}{path}", body, {"If-Match": '"1"'})
            for name in ("us-ca-sdpd-mou", "us-ca-sdpd-none")
        ]
        assert answers[0].status_code == 404, path
        assert answers[0].data == answers[1].data


def test_the_list_shows_ones_own_and_operators_all(office: Office) -> None:
    office.agree()
    office.agree(id="us-ca-sdpd-second", parties=[{"kind": "law_enforcement"}])
    stranger = office.node.office(STRANGER, "stella", Role.ADMIN)

    found = {
        desk.agency.id: [one["id"] for one in desk.get("/v1/agreements", limit=2).get_json()["agreements"]]
        for desk in (office.olga, office.nora, stranger)
    }

    assert found[OPERATOR.id] == ["imported", "us-ca-sdpd-mou"]
    assert found[SHELTER.id] == ["imported", "us-ca-sdpd-mou"]
    assert found[STRANGER.id] == ["imported", "us-ca-sdpd-second"]
    assert office.olga.get("/v1/agreements", state="draft").get_json()["agreements"] == []


def test_no_agency_suspends_or_ends_what_is_open_to_every_agency(office: Office) -> None:
    answers = [act(office.ana, "/v1/agreements/imported", verb, WHY) for verb in ("suspend", "end")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert office.node.rows("SELECT state FROM agreement WHERE id = 'imported'") == [("in_force",)]
