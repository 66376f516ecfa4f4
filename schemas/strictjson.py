"""JSON from strangers: one meaning or none (I-JSON, RFC 7493), within fixed limits, before anybody else looks."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import orjson

from schemas.flaws import Malformed, flaw, member
from schemas.texts import Text

MAX_BYTES = 262_144
MAX_DEPTH = 16  # nested arrays and objects
MAX_ITEMS = 20_000  # values in all, containers included
MAX_INTEGER = 2**53 - 1  # beyond it, parsers disagree (RFC 7493 section 2.2)
_MAX_NUMBER_CHARS = 32

EMPTY = Text("The document is empty.", "El documento está vacío.", code="json-empty")
TOO_BIG = Text(
    "The document has {size} bytes; at most {limit} are accepted.",
    "El documento tiene {size} bytes; se aceptan {limit} como máximo.",
    code="json-too-big",
)
BOM = Text(
    "The document starts with a byte order mark; send plain UTF-8 without it.",
    "El documento empieza con una marca de orden de bytes; envíe UTF-8 sin ella.",
    code="json-bom",
)
NOT_UTF8 = Text(
    "The document is not UTF-8 (byte {position}).",
    "El documento no está en UTF-8 (byte {position}).",
    code="json-encoding",
)
SYNTAX = Text(
    "This is not JSON: line {line}, column {column}.", "Esto no es JSON: línea {line}, columna {column}.", code="json"
)
TOO_DEEP = Text(
    "Arrays and objects are nested more than {limit} levels deep.",
    "Hay arreglos y objetos anidados en más de {limit} niveles.",
    code="json-too-deep",
)
TOO_MANY = Text(
    "The document holds more than {limit} values.",
    "El documento contiene más de {limit} valores.",
    code="json-too-many",
)
DUPLICATE = Text(
    "The member {name} appears twice in one object.",
    "El miembro {name} aparece dos veces en un mismo objeto.",
    code="json-duplicate-member",
)
NOT_A_NUMBER = Text(
    "NaN and Infinity are not JSON numbers.", "NaN e Infinity no son números JSON.", code="json-not-a-number"
)
NUMBER_TOO_BIG = Text(
    "A number is too big or too long to mean the same everywhere (RFC 7493).",
    "Un número es demasiado grande o largo para significar lo mismo en todas partes (RFC 7493).",
    code="json-number-too-big",
)
BAD_CHARACTER = Text(
    "A string holds the character U+0000 or half of a surrogate pair.",
    "Una cadena contiene el carácter U+0000 o la mitad de un par sustituto.",
    code="json-bad-character",
)

_OTHERWISE = object()  # null is a value
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_BRACKETS_AND_COMMAS = bytes(byte for byte in range(256) if byte not in b"[]{},")
_SQUARE = bytes.maketrans(b"{}", b"[]")
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")  # the only escapes that can make one; others are common


def parse(raw: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_items: int = MAX_ITEMS) -> object:
    """
    Parse one JSON document.

    Raises:
        Malformed: it is not UTF-8 JSON, has two meanings (duplicate members, NaN, huge numbers), or exceeds a limit.
    """
    if len(raw) > max_bytes:
        _refuse(TOO_BIG.format(size=len(raw), limit=max_bytes))
    _check_shape(raw, max_depth, max_items)
    value = _reread(raw)
    if value is _OTHERWISE:
        value = _read(raw, max_depth)
    if _SUSPECT.search(raw) and _UNUSABLE.search(_all_strings(value)):
        _refuse(BAD_CHARACTER)
    return value


def _reread(raw: bytes) -> object:
    """
    The value, if writing it gives these very bytes: then there is one meaning to them.

    A member that appears twice would be written once, and NaN, a huge number or a mark before the text not at all.
    Most machines write without spaces and escapes; for them this takes a tenth of the time.
    """
    try:
        value = orjson.loads(raw)
        return value if orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER) == raw else _OTHERWISE
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return _OTHERWISE


def _read(raw: bytes, max_depth: int) -> object:
    try:
        return _DECODER.decode(_decode(raw))
    except json.JSONDecodeError as error:
        raise Malformed(flaw("", SYNTAX.format(line=error.lineno, column=error.colno))) from None
    except RecursionError:  # unbalanced brackets only; balanced ones were counted
        raise Malformed(flaw("", TOO_DEEP.format(limit=max_depth))) from None


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        _refuse(BOM)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(flaw("", NOT_UTF8.format(position=error.start))) from None
    if not text.strip():
        _refuse(EMPTY)
    return text


def _check_shape(raw: bytes, max_depth: int, max_items: int) -> None:
    """Refuse depth and breadth bombs without recursion and before a single value is built."""
    unescaped = _ESCAPED.sub(b"", raw) if b"\\" in raw else raw
    outside_strings = b"".join(unescaped.split(b'"')[::2])
    shape = outside_strings.translate(None, _BRACKETS_AND_COMMAS)
    if len(shape) > max_items and shape.count(b",") + shape.count(b"[") + shape.count(b"{") > max_items:
        _refuse(TOO_MANY.format(limit=max_items))
    brackets = shape.translate(_SQUARE, b",")
    for _ in range(max_depth):  # each pass peels the innermost level
        brackets = brackets.replace(b"[]", b"")
    if b"[]" in brackets:  # anything else that is left is unbalanced: a syntax error
        _refuse(TOO_DEEP.format(limit=max_depth))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        _refuse(DUPLICATE.format(name=member(twice)))
    return members


def _integer(digits: str) -> int:
    if len(digits) > _MAX_NUMBER_CHARS or abs(int(digits)) > MAX_INTEGER:
        _refuse(NUMBER_TOO_BIG)
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits) if len(digits) <= _MAX_NUMBER_CHARS else math.inf
    if math.isinf(value):
        _refuse(NUMBER_TOO_BIG)
    return value


def _constant(_name: str) -> NoReturn:
    _refuse(NOT_A_NUMBER)


def _refuse(text: Text) -> NoReturn:
    raise Malformed(flaw("", text))


def _all_strings(value: object) -> str:
    """Every member name and string below ``value``, joined; depth is already bounded."""
    found: list[str] = []
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            found.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return " ".join(found)  # the space keeps two halves from looking like a pair


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer, parse_float=_real, parse_constant=_constant)
