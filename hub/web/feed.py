"""`GET /v1/feed`; and where to go for what waits, which this process does not do: `GET /v1/stream` and long polls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import redirect, request
from flask_smorest import Blueprint

from hub.asked import FeedQuery, StreamQuery
from hub.feed import Page, read_feed
from hub.items import items
from hub.items import page as page_of
from hub.store import connection
from hub.web import shapes
from hub.web.auth import answer
from hub.web.bodies import json_response
from hub.web.hub import current_hub
from hub.web.queries import takes

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from hub.filters import Filter
    from hub.reading import Asking

bp = Blueprint("feed", __name__, url_prefix="/v1", description="The reader's events, in order")

_ELSEWHERE = {
    "description": "served elsewhere, `stream` of `GET /v1/me`; clients that drop the token on their way ask there",
    "headers": {"Location": {"schema": {"type": "string"}}},
}
_EVENTS = {
    "description": "the items of the feed as they come; `end` and `gap` are told as events of these names",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
_RESUMING = {"in": "header", "name": "Last-Event-ID", "schema": {"type": "string"}}


@bp.get("/feed")
@takes(bp, FeedQuery)
@bp.response(200, shapes.FeedPage)
@bp.doc(responses={"307": _ELSEWHERE})
def show_feed(after: str, limit: int, wait: int, wanted: Filter) -> Response:
    """The caller's next events; ask again with `after` set to `next`. The same URL gives the same page."""
    if wait:
        return _elsewhere()
    hub = current_hub()

    def page(asking: Asking) -> tuple[Page, str]:
        agency = asking.principal.agency.id
        position = hub.cursors.open(after, agency, wanted.status)
        with connection(hub.pool, asking.reader) as conn:
            found = read_feed(conn, asking, after=position, limit=limit, wanted=wanted)
        return found, hub.cursors.seal(found.position, agency, wanted.status)

    found, following = answer(page)
    return json_response(page_of(items(found.shown), following, more=found.more))


@bp.get("/stream")
@takes(bp, StreamQuery)
@bp.doc(responses={"200": _EVENTS, "307": _ELSEWHERE}, parameters=[_RESUMING])
def show_stream(**_: Any) -> Response:
    """
    Events as they come (server-sent events): a message for each, with the item that the feed has for it as data.

    `id` is a cursor of the feed; a stream goes on behind `Last-Event-ID`, or `after`, or begins with what comes now.
    """
    return _elsewhere()


def _elsewhere() -> Response:
    query = request.query_string.decode("ascii", "replace")
    return redirect(f"{current_hub().stream_url}{request.path}{'?' if query else ''}{query}", code=307)
