"""`POST /v1/events/{id}/notes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_smorest import Blueprint

from hub.errors import Invalid
from hub.notes import write
from hub.store import connection
from hub.web import shapes
from hub.web.auth import answer
from hub.web.bodies import in_data, json_response, read_object
from hub.web.hub import current_hub
from schemas.complaints import UNKNOWN
from schemas.flaws import flaw
from schemas.note import KINDS
from schemas.texts import Text

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response

    from hub.ingest import Accepted
    from hub.reading import Asking

bp = Blueprint("notes", __name__, url_prefix="/v1", description="Sightings, questions and answers")

UNKNOWN_KIND = Text("This must be one of {kinds}.", "Debe ser uno de {kinds}.", code="unknown-code")


@bp.post("/events/<uuid:hub_id>/notes")
@bp.doc(
    requestBody={
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NoteBody"}}},
    }
)
@bp.response(201, shapes.Accepted)
@bp.alt_response(200, schema=shapes.Accepted, description="The same was already said.")
def note_event(hub_id: UUID) -> Response:
    """Tell the event's source alone: a sighting, a question, or the answer to its question."""
    hub = current_hub()
    body: dict[str, Any] = read_object()
    kind = body.pop("kind", None)
    if kind not in KINDS:
        raise Invalid((flaw("/kind", UNKNOWN_KIND.format(kinds=", ".join(KINDS))),))
    if "event" in body:  # the path says which
        raise Invalid((flaw("/event", UNKNOWN),))

    def act(asking: Asking) -> Accepted:
        with connection(hub.pool, asking.reader) as conn, in_data():
            return write(conn, asking, hub_id, kind, body)

    accepted = answer(act)
    return json_response(f'{{"id":"{accepted.hub_id}"}}', 201 if accepted.is_new else 200)
