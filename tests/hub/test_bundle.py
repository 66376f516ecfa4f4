"""An audit bundle holds or is broken, and where it is broken is said: for any entry, in any way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.bundle import BLOCK, Broken, Held, NotChecked, verify
from hub.keys import public_keys
from hub.merkle import HASH_BYTES, Edge, grow, leaf_hash
from tests.support.bundles import bundle, issuer, line, signed

SIZE = 700  # two whole blocks, and one that is not
HEADS = (1, 100, 256, 257, 600)
OTHER = "https://mx.issuer.example"


@cache
def pristine(first: int = 0, size: int = SIZE) -> tuple[bytes, ...]:
    """The lines of a good bundle."""
    return tuple(b"".join(bundle(size, [head for head in HEADS if first <= head <= size], first=first)).splitlines())


def lines(first: int = 0, size: int = SIZE) -> list[bytes]:
    return list(pristine(first, size))


def place(index: int) -> int:
    """In which line an entry stands: behind the header and the hashes of each block up to its own."""
    return index + index // BLOCK + 2


def head_of(size: int, **differs: Any) -> str:
    """The head that was signed when the log had so many entries."""
    return signed(grow(Edge(), [leaf_hash(line(index)) for index in range(size)])[0], **differs)


def broken(given_: Sequence[bytes], **options: Any) -> Broken:
    with pytest.raises(Broken) as caught:
        verify(given_, **options)
    return caught.value


def held(given_: Sequence[bytes], **options: Any) -> Held:
    return verify(given_, **options)


# What holds.


def test_a_good_bundle_holds_under_all_its_heads() -> None:
    found = held(lines())

    assert (found.first, found.size) == (0, SIZE)
    assert [head.size for head in found.heads] == [*HEADS, SIZE]
    assert found.keys == (issuer().key.kid,)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 513])
def test_logs_of_every_shape_hold(size: int) -> None:
    assert held(lines(size=size)).size == size


@pytest.mark.parametrize("first", [1, 100, 255, 256, 257, 500, SIZE - 1])
def test_the_later_part_of_a_log_holds_by_itself(first: int) -> None:
    found = held(lines(first))

    assert (found.first, found.size) == (first, SIZE)


@pytest.mark.parametrize(("first", "since"), [(0, 1), (0, 300), (0, SIZE), (256, 256), (300, 600)])
def test_it_holds_against_a_head_that_somebody_kept(first: int, since: int) -> None:
    assert held(lines(first), since=head_of(since), trusted=public_keys({"keys": [issuer().key.jwk]})).size == SIZE


# What somebody did to the file.

INDEX = st.integers(0, SIZE - 1)


@given(INDEX, st.data())
def test_a_flipped_bit_is_found_and_its_entry_named(index: int, data: st.DataObject) -> None:
    changed = lines()
    text = bytearray(changed[place(index)])
    text[data.draw(st.integers(0, len(text) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changed[place(index)] = bytes(text)

    found = broken(changed)

    assert (found.first, found.last) == (index, index)
    assert f"entry {index} " in str(found.text)
    assert f"entrada {index} " in found.text.es


@given(INDEX)
def test_a_dropped_entry_is_found_and_named(index: int) -> None:
    changed = lines()
    del changed[place(index)]

    assert broken(changed).first == index


@given(INDEX, INDEX)
def test_an_inserted_entry_is_found_and_named(index: int, other: int) -> None:
    changed = lines()
    changed.insert(place(index), line(other + SIZE))

    assert broken(changed).first == index


@given(INDEX, INDEX)
def test_a_doubled_entry_is_found_and_named(index: int, other: int) -> None:
    changed = lines()
    changed.insert(place(index), changed[place(other)])

    assert broken(changed).first == index + (index == other)


@given(st.tuples(INDEX, INDEX).filter(lambda pair: pair[0] < pair[1]))
def test_exchanged_entries_are_found_and_the_first_named(pair: tuple[int, int]) -> None:
    one, other = pair
    changed = lines()
    changed[place(one)], changed[place(other)] = changed[place(other)], changed[place(one)]

    found = broken(changed)

    assert found.first == found.last == one
    assert f"number {other + 1}" in str(found.text)


@given(st.integers(0, SIZE - 2))
def test_an_entry_moved_to_the_end_is_found_and_named(index: int) -> None:
    changed = lines()
    changed.append(changed.pop(place(index)))

    assert broken(changed).first == index


@given(st.integers(1, len(pristine()) - 1))
def test_a_bundle_that_was_cut_off_is_found_and_where(count: int) -> None:
    missing = next(index for index in range(SIZE) if place(index) >= count)

    assert broken(lines()[:count]).first == missing


@given(INDEX)
def test_an_entry_that_is_gone_from_the_audit_is_called_missing(index: int) -> None:
    changed = lines()
    changed[place(index)] = b"null"

    assert str(broken(changed).text) == f"entry {index} is missing"


@given(st.integers(1, 3), st.integers(1, 9))
def test_a_damaged_record_of_hashes_is_found(number: int, less: int) -> None:
    changed = lines()
    at = place((number - 1) * BLOCK) - 1
    assert changed[at].startswith(b'{"leaves"')
    changed[at] = changed[at][: -2 - less] + b'"}'

    found = broken(changed)

    assert (found.first, found.last) == ((number - 1) * BLOCK, min(number * BLOCK, SIZE) - 1)


# What somebody did who hashes anew: only what was signed says no.


def hashed_anew(given_: list[bytes], *indexes: int) -> list[bytes]:
    """The recorded hashes of these entries brought into line with what they say now."""
    for index in indexes:
        at = place(index // BLOCK * BLOCK) - 1
        recorded = bytearray.fromhex(orjson.loads(given_[at])["leaves"])
        begin = index % BLOCK * HASH_BYTES
        recorded[begin : begin + HASH_BYTES] = leaf_hash(given_[place(index)])
        given_[at] = orjson.dumps({"leaves": recorded.hex()})
    return given_


def signed_around(index: int) -> tuple[int, int]:
    """The entries between the last head that an entry is not under and the first that it is."""
    sizes = [0, *HEADS, SIZE]
    return max(size for size in sizes if size <= index), min(size for size in sizes if size > index) - 1


@given(INDEX)
def test_a_change_that_was_hashed_anew_is_found_between_two_heads(index: int) -> None:
    changed = lines()
    changed[place(index)] = changed[place(index)].replace(b'"is_allowed":true', b'"is_allowed":false')

    found = broken(hashed_anew(changed, index))

    assert (found.first, found.last) == signed_around(index)
    assert f"entries {found.first} to {found.last}" in str(found.text)


@given(st.tuples(INDEX, INDEX).filter(lambda pair: pair[0] < pair[1]))
def test_an_exchange_that_was_hashed_anew_is_found_between_two_heads(pair: tuple[int, int]) -> None:
    one, other = pair
    changed = lines()
    changed[place(one)], changed[place(other)] = changed[place(other)], changed[place(one)]

    found = broken(hashed_anew(changed, one, other))

    assert (found.first, found.last) == signed_around(one)


def header_of(given_: list[bytes], **differs: Any) -> list[bytes]:
    """The same with another header."""
    return [orjson.dumps(orjson.loads(given_[0]) | differs), *given_[1:]]


def heads_in(given_: list[bytes]) -> list[str]:
    return list(orjson.loads(given_[0])["heads"])


def test_a_forged_head_is_found_and_named() -> None:
    forged = signed(Edge(1, (b"\0" * HASH_BYTES,)), issuer(OTHER))
    given_ = lines()

    found = broken(header_of(given_, heads=[forged, *heads_in(given_)[1:]]))

    assert str(found.text).startswith("signed head 1 is not signed by this node's key")


@given(st.data())
def test_any_flipped_bit_of_a_head_is_found(data: st.DataObject) -> None:
    heads = heads_in(lines())
    which = data.draw(st.integers(0, len(heads) - 1))
    at = data.draw(st.integers(0, len(heads[which]) - 2))  # the last character of base64url has bits to spare
    other = data.draw(st.sampled_from("ABCxyz019-_."))
    if other == heads[which][at]:
        return
    heads[which] = heads[which][:at] + other + heads[which][at + 1 :]

    assert f"signed head {which + 1} " in str(broken(header_of(lines(), heads=heads)).text)


def test_heads_out_of_order_doubled_or_from_elsewhere_are_refused() -> None:
    heads = heads_in(lines())
    beyond = head_of(SIZE + 1)

    for wrong in ([*heads[1::-1], *heads[2:]], [heads[0], *heads], heads[:-1], [*heads, beyond], [beyond]):
        assert "not about this tree" in str(broken(header_of(lines(), heads=wrong)).text)


def test_what_another_key_signed_is_not_believed() -> None:
    other = list(b"".join(bundle(5, own=issuer(OTHER))).splitlines())
    held(other)

    found = broken(other, trusted=public_keys({"keys": [issuer().key.jwk]}))

    assert "signed head 1 is not signed by this node's key" in str(found.text)


def test_a_whole_log_that_was_rewritten_and_signed_again_does_not_begin_with_a_kept_head() -> None:
    kept = head_of(300)
    rewritten = [leaf_hash(line(index + (index == 123))) for index in range(SIZE)]
    changed = lines()
    changed[place(123)] = line(124)
    heads = [signed(grow(Edge(), rewritten[:size])[0]) for size in (*HEADS, SIZE)]
    forged = hashed_anew(header_of(changed, heads=heads), 123)
    held(forged)

    found = broken(forged, since=kept)

    assert str(found.text).startswith("the node signed two logs")
    assert (found.first, found.last) == (0, 299)


def test_a_log_that_was_cut_back_to_an_earlier_head_is_older_than_the_one_kept() -> None:
    found = broken(lines(size=600), since=head_of(SIZE))

    assert (found.first, found.last) == (600, SIZE - 1)


def test_an_edge_that_was_made_up_does_not_lead_to_the_heads() -> None:
    given_ = lines(first=300)
    edge = [bytes(HASH_BYTES).hex()] * 4

    found = broken(header_of(given_, edge=edge))

    assert (found.first, found.last) == (0, 599)


def test_entries_after_the_last_are_too_much() -> None:
    assert "after the last entry" in str(broken([*lines(), line(SIZE)]).text)


# What is no bundle, or no head.


@pytest.mark.parametrize(
    "given_",
    [
        [],
        [b""],
        [b"{"],
        [b"[]"],
        [b"{}"],
        [b'{"format":"puente-audit/2"}'],
        header_of(lines(), size=None),
        header_of(lines(), edge=["00"]),
        header_of(lines(), heads=[]),
        header_of(lines(), jwks={}),
        header_of(lines(), jwks={"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}),
        header_of(lines(), **{"from": -1}),
        header_of(lines(), **{"from": SIZE + 1}),
        header_of(lines(), size=0),
    ],
)
def test_what_is_no_bundle_is_said_to_be_none(given_: list[bytes]) -> None:
    with pytest.raises(NotChecked, match="not an audit bundle"):
        verify(given_)


@pytest.mark.parametrize("since", ["", "x", "a.b.c", head_of(5, own=issuer(OTHER))])
def test_what_is_no_head_of_this_node_is_said_to_be_none(since: str) -> None:
    with pytest.raises(NotChecked, match="no head"):
        verify(lines(), since=since)


def test_a_bundle_that_begins_after_the_kept_head_cannot_be_checked_against_it() -> None:
    with pytest.raises(NotChecked, match="export it from there"):
        verify(lines(first=300), since=head_of(256))
