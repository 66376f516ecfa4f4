"""Signed webhooks: receivers verify them with what others wrote, and a body has no room for anything personal."""

from __future__ import annotations

import base64
import time
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from hub.webhooks import Notice, Secrets, Signer, echoes, heartbeat, payload, verification

MASTER = bytes(range(32))
HERE, THERE = UUID("019ec1f0-7c3a-7e55-8c1b-0242ac120002"), UUID("019ec1f0-7c3a-7e55-8c1b-0242ac120003")
SIGNER = Signer(MASTER)
AT = datetime(2026, 5, 4, 12, 0, 0, 250_000, tzinfo=UTC)
BODY = b'{"type":"alert.missing_child.issued"}'
TOKEN = "sMq3vSxgkT1BhVYf"
NOTICE = Notice(
    type="alert.missing_child.issued",
    at=AT,
    event=HERE,
    subscription=THERE,
    seq=12,
    status="actual",
    urgent=True,
    severity="Extreme",
    gateway="https://us.puente.example",
)


def signed(generations: tuple[int, ...] = (1,), *, endpoint: UUID = HERE, body: bytes = BODY) -> dict[str, str]:
    """The headers of an attempt made now."""
    return SIGNER.sign(endpoint, generations, webhook_id=str(HERE), timestamp_s=int(time.time()), body=body)


def verify_shared(headers: dict[str, str], secret: str, body: bytes = BODY) -> None:
    """As a receiver does it with the reference library."""
    Webhook(secret).verify(body, headers)


def verify_public(headers: dict[str, str], public: str, body: bytes = BODY) -> None:
    """As the specification says it of v1a: ed25519 over id, timestamp and body, joined by full stops."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for version, signature in (each.split(",") for each in headers["webhook-signature"].split(" ")):
        if version == "v1a":
            try:
                return key.verify(base64.b64decode(signature), text)
            except InvalidSignature:
                continue
    raise InvalidSignature


def test_the_reference_library_verifies_the_shared_secret() -> None:
    verify_shared(signed(), SIGNER.secrets(HERE, 1).shown)


def test_anybody_verifies_with_the_public_key() -> None:
    verify_public(signed(), SIGNER.secrets(HERE, 1).public)


def test_the_published_example_of_the_reference_library_is_signed_alike() -> None:
    secrets = Secrets(base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Ed25519PrivateKey.generate())

    made = secrets.signatures(b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}')

    assert made.split(" ")[0] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("generation", [4, 5])
def test_while_rotating_the_old_and_the_new_secret_each_verify(generation: int) -> None:
    headers = signed((5, 4))

    verify_shared(headers, SIGNER.secrets(HERE, generation).shown)
    verify_public(headers, SIGNER.secrets(HERE, generation).public)


@pytest.mark.parametrize(("endpoint", "generation"), [(HERE, 2), (THERE, 1)], ids=["ended", "another's"])
def test_no_other_secret_verifies(endpoint: UUID, generation: int) -> None:
    other = SIGNER.secrets(endpoint, generation)

    with pytest.raises(WebhookVerificationError):
        verify_shared(signed(), other.shown)
    with pytest.raises(InvalidSignature):
        verify_public(signed(), other.public)


def test_another_body_does_not_verify() -> None:
    with pytest.raises(WebhookVerificationError):
        verify_shared(signed(), SIGNER.secrets(HERE, 1).shown, BODY + b" ")
    with pytest.raises(InvalidSignature):
        verify_public(signed(), SIGNER.secrets(HERE, 1).public, BODY + b" ")


def test_the_signatures_of_one_generation_are_one_of_each_kind() -> None:
    kinds = [each.split(",")[0] for each in signed((2, 1))["webhook-signature"].split(" ")]

    assert kinds == ["v1", "v1a", "v1", "v1a"]


def test_secrets_are_the_same_in_every_process_and_every_version() -> None:
    """What receivers have been told must not change under them."""
    secrets = Secrets.derived(MASTER, HERE, 1)

    assert secrets.shown == "whsec_vz5gjSwYowSn2qfjSyyJEqWnk6onq/N9k7xLAU/SBkc="
    assert secrets.public == "whpk_1uxgnm5qBivuyOTqm89zhZ2rnH+obiB6Z+IhNIGsUXY="


def test_a_small_memory_changes_no_secret() -> None:
    forgetful = Signer(MASTER, kept=1)

    shown = [forgetful.secrets(each, 1).shown for each in (HERE, THERE, HERE)]

    assert shown == [SIGNER.secrets(each, 1).shown for each in (HERE, THERE, HERE)]


def test_the_two_kinds_of_secret_say_nothing_of_each_other() -> None:
    secrets = SIGNER.secrets(HERE, 1)

    assert secrets.shared != secrets.private.private_bytes_raw()


def test_a_secret_does_not_show_where_it_is_printed() -> None:
    assert SIGNER.secrets(HERE, 1).shown.removeprefix("whsec_") not in repr(SIGNER.secrets(HERE, 1))
    assert repr(SIGNER.secrets(HERE, 1).shared) not in repr(SIGNER.secrets(HERE, 1))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_master_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Signer(bytes(size)).secrets(HERE, 1)


@pytest.mark.parametrize("webhook_id", ["", "a.b", "a b", "a\n", "ñ", "a" * 129])
def test_an_id_that_would_blur_what_is_signed_is_refused(webhook_id: str) -> None:
    with pytest.raises(ValueError, match="plain id"):
        SIGNER.sign(HERE, (1,), webhook_id=webhook_id, timestamp_s=1, body=BODY)


def test_without_a_live_secret_nothing_is_signed() -> None:
    with pytest.raises(ValueError, match="live secret"):
        SIGNER.sign(HERE, (), webhook_id="a", timestamp_s=1, body=BODY)


def test_a_notice_says_that_there_is_an_event_and_where() -> None:
    assert payload(NOTICE) == (
        b'{"data":{"id":"019ec1f0-7c3a-7e55-8c1b-0242ac120002",'
        b'"link":"https://us.puente.example/v1/events/019ec1f0-7c3a-7e55-8c1b-0242ac120002","seq":12,'
        b'"severity":"Extreme","status":"actual","subscription":"019ec1f0-7c3a-7e55-8c1b-0242ac120003","urgent":true},'
        b'"timestamp":"2026-05-04T12:00:00.250000Z","type":"alert.missing_child.issued"}'
    )


def test_an_event_without_severity_has_none_in_its_notice() -> None:
    assert "severity" not in orjson.loads(payload(replace(NOTICE, severity=None)))["data"]


def test_a_notice_says_until_when_to_acknowledge_where_somebody_has_to() -> None:
    told = orjson.loads(payload(replace(NOTICE, ack_required_by=AT)))["data"]

    assert told["ack_required_by"] == "2026-05-04T12:00:00.250000Z"


@pytest.mark.parametrize(
    "words",
    [
        {"type": "Ana Soto, 7 years"},
        {"type": "alert"},
        {"type": "alert.missing_child.issued\n"},
        {"type": "a.b.c.d"},
        {"status": "Ana"},
        {"severity": "She was last seen at school."},
        {"severity": ""},
    ],
)
def test_words_have_no_place_in_a_notice(words: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a notice says"):
        replace(NOTICE, **words)


def test_every_member_of_a_notice_is_accounted_for() -> None:
    """Whoever adds one has to say here that it is an id, a code or a number."""
    told = {"type", "at", "event", "subscription", "seq", "status", "urgent", "severity", "gateway"}
    told |= {"escalation", "ack_required_by"}

    assert {field.name for field in fields(Notice)} == told


def test_a_heartbeat_says_how_far_the_subscription_is() -> None:
    assert orjson.loads(heartbeat(THERE, 12, AT)) == {
        "type": "webhook.heartbeat",
        "timestamp": "2026-05-04T12:00:00.250000Z",
        "data": {"seq": 12, "subscription": str(THERE)},
    }


def test_a_verification_asks_for_its_challenge() -> None:
    assert orjson.loads(verification(THERE, TOKEN, AT)) == {
        "type": "webhook.verification",
        "timestamp": "2026-05-04T12:00:00.250000Z",
        "data": {"challenge": TOKEN, "subscription": str(THERE)},
    }


@pytest.mark.parametrize(
    "answer",
    [TOKEN, f"{TOKEN}\r\n", f'{{"challenge":"{TOKEN}"}}', f' {{"ok": true, "challenge": "{TOKEN}"}} '],
)
def test_a_receiver_echoes_the_challenge_as_json_or_as_text(answer: str) -> None:
    assert echoes(answer.encode(), TOKEN)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"ok",
        TOKEN[:-1].encode(),
        f"{TOKEN}{TOKEN}".encode(),
        f'"{TOKEN}"'.encode(),
        f'["{TOKEN}"]'.encode(),
        f'{{"challenge":["{TOKEN}"]}}'.encode(),
        f'{{"token":"{TOKEN}"}}'.encode(),
        b'{"challenge":null}',
        b'{"challenge":' + b"[" * 500,
        verification(THERE, TOKEN, AT),  # what an echo service sends back proves nothing
        TOKEN.encode() + b" " * 1024,
        b"\xff\xfe",
    ],
)
def test_nothing_else_is_an_echo(answer: bytes) -> None:
    assert not echoes(answer, TOKEN)


@given(st.binary(max_size=1100))
def test_no_answer_breaks_the_reading_of_it(answer: bytes) -> None:
    assert not echoes(answer, TOKEN)
