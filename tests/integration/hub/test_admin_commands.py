"""The administrators' commands from the outside: a day from the first agency to the cut, typed by people with keys."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from joserfc.jwk import ECKey

from connectors.admin.agencies import agency
from connectors.admin.attestations import attestation
from connectors.admin.cut import cut
from connectors.admin.persons import person
from connectors.admin.rights import right
from hub.directory import Role
from tests.support.cast import POLICE
from tests.support.node import OPERATOR, Desk, Node, missing_child
from tests.support.terminal import Terminal, served

OLGA, OMAR, ANA, BEA = "us-operator.olga", "us-operator.omar", "us-ca-sdpd.ana", "us-ca-sdpd.bea"
PATROL = ("--name", "Patrol", "--kind", "law_enforcement", "--jurisdiction", "US-CA")


@pytest.fixture
def terminal(node: Node, tmp_path: Path) -> Iterator[Terminal]:
    """Two operators, and two who administer POLICE."""
    node.enrol(OPERATOR)
    for name in ("olga", "omar"):
        node.person(OPERATOR, name, Role.OPERATOR)
    for name in ("ana", "bea"):
        node.person(POLICE, name, Role.ADMIN)
    with served(node) as url:
        yield Terminal(tmp_path, url)


def listed(terminal: Terminal, command: click.Command, who: str, *words: str) -> list[dict[str, Any]]:
    lines = terminal.does(command, "list", "--json", *words, who=who).splitlines()
    return [json.loads(line) for line in lines]


def desk(node: Node, terminal: Terminal, client_id: str, key: str) -> Desk:
    """A client whose key a command has made."""
    private = ECKey.import_key((terminal.folder / key).read_bytes())
    answer = node.ask_token(client_id, client_assertion=node.assertion(client_id, key=private))
    assert answer.status_code == 200, answer.text
    found = node.hub.picture.view.rules.directory.agencies[client_id.partition(".")[0]]
    return Desk(node, found, answer.get_json()["access_token"])


def test_from_a_new_agency_to_its_first_alert(node: Node, terminal: Terminal) -> None:
    keys = {name: str(terminal.folder / f"{name}.pem") for name in ("petra", "patrol")}
    petra = "us-ca-patrol.petra"

    terminal.does(agency, "register", "us-ca-patrol", *PATROL, who=OLGA)
    terminal.does(
        person, "add", petra, "--name", "Petra Paz", "--role", "agency_admin", "--key", keys["petra"], who=OLGA
    )
    terminal.does(person, "confirm", petra, who=OMAR)
    terminal.profile(petra, Path(keys["petra"]))
    terminal.does(agency, "key", "add", "us-ca-patrol", "--key", keys["patrol"], who=petra)
    wanted = ("--type", "alert.missing_child.*", "--jurisdiction", "US-CA", "--until", "2126-01-31")
    asked = terminal.does(right, "propose", "us-ca-patrol", *wanted, who=petra).strip()
    terminal.does(right, "approve", asked, who=OLGA)

    assert desk(node, terminal, "us-ca-patrol", "patrol.pem").publish(missing_child(source="us-ca-patrol"))
    assert [one["state"] for one in listed(terminal, right, petra)] == ["in_force"]


def test_a_key_that_is_made_stays_with_its_owner(terminal: Terminal) -> None:
    key = terminal.folder / "luis.pem"
    words = ("us-ca-sdpd.luis", "--name", "Luis", "--role", "officer", "--key", str(key))

    terminal.does(person, "add", *words, who=ANA)

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "PRIVATE" in key.read_text()


def test_what_is_no_key_is_not_sent(node: Node, terminal: Terminal) -> None:
    key = terminal.folder / "luis.pem"
    key.write_text("nonsense")

    done = terminal.run(
        person, "add", "us-ca-sdpd.luis", "--name", "L.", "--role", "officer", "--key", str(key), who=ANA
    )

    assert done.exit_code == 2
    assert node.rows("SELECT 1 FROM person WHERE id = 'us-ca-sdpd.luis'") == []


def test_who_enrols_is_told_that_a_second_person_is_needed(terminal: Terminal) -> None:
    key = str(terminal.folder / "luis.pem")
    told = terminal.does(person, "add", "us-ca-sdpd.luis", "--name", "Luis", "--role", "officer", "--key", key, who=ANA)

    own = terminal.run(person, "confirm", "us-ca-sdpd.luis", who=ANA)
    second = terminal.does(person, "confirm", "us-ca-sdpd.luis", who=BEA)
    again = terminal.run(person, "confirm", "us-ca-sdpd.luis", who=BEA)

    assert "puente person confirm" in told
    assert (own.exit_code, again.exit_code) == (1, 1)
    assert {"id: us-ca-sdpd.luis", "name: Luis"} <= set(second.replace("nombre", "name").splitlines())


def test_a_role_a_key_and_the_end_of_a_person(node: Node, terminal: Terminal) -> None:
    luis, key = "us-ca-sdpd.luis", terminal.folder / "luis.pem"
    terminal.does(person, "add", luis, "--name", "Luis", "--role", "officer", "--key", str(key), who=ANA)
    terminal.does(person, "confirm", luis, who=BEA)
    terminal.profile(luis, key)

    terminal.does(person, "roles", luis, "--role", "officer", "--role", "auditor", who=ANA)
    terminal.does(person, "confirm", luis, who=BEA)
    other = terminal.folder / "other.pem"
    terminal.does(person, "key", luis, "--key", str(other), who=luis)
    renewed = desk(node, terminal, luis, "other.pem")
    assert renewed.get("/v1/attestations").status_code == 200
    terminal.does(person, "disable", luis, "--reason", "left the service", who=ANA)

    assert renewed.get("/v1/attestations").status_code == 401
    assert [(one["id"], one["state"]) for one in listed(terminal, person, ANA) if one["id"] == luis] == [
        (luis, "disabled")
    ]


def test_an_agency_is_amended_suspended_reinstated_and_retired(node: Node, terminal: Terminal) -> None:
    terminal.does(agency, "amend", POLICE.id, "--duty-phone", "+16195550100", who=ANA)
    found = []
    for step in ("suspend", "reinstate", "retire"):
        terminal.does(agency, step, POLICE.id, "--reason", "as the council decided", who=OLGA)
        found += node.rows("SELECT standing, duty_phone FROM agency WHERE id = %s", POLICE.id)

    assert found == [("suspended", "+16195550100"), ("active", "+16195550100"), ("retired", "+16195550100")]
    assert {one["id"]: one["standing"] for one in listed(terminal, agency, OLGA)}[POLICE.id] == "retired"


def test_a_machines_key_is_listed_replaced_and_disabled(node: Node, terminal: Terminal) -> None:
    key = str(terminal.folder / "new.pem")
    machine = node.desk(POLICE)

    terminal.does(agency, "key", "replace", POLICE.id, "--key", key, who=ANA)
    assert machine.get("/v1/feed").status_code == 401
    assert desk(node, terminal, POLICE.id, "new.pem").get("/v1/feed").status_code == 200
    terminal.does(agency, "key", "disable", POLICE.id, "--reason", "no longer used", who=OLGA)

    lines = terminal.does(agency, "key", "list", "--json", who=ANA).splitlines()
    assert [(one["client_id"], one["is_enabled"]) for one in map(json.loads, lines)] == [(POLICE.id, False)]


def test_an_attestation_is_recorded_listed_and_withdrawn(terminal: Terminal) -> None:
    document = terminal.folder / "training.pdf"
    document.write_bytes(b"a certificate")
    words = (POLICE.id, "28-cfr-23", "--until", "2126-06-30", "--document", str(document))

    recorded = terminal.does(attestation, "record", *words, who=OLGA).strip()
    (before,) = listed(terminal, attestation, ANA)
    terminal.does(attestation, "withdraw", recorded, "--reason", "the paper was forged", who=OMAR)
    (after,) = listed(terminal, attestation, OLGA, "--agency", POLICE.id)

    assert (before["id"], before["in_force"], after["in_force"]) == (recorded, True, False)
    assert before["document_sha256"] == hashlib.sha256(b"a certificate").hexdigest()
    assert before["valid_until"] == "2126-06-30T00:00:00+00:00"


def test_rights_are_suspended_put_back_and_revoked(terminal: Terminal) -> None:
    wanted = ("--type", "alert.warning.*", "--jurisdiction", "US-CA:06073", "--until", "2126-01-31")
    asked = terminal.does(right, "propose", POLICE.id, *wanted, who=OLGA).strip()
    terminal.does(right, "approve", asked, who=OMAR)

    found = []
    for step in ("suspend", "reinstate", "revoke"):
        terminal.does(right, step, asked, "--reason", "as the council decided", who=OLGA)
        found += [one["state"] for one in listed(terminal, right, OLGA) if one["id"] == asked]

    assert found == ["suspended", "in_force", "revoked"]
    assert terminal.run(right, "approve", asked, who=OLGA).exit_code == 1


@pytest.mark.parametrize("words", [("--agency", POLICE.id), ("--person", ANA), ("--key", ANA)])
def test_one_command_cuts_off(node: Node, terminal: Terminal, words: tuple[str, str]) -> None:
    answer = node.ask_token(ANA)
    ana = Desk(node, POLICE, answer.get_json()["access_token"])
    assert ana.get("/v1/persons").status_code == 200

    terminal.does(cut, *words, "--reason", "a laptop was stolen", who=OLGA)

    assert ana.get("/v1/persons").status_code == 401


def test_a_list_cuts_no_id_short(node: Node, terminal: Terminal) -> None:
    node.person(POLICE, "maximiliana-guadalupe-fernandez", Role.ADMIN)

    assert "us-ca-sdpd.maximiliana-guadalupe-fernandez" in terminal.does(person, "list", who=OLGA)


def test_a_cut_names_one_thing(terminal: Terminal) -> None:
    assert terminal.run(cut, "--reason", "none", who=OLGA).exit_code == 2
    assert terminal.run(cut, "--reason", "none", "--agency", POLICE.id, "--key", ANA, who=OLGA).exit_code == 2


def test_a_refusal_is_told_with_its_reason_and_status_one(terminal: Terminal) -> None:
    done = terminal.run(agency, "register", "us-ca-patrol", *PATROL, who=ANA)

    assert done.exit_code == 1
    assert "403" in done.stderr


def test_flaws_are_told_by_their_place(terminal: Terminal) -> None:
    done = terminal.run(agency, "register", "us-ca-patrol", *PATROL, "--identifier", "ori:1", who=OLGA)

    assert (done.exit_code, "/identifiers/0" in done.stderr) == (1, True)


@pytest.mark.parametrize("name", ["us-ca-sdpd.nobody", "../agencies/us-ca-sdpd", "a b", "ñ", "x" * 3000])
def test_whatever_is_typed_as_a_name_names_one_thing_or_nothing(terminal: Terminal, name: str) -> None:
    done = terminal.run(person, "disable", name, "--reason", "none at all", who=OLGA)

    assert (done.exit_code, "404" in done.stderr) == (1, True)


def test_a_date_is_a_date(terminal: Terminal) -> None:
    words = ("--type", "alert.*", "--jurisdiction", "US-CA", "--until", "soon")

    assert terminal.run(right, "propose", POLICE.id, *words, who=ANA).exit_code == 2
