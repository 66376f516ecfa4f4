"""What a peer sends that is not as it should be is refused with a reason of its own; the next good batch is taken."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hub.border import batch
from hub.keys import new_private_pem
from hub.signing import SigningKey, seal
from tests.integration.checkpoint.hostile import Hostile, bomb, refused_as
from tests.support.border import Side

BODY = '{"event":"019ec1f0-7c3a-7e55-8c1b-0242ac120002","control":"019ec1f0-7c3a-7e55-8c1b-0242ac120003"}'
GIB = 1 << 30


@pytest.fixture
def hostile(us: Side, mx: Side) -> Hostile:
    """A peer in the middle of its stream."""
    us.send(mx)
    return Hostile(us, mx)


@pytest.fixture(scope="module")
def enduring(lasting: tuple[Side, Side]) -> Hostile:
    """The same, for all attacks one after the other: the node is to outlive them all."""
    us, mx = lasting
    us.send(mx)
    return Hostile(us, mx)


def stranger_key() -> SigningKey:
    """A key that nobody has pinned."""
    return SigningKey(new_private_pem())


def with_expired_key(hostile: Hostile) -> httpx.Response:
    hostile.mx.node.rows("UPDATE peer_key SET valid_until = valid_from + interval '1 second'")
    try:
        return hostile.send(hostile.envelopes(BODY), at=hostile.us.clock() + timedelta(seconds=2))
    finally:
        hostile.mx.node.rows("UPDATE peer_key SET valid_until = valid_from + interval '400 days'")


def under_a_head_for_another_body(hostile: Hostile) -> httpx.Response:
    first, second = (batch.pack(hostile.envelopes(body)) for body in (BODY, BODY.replace("0002", "0009")))
    return hostile.post(second, hostile.head(first, 1))


def with_another_body_in_it(hostile: Hostile) -> httpx.Response:
    (sealed,) = hostile.envelopes(BODY)
    return hostile.send([replace(sealed, body=BODY.replace("0002", "0009"))])


def cut_short(hostile: Hostile) -> httpx.Response:
    packed = batch.pack(hostile.envelopes(BODY))[:-9]
    return hostile.post(packed, hostile.head(packed, 1))


def with_something_behind(hostile: Hostile) -> httpx.Response:
    packed = batch.pack(hostile.envelopes(BODY)) + b"more"
    return hostile.post(packed, hostile.head(packed, 1))


def of_fewer_than_said(hostile: Hostile) -> httpx.Response:
    packed = batch.pack(hostile.envelopes(BODY))
    return hostile.post(packed, hostile.head(packed, 2))


def as_a_bomb(hostile: Hostile) -> httpx.Response:
    packed = bomb(GIB)
    assert len(packed) < batch.MAX_PACKED_BYTES
    return hostile.post(packed, hostile.head(packed, 1))


def of_a_million(hostile: Hostile) -> httpx.Response:
    packed = bomb(4 << 20, b"a b\n")
    return hostile.post(packed, hostile.head(packed, 1))


def that_says_a_million(hostile: Hostile) -> httpx.Response:
    packed = bomb(4 << 20, b"a b\n")
    return hostile.post(packed, hostile.head(packed, 1_000_000))


def over_the_size(hostile: Hostile) -> httpx.Response:
    packed = bytes(batch.MAX_PACKED_BYTES + 1)
    return hostile.post(packed, hostile.head(packed, 1))


def with_duplicate_members(hostile: Hostile) -> httpx.Response:
    packed = batch.pack(hostile.envelopes(BODY))
    head = forged_text(hostile, packed, lambda text: text.replace(b'{"iss":"us"', b'{"iss":"us","iss":"us"', 1))
    return hostile.post(packed, head)


def forged_text(hostile: Hostile, packed: bytes, change: Callable[[bytes], bytes]) -> str:
    """A head whose text no JSON writer makes, with a good signature."""
    told = json.loads((hostile.us.folder / "border-1.key").read_text())
    key = load_pem_private_key(told["private_pem"].encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    header = orjson.dumps({"typ": batch.TYPE, "alg": "ES256", "kid": hostile.key.kid})
    text = encoded(header) + b"." + encoded(change(orjson.dumps(hostile.head(packed, 1))))
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return (text + b"." + encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()


def encoded(raw: bytes) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def signed_for_something_else(hostile: Hostile) -> httpx.Response:
    packed = batch.pack(hostile.envelopes(BODY))
    return hostile.post(packed, seal(hostile.key, hostile.head(packed, 1), "border-receipt+jwt"))


CASES: dict[str, tuple[Callable[[Hostile], httpx.Response], str]] = {
    "a key that is not pinned": (lambda h: h.send(h.envelopes(BODY), key=stranger_key()), "signature"),
    "an expired key": (with_expired_key, "key-expired"),
    "a node that is not trusted": (lambda h: h.send([], origin="fr"), "unknown-peer"),
    "a node that nobody knows, by a long name": (lambda h: h.send([], origin="f" * 900), "unknown-peer"),
    "itself": (lambda h: h.send([], origin="mx"), "unknown-peer"),
    "another destination": (lambda h: h.send(h.envelopes(BODY), destination="us"), "destination"),
    "an envelope for another destination": (lambda h: h.send(h.envelopes(BODY, destination="fr")), "destination"),
    "an envelope of another origin": (lambda h: h.send(h.envelopes(BODY, origin="fr")), "destination"),
    "a clock ten minutes behind": (
        lambda h: h.send(h.envelopes(BODY), at=h.us.clock() - timedelta(minutes=10)),
        "clock",
    ),
    "a clock ten minutes ahead": (
        lambda h: h.send(h.envelopes(BODY), at=h.us.clock() + timedelta(minutes=10)),
        "clock",
    ),
    "another stream": (lambda h: h.send([], stream=uuid4()), "stream"),
    "an envelope of another stream": (lambda h: h.send(h.envelopes(BODY, stream=uuid4())), "stream"),
    "an envelope out of sequence": (lambda h: h.send(h.envelopes(BODY)[:1] * 2), "malformed"),
    "a body of 1 GB": (as_a_bomb, "too-large"),
    "a body over the size": (over_the_size, "too-large"),
    "a million tiny envelopes": (of_a_million, "too-many"),
    "a million envelopes by its own word": (that_says_a_million, "too-many"),
    "an envelope with another body": (with_another_body_in_it, "digest"),
    "a head for another body": (under_a_head_for_another_body, "digest"),
    "a gzip cut short": (cut_short, "malformed"),
    "a gzip with something behind": (with_something_behind, "malformed"),
    "fewer envelopes than said": (of_fewer_than_said, "malformed"),
    "no gzip": (lambda h: h.post(b"plain", h.head(b"plain", 1)), "malformed"),
    "duplicate members": (with_duplicate_members, "malformed"),
    "a signature for something else": (signed_for_something_else, "malformed"),
    "no head": (lambda h: h.post(b"", ""), "malformed"),
    "another media type": (lambda h: h.post(b"", h.head(b"", 0), media_type="text/plain"), "malformed"),
}


@pytest.mark.parametrize(("attack", "reason"), CASES.values(), ids=CASES)
def test_each_is_refused_with_its_reason_and_the_next_good_batch_is_taken(
    enduring: Hostile, attack: Callable[[Hostile], httpx.Response], reason: str
) -> None:
    before = enduring.next

    refusal = refused_as(attack(enduring))

    assert refusal == reason
    assert enduring.next == before
    assert enduring.send(enduring.envelopes(BODY)).status_code == 200
    assert enduring.next == before + 1


def test_a_replayed_batch_changes_nothing(hostile: Hostile) -> None:
    packed = batch.pack(hostile.envelopes(BODY))
    head = seal(hostile.key, hostile.head(packed, 1), batch.TYPE)
    first = hostile.post(packed, head)
    before = hostile.mx.node.rows("SELECT in_seq, in_hash FROM crossing")

    again = hostile.post(packed, head)

    assert (first.status_code, again.status_code) == (200, 200)
    assert hostile.mx.node.rows("SELECT in_seq, in_hash FROM crossing") == before


def test_a_rolled_back_sequence_with_other_content_stops_the_stream(hostile: Hostile) -> None:
    sealed = hostile.envelopes(BODY)
    assert hostile.send(sealed).status_code == 200
    (known,) = sealed
    forked = replace(known.head, at=known.head.at - timedelta(seconds=5))
    again = replace(known, head=forked, signed=seal(hostile.key, forked.payload, "border-envelope+jwt"))

    refusal = hostile.send([again], first=known.head.seq)

    assert (refusal.status_code, refused_as(refusal)) == (409, "fork")
    assert hostile.mx.node.rows("SELECT state, reason FROM peer") == [("stopped", "fork")]
    assert refused_as(hostile.send([])) == "stopped"


def test_a_stranger_learns_nothing_but_that_it_is_one(enduring: Hostile) -> None:
    told = [enduring.send([], origin=origin).json() for origin in ("fr", "mx", "xx")]

    assert told[0] == told[1] == told[2]
    assert not {"mx", "us", "fr"} & set(told[0]["detail"].split())


@pytest.mark.parametrize("path", ["/", "/v1/feed", "/oauth/token", "/health/ready", "/metrics", "/border/v1/batches/x"])
def test_nothing_else_is_served_there(lasting: tuple[Side, Side], path: str) -> None:
    client = lasting[1].app.test_client()

    assert (client.get(path).status_code, client.post(path).status_code) == (404, 404)


def test_nothing_of_the_border_is_served_to_agencies(lasting: tuple[Side, Side]) -> None:
    assert [rule.rule for rule in lasting[1].node.app.url_map.iter_rules() if "border" in rule.rule] == []
