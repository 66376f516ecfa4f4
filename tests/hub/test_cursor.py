"""Feed cursors: the same place always looks the same, and nobody can read, change or borrow one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cursor import Cursors
from hub.errors import Invalid
from tests.support import forge
from tests.support.cast import POLICE, SHELTER

CURSORS = Cursors(bytes(range(64)))
MINE = (SHELTER.id, "actual")
CURSOR = CURSORS.seal(4711, *MINE)
positions = st.integers(0, 2**63 - 1)


def is_mine(cursor: str) -> bool:
    """Whether the shelter's feed takes it."""
    try:
        CURSORS.open(cursor, *MINE)
    except Invalid:
        return False
    return True


@given(positions)
def test_a_cursor_opens_to_the_place_it_was_made_for(position: int) -> None:
    assert CURSORS.open(CURSORS.seal(position, *MINE), *MINE) == position


def test_the_same_place_gives_the_same_cursor_in_every_process() -> None:
    assert Cursors(bytes(range(64))).seal(4711, *MINE) == CURSOR


def test_no_cursor_stands_before_the_first_event() -> None:
    assert CURSORS.open("", *MINE) == 0


@pytest.mark.parametrize("whose", [(POLICE.id, "actual"), (SHELTER.id, "exercise"), (SHELTER.id, "")])
def test_a_cursor_is_of_no_use_to_another_agency_or_feed(whose: tuple[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        CURSORS.open(CURSOR, *whose)

    assert [(flaw.path, flaw.code) for flaw in refused.value.flaws] == [("/after", "not-a-cursor")]


def test_names_that_read_alike_when_joined_are_told_apart() -> None:
    with pytest.raises(Invalid):
        CURSORS.open(CURSORS.seal(1, "us-ca-a", "ctual"), "us-ca-", "actual")


@pytest.mark.parametrize("bit", range(24 * 8))
def test_one_changed_bit_is_refused(bit: int) -> None:
    raw = bytearray(forge.unb64(CURSOR))
    raw[bit // 8] ^= 1 << bit % 8

    assert not is_mine(base64.urlsafe_b64encode(raw).decode())


@given(st.text(max_size=60).filter(lambda text: text not in ("", CURSOR)))
def test_nothing_else_is_a_cursor(text: str) -> None:
    assert not is_mine(text)


@pytest.mark.parametrize(
    "text",
    [" ", "4711", "0", "=", f"{CURSOR}=", f"{CURSOR}\n", f" {CURSOR}", CURSOR[:-4], "A" * 32, "ñ", "\x00", "\ud800"],
)
def test_what_only_looks_like_a_cursor_is_refused(text: str) -> None:
    assert not is_mine(text)


def test_a_cursor_shows_neither_the_place_nor_how_far_two_are_apart() -> None:
    near, far = CURSORS.seal(4712, *MINE), CURSORS.seal(2**62, *MINE)

    common = [sum(a == b for a, b in zip(CURSOR, other, strict=True)) for other in (near, far)]

    assert len(CURSOR) == len(near) == len(far) == 32
    assert max(common) < 8  # of 32 characters; equal ones are chance


def test_a_cursor_of_another_nodes_key_is_refused() -> None:
    assert not is_mine(Cursors(bytes(64)).seal(4711, *MINE))


BLIND = CURSORS.seal_blind(4711, *MINE)


@given(positions)
def test_a_blind_cursor_opens_to_the_place_it_was_made_for(position: int) -> None:
    assert CURSORS.open(CURSORS.seal_blind(position, *MINE), *MINE) == position


def test_two_blind_cursors_of_one_place_are_not_alike() -> None:
    other = CURSORS.seal_blind(4711, *MINE)

    assert len(BLIND) == len(other) == 44
    assert sum(a == b for a, b in zip(BLIND, other, strict=True)) < 10  # equal ones are chance


@pytest.mark.parametrize("whose", [(POLICE.id, "actual"), (SHELTER.id, "exercise")])
def test_a_blind_cursor_is_of_no_use_to_another_agency_or_feed(whose: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        CURSORS.open(BLIND, *whose)


@pytest.mark.parametrize("bit", range(33 * 8))
def test_one_changed_bit_of_a_blind_cursor_is_refused(bit: int) -> None:
    raw = bytearray(forge.unb64(BLIND))
    raw[bit // 8] ^= 1 << bit % 8

    assert not is_mine(base64.urlsafe_b64encode(raw).decode())
