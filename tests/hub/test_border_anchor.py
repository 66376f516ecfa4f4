"""Anchors: whole or refused for a reason of its own, and a fingerprint that two people can compare."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from hub import jwk
from hub.border.anchor import (
    Anchor,
    BorderKey,
    NotAnAnchor,
    anchor_of,
    fingerprint,
    is_checkpoint,
    is_fingerprint,
)
from hub.keys import new_private_pem
from hub.signing import SigningKey

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
AUTHORITY = trustme.CA().cert_pem.bytes().decode()


def key() -> BorderKey:
    made = SigningKey(new_private_pem())
    x, y = jwk.coordinates(made.public)
    return BorderKey(kid=made.kid, x=x, y=y, valid_from=AT, valid_until=AT + timedelta(days=400))


ANCHOR = Anchor(
    node="mx",
    country="MX",
    prefix="mx-",
    url="https://puente.mx.example:8445",
    authority=AUTHORITY,
    keys=(key(), key()),
    issued_at=AT,
)


def test_what_is_written_is_read_back() -> None:
    assert anchor_of(ANCHOR.payload) == ANCHOR


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda payload: {member: value for member, value in payload.items() if member != name}


def with_key(**differs: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda payload: payload | {"keys": [payload["keys"][0] | differs]}


FLAWS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "a member missing": (without("prefix"), "members"),
    "one too many": (lambda p: p | {"note": "x"}, "members"),
    "a number for a text": (lambda p: p | {"url": 5}, "members"),
    "another country": (lambda p: p | {"country": "FR"}, "node"),
    "another node": (lambda p: p | {"iss": "us"}, "node"),
    "another's prefix": (lambda p: p | {"prefix": "us-"}, "prefix"),
    "a wider prefix": (lambda p: p | {"prefix": "m"}, "prefix"),
    "no TLS": (lambda p: p | {"url": "http://puente.mx.example"}, "url"),
    "a path": (lambda p: p | {"url": "https://puente.mx.example/x"}, "url"),
    "no certificate": (lambda p: p | {"authority": "-----BEGIN CERTIFICATE-----"}, "authority"),
    "a huge authority": (lambda p: p | {"authority": AUTHORITY * 100}, "authority"),
    "a time as text": (lambda p: p | {"iat": "2026"}, "time"),
    "a time beyond all times": (lambda p: p | {"iat": 2**60}, "time"),
    "no keys": (lambda p: p | {"keys": []}, "no-keys"),
    "keys that are none": (lambda p: p | {"keys": "none"}, "no-keys"),
    "nine keys": (lambda p: p | {"keys": p["keys"][:1] * 9}, "no-keys"),
    "a key of other members": (with_key(d="private"), "members"),
    "a point off the curve": (with_key(x="A" * 43), "not-a-key"),
    "a coordinate that is none": (with_key(x="="), "not-a-key"),
    "another name": (with_key(kid="mine"), "kid"),
    "a key twice": (lambda p: p | {"keys": p["keys"][:1] * 2}, "key-twice"),
    "an end before its beginning": (with_key(valid_until=int(AT.timestamp()) - 1), "period"),
}


@pytest.mark.parametrize(("change", "reason"), FLAWS.values(), ids=FLAWS)
def test_each_flaw_has_its_reason(change: Callable[[dict[str, Any]], dict[str, Any]], reason: str) -> None:
    with pytest.raises(NotAnAnchor) as refused:
        anchor_of(change(ANCHOR.payload))

    assert refused.value.text.code == reason
    assert refused.value.text.es not in ("", str(refused.value.text))


@pytest.mark.parametrize(
    "url",
    [
        "https://h",
        "https://h:8445",
        "https://10.0.0.1:1",
        "https://[2001:db8::1]:8445",
    ],
)
def test_a_checkpoint_is_a_host_and_perhaps_a_port(url: str) -> None:
    assert is_checkpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h",
        "http://h",
        "https://",
        "https://h/",
        "https://u:p@h",
        "https://h?x",
        "https://h#x",
        "https://h:x",
        "https://h:0",
        "https://h:99999",
        "https://h h",
        "https://ñ",
        f"https://{'h' * 300}",
        "https://h\n",
    ],
)
def test_and_nothing_else(url: str) -> None:
    assert not is_checkpoint(url)


def test_a_fingerprint_is_read_in_groups_of_four_and_heard_in_any_grouping() -> None:
    told = fingerprint("mx", "mx-", ANCHOR.keys[0].kid)

    assert [len(group) for group in told.split()] == [4] * 10
    assert is_fingerprint(told.replace(" ", "").upper(), told)
    assert is_fingerprint(told.replace(" ", "-"), told)


@pytest.mark.parametrize("other", [("us", "mx-", 0), ("mx", "us-", 0), ("mx", "mx-", 1)])
def test_another_node_prefix_or_key_has_another_fingerprint(other: tuple[str, str, int]) -> None:
    node, prefix, number = other

    assert not is_fingerprint(
        fingerprint(node, prefix, ANCHOR.keys[number].kid), fingerprint("mx", "mx-", ANCHOR.keys[0].kid)
    )


def test_part_of_a_fingerprint_is_none() -> None:
    told = fingerprint("mx", "mx-", ANCHOR.keys[0].kid)

    assert not is_fingerprint(told[:-1], told)
    assert not is_fingerprint("", told)
