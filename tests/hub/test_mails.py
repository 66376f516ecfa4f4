"""Mails: what they say and never say, in both languages, and headers that mail programs understand."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import time, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from hub.errands import Errand
from hub.filters import Filter, seen_in
from hub.mail_links import CONFIRM, UNSUBSCRIBE, MailLinks
from hub.mail_words import KINDS, REASONS
from hub.mails import Letterhead, compose
from hub.subscribing import Quiet, Reason, State
from schemas.registry import BODIES
from tests.support.errands import AT, EVENT, NONCE, SUBSCRIPTION, errand, other, subscription

LINKS = MailLinks(bytes(range(64)), "https://us.puente.example")
HEAD = Letterhead("Puente <alerts@us.puente.example>", "us.puente.example", LINKS)


def raw(*errands: Errand) -> bytes:
    return compose(HEAD, errands, AT).raw


def mail(*errands: Errand) -> EmailMessage:
    return email.message_from_bytes(raw(*errands), policy=SMTP)


def subject(*errands: Errand) -> str:
    return str(mail(*errands)["Subject"])


def blocks(*errands: Errand) -> list[str]:
    """Its parts, one in each language."""
    return re.split(r"\n-{60}\n", str(mail(*errands).get_content()).replace("\r\n", "\n"))


def test_an_urgent_alert_says_so_in_both_languages_with_its_number() -> None:
    assert subject(errand()) == (
        "[Puente] URGENT: missing-child alert / URGENTE: alerta de menor desaparecido (no. 12)"
    )


def test_its_own_language_comes_first_and_the_other_one_below_it() -> None:
    first, second = blocks(errand(subscription(language="es")))

    assert first.startswith("URGENTE: alerta de menor desaparecido\n\nCuándo:       2026-05-04 12:00 UTC\n")
    assert second.lstrip().startswith("URGENT: missing-child alert\n\nWhen:          2026-05-04 12:00 UTC\n")


def test_each_block_has_the_event_the_subscription_and_how_to_end_it() -> None:
    for block in blocks(errand()):
        assert f"https://us.puente.example/v1/events/{EVENT}\n" in block
        assert '"night desk", no. 12\n' in block
        assert LINKS.unsubscribe(subscription()) in block


DAWN = Quiet(begins=time(22), ends=time(6), zone="America/Tijuana")


@pytest.mark.parametrize(
    ("quiet", "said"), [(None, "2026-05-04 12:10 UTC"), (DAWN, "2026-05-04 05:10 America/Tijuana")], ids=str
)
def test_until_when_to_acknowledge_is_said_by_the_clock_of_its_reader(quiet: Quiet | None, said: str) -> None:
    told = replace(errand(subscription(quiet=quiet)), required_by=AT + timedelta(minutes=10))

    english, spanish = blocks(told)

    assert (f"\nAcknowledge:   by {said}\n" in english, f"\nConfirmar:    antes de {said}\n" in spanish) == (True, True)


def test_who_need_not_acknowledge_reads_of_no_time() -> None:
    assert "Acknowledge:" not in "".join(blocks(errand()))


def test_a_digest_says_until_when_of_each_event() -> None:
    many = [errand(no=1, seq=1, is_urgent=False), errand(no=2, seq=2, is_urgent=False)]
    many[1] = replace(many[1], required_by=AT)

    english, spanish = blocks(*many)

    assert english.count("\n  acknowledge by 2026-05-04 12:00 UTC\n") == 1
    assert spanish.count("\n  confirmar antes de 2026-05-04 12:00 UTC\n") == 1


@pytest.mark.parametrize(
    ("status", "mark", "loud"),
    [
        ("exercise", "*** EXERCISE *** / *** SIMULACRO ***", ("THIS IS AN EXERCISE", "ESTO ES UN SIMULACRO")),
        ("test", "*** TEST *** / *** PRUEBA ***", ("THIS IS A TEST", "ESTO ES UNA PRUEBA")),
    ],
)
@pytest.mark.parametrize("many", [1, 2])
def test_what_is_not_actual_says_so_before_anything_else(
    status: str, mark: str, loud: tuple[str, str], many: int
) -> None:
    of = subscription(filter=Filter(status=status))
    errands = [errand(of, status=status, no=n, seq=n) for n in range(many)]

    assert subject(*errands).startswith(f"[Puente] {mark} URGENT")
    assert [block.strip().startswith(f"*** {said}") for block, said in zip(blocks(*errands), loud, strict=True)] == [
        True,
        True,
    ]
    assert mail(*errands)["Importance"] is None


def test_what_is_actual_and_urgent_is_marked_for_mail_programs_and_the_rest_is_not() -> None:
    assert mail(errand())["Importance"] == "high"
    assert mail(errand(is_urgent=False))["Importance"] is None


@pytest.mark.parametrize("verb", ["located", "cancelled"])
def test_an_end_comes_at_once_and_yet_hurries_nobody(verb: str) -> None:
    told = errand(type=f"alert.missing_child.{verb}")

    assert "URGENT" not in subject(told) + "".join(blocks(told))


def test_every_type_of_event_has_its_words() -> None:
    assert KINDS.keys() == BODIES.keys()


def test_every_reason_has_its_words() -> None:
    assert REASONS.keys() == set(Reason)


def test_a_digest_counts_kinds_and_links_each_event() -> None:
    many = [
        errand(no=1, seq=3, is_urgent=False, type="alert.warning.issued"),
        errand(no=2, seq=4, is_urgent=False, type="alert.warning.issued", event=NONCE),
        errand(no=3, seq=5, is_urgent=False, type="case.trafficking.opened", event=SUBSCRIPTION),
    ]

    english, spanish = blocks(*many)

    assert subject(*many) == "[Puente] 3 events / 3 eventos (no. 3-5)"
    assert "  2 x warning\n  1 x trafficking case, opened\n" in english
    assert "  2 x aviso\n  1 x caso de trata de personas, abierto\n" in spanish
    for one in many:
        for block in (english, spanish):
            assert f"no. {one.claim.seq}  2026-05-04 12:00 UTC" in block
            assert f"\n  https://us.puente.example/v1/events/{one.claim.event}\n" in block


def test_urgent_ones_that_come_together_say_so() -> None:
    many = [errand(no=1, seq=1, is_urgent=False), errand(no=2, seq=2)]

    assert subject(*many) == "[Puente] URGENT: 2 events / URGENTE: 2 eventos (no. 1-2)"


CANARY = "Kanari7Q"


def test_nothing_that_an_event_says_is_in_a_mail() -> None:
    text = (
        f'{{"source": "us-ca-sdpd", "type": "alert.missing_child.issued", "status": "actual", "subject": "{CANARY}",'
        f' "jurisdictions": ["US-CA:{CANARY}"], "data": {{"severity": "Extreme", "urgency": "Immediate",'
        f' "headline": {{"en": "{CANARY}"}}, "child": {{"name": {{"given": "{CANARY}"}}}}}}}}'
    )
    told = Errand(claim=errand().claim, subscription=subscription(), seen=seen_in(text))
    for many in ([told], [told, told]):
        got = compose(HEAD, many, AT).raw

        assert CANARY.encode() not in got
        assert CANARY not in str(email.message_from_bytes(got, policy=SMTP))


def test_a_pending_address_is_asked_and_nothing_else() -> None:
    of = subscription(state=State.PENDING)
    english, spanish = blocks(other("verification", of))

    for block in (english, spanish):
        assert LINKS.confirm(of, AT) in block
        assert LINKS.unsubscribe(of) in block
        assert of.agency in block
        assert '"night desk"' in block


@pytest.mark.parametrize("kind", ["verification", "heartbeat"])
def test_a_proven_one_is_told_that_all_is_well(kind: str) -> None:
    english, spanish = blocks(other(kind, told=12))

    assert "told 12 events" in english
    assert "12 eventos" in spanish
    assert "subscriptions/confirm" not in english + spanish


def test_a_notice_says_which_subscription_ended_and_why() -> None:
    english, spanish = blocks(other("notice", about=f"disabled:{EVENT}:unsubscribed"))

    assert f"The subscription {EVENT} of your agency was disabled" in english
    assert "who got the mails has ended them" in english
    assert "quien recibía los correos los terminó" in spanish


def test_what_nobody_has_acknowledged_says_so_when_it_comes_again() -> None:
    assert subject(errand(about="escalation:2")) == (
        "[Puente] URGENT: NOT ACKNOWLEDGED YET: missing-child alert"
        " / URGENTE: AÚN SIN CONFIRMAR: alerta de menor desaparecido (no. 12)"
    )


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (f"unacknowledged:{EVENT}:us-ca-shelter", ("us-ca-shelter has not", "us-ca-shelter no ha")),
        (f"unacknowledged:{EVENT}", ("More than one agency has not", "Más de una agencia no ha")),
    ],
)
def test_an_issuer_is_told_who_has_not_acknowledged(about: str, said: tuple[str, str]) -> None:
    found = blocks(other("notice", about=about, is_urgent=True))

    assert [text in block and str(EVENT) in block for text, block in zip(said, found, strict=True)] == [True, True]


@pytest.mark.parametrize("about", ["", "something:else", "disabled", "disabled:a:b:c", "disabled:a:nobody-knows"])
def test_a_notice_that_it_does_not_know_is_told_all_the_same(about: str) -> None:
    assert blocks(other("notice", about=about))[0].strip()


def test_the_same_thing_has_the_same_id_at_each_try_and_others_have_others() -> None:
    def id_of(*errands: Errand) -> str:
        return str(mail(*errands)["Message-ID"])

    again = compose(HEAD, [errand(tries=5)], AT + timedelta(hours=1)).raw

    assert str(email.message_from_bytes(again, policy=SMTP)["Message-ID"]) == id_of(errand())
    assert len({id_of(errand(no=n)) for n in range(5)} | {id_of(errand(no=1), errand(no=2))}) == 6


def test_events_of_one_alert_stand_together_for_one_reader_and_nobody_else() -> None:
    def thread(**differs: Any) -> str:
        return str(mail(errand(**differs))["References"])

    theirs = str(mail(errand(subscription(id=NONCE)))["References"])

    assert thread() == thread(type="alert.missing_child.updated", no=8, seq=13)
    assert len({thread(), thread(subject="subject-2"), thread(source="us-ca-sheriff"), theirs}) == 4


def test_mail_programs_find_how_to_unsubscribe() -> None:
    told = mail(errand())

    assert told["List-Unsubscribe"] == f"<{LINKS.unsubscribe(subscription())}>"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert told["Auto-Submitted"] == "auto-generated"
    assert told["List-Id"] == f"<{SUBSCRIPTION}.us.puente.example>"
    assert told["From"] == "Puente <alerts@us.puente.example>"
    assert told["To"] == "duty@shelter.example"


@pytest.mark.parametrize("name", ["List-Unsubscribe", "Message-ID", "References", "In-Reply-To", "List-Id"])
def test_links_and_ids_stay_whole_on_one_line(name: str) -> None:
    long = Letterhead(HEAD.sender, f"{'a' * 60}.{'b' * 60}.puente.example", LINKS)
    text = compose(long, [errand()], AT).raw.decode("ascii")

    (line,) = [line for line in text.split("\r\n") if line.lower().startswith(f"{name.lower()}:")]
    assert re.fullmatch(rf"{name}: <[^<>\s]+>", line)


def test_it_is_seven_bits_with_lines_that_every_relay_takes() -> None:
    lines = raw(*[errand(no=n, seq=n) for n in range(300)]).decode("ascii").split("\r\n")

    assert max(map(len, lines)) < 998
    assert not any("\n" in line or "\r" in line for line in lines)


@pytest.mark.parametrize(
    "name", ["two\r\nBcc: everybody@example.com", "\x00\x1b[2J", "a\nb", "{loud}{0}", "año\u2028nuevo", "=?utf-8?q?x?="]
)
def test_what_an_agency_calls_its_subscription_breaks_nothing(name: str) -> None:
    told = mail(errand(subscription(name=name)))

    assert told["Bcc"] is None
    assert set(told.keys()) == set(mail(errand()).keys())
    assert len(re.findall(r'^Subscription:  ".*", no. 12$', str(told.get_content()).replace("\r\n", "\n"), re.M)) == 1


def opened(link: str, purpose: str, at: Any = AT, key: bytes = bytes(range(64))) -> object:
    return MailLinks(key, "").open(link.partition("token=")[2], purpose, at)


def test_a_link_is_good_for_what_it_was_made_for_alone() -> None:
    link = LINKS.unsubscribe(subscription())

    assert opened(link, UNSUBSCRIBE) == LINKS.open(link.partition("=")[2], UNSUBSCRIBE, AT) != None  # noqa: E711
    assert opened(link, CONFIRM) is None
    assert opened(link, UNSUBSCRIBE, key=bytes(64)) is None


def test_a_confirmation_is_good_for_a_week_and_an_end_for_ever() -> None:
    of, week, years = subscription(), timedelta(days=7), timedelta(days=36500)

    assert opened(LINKS.confirm(of, AT), CONFIRM, AT + week) is not None
    assert opened(LINKS.confirm(of, AT), CONFIRM, AT + week + timedelta(seconds=1)) is None
    assert opened(LINKS.unsubscribe(of), UNSUBSCRIBE, AT + years) is not None


@pytest.mark.parametrize("purpose", [CONFIRM, UNSUBSCRIBE])
def test_no_changed_token_opens(purpose: str) -> None:
    made = {CONFIRM: LINKS.confirm(subscription(), AT), UNSUBSCRIBE: LINKS.unsubscribe(subscription())}[purpose]
    token = made.partition("=")[2]
    others = [token[:-1], token + "A", token + "=", "", "é", "A" * 10_000, token[::-1], token.swapcase(), "a.b.c"]

    assert [other for other in others if LINKS.open(other, purpose, AT) is not None] == []


def test_a_link_shows_neither_subscription_nor_address() -> None:
    link = LINKS.unsubscribe(subscription())

    assert SUBSCRIPTION.hex not in link
    assert "shelter" not in link
