"""`POST /v1/events/{id}/recall` and `/v1/events/{id}/label`; and control events on their way to the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask_smorest import Blueprint

from hub import control
from hub.errors import Invalid
from hub.ingest import Accepted
from hub.store import connection, transaction
from hub.web import shapes
from hub.web.auth import answer
from hub.web.bodies import in_data, json_response, read_object
from hub.web.hub import current_hub
from schemas.complaints import UNKNOWN
from schemas.flaws import flaw

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from hub.reading import Asking
    from hub.store import Connection
    from schemas.envelope import Event

bp = Blueprint("control", __name__, url_prefix="/v1", description="What a source does to its event after it is out")

Wording = Callable[["Connection", "Asking", "UUID", dict[str, Any]], "Event | Accepted"]


@bp.post("/events/<uuid:hub_id>/recall")
@bp.doc(
    requestBody={
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RecallBody"}}},
    }
)
@bp.response(201, shapes.Accepted)
@bp.alt_response(200, schema=shapes.Accepted, description="It was already recalled.")
def recall_event(hub_id: UUID) -> Response:
    """Take an own event back: nobody reads it from now on, and whoever had received it is told."""
    return _change(hub_id, control.recalling)


@bp.post("/events/<uuid:hub_id>/label")
@bp.doc(
    requestBody={
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LabelBody"}}},
    }
)
@bp.response(201, shapes.Accepted)
@bp.alt_response(200, schema=shapes.Accepted, description="It already has this label.")
def relabel_event(hub_id: UUID) -> Response:
    """Give an own event another label, which may only be tighter. Whoever had received it is told."""
    return _change(hub_id, control.relabelling)


def _change(hub_id: UUID, worded: Wording) -> Response:
    hub = current_hub()
    body = read_object()
    if "event" in body:  # the path says which
        raise Invalid((flaw("/event", UNKNOWN),))

    def act(asking: Asking) -> Accepted:
        with in_data():
            with connection(hub.pool, asking.reader) as conn:
                event = worded(conn, asking, hub_id, body)
                if isinstance(event, Accepted):
                    return event
                control.settle(conn, asking, event)
            with transaction(hub.pool, asking.reader) as conn:
                return control.publish(conn, asking, event)

    accepted = answer(act)
    return json_response(f'{{"id":"{accepted.hub_id}"}}', 201 if accepted.is_new else 200)
