"""Versions of resources as entity tags, against lost updates (RFC 9110 sections 8.8.3 and 13.1.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
from flask import request

from hub.errors import MatchRequired, Outdated
from hub.web.bodies import json_response

if TYPE_CHECKING:
    from flask import Response

_TAG = re.compile(r'"(\d{1,9})"')


def expected_version() -> int:
    """
    The version that the caller says it changes.

    Raises:
        MatchRequired: it says none.
        Outdated: it names something that is no version of ours.
    """
    given = request.headers.get("If-Match")
    if given is None:
        raise MatchRequired
    tag = _TAG.fullmatch(given.strip())
    if tag is None:
        raise Outdated
    return int(tag.group(1))


def versioned(body: dict[str, Any], status: int = 200, member: str = "version") -> Response:
    """A resource with its version, which is this member of it, in `ETag`."""
    response = json_response(orjson.dumps(body).decode(), status)
    response.headers["ETag"] = f'"{body[member]}"'
    return response
