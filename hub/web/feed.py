"""`GET /v1/feed`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_smorest import Blueprint

from hub.feed import Page, read_feed
from hub.filters import Filter
from hub.items import items
from hub.store import connection
from hub.web import shapes
from hub.web.auth import answer
from hub.web.bodies import json_response
from hub.web.hub import current_hub
from hub.web.queries import takes

if TYPE_CHECKING:
    from flask import Response

    from hub.reading import Asking

bp = Blueprint("feed", __name__, url_prefix="/v1", description="The reader's events, in order")


@bp.get("/feed")
@takes(bp, shapes.FeedQuery)
@bp.response(200, shapes.FeedPage)
def show_feed(after: str, limit: int, status: str) -> Response:
    """The caller's next events; ask again with `after` set to `next`. The same URL gives the same page."""
    hub = current_hub()

    def page(asking: Asking) -> tuple[Page, str]:
        agency = asking.principal.agency.id
        position = hub.cursors.open(after, agency, status)
        with connection(hub.pool, asking.reader) as conn:
            found = read_feed(conn, asking, after=position, limit=limit, wanted=Filter(status=status, own=True))
        return found, hub.cursors.seal(found.position, agency, status)

    found, following = answer(page)
    more = "true" if found.more else "false"
    return json_response(f'{{"events":{items(found.shown)},"next":"{following}","more":{more}}}')
