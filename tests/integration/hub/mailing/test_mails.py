"""What is mailed: pointers to what may be read, to addresses that were proven, by a process that ends when told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.directory import Standing
from hub.mail_settings import MailSettings
from hub.store import agencies
from tests.support.cast import SHELTER
from tests.support.mailing import DUTY, OTHER, Got, Office, by_mail, mailing, publish, queue, settled, states
from tests.support.node import SHERIFF, Desk, Node
from tests.support.subscribing import shown
from tests.support.waiting import until

ROOT = Path(__file__).parents[4]


def test_an_alert_arrives_as_a_pointer_and_is_on_record(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    subscription = by_mail(shelter)
    hub_id = publish(police, data={"urgency": "Immediate"})
    queue(node)

    with mailing(node, told):
        until(settled(node))

    (got,) = there.got
    assert (got.to, got.sender) == (DUTY, "alerts@us.puente.example")
    assert hub_id in got.text
    assert states(node) == [("delivered", "smtp-250")]
    assert shown(shelter, subscription)["outcome"] == "smtp-250"
    assert node.rows("SELECT object, events::text[] FROM audit WHERE object = 'pointer.email'") == [
        ("pointer.email", [hub_id])
    ]


def test_a_new_address_is_asked_before_anything_else_comes(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    subscription = by_mail(shelter, proven=False)
    with mailing(node, told):
        (asked,) = until(lambda: there.to(DUTY))
        publish(police)
        nothing = queue(node)
        seen = node.app.test_client().get(asked.link("confirm"))
        looked = shown(shelter, subscription)["state"]
        answer = node.app.test_client().post(asked.link("confirm"))
        publish(police)
        queue(node)
        until(lambda: len(there.got) == 2)

    assert (seen.status_code, answer.status_code, nothing, looked) == (200, 200, 0, "pending")
    assert shown(shelter, subscription)["state"] == "enabled"


def test_who_may_not_read_it_any_more_is_mailed_nothing(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    by_mail(node.desk(SHERIFF), address=OTHER)
    publish(police)
    queue(node)
    with node.database() as conn:
        agencies.set_standing(conn, SHELTER.id, Standing.SUSPENDED)

    with mailing(node, told):
        until(settled(node))

    assert [one.to for one in there.got] == [OTHER]


def test_what_its_alert_has_ended_while_it_waited_is_not_mailed(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.workers.mailer.CHECK_S", 0.0)
    by_mail(shelter)
    for number in range(3):
        publish(police, subject=f"s{number}")
    queue(node)

    def end_the_others(_: Got) -> str:
        for number in range(3):
            if len(there.got) == 0:
                publish(police, "located", subject=f"s{number}", minutes=1)
        return "250 fine"

    there.taken = end_the_others
    with mailing(node, told):
        until(settled(node))

    assert [state for state, _ in states(node)] == ["delivered", "overtaken", "overtaken"]
    assert len(there.got) == 1


def test_the_process_mails_and_ends_when_it_is_told_to(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings, tmp_path: Path
) -> None:
    by_mail(shelter)
    publish(police)
    queue(node)
    mail = {"smtp_host": told.smtp_host, "smtp_port": told.smtp_port, "security": "none", "sender": told.sender}
    lines = [f"{name} = {json.dumps(value)}" for name, value in (mail | {"public_url": told.public_url}).items()]
    (tmp_path / "limits.toml").write_text((ROOT / "config" / "limits.toml").read_text())
    config = tmp_path / "hub.toml"
    config.write_text("\n".join([f"[node]\nstate_dir = {json.dumps(str(tmp_path))}", "[mail]", *lines]))
    environment = os.environ | {"PUENTE_DATABASE_URL": node.url}

    command = [sys.executable, "-m", "hub.cli", "mailer", "--config", str(config)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        until(settled(node), within_s=30)
        process.terminate()
        _, log = process.communicate(timeout=30)

    assert (process.returncode, len(there.got)) == (0, 1)
    assert DUTY not in log
