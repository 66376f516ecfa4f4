"""`/v1/decisions`: why an agency may read an event or not, and who would read a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from flask import g
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from hub import acks, decisions
from hub.web import shapes
from hub.web.auth import act
from hub.web.bodies import json_response, read_raw
from hub.web.hub import current_hub
from hub.web.queries import takes
from schemas import wire
from schemas.registry import is_answer
from schemas.texts import Text

if TYPE_CHECKING:
    from flask import Response

    from hub.decisions import Explained, Prospect
    from hub.foresight import Foresight, Reading
    from hub.reading import Asking
    from hub.store import Connection
    from schemas.visible import Members

bp = Blueprint("decisions", __name__, url_prefix="/v1", description="Who may read what, and why")

MOST_NAMED = 100  # of the agencies that a label keeps out or lets in


class DecisionQuery(shapes.Query):
    """Which agency, which event."""

    agency = fields.String(required=True, validate=validate.Length(1, 100))
    event = fields.UUID(required=True)


class MembersShape(Schema):
    """Members of the event as JSON pointers."""

    visible = fields.List(fields.String(), required=True)
    hidden = fields.List(fields.Dict(), required=True, metadata={"description": "path and sensitivity"})


class DecisionShape(Schema):
    """A decision; `label` and `fields` are for the event's own source."""

    agency = fields.String(required=True)
    event = fields.UUID(required=True)
    allowed = fields.Boolean(required=True)
    reason = fields.Dict(required=True, metadata={"description": "en and es"})
    projection = fields.String(required=True, allow_none=True)
    grant = fields.String(required=True, allow_none=True)
    consents = fields.List(fields.String(), required=True)
    grants = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "every grant that ever named the agency, with its answer"},
    )
    hard_limit = fields.Dict(required=True, metadata={"description": "the ceiling of its kind, with the legal basis"})
    policy = fields.String(required=True)
    label = fields.Dict()
    fields_ = fields.Nested(MembersShape, data_key="fields")


class PreviewShape(Schema):
    """Who would read a draft; `next` is null when all recipients have been listed."""

    recipients = fields.List(fields.Dict(), required=True)
    next = fields.String(required=True, allow_none=True)
    count = fields.Integer(required=True)
    counts = fields.Dict(required=True, metadata={"description": "recipients by projection"})
    projections = fields.Dict(required=True, metadata={"description": "visible and hidden members of each projection"})
    label = fields.Dict(required=True, metadata={"description": "what audience and marks change"})
    policy = fields.String(required=True)


@bp.get("/decisions")
@takes(bp, DecisionQuery)
@bp.response(200, DecisionShape)
def explain(agency: str, event: UUID) -> Response:
    """Why this agency may read this event or not: every grant that ever named it, the label, the hard limit."""
    found = act(lambda conn, asking: decisions.explain(conn, asking, agency, event))
    return json_response(orjson.dumps(_explained(found, event)).decode())


@bp.post("/decisions/preview")
@takes(bp, shapes.NamedQuery)
@bp.doc(
    requestBody={"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}}
)
@bp.response(200, PreviewShape)
def preview(after: str, limit: int) -> Response:
    """Who would read this event, and what of it, if it were published now. Nothing is stored."""
    current_hub().rates.spend("publish", g.claims.agency)
    event = wire.decode(read_raw())

    def look(conn: Connection, asking: Asking) -> Prospect:
        if is_answer(event.type):
            acks.require_consistent(conn, asking, event)
        return decisions.prospect(conn, asking, event)

    found = act(look)
    return json_response(orjson.dumps(_foreseen(found.foresee(), after, limit, found.rules.version)).decode())


def _explained(found: Explained, event: UUID) -> dict[str, Any]:
    law = None if isinstance(found.law, Text) else found.law
    agency = found.reading.agency
    told = _reading(found.reading) | {
        "event": str(event),
        "allowed": found.reading.projection is not None,
        "grants": [
            {
                "id": grant.id,
                "version": grant.version,
                "agreement": grant.agreement,
                "state": grant.state.value,
                "purpose": grant.purpose,
                "clearance": grant.clearance.slug,
                "valid_until": grant.valid_until.isoformat(),
                "reason": reason.as_dict(),
            }
            for grant, reason in found.weighed
        ],
        "hard_limit": {
            "kind": agency.kind.value,
            "clearance": None if law is None else law.row.clearance.slug,
            "basis": None if law is None else law.row.basis,
            "attestations": [{"kind": one.attestation, "basis": one.basis} for one in law.requirements] if law else [],
        },
        "policy": found.policy,
    }
    if found.members is not None:
        told |= {"label": found.label, "fields": members(found.members)}
    return told


def _reading(one: Reading) -> dict[str, Any]:
    consent = one.consent
    return {
        "agency": one.agency.id,
        "reason": one.decision.reason.as_dict(),
        "projection": one.projection,
        "grant": one.decision.grant,
        "consents": [] if consent is None else consent.id.split("+"),
    }


def members(found: Members) -> dict[str, Any]:
    """Members as an answer lists them."""
    hidden = [{"path": path, "sensitivity": level} for path, level in found.hidden.items()]
    return {"visible": list(found.shown), "hidden": hidden}


def _foreseen(found: Foresight, after: str, limit: int, policy: str) -> dict[str, Any]:
    page = [one for one in found.recipients if one.agency.id > after][: limit + 1]
    listed = page[:limit]
    about = {"kept_out": found.kept_out, "let_in": found.let_in}
    return {
        "recipients": [
            _reading(one) | {"kind": one.agency.kind.value, "country": one.agency.country, "shown_as": one.name}
            for one in listed
        ],
        "next": listed[-1].agency.id if len(page) > limit else None,
        "count": len(found.recipients),
        "counts": found.counts,
        "projections": {name: members(each) for name, each in found.projections.items()},
        "label": {
            "audience": {name: {"count": len(ids), "agencies": ids[:MOST_NAMED]} for name, ids in about.items()},
            "marks": {name: list(paths) for name, paths in found.hidden_by_marks.items()},
        },
        "policy": policy,
    }
