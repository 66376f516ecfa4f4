"""`/v1/consents`: what opens protected members to named recipients; for the owner's people and those named alone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from hub import consenting
from hub.consent_rows import ConsentSchema
from hub.web import shapes
from hub.web.auth import act
from hub.web.bodies import json_response, read_row
from hub.web.queries import takes

if TYPE_CHECKING:
    from flask import Response

    from hub.consents import ConsentRecord
    from hub.reading import Asking
    from hub.store import Connection

bp = Blueprint("consents", __name__, url_prefix="/v1", description="Consents of victims to share protected members")

NEW = ConsentSchema()


class ConsentsQuery(shapes.Query):
    """Consents come in order of ids; go on behind the last one seen."""

    after = fields.UUID(load_default=UUID(int=0))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class ConsentShape(Schema):
    """A consent; who gave it and who recorded it is told to its owner alone."""

    id = fields.UUID(required=True)
    source = fields.String(required=True)
    subject = fields.String(required=True)
    fields_ = fields.List(fields.String(), required=True, data_key="fields")
    recipients = fields.List(fields.String(), required=True)
    purpose = fields.String(required=True)
    signed_at = fields.String(required=True)
    valid_until = fields.String(required=True)
    withdrawn_at = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(["live", "expired", "withdrawn"]))
    given_by = fields.String()
    recorded_by = fields.String()
    form_version = fields.String()
    language = fields.String()
    offered = fields.Integer(metadata={"description": "events that come to recipients once more, when just recorded"})


class Consents(Schema):
    """A page of consents; `next` is null at its end."""

    consents = fields.List(fields.Nested(ConsentShape), required=True)
    next = fields.String(required=True, allow_none=True)


@bp.get("/consents")
@takes(bp, ConsentsQuery)
@bp.response(200, Consents)
def list_consents(after: UUID, limit: int) -> Response:
    """The consents that the caller's agency recorded, and those that name it; ask again with `after` set to `next`."""

    def read(conn: Connection, asking: Asking) -> list[dict[str, object]]:
        found = consenting.list_consents(conn, asking, after=after, limit=limit)
        return [consenting.shown(one, asking) for one in found]

    page = act(read)
    following = page[-1]["id"] if len(page) == limit else None
    return json_response(orjson.dumps({"consents": page, "next": following}).decode())


@bp.post("/consents")
@bp.doc(**shapes.body("Consent"))
@bp.response(201, ConsentShape)
def record_consent() -> Response:
    """Put a consent on record. It opens the named protected members to the named recipients, under their grants."""
    given: ConsentRecord = read_row(NEW)

    def record(conn: Connection, asking: Asking) -> dict[str, object]:
        done = consenting.record(conn, asking, given)
        return consenting.shown(done.consent, asking) | {"offered": done.offered}

    told = act(record)
    response = json_response(orjson.dumps(told).decode(), 201)
    response.headers["Location"] = f"/v1/consents/{told['id']}"
    return response


@bp.get("/consents/<uuid:consent_id>")
@takes(bp)
@bp.response(200, ConsentShape)
def show_consent(consent_id: UUID) -> Response:
    """One consent. Missing and another's look exactly alike."""
    told = act(lambda conn, asking: consenting.shown(consenting.read_consent(conn, asking, consent_id), asking))
    return json_response(orjson.dumps(told).decode())


@bp.post("/consents/<uuid:consent_id>/withdrawal")
@takes(bp)
@bp.response(200, ConsentShape)
def withdraw_consent(consent_id: UUID) -> Response:
    """Withdraw a consent; from this moment on it opens nothing. Safe to repeat."""
    told = act(lambda conn, asking: consenting.shown(consenting.withdraw(conn, asking, consent_id), asking))
    return json_response(orjson.dumps(told).decode())
