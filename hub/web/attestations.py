"""`/v1/attestations`: what agencies have shown to hold, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from flask_smorest import Blueprint

from hub import attestations
from hub.right_rows import AttestationSchema
from hub.web import people_shapes, shapes
from hub.web.auth import act
from hub.web.bodies import json_response, page, read_row
from hub.web.hub import current_hub
from hub.web.persons import REASON
from hub.web.queries import takes

if TYPE_CHECKING:
    from flask import Response

    from hub.reading import Asking
    from hub.store import Connection
    from hub.store.attestations import Held

bp = Blueprint("attestations", __name__, url_prefix="/v1", description="What agencies have shown to hold")

NEW = AttestationSchema()
FIRST = UUID(int=0)


def _shown(held: Held) -> dict[str, Any]:
    return attestations.shown(held, current_hub().now())


@bp.get("/attestations")
@takes(bp, people_shapes.RecordedQuery)
@bp.response(200, people_shapes.Attestations)
def list_attestations(agency: str | None, after: UUID | None, limit: int) -> Response:
    """In the order of being recorded, the ended and withdrawn too: an operator sees all, others their own agency's."""

    def read(conn: Connection, asking: Asking) -> list[Held]:
        return attestations.list_attestations(conn, asking, agency=agency, after=after or FIRST, limit=limit)

    return page("attestations", [_shown(held) for held in act(read)], key="id", limit=limit)


@bp.post("/attestations")
@bp.doc(**shapes.body("Attestation"))
@bp.response(201, people_shapes.AttestationShape)
def record_attestation() -> Response:
    """Put on record what an agency has shown; what it opens behind its cursor comes anew in its feed."""
    wanted = read_row(NEW)
    done = act(lambda conn, asking: attestations.record(conn, asking, wanted))
    return json_response(orjson.dumps(_shown(done)).decode(), 201)


@bp.post("/attestations/<uuid:attestation_id>/withdrawal")
@bp.doc(**shapes.body("Reason"))
@bp.response(200, people_shapes.AttestationShape)
def withdraw_attestation(attestation_id: UUID) -> Response:
    """End an attestation at once, and with it what rests on it."""
    reason = read_row(REASON)["reason"]
    done = act(lambda conn, asking: attestations.withdraw(conn, asking, attestation_id, reason))
    return json_response(orjson.dumps(_shown(done)).decode())
