"""Grants over HTTP: one side proposes, other persons of the owning side approve, each side ends its own part."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.directory import Role
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.granting import MONTH, Office, act, amend, approve, at, done, halt, tag, wanted
from tests.support.node import OPERATOR, SHERIFF, Desk, Node, client_key, missing_child, public_pem

CITY = replace(POLICE, id="us-ca-cvpd", name="Chula Vista Police (sample)")
BOTH: dict[str, Any] = {"source": {"kind": "law_enforcement", "country": "US"}, "reader": {"agency": SHERIFF.id}}


@pytest.fixture
def office(node: Node) -> Office:
    """People on both sides, an agreement in force, and no other grant."""
    node.regrant()
    office = Office(node, OPERATOR)
    office.agree()
    return office


@pytest.fixture
def reader(office: Office) -> Desk:
    """SHERIFF's machine."""
    return office.node.desk(SHERIFF)


def state(grant: dict[str, Any]) -> str:
    return str(grant["versions"][0]["state"])


def sees(reader: Desk, hub_id: str) -> bool:
    return reader.event(hub_id) is not None


def publish(node: Node, agency: Any = POLICE) -> str:
    hub_id = node.desk(agency).publish(missing_child(source=agency.id))
    node.sequence()
    return hub_id


def test_a_proposal_opens_nothing_until_the_owning_side_approves(office: Office, reader: Desk) -> None:
    proposed = office.propose()
    before = sees(reader, publish(office.node))

    approved = done(approve(office.ana, proposed["id"]))

    assert (state(proposed), before, state(approved), sees(reader, publish(office.node))) == (
        "proposed",
        False,
        "in_force",
        True,
    )


def test_nobody_approves_their_own_proposal(office: Office) -> None:
    proposed = office.propose(office.ana)

    own, others = approve(office.ana, proposed["id"]), approve(office.beto, proposed["id"])

    assert (own.status_code, others.status_code) == (403, 200)


def test_another_key_is_no_other_person(office: Office) -> None:
    proposed = office.propose(office.ana)
    office.node.rows(
        """
        INSERT INTO credential (client_id, agency, public_key_pem, scopes, jurisdictions, person)
        VALUES ('ana-second-key', %s, %s, '{}', '{US,MX}', 'us-ca-sdpd.ana')
        """,
        POLICE.id,
        public_pem("ana-second-key"),
    )
    assert client_key("ana-second-key")
    again = Desk(office.node, POLICE, office.node.ask_token("ana-second-key").get_json()["access_token"])

    assert approve(again, proposed["id"]).status_code == 403


TWO = {
    "for a nonprofit": {"reader": {"agency": SHELTER.id}, "clearance": "partner"},
    "of protected fields": {"clearance": "protected"},
    "for any kind": {"reader": {"country": "US"}},
}


@pytest.mark.parametrize("terms", TWO.values(), ids=TWO.keys())
def test_what_weighs_more_needs_two_persons_beside_the_proposer(office: Office, terms: dict[str, Any]) -> None:
    proposed = office.propose(office.ana, **terms)

    first = done(approve(office.beto, proposed["id"]))
    second = done(approve(office.carla, proposed["id"]))

    assert proposed["versions"][0]["waits_for"] == [{"agency": POLICE.id, "persons": 2}] or "country" in str(terms)
    assert (state(first), state(second)) == ("proposed", "in_force")


def test_the_same_person_twice_is_still_one(office: Office) -> None:
    proposed = office.propose(office.ana, reader={"agency": SHELTER.id}, clearance="partner")
    done(approve(office.beto, proposed["id"]))

    assert approve(office.beto, proposed["id"]).status_code == 409


def test_an_approval_of_who_has_been_disabled_since_does_not_count(office: Office) -> None:
    proposed = office.propose(office.ana, reader={"agency": SHELTER.id}, clearance="partner")
    done(approve(office.beto, proposed["id"]))
    office.node.rows("UPDATE person SET state = 'disabled' WHERE id = 'us-ca-sdpd.beto'")

    assert state(done(approve(office.carla, proposed["id"]))) == "proposed"


@pytest.mark.parametrize("who", ["saul", "olga"])
def test_neither_the_reader_nor_the_operator_approves(office: Office, who: str) -> None:
    proposed = office.propose(office.ana)

    assert approve(getattr(office, who), proposed["id"]).status_code == 403


def test_each_owner_opens_its_own_events_alone(office: Office, reader: Desk) -> None:
    node = office.node
    node.enrol(CITY)
    cora = node.office(CITY, "cora", Role.ADMIN)
    office.agree(id="us-ca-sdpd-all", parties=[{"kind": "law_enforcement"}])
    proposed = office.propose(agreement="us-ca-sdpd-all", **BOTH)

    done(approve(office.ana, proposed["id"]))
    one, other = publish(node), publish(node, CITY)
    first = (sees(reader, one), sees(reader, other))
    done(approve(cora, proposed["id"]))

    assert first == (True, False)
    assert sees(reader, publish(node, CITY))


def test_one_owners_revocation_ends_only_its_own_part(office: Office, reader: Desk) -> None:
    node = office.node
    node.enrol(CITY)
    cora = node.office(CITY, "cora", Role.ADMIN)
    office.agree(id="us-ca-sdpd-all", parties=[{"kind": "law_enforcement"}])
    proposed = office.propose(agreement="us-ca-sdpd-all", **BOTH)
    done(approve(office.ana, proposed["id"]))
    done(approve(cora, proposed["id"]))
    one, other = publish(node), publish(node, CITY)

    part = done(halt(cora, proposed["id"], "revoke"))
    after_part = (sees(reader, one), sees(reader, other))
    whole = done(halt(office.ana, proposed["id"], "revoke"))

    assert (state(part), part["ended"][0]["agency"], after_part) == ("in_force", CITY.id, (True, False))
    assert (state(whole), sees(reader, one)) == ("revoked", False)


def test_suspended_it_is_closed_and_resumed_it_goes_on(office: Office, reader: Desk) -> None:
    grant = office.grant()
    hub_id = publish(office.node)

    done(halt(office.ana, grant["id"], "suspend"))
    meanwhile = sees(reader, hub_id)
    done(halt(office.beto, grant["id"], "resume"))

    assert (meanwhile, sees(reader, hub_id)) == (False, True)


def test_the_reading_side_gives_up_its_right_and_suspends_nothing(office: Office, reader: Desk) -> None:
    grant = office.grant()
    hub_id = publish(office.node)

    suspended = halt(office.saul, grant["id"], "suspend", side="reader")
    given_up = halt(office.saul, grant["id"], "revoke")

    assert (suspended.status_code, state(done(given_up)), sees(reader, hub_id)) == (403, "revoked", False)


def test_one_of_many_readers_gives_up_for_itself(office: Office, reader: Desk) -> None:
    kind: dict[str, Any] = {"reader": {"kind": "law_enforcement", "country": "US"}}
    office.agree(id="us-ca-sdpd-all", parties=[{"kind": "law_enforcement"}])
    grant = office.grant(agreement="us-ca-sdpd-all", **kind)
    hub_id = publish(office.node)
    stranger = office.node.desk(STRANGER)

    done(halt(office.saul, grant["id"], "revoke", side="reader"))

    assert (sees(reader, hub_id), sees(stranger, hub_id)) == (False, True)


def test_only_who_proposed_withdraws(office: Office) -> None:
    proposed = office.propose(office.ana)
    path = f"/v1/grants/{proposed['id']}"

    others, own = act(office.beto, path, "withdraw"), act(office.ana, path, "withdraw")

    assert (others.status_code, state(done(own))) == (403, "withdrawn")
    assert approve(office.beto, proposed["id"]).status_code == 409


def test_an_amendment_waits_beside_what_is_in_force(office: Office, reader: Desk) -> None:
    grant = office.grant()
    proposed = done(amend(office.ana, grant["id"], types=["alert.missing_child.*"], clearance="partner"), 201)
    hub_id = publish(office.node)
    before = reader.event(hub_id)

    approved = done(approve(office.beto, grant["id"]))
    after = reader.event(hub_id)

    assert [(one["version"], one["state"]) for one in proposed["versions"]] == [(2, "proposed"), (1, "in_force")]
    assert [(one["version"], one["state"]) for one in approved["versions"]] == [(2, "in_force"), (1, "superseded")]
    assert before is not None
    assert after is not None
    assert (before["projection"], after["projection"]) == ("enforcement", "partner")


def test_a_wider_version_opens_no_more_of_what_was_before(office: Office, reader: Desk) -> None:
    grant = office.grant(clearance="partner")
    hub_id = publish(office.node)
    done(amend(office.ana, grant["id"], clearance="enforcement", opens="now"), 201)
    done(approve(office.beto, grant["id"]))

    earlier, later = reader.event(hub_id), reader.event(publish(office.node))

    assert earlier is not None
    assert later is not None
    assert (earlier["projection"], later["projection"]) == ("partner", "enforcement")


def test_an_owner_that_has_not_approved_the_next_version_goes_on_with_its_own(office: Office, reader: Desk) -> None:
    node = office.node
    node.enrol(CITY)
    cora = node.office(CITY, "cora", Role.ADMIN)
    office.agree(id="us-ca-sdpd-all", parties=[{"kind": "law_enforcement"}])
    grant = office.propose(agreement="us-ca-sdpd-all", **BOTH)
    done(approve(office.ana, grant["id"]))
    done(approve(cora, grant["id"]))

    done(amend(office.ana, grant["id"], agreement="us-ca-sdpd-all", **BOTH, clearance="partner"), 201)
    done(approve(office.beto, grant["id"]))
    of_police, of_city = reader.event(publish(node)), reader.event(publish(node, CITY))

    assert of_police is not None
    assert of_city is not None
    assert (of_police["projection"], of_city["projection"]) == ("partner", "enforcement")


def test_who_reads_whom_is_no_matter_of_an_amendment(office: Office) -> None:
    grant = office.grant()

    answer = amend(office.ana, grant["id"], reader={"agency": SHELTER.id}, purpose="statistics")

    assert [one["path"] for one in done(answer, 422)["errors"]] == ["/reader", "/purpose"]


def test_an_approval_names_the_version_that_was_seen(office: Office) -> None:
    grant = office.grant()
    seen = tag(office.beto, f"/v1/grants/{grant['id']}")
    done(amend(office.ana, grant["id"], clearance="partner"), 201)

    assert approve(office.beto, grant["id"], 2, if_match=seen).status_code == 412
    assert approve(office.beto, grant["id"], 1).status_code == 409
    assert approve(office.beto, grant["id"], 3).status_code == 409


def test_every_act_names_what_it_changes(office: Office) -> None:
    grant = office.propose()

    blind = office.ana.post(f"/v1/grants/{grant['id']}/approve", {"version": 1})

    assert blind.status_code == 428


FLAWS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown reader": ({"reader": {"agency": "us-ca-nobody"}}, ["/reader"]),
    "unknown agreement": ({"agreement": "us-ca-sdpd-none"}, ["/agreement"]),
    "empty selector": ({"reader": {}}, ["/reader"]),
    "contradictory selector": ({"reader": {"agency": SHERIFF.id, "country": "MX"}}, ["/reader"]),
    "covers nobody": ({"reader": {"kind": "search_commission"}}, ["/reader"]),
    "no party": ({"reader": {"agency": STRANGER.id}}, ["/reader"]),
    "reads itself": ({"reader": {"agency": POLICE.id}}, ["/reader"]),
    "expired": ({"valid_until": at(-timedelta(hours=1))}, ["/valid_until"]),
    "ends before it begins": ({"valid_until": at(-MONTH)}, ["/valid_until"]),
    "outlives its agreement": ({"valid_until": at(13 * MONTH)}, ["/valid_until"]),
    "precedes its agreement": ({"valid_from": at(-2 * MONTH)}, ["/valid_from"]),
    "begins later but opens the past": ({"valid_from": at(MONTH / 2)}, ["/opens"]),
    "since no date": ({"opens": "since"}, ["/opens_since"]),
    "a date for nothing": ({"opens_since": at()}, ["/opens_since"]),
    "no types": ({"types": []}, ["/types"]),
    "too many types": ({"types": [f"alert.t{'x' * number}" for number in range(33)]}, ["/types"]),
    "the same place twice": ({"jurisdictions": ["US-CA", "US-CA"]}, ["/jurisdictions"]),
    "an unknown place": ({"jurisdictions": ["US-CA:99999"]}, ["/jurisdictions/0"]),
    "too many places": ({"jurisdictions": ["US-CA"] * 257}, ["/jurisdictions"]),
    "another's name": ({"id": "us-ca-sheriff-x"}, ["/id"]),
    "no name": ({"id": "X"}, ["/id"]),
    "something unknown": ({"color": "red"}, ["/color"]),
}


@pytest.mark.parametrize(("terms", "paths"), FLAWS.values(), ids=FLAWS.keys())
def test_a_senseless_proposal_is_refused_by_place_and_stores_nothing(
    office: Office, terms: dict[str, Any], paths: list[str]
) -> None:
    answer = office.ana.post("/v1/grants", wanted(**terms))

    assert [one["path"] for one in done(answer, 422)["errors"]] == paths
    assert office.node.rows("SELECT count(*) FROM access_grant") == [(0,)]


def test_a_future_grant_opens_when_it_begins(office: Office, reader: Desk) -> None:
    grant = office.grant(valid_from=at(timedelta(days=1)), opens="now")
    hub_id = publish(office.node)
    assert not sees(reader, hub_id)

    office.node.rows("UPDATE access_grant SET valid_from = now(); UPDATE grant_owner SET events_from = now()")

    assert (state(grant), sees(reader, hub_id), sees(reader, publish(office.node))) == ("in_force", False, True)


def test_the_same_id_twice_is_a_conflict(office: Office) -> None:
    office.propose(office.ana)

    assert office.ana.post("/v1/grants", wanted()).status_code == 409


def test_two_grants_of_the_same_thing_do_each_other_no_harm(office: Office, reader: Desk) -> None:
    office.grant()
    second = office.grant(id="us-ca-sheriff-again", clearance="partner")
    hub_id = publish(office.node)

    done(halt(office.ana, second["id"], "revoke"))

    assert sees(reader, hub_id)


def test_grants_each_way_make_nothing_transitive(office: Office) -> None:
    office.grant()
    office.propose(office.ana, source={"agency": SHERIFF.id}, reader={"agency": POLICE.id})
    done(approve(office.saul, wanted()["id"]))

    assert not sees(office.node.desk(SHELTER), publish(office.node))


def test_nothing_is_approved_while_its_agreement_is_suspended(office: Office) -> None:
    proposed = office.propose()
    done(act(office.olga, "/v1/agreements/us-ca-sdpd-mou", "suspend", {"reason": "under review"}))

    assert approve(office.ana, proposed["id"]).status_code == 409


def test_others_grants_look_like_missing(office: Office) -> None:
    grant = office.grant()
    stranger = office.node.office(STRANGER, "stella", Role.ADMIN)
    for verb, body in (
        ("", None),
        ("/effect", None),
        ("/approve", {"version": 1}),
        ("/withdraw", {}),
        ("/suspend", {"reason": "why not"}),
        ("/resume", {}),
        ("/revoke", {"reason": "why not"}),
        ("/confirm", {}),
        ("/versions", {name: value for name, value in wanted().items() if name != "id"}),
    ):
        answers = [
            stranger.get(f"/v1/grants/{name}{verb}")
            if body is None
            else stranger.post(f"/v1/grants/{name}{verb}", body, {"If-Match": '"1"'})
            for name in (grant["id"], "us-ca-sheriff-no-such")
        ]
        assert answers[0].status_code == 404, verb
        assert answers[0].data == answers[1].data


def test_a_machine_has_no_part_in_it(office: Office, reader: Desk) -> None:
    grant = office.grant()

    assert {reader.get("/v1/grants").status_code, reader.get(f"/v1/grants/{grant['id']}").status_code} == {403}
    assert reader.post("/v1/grants", wanted(id="us-ca-sheriff-more")).status_code == 403


def test_what_was_done_is_on_record_with_who_did_it(office: Office) -> None:
    grant = office.grant()
    approve(office.ana, grant["id"])
    halt(office.ana, grant["id"], "revoke")

    found = office.node.rows(
        "SELECT action, person, is_allowed FROM audit WHERE starts_with(action, 'grant.') ORDER BY no"
    )
    assert found == [
        ("grant.propose", "us-ca-sheriff.saul", True),
        ("grant.approve", "us-ca-sdpd.ana", True),
        ("grant.approve", "us-ca-sdpd.ana", True),
        ("grant.revoke", "us-ca-sdpd.ana", True),
    ]


def test_the_list_comes_page_by_page_and_filtered(office: Office) -> None:
    for number in range(3):
        office.propose(id=f"us-ca-sheriff-{number}")
    office.propose(office.ana)

    first = office.ana.get("/v1/grants", limit=3).get_json()
    rest = office.ana.get("/v1/grants", after=first["next"]).get_json()
    ids = [one["id"] for one in first["grants"] + rest["grants"]]

    assert (ids, rest["next"]) == (sorted(ids), None)
    assert len(ids) == 4
    assert len(office.saul.get("/v1/grants", reader=SHERIFF.id, state="proposed").get_json()["grants"]) == 4
    assert office.ana.get("/v1/grants", reader=SHELTER.id).get_json()["grants"] == []
    assert office.nora.get("/v1/grants").get_json()["grants"] == []
    assert office.ana.get("/v1/grants", state="lost").status_code == 422


def test_a_nonprofit_sees_its_grants_and_what_kinds_it_cannot_get(office: Office) -> None:
    office.grant(id="us-ca-sheriff-x")
    proposed = office.propose(office.nora, id="us-ca-shelter-x", reader={"agency": SHELTER.id}, clearance="partner")
    for desk in (office.ana, office.beto):
        done(approve(desk, proposed["id"]))

    me = office.node.desk(SHELTER).get("/v1/me").get_json()

    assert [grant["id"] for grant in me["grants"]] == ["us-ca-shelter-x"]
    assert me["closed"] == ["case.trafficking"]
