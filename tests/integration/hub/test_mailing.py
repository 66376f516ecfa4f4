"""Mails by a real mail server: what arrives, when, how often, and what follows from what the server answers."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import trustme

from hub.directory import Standing
from hub.mail_settings import MailSettings
from hub.store import agencies
from tests.support.cast import SHELTER
from tests.support.mailing import Got, Office, mailing, office, with_login, with_tls
from tests.support.node import SHERIFF, Desk, Node, missing_child
from tests.support.subscribing import Dispatch, shown, subscribe
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]
DUTY = "duty@shelter.example"
OTHER = "other@shelter.example"
ROUTINE = {"urgency": "Expected"}


@pytest.fixture
def post() -> Iterator[tuple[Office, MailSettings]]:
    with office() as held:
        yield held


@pytest.fixture
def there(post: tuple[Office, MailSettings]) -> Office:
    return post[0]


@pytest.fixture
def told(post: tuple[Office, MailSettings]) -> MailSettings:
    return post[1]


def by_mail(desk: Desk, **differs: Any) -> UUID:
    return subscribe(desk, **{"channel": "email", "address": DUTY} | differs)


def publish(police: Desk, verb: str = "issued", **differs: Any) -> str:
    hub_id = police.publish(missing_child(verb, **differs))
    police.node.sequence()
    return hub_id


def queue(node: Node) -> int:
    return Dispatch(node).queue()


def states(node: Node) -> list[tuple[Any, ...]]:
    return node.rows("SELECT state, outcome FROM delivery ORDER BY no")


def settled(node: Node) -> Callable[[], bool]:
    return lambda: node.rows("SELECT no FROM delivery WHERE state = 'due'") == []


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


def test_a_relay_that_wants_tls_and_a_login_gets_both(node: Node, police: Desk, shelter: Desk, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    by_mail(shelter)
    publish(police)
    queue(node)

    with office(**with_tls(context), **with_login("hub", "hunter2")) as (there, told):
        access: dict[str, Any] = {"security": "starttls", "user": "hub", "password": "hunter2"}
        with mailing(node, told, ca_file=tmp_path / "ca.pem", **access):
            until(settled(node))

    assert [one.is_sealed for one in there.got] == [True]


@pytest.mark.parametrize(
    ("options", "differs", "code"),
    [
        ({}, {"security": "starttls"}, "no-starttls"),  # it could be somebody in between who keeps quiet about TLS
        ("tls", {"security": "starttls"}, "tls"),  # nobody we know vouches for it
        ("login", {"user": "hub", "password": "wrong"}, "login"),
    ],
)
def test_nothing_is_sent_in_clear_or_to_who_only_says_that_it_is_the_relay(
    node: Node,
    police: Desk,
    shelter: Desk,
    caplog: pytest.LogCaptureFixture,
    options: Any,
    differs: dict[str, Any],
    code: str,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    kinds = {"tls": with_tls(context), "login": with_login("hub", "hunter2", in_clear=True)}
    by_mail(shelter)
    publish(police)
    queue(node)

    with office(**(kinds[options] if options else {})) as (there, told), mailing(node, told, **differs):
        until(lambda: f"the relay takes no mails: {code}" in caplog.text)

    assert there.got == []
    assert node.rows("SELECT tries FROM delivery") == [(0,)]
    assert "wrong" not in caplog.text


def test_the_relay_learns_the_name_of_the_sender_and_none_of_the_machine(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    publish(police)
    queue(node)

    with mailing(node, told):
        until(settled(node))

    assert [one.host for one in there.got] == ["us.puente.example"]


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


def test_what_is_not_urgent_and_due_at_once_comes_in_one_mail(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    published = [publish(police, data=ROUTINE) for _ in range(3)]
    queue(node)

    with mailing(node, told):
        until(settled(node))

    (got,) = there.got
    assert [hub_id in got.text for hub_id in published] == [True, True, True]
    assert "3 events" in str(got.message["Subject"])


def test_each_urgent_alert_has_a_mail_of_its_own(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    for _ in range(3):
        publish(police)
    queue(node)

    with mailing(node, told):
        until(settled(node))

    assert [str(one.message["Subject"]).rpartition("(")[2] for one in there.got] == ["no. 1)", "no. 2)", "no. 3)"]


def test_a_digest_comes_once_a_day_and_urgent_ones_do_not_wait_for_it(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    digest_at = node.clock() + timedelta(hours=2)
    by_mail(shelter, digest_at=f"{digest_at:%H:%M}")
    for _ in range(2):
        publish(police, data=ROUTINE)
    urgent = publish(police)
    queue(node)

    with mailing(node, told):
        until(lambda: there.got)
        node.clock.ahead = timedelta(hours=1)
        publish(node.desk(police.agency), data=ROUTINE)
        queue(node)
        before = [one.text for one in there.got]
        node.clock.ahead = timedelta(hours=2, minutes=1)
        until(settled(node))

    assert len(before) == 1
    assert urgent in before[0]
    assert len(there.got) == 2
    assert "3 events" in str(there.got[1].message["Subject"])


@pytest.mark.parametrize(("answer", "outcome"), [("450 4.2.1 busy", "smtp-450"), ("451 later", "smtp-451")])
def test_later_is_tried_again_by_the_schedule_under_the_same_id(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings, answer: str, outcome: str
) -> None:
    by_mail(shelter)
    publish(police)
    queue(node)
    kept: list[Got] = []

    def once(got: Got) -> str:
        kept.append(got)
        return answer if len(kept) == 1 else "250 fine"

    there.taken = once
    with mailing(node, told):
        until(lambda: states(node) == [("due", outcome)])
        node.clock.ahead = timedelta(minutes=1)
        until(settled(node))

    assert len(kept) == 2
    assert kept[0].message["Message-ID"] == kept[1].message["Message-ID"]
    assert states(node) == [("delivered", "smtp-250")]


def test_a_mailbox_that_is_not_there_a_day_later_ends_the_subscription_and_its_agency_is_told(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    gone, other = by_mail(shelter), by_mail(shelter, address=OTHER, filter={"subject": "none"})
    there.recipient = lambda to: "550 5.1.1 no such user" if to == DUTY else "250 fine"
    publish(police)
    queue(node)
    with mailing(node, told):
        until(settled(node))
        first = shown(shelter, gone)["state"]
        node.clock.ahead = timedelta(days=1)
        publish(node.desk(police.agency))
        queue(node)
        until(lambda: there.to(OTHER))

    shelter = node.desk(SHELTER)  # a day later, with another token
    after = shown(shelter, gone)
    assert (first, after["state"], after["reason"]) == ("enabled", "disabled", "failing")
    assert str(gone) in there.to(OTHER)[0].text
    assert shown(shelter, other)["state"] == "enabled"
    assert there.tried.count(DUTY) == 2


def test_a_refusal_of_one_keeps_nothing_from_the_others(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    by_mail(shelter, address=OTHER)
    there.recipient = lambda to: "554 5.7.1 no" if to == DUTY else "250 fine"
    publish(police)
    queue(node)

    with mailing(node, told):
        until(settled(node))

    assert [one.to for one in there.got] == [OTHER]
    assert sorted(states(node)) == [("delivered", "smtp-250"), ("failed", "smtp-554")]


@pytest.mark.parametrize("answer", ["421 4.3.2 going down", "550 5.7.1 not from you", "451 4.3.0 not now"])
def test_trouble_with_the_relay_is_nobodys_failure_and_no_try(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings, monkeypatch: Any, answer: str
) -> None:
    monkeypatch.setattr("hub.workers.mailer.REST_S", 0.05)
    subscription = by_mail(shelter)
    refused: list[str] = []

    def sender(address: str) -> str:
        refused.append(address)
        return answer if len(refused) < 4 else "250 fine"

    there.sender = sender
    publish(police)
    queue(node)
    with mailing(node, told):
        until(settled(node))

    assert (states(node), len(refused)) == ([("delivered", "smtp-250")], 4)
    assert node.rows("SELECT tries FROM delivery") <= [(2,)]
    assert shown(shelter, subscription)["failing_since"] is None
    assert node.rows("SELECT count(*) FROM audit WHERE object = 'pointer.email'") == [(1,)]


def test_a_relay_that_closes_down_while_it_is_told_for_whom_has_refused_nobody(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.workers.mailer.REST_S", 0.05)
    by_mail(shelter)
    there.recipient = lambda _: "250 fine" if len(there.tried) > 2 else "421 4.3.2 going down"
    publish(police)
    queue(node)

    with mailing(node, told):
        until(settled(node))

    assert (states(node), len(there.tried)) == ([("delivered", "smtp-250")], 3)
    assert node.rows("SELECT tries FROM delivery") == [(2,)]


def test_while_the_relay_is_away_nothing_is_taken_on(
    node: Node, police: Desk, shelter: Desk, told: MailSettings, caplog: pytest.LogCaptureFixture
) -> None:
    by_mail(shelter)
    publish(police)
    queue(node)

    with mailing(node, told, smtp_port=1):
        until(lambda: "the relay takes no mails: unreachable" in caplog.text)

    assert node.rows("SELECT tries, state FROM delivery") == [(0, "due")]
    assert node.rows("SELECT count(*) FROM audit WHERE object = 'pointer.email'") == [(0,)]
    assert DUTY not in caplog.text


def test_what_died_with_its_mailer_comes_again_under_the_same_id(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    publish(police)
    queue(node)
    with mailing(node, told):
        until(settled(node))
    # As it stands when the mailer dies between the relay's answer and the end of its own transaction.
    node.rows("UPDATE delivery SET state = 'due', ended_at = NULL, due_at = clock_timestamp() + interval '30 s'")
    node.clock.ahead = timedelta(seconds=31)

    with mailing(node, told):
        until(settled(node))

    assert len(there.got) == 2
    assert len({one.message["Message-ID"] for one in there.got}) == 1


def test_what_is_not_urgent_waits_when_an_agency_has_had_its_share_and_what_is_urgent_comes_together(
    node: Node, police: Desk, shelter: Desk, there: Office, told: MailSettings
) -> None:
    by_mail(shelter)
    by_mail(shelter, address=OTHER)
    by_mail(node.desk(SHERIFF), address="desk@sheriff.example")
    publish(police, data=ROUTINE)
    queue(node)
    with mailing(node, told, per_minute=1):
        until(lambda: len(there.got) == 2)
        for _ in range(2):
            publish(police)
        queue(node)
        until(lambda: node.rows("SELECT no FROM delivery WHERE is_urgent AND state = 'due'") == [])

    routine = node.rows("SELECT count(*) FROM delivery WHERE NOT is_urgent AND state = 'due'")
    urgent = [one for one in there.got if "2 events" in str(one.message["Subject"])]
    assert routine == [(1,)]
    assert {one.to for one in urgent} >= {DUTY, OTHER}


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
