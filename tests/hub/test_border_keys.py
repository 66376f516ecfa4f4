"""Border keys on disk: one file a key, made once; the next begins while the present one is valid."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub import border_keys
from hub.border_keys import LIFE, OVERLAP, NoRollOver, Signer
from hub.errors import Unavailable
from hub.signing import NotSealed, header_of, open_sealed

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def kid_of(signed: str) -> str:
    return str(header_of(signed)["kid"])


def test_the_first_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: border_keys.first(tmp_path, AT), range(8)))

    assert len({keys[0].signing.kid for keys in made}) == 1
    assert stat.S_IMODE((tmp_path / "border-1.key").stat().st_mode) == 0o600
    assert made[0][0].valid_until - made[0][0].valid_from == LIFE


def test_it_is_not_the_issuers(tmp_path: Path) -> None:
    from hub.keys import issuer_key

    assert issuer_key(tmp_path).kid != border_keys.first(tmp_path, AT)[0].signing.kid


def test_the_next_key_begins_in_an_overlap_and_the_present_one_ends_an_overlap_later(tmp_path: Path) -> None:
    border_keys.roll_over(tmp_path, AT, after=None)

    old, new = border_keys.read(tmp_path)
    assert new.valid_from == AT + OVERLAP
    assert old.valid_until == new.valid_from + OVERLAP
    assert border_keys.signing((old, new), AT + OVERLAP - DAY) == old
    assert border_keys.signing((old, new), AT + OVERLAP) == new


def test_the_next_key_begins_before_the_present_one_ends(tmp_path: Path) -> None:
    border_keys.first(tmp_path, AT)
    late = AT + LIFE - 10 * DAY

    made = border_keys.roll_over(tmp_path, late, after=None)

    assert late < made.valid_from < AT + LIFE - timedelta(hours=1)


def test_a_gap_between_two_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoRollOver):
        border_keys.roll_over(tmp_path, AT, after=LIFE)
    assert len(border_keys.read(tmp_path)) == 1


def test_a_next_key_that_waits_is_not_made_twice(tmp_path: Path) -> None:
    border_keys.roll_over(tmp_path, AT, after=None)

    with pytest.raises(NoRollOver):
        border_keys.roll_over(tmp_path, AT + DAY, after=None)


def test_after_the_end_of_every_key_the_next_begins_at_once(tmp_path: Path) -> None:
    border_keys.first(tmp_path, AT)

    made = border_keys.roll_over(tmp_path, AT + LIFE + DAY, after=None)

    assert made.valid_from == AT + LIFE + DAY


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now


def test_a_new_key_is_not_used_before_the_peer_knows_it_while_an_older_one_is_valid(tmp_path: Path) -> None:
    clock = Clock()
    signer = Signer(tmp_path, clock)
    (old,) = signer.held()
    new = border_keys.roll_over(tmp_path, AT, after=timedelta())

    unheard = signer.sign_for(frozenset({old.signing.kid}), {}, "t+jwt")
    heard = signer.sign_for(frozenset({old.signing.kid, new.signing.kid}), {}, "t+jwt")
    clock.now = AT + OVERLAP + DAY
    at_last = signer.sign_for(frozenset({old.signing.kid}), {}, "t+jwt")

    assert [kid_of(signed) for signed in (unheard, heard, at_last)] == [
        old.signing.kid,
        new.signing.kid,
        new.signing.kid,
    ]


def test_without_a_valid_key_nothing_is_signed(tmp_path: Path) -> None:
    clock = Clock()
    signer = Signer(tmp_path, clock)
    signer.held()
    clock.now = AT + LIFE

    with pytest.raises(Unavailable):
        signer.sign_for(frozenset(), {}, "t+jwt")


def test_what_is_sealed_opens_for_its_purpose_alone(tmp_path: Path) -> None:
    signer = Signer(tmp_path, Clock())
    key = signer.held()[0].signing
    signed = signer.sign_for(frozenset(), {"a": 1}, "t+jwt")

    assert open_sealed(signed, "t+jwt", {key.kid: key.public}).payload == {"a": 1}
    for typ, keys, code in (("u+jwt", {key.kid: key.public}, "type"), ("t+jwt", {}, "key")):
        with pytest.raises(NotSealed) as refused:
            open_sealed(signed, typ, keys)
        assert refused.value.text.code == code
