"""`GET /public/alerts.atom` and `GET /public/alerts/{id}.xml`: what anybody may read, without a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request
from flask_smorest import Blueprint

from hub.cap.feed import ATOM_TYPE, CAP_TYPE
from hub.errors import NotVisible, Unavailable
from hub.picture import Stale
from hub.public import MAX_AGE_S, public_asking, read_document, read_feed
from hub.store import connection, transaction
from hub.web.hub import current_hub
from hub.web.queries import takes

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from hub.cap.press import Press
    from hub.public import Printed
    from hub.reading import Asking
    from hub.store import Connection

bp = Blueprint("public", __name__, url_prefix="/public", description="What is public now; needs no token")

_GONE = {"description": "It was public, and is no longer."}
_SAME = {"description": "Nothing has changed since the answer with this ETag."}


@bp.get("/alerts.atom")
@takes(bp)
@bp.doc(security=[])
@bp.response(200, {"type": "string"}, content_type=ATOM_TYPE, description="An Atom feed (RFC 4287) with tombstones.")
@bp.alt_response(304, **_SAME)
def show_feed() -> Response:
    """The newest CAP document of each live alert, and what ended within 72 hours (RFC 6721)."""
    return _answer(read_feed, ATOM_TYPE)


@bp.get("/alerts/<uuid:hub_id>.xml")
@takes(bp)
@bp.doc(security=[])
@bp.response(200, {"type": "string"}, content_type=CAP_TYPE, description="A CAP 1.2 document, signed.")
@bp.alt_response(304, **_SAME)
@bp.alt_response(410, **_GONE)
def show_document(hub_id: UUID) -> Response:
    """One alert, its update or its end as a signed CAP 1.2 document in English and Spanish."""
    return _answer(lambda conn, asking, press: read_document(conn, asking, press, hub_id), CAP_TYPE)


def _answer(use_case: Callable[[Connection, Asking, Press], Printed], content_type: str) -> Response:
    """
    Read as the public; when the rules have changed under it, look at them and read again.

    Raises:
        NotVisible: this node has no public feed, or by the rules as they are now nobody who stands for the public.
        Unavailable: the rules changed three times in a row.
    """
    hub = current_hub()
    if hub.press is None:
        raise NotVisible
    hub.rates.spend("read", f"public {request.remote_addr}")
    for looked in range(3):
        asking = public_asking(hub.picture, hub.press, hub.now())
        if asking is None and looked:
            raise NotVisible
        try:
            if asking is None:
                raise Stale
            with transaction(hub.pool, asking.reader) as conn:
                printed = use_case(conn, asking, hub.press)
            printed.keep(hub.press)
            return _response(printed, content_type)
        except Stale:
            with connection(hub.pool) as conn:
                hub.picture.refresh(conn)
    raise Unavailable


def _response(printed: Printed, content_type: str) -> Response:
    response = Response(printed.content, content_type=content_type)
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    response.set_etag(printed.tag)
    response.make_conditional(request)  # in place: 304 where the caller has these very bytes
    return response
