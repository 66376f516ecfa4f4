"""Between the mailer and its relay: what it must show before it gets a mail, and what follows from its answers."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from hub.mail_settings import MailSettings
from tests.support.cast import SHELTER
from tests.support.mailing import (
    DUTY,
    OTHER,
    Got,
    Office,
    by_mail,
    mailing,
    office,
    publish,
    queue,
    settled,
    states,
    with_login,
    with_tls,
)
from tests.support.node import Desk, Node
from tests.support.subscribing import shown
from tests.support.waiting import until


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
