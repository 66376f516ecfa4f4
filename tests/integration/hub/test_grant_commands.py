"""The commands around grants, typed by people with keys: an agreement, a grant, its amendment, a review, its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from connectors.admin.agreements import agreement
from connectors.admin.grants import grant
from connectors.admin.reviews import review
from hub.cli import ADDED, Commands
from hub.cli.grants import grant as on_the_node
from hub.directory import Role
from tests.support.cast import POLICE, SHELTER
from tests.support.granting import MONTH, NOW
from tests.support.node import OPERATOR, SHERIFF, Node, missing_child
from tests.support.terminal import Terminal, served

ANA, BETO, CARLA = (f"{POLICE.id}.{name}" for name in ("ana", "beto", "carla"))
NORA, OLGA = f"{SHELTER.id}.nora", f"{OPERATOR.id}.olga"
NAME = "us-ca-sdpd-to-shelter"
UNTIL = (NOW + MONTH).date().isoformat()
TERMS = (
    *("--agreement", "us-ca-sdpd-mou", "--source", POLICE.id, "--reader", "kind=ngo,country=US", "--type", "alert.*"),
    *("--jurisdiction", "US-CA", "--purpose", "locate-child", "--max-tlp", "amber+strict", "--clearance", "partner"),
)


@pytest.fixture
def terminal(node: Node, tmp_path: Path) -> Iterator[Terminal]:
    """Three who administer POLICE, one SHELTER, and an operator; no grant."""
    node.regrant()
    node.enrol(OPERATOR)
    for name in ("ana", "beto", "carla"):
        node.person(POLICE, name, Role.ADMIN)
    node.person(SHELTER, "nora", Role.ADMIN)
    node.person(OPERATOR, "olga", Role.OPERATOR)
    with served(node) as url:
        yield Terminal(tmp_path, url)


@pytest.fixture
def agreed(terminal: Terminal) -> Terminal:
    """With an agreement between POLICE and every nonprofit of the country."""
    document = terminal.folder / "mou.pdf"
    document.write_bytes(b"signed (sample)")
    told = ("--en", "Sharing", "--es", "Intercambio", "--basis", "34 USC 20501", "--document", str(document))
    parties = ("--party", POLICE.id, "--party", "kind=ngo,country=US", "--until", "2126-01-31")
    terminal.does(agreement, "draft", "us-ca-sdpd-mou", *told, *parties, "--from", "2026-01-01", who=ANA)
    terminal.does(agreement, "approve", "us-ca-sdpd-mou", who=NORA)
    return terminal


def state(terminal: Terminal, name: str = NAME) -> list[str]:
    shown = json.loads(terminal.does(grant, "show", name, "--json", who=ANA))
    return [version["state"] for version in shown["versions"]]


def in_force(terminal: Terminal) -> None:
    terminal.does(grant, "propose", NAME, *TERMS, "--until", UNTIL, who=ANA)
    for who in (BETO, CARLA):
        terminal.does(grant, "approve", NAME, who=who)


def test_a_grant_from_its_proposal_to_its_end(node: Node, agreed: Terminal) -> None:
    hub_id = node.desk(POLICE).publish(missing_child())
    node.sequence()
    shelter = node.desk(SHELTER)

    agreed.does(grant, "propose", NAME, *TERMS, "--until", UNTIL, who=ANA)
    told = agreed.does(grant, "effect", NAME, "--json", who=BETO)
    first = agreed.does(grant, "approve", NAME, who=BETO)
    second = agreed.does(grant, "approve", NAME, who=CARLA)
    node.sequence()
    seen = shelter.event(hub_id) is not None
    agreed.does(grant, "revoke", NAME, "--reason", "the project ended", who=ANA)

    assert [row["reader"] for row in json.loads(told)["at_once"]] == [SHELTER.id]
    assert "another person" in first
    assert "1 events come again" in second
    assert (seen, state(agreed), shelter.event(hub_id)) == (True, ["revoked"], None)


def test_nobody_approves_alone_what_weighs_more(agreed: Terminal) -> None:
    agreed.does(grant, "propose", NAME, *TERMS, "--until", UNTIL, who=ANA)

    own = agreed.run(grant, "approve", NAME, who=ANA)
    agreed.does(grant, "approve", NAME, who=BETO)

    assert (own.exit_code, state(agreed)) == (1, ["proposed"])


def test_an_amendment_keeps_what_is_not_said(agreed: Terminal) -> None:
    in_force(agreed)

    agreed.does(grant, "amend", NAME, "--clearance", "public", "--opens", "now", who=ANA)
    for who in (BETO, CARLA):
        agreed.does(grant, "approve", NAME, "--version", "2", who=who)

    shown = json.loads(agreed.does(grant, "show", NAME, "--json", who=ANA))
    assert state(agreed) == ["in_force", "superseded"]
    assert (shown["versions"][0]["clearance"], shown["versions"][0]["types"]) == ("public", ["alert.*"])


def test_a_grant_may_come_from_a_file(agreed: Terminal) -> None:
    file = agreed.folder / "grant.toml"
    file.write_text(
        f"""
        [[grant]]
        agreement = "us-ca-sdpd-mou"
        source = {{ agency = "{POLICE.id}" }}
        reader = {{ kind = "ngo", country = "US" }}
        types = ["alert.*"]
        jurisdictions = ["US-CA"]
        purpose = "locate-child"
        max_tlp = "amber"
        clearance = "partner"
        valid_until = {UNTIL}T00:00:00Z
        """
    )

    agreed.does(grant, "propose", NAME, "--file", str(file), "--opens", "2026-01-01", who=ANA)

    shown = json.loads(agreed.does(grant, "show", NAME, "--json", who=ANA))
    assert (shown["versions"][0]["opens"], shown["versions"][0]["opens_since"][:10]) == ("since", "2026-01-01")


@pytest.mark.parametrize("content", ["", "[[grant]]\n[[grant]]", "grant = 1", "not toml"])
def test_a_file_without_one_grant_is_refused_here(agreed: Terminal, content: str) -> None:
    file = agreed.folder / "grant.toml"
    file.write_text(content)

    assert agreed.run(grant, "propose", NAME, "--file", str(file), who=ANA).exit_code == 2


@pytest.mark.parametrize("selector", ["kind=", "color=red", "kind=ngo,kind=ngo"])
def test_a_selector_that_selects_nobody_is_refused_here(agreed: Terminal, selector: str) -> None:
    assert agreed.run(grant, "propose", NAME, "--source", selector, who=ANA).exit_code == 2


def test_suspended_resumed_and_withdrawn(agreed: Terminal) -> None:
    in_force(agreed)
    agreed.does(grant, "suspend", NAME, "--reason", "keys were lost", who=ANA)
    suspended = state(agreed)
    agreed.does(grant, "resume", NAME, who=ANA)
    agreed.does(grant, "amend", NAME, "--until", UNTIL, who=ANA)
    agreed.does(grant, "withdraw", NAME, who=ANA)

    assert (suspended, state(agreed)) == (["suspended"], ["withdrawn", "in_force"])


def test_lists_and_matrix_speak_to_people_and_to_programs(agreed: Terminal) -> None:
    in_force(agreed)

    lines = agreed.does(grant, "list", "--json", who=NORA).splitlines()
    table = agreed.does(grant, "list", who=NORA)
    sheet = agreed.does(grant, "matrix", "--csv", who=NORA)

    assert [json.loads(line)["id"] for line in lines] == [NAME]
    assert NAME.split("-to-")[0] in table.replace("\n", "") or "us-ca" in table
    assert sheet.splitlines()[1].startswith(f'"{SHELTER.id}","{POLICE.id}","alert.*","US-CA","partner"')
    assert agreed.does(agreement, "list", "--json", who=NORA).count("us-ca-sdpd-mou") >= 1


def test_a_review_is_started_answered_and_shown(node: Node, agreed: Terminal) -> None:
    in_force(agreed)
    node.rows("UPDATE grant_owner SET approved_at = approved_at - interval '91 days'")

    agreed.does(review, "start", "--due", "5", who=OLGA)
    agreed.does(grant, "confirm", NAME, who=ANA)

    shown = json.loads(agreed.does(review, "show", "--json", who=OLGA))
    assert shown["grants"] == [{"grant": NAME, "agency": POLICE.id, "answer": "confirmed"}]


def test_an_agreement_is_suspended_resumed_and_ended(agreed: Terminal) -> None:
    for verb in ("suspend", "resume", "end"):
        why = () if verb == "resume" else ("--reason", "under review")
        agreed.does(agreement, verb, "us-ca-sdpd-mou", *why, who=ANA)

    shown = json.loads(agreed.does(agreement, "list", "--state", "ended", "--json", who=ANA))
    assert (shown["state"], shown["reason"]) == ("ended", "under review")


FILE = """
[[grant]]
id = "{id}"
source = {{ agency = "us-ca-sdpd" }}
reader = {{ agency = "us-ca-sheriff" }}
types = ["alert.*"]
jurisdictions = ["US-CA"]
purpose = "locate-child"
max_tlp = "{tlp}"
clearance = "partner"
valid_from = 2026-01-01T00:00:00Z
valid_until = 2126-01-01T00:00:00Z
"""


@pytest.fixture
def config(node: Node, tmp_path: Path) -> Path:
    """Settings that name the database of this test."""
    node.regrant()
    (tmp_path / "limits.toml").write_text("ceiling = []")
    file = tmp_path / "hub.toml"
    file.write_text(f'[node]\nid = "us"\ncountry = "US"\nstate_dir = "{tmp_path}"\n[database]\nurl = "{node.url}"\n')
    return file


def typed(config: Path, command: str, *grants: tuple[str, str], more: tuple[str, ...] = ()) -> tuple[int, str]:
    file = config.parent / "grants.toml"
    file.write_text("".join(FILE.format(id=id_, tlp=tlp) for id_, tlp in grants))
    done = CliRunner().invoke(on_the_node, [command, str(file), *more, "--config", str(config)])
    return done.exit_code, done.output


def test_a_file_is_moved_after_its_difference_was_shown(node: Node, config: Path) -> None:
    shown = typed(config, "diff", ("first", "amber"), ("second", "amber"))
    looked = typed(config, "import", ("first", "amber"), ("second", "amber"))
    before = node.rows("SELECT count(*) FROM access_grant")
    applied = typed(config, "import", ("first", "amber"), ("second", "amber"), more=("--apply",))
    again = typed(config, "diff", ("first", "amber"), ("second", "amber"))

    assert (shown[0], looked[0], before, applied[0], again[0]) == (1, 0, [(0,)], 0, 0)
    assert [line[:8] for line in shown[1].splitlines()] == ["+ first:", "+ second"]
    assert node.desk(SHERIFF).get("/v1/me").get_json()["grants"][0]["id"] == "first"
    assert node.rows("SELECT agency, client, action FROM audit WHERE action = 'grant.import'") == [
        ("us", "node", "grant.import")
    ]


def test_it_shows_what_changes_and_what_goes(config: Path) -> None:
    typed(config, "import", ("first", "amber"), ("second", "amber"), more=("--apply",))

    shown = typed(config, "diff", ("first", "red"))

    assert shown[1].splitlines()[:2] == ["~ first", "    max_tlp: amber -> red"]
    assert shown[1].splitlines()[2].startswith("- second")


def test_once_people_propose_the_file_decides_no_more(agreed: Terminal, config: Path) -> None:
    agreed.does(grant, "propose", NAME, *TERMS, "--until", UNTIL, who=ANA)

    done = typed(config, "import", ("first", "amber"), more=("--apply",))

    assert (done[0], agreed.run(grant, "show", "first", who=OLGA).exit_code) == (1, 1)


def test_the_nodes_commands_join_those_of_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plugin:
        """As an entry point is."""

        name = "grant"

        def load(self) -> click.Group:
            """The group that speaks to the gateway."""
            return grant

    monkeypatch.setattr("hub.cli.entry_points", lambda **_: [Plugin()])

    found = Commands().get_command(click.Context(click.Group()), "grant")

    assert "grant" in ADDED
    assert isinstance(found, click.Group)
    assert found.commands.keys() >= {"propose", "approve", "diff", "import"}
