"""JSON from strangers: each way of being ambiguous or too big has its own refusal."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import strictjson
from schemas.flaws import Malformed
from tests.support.effort import calls_of

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('abñ"\\{[,', max_size=4), inner, max_size=4),
    max_leaves=20,
)


def refusal(raw: bytes, **limits: int) -> str:
    """The code of the one flaw that ``raw`` is refused for."""
    with pytest.raises(Malformed) as refused:
        strictjson.parse(raw, **limits)
    (flaw,) = refused.value.flaws
    assert flaw.text.es
    return flaw.code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "json-empty"),
        (b" \n", "json-empty"),
        (b'\xef\xbb\xbf{"a":1}', "json-bom"),
        ('{"a":1}'.encode("utf-16"), "json-bom"),
        ('{"a":"é"}'.encode("latin-1"), "json-encoding"),
        (b'{"a":"\xed\xa0\x80"}', "json-encoding"),
        (b'{"a":1,}', "json"),
        (b"{'a':1}", "json"),
        (b'{"a":1} {"b":2}', "json"),
        (b'{"a":"tab\there"}', "json"),
        (b'{"a":01}', "json"),
        (b'{"a":1,"a":2}', "json-duplicate-member"),
        (b'[{"x":{"a":1,"\\u0061":2}}]', "json-duplicate-member"),
        (b"[NaN]", "json-not-a-number"),
        (b"[-Infinity]", "json-not-a-number"),
        (b"[1e999]", "json-number-too-big"),
        (b"[9007199254740992]", "json-number-too-big"),
        (b"[" + b"9" * 5000 + b"]", "json-number-too-big"),
        (b'["\\u0000"]', "json-bad-character"),
        (b'["\\ud83d"]', "json-bad-character"),
        (b'{"\\ude00":1}', "json-bad-character"),
    ],
)
def test_what_is_ambiguous_is_refused(raw: bytes, code: str) -> None:
    assert refusal(raw) == code


def test_depth_breadth_and_size_have_limits() -> None:
    assert refusal(b"[" * 17 + b"]" * 17) == "json-too-deep"
    assert refusal(b'{"a":' * 17 + b"1" + b"}" * 17) == "json-too-deep"
    assert refusal(b"[" + b"1," * 20_000 + b"1]") == "json-too-many"
    assert refusal(b'"' + b"a" * 262_144 + b'"') == "json-too-big"


def test_the_limits_themselves_are_still_accepted() -> None:
    assert strictjson.parse(b"[" * 16 + b"]" * 16)
    assert strictjson.parse(b"[9007199254740991]") == [9007199254740991]
    assert strictjson.parse(b'["\\ud83d\\ude00 {[[[[[[[[[[[[[[[[[ \\\\u0000"]') == ["😀 {[[[[[[[[[[[[[[[[[ \\u0000"]


@pytest.mark.parametrize("bomb", [b"[" * 262_144, b"{" * 200_000, b'{"a":' * 50_000, b"[]," * 80_000, b"]" * 262_144])
def test_a_bomb_is_refused_before_it_is_read(bomb: bytes) -> None:
    assert calls_of(lambda: refusal(bomb)) < 1000


def test_a_refusal_names_no_member_that_could_be_personal_data() -> None:
    with pytest.raises(Malformed) as refused:
        strictjson.parse('{"Ximena Ñáñez":1,"Ximena Ñáñez":2}'.encode())

    assert "Ximena" not in str(refused.value)


@given(JSON_VALUES)
def test_it_reads_whatever_json_writes(value: object) -> None:
    assert strictjson.parse(json.dumps(value).encode(), max_depth=64) == value
    assert strictjson.parse(json.dumps(value, ensure_ascii=False, indent=1).encode(), max_depth=64) == value


@given(JSON_VALUES)
def test_it_reads_the_same_from_the_shortest_spelling(value: object) -> None:
    spelt_out = strictjson.parse(json.dumps(value).encode(), max_depth=64)

    assert repr(strictjson.parse(orjson.dumps(value), max_depth=64)) == repr(spelt_out)


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b", "é"]), st.integers(0, 9)), max_size=5))
def test_however_short_an_object_is_spelt_a_member_comes_once(members: list[tuple[str, int]]) -> None:
    raw = ("{" + ",".join(f'"{name}":{value}' for name, value in members) + "}").encode()

    if len(dict(members)) < len(members):
        assert refusal(raw) == "json-duplicate-member"
    else:
        assert strictjson.parse(raw) == dict(members)


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_means_what_json_says(raw: bytes) -> None:
    try:
        value = strictjson.parse(raw)
    except Malformed:
        return
    assert value == json.loads(raw)
