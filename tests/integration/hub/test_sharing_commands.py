"""Before and after sharing from a terminal: preview, consent, explain and disclosures, typed by an admin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.admin.consents import consent
from connectors.admin.decisions import explain, preview
from connectors.admin.disclosures import disclosures
from hub.directory import Role
from schemas.sensitivity import Sensitivity
from tests.integration.hub.victims import FIRST_NAME, VICTIMS
from tests.support.cast import POLICE, SHELTER
from tests.support.node import BEGAN, SHERIFF, TO_SHELTER, TO_SHERIFF, Desk, Node, child_case, grant, missing_child
from tests.support.terminal import Terminal, served

ANA = f"{POLICE.id}.ana"


@pytest.fixture
def terminal(node: Node, tmp_path: Path) -> Iterator[Terminal]:
    """Ana administers POLICE."""
    node.person(POLICE, "ana", Role.ADMIN)
    with served(node) as url:
        yield Terminal(tmp_path, url)


def test_a_preview_names_the_recipients_and_what_each_sees(terminal: Terminal) -> None:
    file = terminal.folder / "alert.json"
    file.write_text(json.dumps(missing_child(label={"tlp": "green", "marks": {"/data/headline": "enforcement"}})))

    told = terminal.does(preview, str(file), who=ANA)
    whole = json.loads(terminal.does(preview, str(file), "--json", who=ANA))

    assert all(word in told for word in (SHELTER.id, SHERIFF.id, "partner:", "/data/child/medical (protected)"))
    assert "hidden by the label's marks: /data/headline" in told
    assert {one["agency"] for one in whole["recipients"]} == {SHELTER.id, SHERIFF.id}


def test_a_flawed_draft_is_told_what_is_wrong_with_it(terminal: Terminal) -> None:
    file = terminal.folder / "alert.json"
    file.write_text(json.dumps(missing_child(data={"urgency": "soon"})))

    done = terminal.run(preview, str(file), who=ANA)

    assert (done.exit_code, "/data/urgency" in done.stderr) == (1, True)


def test_an_explanation_has_each_grant_and_the_hard_limit(police: Desk, terminal: Terminal) -> None:
    hub_id = police.publish(missing_child())

    told = terminal.does(explain, SHELTER.id, hub_id, who=ANA)
    whole = json.loads(terminal.does(explain, SHERIFF.id, hub_id, "--json", who=ANA))

    assert all(word in told for word in ("may read it", TO_SHELTER.id, "34 USC 12291", "/data/child/name/given"))
    assert (whole["allowed"], whole["grant"]) == (True, TO_SHERIFF.id)


def test_what_is_not_there_for_one_exits_with_1(terminal: Terminal) -> None:
    done = terminal.run(explain, SHELTER.id, "019ec1f0-7c3a-7e55-8c1b-0242ac120002", who=ANA)

    assert done.exit_code == 1


def test_disclosures_are_listed_for_one_event_and_for_all(police: Desk, shelter: Desk, terminal: Terminal) -> None:
    ids = [police.publish(missing_child()) for _ in range(2)]
    police.node.sequence()
    shelter.event(ids[0])
    police.node.notarize()

    rows = [json.loads(line) for line in terminal.does(disclosures, "--json", who=ANA).splitlines()]
    of_other = terminal.does(disclosures, ids[1], "--json", who=ANA)
    unread = [json.loads(line) for line in terminal.does(disclosures, "--unread", "--json", who=ANA).splitlines()]

    assert [(one["agency"], one["event"]) for one in rows] == [(SHELTER.id, ids[0])]
    assert "/data/child/name/given" in rows[0]["fields"]
    assert (of_other, [one["event"] for one in unread]) == ("", [ids[1]])
    assert SHELTER.id in terminal.does(disclosures, ids[0], who=ANA)


def test_a_consent_is_recorded_listed_and_withdrawn(
    node: Node, police: Desk, shelter: Desk, terminal: Terminal
) -> None:
    node.regrant(grant(types=("*",), purpose="victim-services", clearance=Sensitivity.PROTECTED))
    event = child_case(label={"tlp": "green"}, data={"victims": VICTIMS})
    hub_id = police.publish(event)
    words = ["record", event["subject"], "--field", "/data/victims/0/prs_FirstName", "--to", SHELTER.id]
    words += ["--purpose", "victim-services", "--given-by", "individual", "--form", "2026-1", "--language", "es"]
    words += ["--signed-at", BEGAN.isoformat(), "--until", (BEGAN + timedelta(days=30)).isoformat()]

    refused = terminal.run(consent, *words, who=ANA)
    made = terminal.does(consent, *words, "--not-abuser-attested", who=ANA).strip()

    assert (refused.exit_code, "/not_abuser_attested" in refused.stderr) == (1, True)
    (listed,) = (json.loads(line) for line in terminal.does(consent, "list", "--json", who=ANA).splitlines())
    assert (listed["id"], listed["fields"], listed["state"]) == (made, [FIRST_NAME], "live")
    assert "Lucía" in shelter.get(f"/v1/events/{hub_id}").text
    assert terminal.does(consent, "withdraw", made, who=ANA).strip() == f"{made}: withdrawn"
    assert "Lucía" not in shelter.get(f"/v1/events/{hub_id}").text
