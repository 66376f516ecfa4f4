"""`/v1/disclosures`: who saw the caller's agency's events, when, as what and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from hub import disclosures
from hub.web import shapes
from hub.web.auth import act
from hub.web.bodies import json_response
from hub.web.hub import current_hub
from hub.web.queries import takes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response

    from hub.disclosures import Page, UnreadPage
    from hub.reading import Asking
    from hub.store import Connection
    from hub.store.disclosures import Seen

bp = Blueprint("disclosures", __name__, url_prefix="/v1", description="Who saw the events of one's own agency")

UNREAD = "unread"


class DisclosuresQuery(shapes.Query):
    """About all events, or one; from where on, and how many entries at a time."""

    event = fields.UUID(load_default=None)
    after = fields.String(load_default="", validate=validate.Length(max=200))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 200))


class UnreadQuery(shapes.Query):
    """From where on."""

    after = fields.String(load_default="", validate=validate.Length(max=200))


class SeenShape(Schema):
    """One event in one answer. `by` is a person or a machine; which person is told of one's own agency alone."""

    at = fields.String(required=True)
    agency = fields.String(required=True)
    by = fields.String(required=True, validate=validate.OneOf(["person", "machine"]))
    person = fields.String()
    way = fields.String(required=True, metadata={"description": "feed, event, case, alerts.active, ..."})
    event = fields.UUID(required=True)
    projection = fields.String(required=True)
    shown_as = fields.String(
        required=True,
        metadata={"description": "its name in `fields`: the projection, and until when the event stood so"},
    )
    grant = fields.String(required=True, allow_none=True)
    consents = fields.List(fields.String(), required=True)
    purpose = fields.String(required=True, allow_none=True)


class DisclosuresShape(Schema):
    """A page of entries; each shows within a second. `fields` has the members shown, by event and `shown_as`."""

    disclosures = fields.List(fields.Nested(SeenShape), required=True)
    fields_ = fields.Dict(required=True, data_key="fields")
    next = fields.String(required=True)
    more = fields.Boolean(required=True)


class UnreadShape(Schema):
    """Events that no other agency has got; `more`: go on from `next`, even if this page is empty."""

    events = fields.List(fields.Dict(), required=True)
    next = fields.String(required=True)
    more = fields.Boolean(required=True)


@bp.get("/disclosures")
@takes(bp, DisclosuresQuery)
@bp.response(200, DisclosuresShape)
def list_disclosures(event: UUID | None, after: str, limit: int) -> Response:
    """Who saw the events of the caller's agency, or one of them; ask again with `after` set to `next`."""
    cursors, about = current_hub().cursors, f"disclosures {event or ''}"

    def read(conn: Connection, asking: Asking) -> tuple[Page, str, str]:
        me = asking.principal.agency.id
        position = cursors.open(after, me, about)
        found = disclosures.read(conn, asking, event=event, start=position, limit=limit)
        return found, cursors.seal(found.position, me, about), me

    found, following, me = act(read)
    shown: dict[str, dict[str, list[str]]] = {}
    for (id_, name), pointers in found.members.items():
        shown.setdefault(str(id_), {})[name] = list(pointers)
    told = {
        "disclosures": [_seen(one.entry, me) | {"shown_as": one.shown_as} for one in found.seen],
        "fields": shown,
    }
    return json_response(orjson.dumps(told | {"next": following, "more": found.more}).decode())


def _seen(one: Seen, me: str) -> dict[str, Any]:
    told: Mapping[str, Any] = {
        "at": one.at.isoformat(),
        "agency": one.agency,
        "by": "machine" if one.person is None else "person",
        "way": one.way,
        "event": str(one.event),
        "projection": one.projection,
        "grant": one.grant or None,
        "consents": one.projection.split("+")[1:],
        "purpose": one.purpose,
    }
    return {**told, "person": one.person} if one.agency == me and one.person is not None else dict(told)


@bp.get("/disclosures/unread")
@takes(bp, UnreadQuery)
@bp.response(200, UnreadShape)
def list_unread(after: str) -> Response:
    """Which events of the caller's agency no other agency has got yet; ask again with `after` set to `next`."""
    cursors = current_hub().cursors

    def read(conn: Connection, asking: Asking) -> tuple[UnreadPage, str]:
        me = asking.principal.agency.id
        found = disclosures.read_unread(conn, asking, after=cursors.open(after, me, UNREAD))
        return found, cursors.seal(found.position, me, UNREAD)

    found, following = act(read)
    listed = [
        {"event": str(one.event), "type": one.type, "accepted_at": one.accepted_at.isoformat()} for one in found.events
    ]
    return json_response(orjson.dumps({"events": listed, "next": following, "more": found.more}).decode())
