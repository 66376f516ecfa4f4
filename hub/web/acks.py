"""`POST /v1/events/{id}/acks` and `GET /v1/acks/due`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_smorest import Blueprint

from hub.acks import acknowledge, read_due
from hub.errors import Invalid
from hub.ingest import Accepted
from hub.items import item
from hub.store import connection, transaction
from hub.web import shapes
from hub.web.auth import answer
from hub.web.bodies import in_data, json_response, read_object
from hub.web.hub import current_hub
from hub.web.queries import takes
from schemas.ack import STATES
from schemas.complaints import UNKNOWN
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from hub.reading import Asking

bp = Blueprint("acks", __name__, url_prefix="/v1", description="Answers to events")

UNKNOWN_STATE = Text("This must be one of {states}.", "Debe ser uno de {states}.", code="unknown-code")


@bp.post("/events/<uuid:hub_id>/acks")
@bp.doc(
    requestBody={
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AckBody"}}},
    }
)
@bp.response(201, shapes.Accepted)
@bp.alt_response(200, schema=shapes.Accepted, description="It was already answered like this.")
def answer_event(hub_id: UUID) -> Response:
    """Tell the originator: received, read, acknowledged, or declined with a reason."""
    hub = current_hub()
    body = read_object()
    state = body.pop("state", None)
    if state not in STATES:
        raise Invalid((flaw("/state", UNKNOWN_STATE.format(states=", ".join(STATES))),))
    if "event" in body:  # the path says which
        raise Invalid((flaw("/event", UNKNOWN),))

    def act(asking: Asking) -> Accepted:
        with connection(hub.pool, asking.reader) as conn, in_data():
            return acknowledge(conn, asking, hub_id, state, body)

    accepted = answer(act)
    return json_response(f'{{"id":"{accepted.hub_id}"}}', 201 if accepted.is_new else 200)


@bp.get("/acks/due")
@takes(bp, shapes.DueQuery)
@bp.response(200, shapes.DueAcks)
def list_due(limit: int) -> Response:
    """What the caller's agency has yet to acknowledge, as far as it may be read; the first that is due comes first."""
    hub = current_hub()

    def read(asking: Asking) -> str:
        with transaction(hub.pool, asking.reader) as conn:
            return ",".join(item(shown, required_by) for shown, required_by in read_due(conn, asking, limit=limit))

    return json_response(f'{{"due":[{answer(read)}]}}')
