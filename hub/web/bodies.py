"""Request bodies, read strictly: media type, size, no content coding, one meaning per JSON document."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response, abort, request
from marshmallow import ValidationError

from hub.errors import Invalid, TooLarge
from schemas import strictjson
from schemas.complaints import NOT_AN_OBJECT
from schemas.flaws import Malformed, flatten, flaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hub.grant_rows import Row

MAX_BODY_BYTES = strictjson.MAX_BYTES
JSON_TYPES = frozenset({"application/json", "application/cloudevents+json"})


def read_raw() -> bytes:
    """
    The body's bytes.

    Raises:
        TooLarge: over 256 KiB.
        werkzeug.exceptions.UnsupportedMediaType: not JSON, or compressed (a bomb would expand before any limit).
    """
    if request.mimetype not in JSON_TYPES or request.headers.get("Content-Encoding", "identity") != "identity":
        abort(415)
    if request.content_length is not None and request.content_length > MAX_BODY_BYTES:
        raise TooLarge(MAX_BODY_BYTES)
    raw = request.get_data(cache=False)
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge(MAX_BODY_BYTES)
    return raw


def read_object() -> dict[str, Any]:
    """
    The body as a JSON object.

    Raises:
        Malformed: it is not strict JSON.
        Invalid: it is JSON, and no object.
    """
    parsed = strictjson.parse(read_raw())
    if not isinstance(parsed, dict):
        raise Invalid((flaw("", NOT_AN_OBJECT),))
    return parsed


@contextmanager
def in_data() -> Iterator[None]:
    """
    What the sender wrote becomes the data of an event: flaws are named where the sender wrote them.

    Raises:
        Invalid: what it wrote is no such data.
    """
    try:
        yield
    except Malformed as malformed:
        raise Invalid(tuple(replace(one, path=one.path.removeprefix("/data")) for one in malformed.flaws)) from None


def read_row(row: Row) -> Any:
    """
    The body as `row` builds it.

    Raises:
        Malformed, Invalid: it is no such thing; every flaw is named.
    """
    body = read_object()
    try:
        return row.load(body)
    except ValidationError as error:
        raise Invalid(tuple(flatten(error.messages))) from None


def json_response(text: str, status: int = 200) -> Response:
    """JSON text that is ready; never stored by anything on its way (it was disclosed to one reader)."""
    return Response(text, status, content_type="application/json", headers={"Cache-Control": "no-store"})


def page(member: str, found: Sequence[Mapping[str, Any]], *, key: str, limit: int) -> Response:
    """A page of a list in order of `key`; `next` is where the following one begins, null at the end."""
    following = found[-1][key] if len(found) == limit else None
    return json_response(orjson.dumps({member: found, "next": following}).decode())
