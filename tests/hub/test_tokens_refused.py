"""Each bad access token is refused, with the same words, before anyone is let in."""

from __future__ import annotations

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import NotAuthenticated
from hub.signing import MAX_TOKEN_CHARS
from tests.hub.bad_tokens import AT, BAD, CLAIMS, GOOD, HEAD, HEADER, OVERSIZED, SECRET, SIGNATURE, raw, verifier
from tests.support import forge
from tests.support.cast import NOW
from tests.support.examples import examples

KEEPING = verifier(cache=1000)  # one that keeps what it has verified; it has seen the good token
KEEPING.verify(GOOD, NOW)


def test_the_token_that_all_bad_ones_differ_from_is_good() -> None:
    assert verifier().verify(GOOD, NOW).agency == "us-ca-sdpd"
    assert verifier().verify(raw(), NOW).exp == AT + 300
    assert len(BAD) > 180


def test_a_long_token_within_the_limit_is_good() -> None:
    longest = raw(payload=OVERSIZED[: -len(f"{HEAD}..{SIGNATURE}")])

    assert MAX_TOKEN_CHARS - 100 < len(longest) <= MAX_TOKEN_CHARS < len(raw(payload=OVERSIZED))
    assert verifier().verify(longest, NOW).agency == "us-ca-sdpd"


@pytest.mark.parametrize("token", BAD.values(), ids=BAD.keys())
def test_a_bad_token_is_refused_and_not_told_why(token: str) -> None:
    for door in (verifier(), KEEPING):
        with pytest.raises(NotAuthenticated) as refused:
            door.verify(token, NOW)

        assert (str(refused.value.text), refused.value.text.es) == ("invalid token", "token no válido")
        assert not refused.value.missing


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("AZaz09-_.=+/ \n\u00e9"))
@settings(max_examples=examples(150))
def test_no_character_of_a_token_can_be_changed(place: int, character: str) -> None:
    changed = GOOD[:place] + character + GOOD[place + 1 :]
    if changed == GOOD:
        return

    with pytest.raises(NotAuthenticated):
        verifier().verify(changed, NOW)


@given(st.binary(max_size=200), st.binary(max_size=200))
@settings(max_examples=examples(60))
def test_whatever_is_signed_a_stranger_is_not_let_in(header: bytes, payload: bytes) -> None:
    with pytest.raises(NotAuthenticated):
        verifier().verify(forge.token(header or b"{}", payload or b"{}", SECRET), NOW)


@given(st.text(max_size=300))
@settings(max_examples=examples(60))
def test_no_text_whatsoever_breaks_the_verifier(text: str) -> None:
    with pytest.raises(NotAuthenticated):
        verifier(cache=10).verify(text, NOW)


@pytest.mark.parametrize("cache", [0, 100])
@pytest.mark.parametrize("huge", [f"{HEAD}.{'e30' * 1_700_000}.{SIGNATURE}", "." * 5_000_000, "e" * 5_000_000])
def test_five_megabytes_are_refused_at_once(huge: str, cache: int) -> None:
    door = verifier(cache)
    began = time.process_time()

    with pytest.raises(NotAuthenticated):
        door.verify(huge, NOW)

    assert time.process_time() - began < 0.005  # seconds of CPU; hashing them takes longer


def test_a_key_of_another_curve_signs_nothing_here() -> None:
    with pytest.raises(NotAuthenticated):
        verifier().verify(forge.token(HEADER, CLAIMS, ec.generate_private_key(ec.SECP256K1())), NOW)
