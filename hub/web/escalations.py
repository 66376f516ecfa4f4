"""`GET /v1/escalations`: who would be called when, if an agency stayed silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from hub import escalations
from hub.grant_rows import A_TYPE
from hub.ladders import Urgency
from hub.web import shapes
from hub.web.auth import act
from hub.web.bodies import json_response
from hub.web.hub import current_hub
from hub.web.queries import takes

if TYPE_CHECKING:
    from flask import Response

    from hub.escalations import Plan

bp = Blueprint("escalations", __name__, url_prefix="/v1", description="Who is called when no acknowledgement comes")


class EscalationQuery(shapes.Query):
    """Of which events, and of whom: the caller's own agency, unless given."""

    type = fields.String(required=True, validate=[validate.Length(1, 100), A_TYPE])
    urgency = fields.Enum(Urgency, by_value=True, load_default=Urgency.URGENT)
    agency = fields.String(load_default=None, validate=validate.Length(1, 100))


class CallShape(Schema):
    """A step. `at_s`: seconds after the event came; no channel: it reaches nobody, and the next step comes at once."""

    step = fields.Integer(required=True, metadata={"description": "from 1"})
    at_s = fields.Integer(required=True)
    of = fields.String(required=True, metadata={"enum": ["recipient", "issuer"]})
    desk = fields.String(required=True)
    channels = fields.List(fields.String(), required=True)


class EscalationShape(Schema):
    """`ladder` null: this agency need not acknowledge such events."""

    agency = fields.String(required=True)
    type = fields.String(required=True)
    urgency = fields.String(required=True)
    ladder = fields.String(required=True, allow_none=True)
    ack_within_s = fields.Integer(required=True, allow_none=True)
    calls = fields.List(fields.Nested(CallShape), required=True)
    warnings = fields.List(
        fields.Dict(), required=True, metadata={"description": "desks that are missing or reached by one way: en, es"}
    )


@bp.get("/escalations")
@takes(bp, EscalationQuery)
@bp.response(200, EscalationShape)
def show_escalation(type: str, urgency: Urgency, agency: str | None) -> Response:
    """Play a ladder through: for one's own agency, as who issues such events for any, as an operator for any."""
    ladders = current_hub().ladders
    found = act(lambda conn, asking: escalations.plan(conn, asking, agency, ladders, (type, urgency)))
    return json_response(orjson.dumps({"type": type, "urgency": urgency} | _shown(found)).decode())


def _shown(found: Plan) -> dict[str, Any]:
    ladder = found.ladder
    return {
        "agency": found.agency,
        "ladder": None if ladder is None else ladder.name,
        "ack_within_s": None if ladder is None else ladder.ack_within_s,
        "calls": [
            {
                "step": call.number + 1,
                "at_s": call.at_s,
                "of": "issuer" if call.is_issuers else "recipient",
                "desk": call.desk,
                "channels": sorted(call.ways),
            }
            for call in found.calls
        ],
        "warnings": [text.as_dict() for text in found.weak],
    }
