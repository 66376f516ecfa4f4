"""Tokens: how they are asked for, how long they serve, and what an outage of their endpoint does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from connectors.credentials import KafkaToken
from connectors.tokens import ASSERTION_TYPE, NoToken, TokenSource, Wanted
from tests.connectors.endpoints import ISSUER, Endpoint, claims, endpoint, granted, identity, write_key


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint() as served:
        numbers = iter(range(1, 1000))
        served.answer = lambda _: granted(f"token-{next(numbers)}")
        yield served


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(tmp_path: Path, server: Endpoint, clock: Clock) -> Iterator[TokenSource]:
    write_key(tmp_path)
    source = TokenSource(identity(tmp_path, server.url), language="es", clock=clock)
    yield source
    source.close()


def test_a_token_is_asked_for_with_a_signed_assertion(tmp_path: Path, server: Endpoint) -> None:
    key = write_key(tmp_path)
    source = TokenSource(identity(tmp_path, server.url), language="es")
    source.token(Wanted(scope="feed:read", jurisdictions=("US-CA:06073",)))
    source.close()

    (asked,) = server.asked
    said = claims(asked.form["client_assertion"], key)
    assert said["iss"] == said["sub"] == "us-ca-sdpd"
    assert said["aud"] == ISSUER
    assert said["jti"]
    assert 0 < said["exp"] - said["iat"] <= 60
    assert asked.form["grant_type"] == "client_credentials"
    assert asked.form["client_assertion_type"] == ASSERTION_TYPE
    assert asked.form["resource"] == "us/api"
    assert asked.form["jurisdictions"] == "US-CA:06073"
    assert asked.headers["accept-language"] == "es"


def test_every_assertion_is_used_once(server: Endpoint, tokens: TokenSource) -> None:
    tokens.token()
    tokens.forget()
    tokens.token()

    first, second = (asked.form["client_assertion"] for asked in server.asked)
    assert first != second


def test_a_token_serves_until_half_its_life_and_is_then_renewed(
    server: Endpoint, tokens: TokenSource, clock: Clock
) -> None:
    served = []
    for passed in (0, 149, 151, 300):
        clock.now = 1000.0 + passed
        served.append(tokens.token().value)

    assert served == ["token-1", "token-1", "token-2", "token-2"]
    assert len(server.asked) == 2


def test_the_old_token_goes_on_while_its_endpoint_is_out(server: Endpoint, tokens: TokenSource, clock: Clock) -> None:
    tokens.token()
    server.answer = lambda _: (503, b"")
    clock.now += 200

    assert [tokens.token().value for _ in range(5)] == ["token-1"] * 5
    assert len(server.asked) == 2  # and it is not asked at every use

    clock.now += 96
    with pytest.raises(NoToken) as failure:
        tokens.token()
    assert failure.value.transient


def test_each_wish_has_its_own_token(tokens: TokenSource) -> None:
    narrow = Wanted(scope="feed:read")

    assert tokens.token().value == "token-1"
    assert tokens.token(narrow).value == "token-2"
    assert tokens.token().value == "token-1"


@pytest.mark.parametrize(
    ("code", "transient", "answer"),
    [
        ("token-refused", False, (401, {"error": "invalid_client"})),
        ("token-refused", False, (400, b"<html>not json")),
        ("token-refused", True, (429, {})),
        ("token-refused", True, (503, b"")),
        ("bad-token-answer", True, (200, b"[]")),
        ("bad-token-answer", True, (200, {"access_token": "t", "token_type": "mac", "expires_in": 300})),
        ("bad-token-answer", True, (200, {"access_token": "t", "token_type": "Bearer"})),
        ("bad-token-answer", True, (200, {"access_token": "t", "token_type": "Bearer", "expires_in": -1})),
        ("bad-token-answer", True, (200, {"access_token": "", "token_type": "Bearer", "expires_in": 300})),
        ("bad-token-answer", True, (200, b"{" + b'"x":"' + b"y" * 70_000 + b'"}')),
    ],
)
def test_a_refusal_says_whether_waiting_helps(
    server: Endpoint, tokens: TokenSource, code: str, transient: bool, answer: tuple[int, object]
) -> None:
    server.answer = lambda _: answer
    with pytest.raises(NoToken) as failure:
        tokens.token()

    assert (failure.value.code, failure.value.transient) == (code, transient)


def test_a_stranger_s_words_are_not_repeated(server: Endpoint, tokens: TokenSource) -> None:
    server.answer = lambda _: (400, {"error": "\x1b[31mCanary; rm -rf"})
    with pytest.raises(NoToken) as failure:
        tokens.token()

    assert "Canary" not in str(failure.value)


def test_an_endpoint_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    write_key(tmp_path)
    source = TokenSource(identity(tmp_path, "http://127.0.0.1:1"))
    with pytest.raises(NoToken) as failure:
        source.token()
    source.close()

    assert (failure.value.code, failure.value.transient) == ("unreachable", True)


@pytest.mark.parametrize(
    ("code", "pem"),
    [
        ("no-key", None),
        ("bad-key", b"not a key"),
        ("bad-key", ECKey.generate_key("P-384").as_pem(private=True)),
        ("bad-key", ECKey.generate_key("P-256").as_pem(private=False)),
        ("bad-key", RSAKey.generate_key(2048).as_pem(private=True)),
    ],
)
def test_only_a_private_p256_key_will_do(tmp_path: Path, code: str, pem: bytes | None) -> None:
    if pem is not None:
        (tmp_path / "agency.pem").write_bytes(pem)
    with pytest.raises(NoToken) as failure:
        TokenSource(identity(tmp_path, "http://127.0.0.1:1"))

    assert failure.value.code == code


def test_a_token_never_shows_in_what_is_printed(tokens: TokenSource) -> None:
    assert "token-1" not in repr(tokens.token())


def test_the_kafka_credential_renews_ahead_of_need(
    server: Endpoint, tokens: TokenSource, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.credentials.RENEWAL_CHECK_S", 0.02)
    credential = KafkaToken(tokens)
    assert credential.token() == "token-1"
    credential.keep()
    clock.now += 200
    deadline = time.monotonic() + 5
    while len(server.asked) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    credential.close()

    assert len(server.asked) == 2
    assert credential.token() == "token-2"
