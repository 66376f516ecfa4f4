"""Grants over HTTP: one side proposes, other persons of the owning side approve, each side ends its own part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.directory import Role
from tests.integration.hub.granted import publish, sees, state
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.granting import Office, act, amend, approve, done, halt, tag
from tests.support.node import OPERATOR, SHERIFF, Desk, Node, client_key, public_pem

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
