"""`GET /v1/events/{id}/receipts`: what became of an event with everybody it was for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from flask import Response, g
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from hub import receipts, sheet
from hub.certificates import TYPE, Certificate, claims_of
from hub.signing import seal
from hub.web import shapes
from hub.web.auth import act
from hub.web.bodies import json_response
from hub.web.hub import current_hub
from hub.web.queries import takes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from hub.reading import Asking
    from hub.receipts import Page
    from hub.recipients import Across, Recipient

bp = Blueprint("receipts", __name__, url_prefix="/v1", description="What became of an event")

MOST_ROWS = 20_000  # of one CSV; what is behind them is asked for with `after`
COLUMNS = (
    *("recipient", "name", "kind", "country", "node", "may_read"),
    *("sent", "received", "delivered", "read", "acknowledged", "declined", "reason"),
    *("ack_required_by", "overdue", "escalated", "escalated_at", "unreached", "proposed"),
    *("sequence", "outcome", "position"),
)


class ReceiptsQuery(shapes.NamedQuery):
    """Recipients in order of their ids, a page at a time; as CSV, as many as a table takes; certified, all of them."""

    format = fields.String(load_default="json", validate=validate.OneOf(["json", "csv", "certificate"]))


class CountsShape(Schema):
    """Over every recipient, whatever page is shown."""

    recipients = fields.Integer(required=True)
    received = fields.Integer(required=True)
    delivered = fields.Integer(required=True)
    read = fields.Integer(required=True)
    acknowledged = fields.Integer(required=True)
    declined = fields.Integer(required=True)
    overdue = fields.Integer(required=True)


class NodeShape(Schema):
    """Another node. `received`: it has said so under its signature; the rest is of the newest envelope."""

    node = fields.String(required=True)
    sent = fields.String(required=True, allow_none=True, metadata={"description": "sealed in its sequence"})
    received = fields.String(required=True, allow_none=True)
    sequence = fields.Integer(required=True, allow_none=True)
    brought = fields.String(required=True, allow_none=True, metadata={"enum": ["event", "recall", None]})
    outcome = fields.String(
        required=True, allow_none=True, metadata={"description": "stored, known, narrowed, applied, refused:<code>"}
    )
    position = fields.Integer(required=True, allow_none=True, metadata={"description": "in the log over there"})


class ReceiptShape(Schema):
    """
    An agency. `received`: it is in the log of its node; `delivered`: it, or word of it, arrived there, or the agency
    answered (of one beyond the border, and of one that reads a topic: it read or answered); `read`: it was handed out
    for the first time.
    """

    agency = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    country = fields.String(required=True)
    node = fields.String(required=True)
    may_read = fields.Boolean(required=True, metadata={"description": "now; who may not has got it before"})
    sent = fields.String(required=True, allow_none=True, metadata={"description": "to its node, where that is another"})
    received = fields.String(required=True, allow_none=True)
    delivered = fields.String(required=True, allow_none=True)
    read = fields.String(required=True, allow_none=True)
    acknowledged = fields.String(required=True, allow_none=True)
    declined = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "why it was declined, a code"})
    ack_required_by = fields.String(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    escalated = fields.Integer(
        required=True, allow_none=True, metadata={"description": "the step of the ladder that was taken last, from 1"}
    )
    escalated_at = fields.String(required=True, allow_none=True)
    unreached = fields.Boolean(
        required=True, metadata={"description": "that was the last step, and it has found nobody whom to tell"}
    )
    proposed = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "whose it may be, where this agency says that it is not its own"},
    )


class ReceiptsShape(Schema):
    """A page of recipients; ask again with `after` set to `next`, until that is null."""

    event = fields.UUID(required=True)
    type = fields.String(required=True)
    accepted = fields.String(required=True)
    counts = fields.Nested(CountsShape, required=True)
    nodes = fields.List(fields.Nested(NodeShape), required=True)
    receipts = fields.List(fields.Nested(ReceiptShape), required=True)
    next = fields.String(required=True, allow_none=True)


@bp.get("/events/<uuid:hub_id>/receipts")
@takes(bp, ReceiptsQuery)
@bp.response(200, ReceiptsShape)
def list_receipts(hub_id: UUID, after: str, limit: int, format: str) -> Response:
    """Who got an event of the caller's agency, who read it, and who answered: each fact with its date."""
    if format == "certificate":
        return _certificate(hub_id)
    most = MOST_ROWS if format == "csv" else limit
    found = act(lambda conn, asking: receipts.read(conn, asking, hub_id, after=after, limit=most))
    here = current_hub().node
    if format == "csv":
        told = {"Content-Disposition": 'attachment; filename="receipts.csv"', "Cache-Control": "no-store"}
        table = sheet.as_csv(COLUMNS, _rows(found, here))
        return Response(table, content_type="text/csv; charset=utf-8; header=present", headers=told)
    answer = {
        "event": str(hub_id),
        "type": found.type,
        "accepted": found.accepted_at.isoformat(),
        "counts": found.counts,
        "nodes": [_node(name, one) for name, one in found.nodes.items()],
        "receipts": [_recipient(one, here) for one in found.recipients],
        "next": found.next,
    }
    return json_response(orjson.dumps(answer).decode())


def _certificate(hub_id: UUID) -> Response:
    """The whole matrix under the node's signature, for whoever has to show that somebody was told."""
    hub = current_hub()
    found, head = act(lambda conn, asking: receipts.certify(conn, asking, hub_id))
    asking: Asking = g.asking
    certificate = Certificate(
        issuer=hub.grantor.issuer.name,
        agency=asking.principal.agency.id,
        event=str(hub_id),
        type=found.type,
        accepted=found.accepted_at.isoformat(),
        at=asking.at.isoformat(),
        columns=COLUMNS,
        rows=tuple(tuple(row) for row in _rows(found, hub.node)),
        head=head,
    )
    told = {"Content-Disposition": 'attachment; filename="certificate.jwt"', "Cache-Control": "no-store"}
    signed = seal(hub.grantor.issuer.key, claims_of(certificate), TYPE)
    return Response(signed, content_type="application/notification-certificate+jwt", headers=told)


def _node(name: str, one: Across) -> dict[str, Any]:
    newest = one.newest
    return {
        "node": name,
        "sent": _text(one.sent),
        "received": _text(one.received),
        "sequence": None if newest is None else newest.seq,
        "brought": None if newest is None else newest.kind,
        "outcome": None if newest is None else newest.outcome,
        "position": one.position,
    }


def _recipient(one: Recipient, here: str) -> dict[str, Any]:
    awaited = one.awaited
    return {
        "agency": one.agency,
        "name": one.name,
        "kind": one.kind,
        "country": one.country,
        "node": one.node or here,
        "may_read": one.may_read,
        "sent": _text(one.sent),
        "received": _text(one.received),
        "delivered": _text(one.delivered),
        "read": _text(one.read),
        "acknowledged": _text(one.acknowledged),
        "declined": _text(one.declined),
        "reason": one.reason,
        "ack_required_by": None if awaited is None else _text(awaited.required_by),
        "overdue": awaited is not None and awaited.is_overdue,
        "escalated": None if awaited is None else awaited.escalated,
        "escalated_at": None if awaited is None else _text(awaited.escalated_at),
        "unreached": awaited is not None and awaited.is_unreached,
        "proposed": one.proposed,
    }


def _rows(found: Page, here: str) -> Iterator[list[str]]:
    """First the nodes, then the agencies, under one heading."""
    nodes = (_node(name, one) | {"recipient": name, "kind": "node"} for name, one in found.nodes.items())
    agencies = (_recipient(one, here) | {"recipient": one.agency} for one in found.recipients)
    for row in (*nodes, *agencies):
        yield [_cell(row.get(name)) for name in COLUMNS]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(value)
    return "" if value is None else str(value)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
