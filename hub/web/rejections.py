"""`GET /v1/rejections`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask_smorest import Blueprint

from hub.rejections import read_rejections
from hub.store import transaction
from hub.web import shapes
from hub.web.auth import answer
from hub.web.bodies import json_response
from hub.web.hub import current_hub
from hub.web.language import preferred
from hub.web.queries import takes

if TYPE_CHECKING:
    from flask import Response

    from hub.reading import Asking

bp = Blueprint("rejections", __name__, url_prefix="/v1", description="What was refused")


@bp.get("/rejections")
@takes(bp, shapes.RejectionsQuery)
@bp.response(200, shapes.Rejections)
def show_rejections(after: int, limit: int) -> Response:
    """What the caller's own agency sent and the hub refused, with path and reason, oldest first."""
    hub = current_hub()

    def read(asking: Asking) -> list[dict[str, Any]]:
        with transaction(hub.pool, asking.reader) as conn:
            asking.require_current(conn)
            return read_rejections(conn, asking, after=after, limit=limit)

    found = answer(read)
    language = preferred()
    for rejection in found:
        rejection["flaws"] = [flaw | {"text": flaw["text"][language]} for flaw in rejection["flaws"]]
    following = found[-1]["no"] if found else after
    return json_response(orjson.dumps({"rejections": found, "next": following}).decode())
