"""What the issuer is told of deadlines: who is late, who was called, whose it may be; and that under a signature."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from connectors.admin.receipts import receipts
from hub import certificates
from hub.certificates import NotCertified
from hub.cli import cli
from hub.cli.certificates import verify
from hub.directory import Kind
from hub.keys import new_private_pem
from hub.signing import SigningKey, seal
from tests.integration.hub.test_receipts import row, told
from tests.support import cast
from tests.support.cast import POLICE, SHELTER
from tests.support.escalating import Escalation, desk
from tests.support.node import SHERIFF, Desk, Node
from tests.support.subscribing import subscribe
from tests.support.terminal import Terminal

NEIGHBOUR = cast.agency("us-ca-neighbour", Kind.LAW_ENFORCEMENT, "US-CA")
ELSEWHERE = cast.agency("us-tx-elsewhere", Kind.LAW_ENFORCEMENT, "US-TX")


def after(escalation: Escalation, minutes: float) -> Desk:
    """The police, so many minutes later."""
    escalation.wait(minutes)
    return escalation.node.desk(POLICE)


def test_until_when_it_must_be_acknowledged_is_told_of_those_who_must(escalation: Escalation, police: Desk) -> None:
    before = escalation.node.clock()
    hub_id = escalation.alert(police)

    required = row(police, hub_id, SHERIFF.id)["ack_required_by"]

    assert timedelta() <= datetime.fromisoformat(required) - before - timedelta(minutes=10) < timedelta(minutes=1)
    assert row(police, hub_id, SHELTER.id)["ack_required_by"] is None


def test_who_is_late_is_overdue_and_who_was_called_is_told(escalation: Escalation, police: Desk, sheriff: Desk) -> None:
    desk(sheriff, "supervisor")
    hub_id = escalation.alert(police)
    in_time = row(police, hub_id, SHERIFF.id)

    late = row(after(escalation, 11), hub_id, SHERIFF.id)

    assert (in_time["overdue"], in_time["escalated"], in_time["escalated_at"]) == (False, None, None)
    assert (late["overdue"], late["escalated"], late["escalated_at"] is not None) == (True, 1, True)
    assert told(escalation.node.desk(POLICE), hub_id)["counts"]["overdue"] == 1


def test_who_answered_is_not_overdue(escalation: Escalation, police: Desk, sheriff: Desk) -> None:
    hub_id = escalation.alert(police)
    sheriff.post(f"/v1/events/{hub_id}/acks", {"state": "acknowledged"})
    escalation.pass_on()

    assert row(after(escalation, 11), hub_id, SHERIFF.id)["overdue"] is False


def test_what_arrived_at_a_webhook_is_delivered_and_not_read(
    escalation: Escalation, police: Desk, shelter: Desk
) -> None:
    subscribe(shelter)
    hub_id = escalation.alert(police)
    waiting = row(police, hub_id, SHELTER.id)
    (errand,) = escalation.dispatch.take()
    escalation.dispatch.settle(errand)

    arrived = row(police, hub_id, SHELTER.id)

    assert (waiting["delivered"], arrived["delivered"] is not None, arrived["read"]) == (None, True, None)
    assert told(police, hub_id)["counts"]["delivered"] == 1


def test_what_is_read_without_being_told_is_delivered_then(escalation: Escalation, police: Desk, shelter: Desk) -> None:
    hub_id = escalation.alert(police)
    shelter.event(hub_id)

    found = row(police, hub_id, SHELTER.id)

    assert found["delivered"] == found["read"] != None  # noqa: E711 - one comparison of three


@pytest.fixture
def neighbours(node: Node) -> None:
    """Two more of the sheriff's kind: one in the same state, one in another."""
    node.enrol(NEIGHBOUR, ELSEWHERE)


@pytest.mark.usefixtures("neighbours")
def test_whose_it_may_be_is_proposed_to_the_issuer_and_nobody_is_told(
    escalation: Escalation, police: Desk, sheriff: Desk
) -> None:
    hub_id = escalation.alert(police)
    sheriff.post(f"/v1/events/{hub_id}/acks", {"state": "declined", "reason": "not-ours"})
    escalation.pass_on()

    assert row(police, hub_id, SHERIFF.id)["proposed"] == [NEIGHBOUR.id]
    assert [agency for agency, _, _ in escalation.deadlines()] == [SHERIFF.id]


@pytest.mark.usefixtures("neighbours")
@pytest.mark.parametrize("reason", ["cannot-act", "known"])
def test_another_reason_proposes_nobody(escalation: Escalation, police: Desk, sheriff: Desk, reason: str) -> None:
    hub_id = escalation.alert(police)
    sheriff.post(f"/v1/events/{hub_id}/acks", {"state": "declined", "reason": reason})

    assert row(police, hub_id, SHERIFF.id)["proposed"] == []


def test_as_csv_it_says_the_same(escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police)
    late = after(escalation, 11).get(f"/v1/events/{hub_id}/receipts", format="csv")

    (found,) = [one for one in csv.DictReader(io.StringIO(late.text, newline="")) if one["recipient"] == SHERIFF.id]

    assert (found["overdue"], found["escalated"], found["proposed"]) == ("yes", "3", "")


# --- Certificates.


@pytest.fixture
def hub_id(escalation: Escalation, police: Desk) -> str:
    """An alert, with an audit whose head is signed."""
    found = escalation.alert(police)
    escalation.node.notarize()
    return found


def certified(desk: Desk, hub_id: str) -> str:
    answer = desk.get(f"/v1/events/{hub_id}/receipts", format="certificate", limit="1")
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/notification-certificate+jwt"
    return answer.text


def test_a_certificate_holds_every_recipient_and_the_head_of_the_audit(node: Node, police: Desk, hub_id: str) -> None:
    key = node.hub.grantor.issuer.key

    held, head = certificates.read(certified(police, hub_id), {key.kid: key.public})

    table = list(csv.reader(io.StringIO(police.get(f"/v1/events/{hub_id}/receipts", format="csv").text, newline="")))
    assert (held.event, held.agency, held.type) == (hub_id, POLICE.id, "alert.missing_child.issued")
    assert [list(held.columns), *map(list, held.rows)] == table
    assert [(head.size,)] == node.rows("SELECT max(size) FROM tree_head")


def test_that_it_was_certified_is_on_record(node: Node, police: Desk, hub_id: str) -> None:
    certified(police, hub_id)

    assert node.rows("SELECT agency, object FROM audit WHERE action = 'receipts.certify'") == [(POLICE.id, hub_id)]


def test_nobody_else_gets_one(shelter: Desk, hub_id: str) -> None:
    assert shelter.get(f"/v1/events/{hub_id}/receipts", format="certificate").status_code == 404


def test_without_a_signed_audit_there_is_none_yet(escalation: Escalation, police: Desk) -> None:
    hub_id = escalation.alert(police)

    assert police.get(f"/v1/events/{hub_id}/receipts", format="certificate").status_code == 503


@pytest.mark.parametrize(
    "spoil", ["another key", "another purpose", "another word", "another head", "a short row", "no row"]
)
def test_what_was_not_certified_so_does_not_hold(node: Node, police: Desk, hub_id: str, spoil: str) -> None:
    key, stranger = node.hub.grantor.issuer.key, SigningKey(new_private_pem())
    good = certified(police, hub_id)
    held, _ = certificates.read(good, {key.kid: key.public})
    claims = certificates.claims_of(held)
    header, _, signature = good.split(".")
    other = seal(stranger, claims | {"type": "x"}, certificates.TYPE).split(".")[1]
    spoilt = {
        "another key": seal(stranger, claims, certificates.TYPE),
        "another purpose": seal(key, claims, "at+jwt"),
        "another word": f"{header}.{other}.{signature}",
        "a short row": seal(key, claims | {"rows": [["x"]]}, certificates.TYPE),
        "no row": seal(key, claims | {"rows": [1]}, certificates.TYPE),
        "another head": seal(key, claims | {"head": police.token}, certificates.TYPE),
    }

    with pytest.raises(NotCertified):
        certificates.read(spoilt[spoil], {key.kid: key.public})


def checked(terminal: Terminal, node: Node, certificate: str, *words: str) -> Result:
    """What the command says of it offline."""
    jwks, file = terminal.folder / "jwks.json", terminal.folder / "certificate.jwt"
    jwks.write_text(json.dumps({"keys": [node.hub.grantor.issuer.key.jwk]}))
    file.write_text(certificate)
    return CliRunner().invoke(verify, [str(file), "--jwks", str(jwks), *words])


def test_the_commands_certify_and_check(node: Node, hub_id: str, terminal: Terminal) -> None:
    certificate = terminal.does(receipts, hub_id, "--certificate", who=POLICE.id)

    good = checked(terminal, node, certificate)
    bad = checked(terminal, node, certificate.replace(".", ".A", 1))
    table = checked(terminal, node, certificate, "--csv")

    assert (good.exit_code, f"event {hub_id} of {POLICE.id}" in good.output) == (0, True)
    assert (bad.exit_code, bad.output.startswith("NOT VALID: ")) == (1, True)
    assert [one["recipient"] for one in csv.DictReader(io.StringIO(table.output, newline=""))] == [
        SHELTER.id,
        SHERIFF.id,
    ]


def test_checking_is_one_of_the_commands_of_receipts() -> None:
    done = CliRunner().invoke(cli, ["receipts", "--help"])

    assert (done.exit_code, {"show", "verify"} <= set(done.output.split())) == (0, True)


def test_the_board_says_who_is_late_and_who_was_called(
    escalation: Escalation, sheriff: Desk, hub_id: str, terminal: Terminal
) -> None:
    desk(sheriff, "supervisor")
    escalation.node.rows(
        "UPDATE deadline SET (since, due_at, required_by) = (since - m, due_at - m, required_by - m)"
        "  FROM (VALUES (interval '11 minutes')) AS ago (m)"
    )
    escalation.look()

    lines = terminal.does(receipts, hub_id, who=POLICE.id).splitlines()

    (line,) = [one for one in lines if SHERIFF.name in one]
    assert ("OVERDUE since" in line, "step 1 called" in line) == (True, True)
