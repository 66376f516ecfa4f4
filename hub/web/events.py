"""`POST /v1/events` and `GET /v1/events/{id}`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from flask import g, request
from flask_smorest import Blueprint

from hub import acks, control
from hub.errors import Invalid, KeyReused
from hub.events import read_event
from hub.ingest import Accepted, accept, settle_lane
from hub.items import item
from hub.store import connection, deadlines, idempotency, rejections, transaction
from hub.web import shapes
from hub.web.auth import answer
from hub.web.bodies import json_response, read_raw
from hub.web.hub import Hub, current_hub
from hub.web.queries import takes
from schemas import registry, wire
from schemas.flaws import Malformed, flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from flask import Response

    from hub.reading import Asking
    from hub.store import Connection
    from schemas.envelope import Event

bp = Blueprint("events", __name__, url_prefix="/v1", description="Single events")

BAD_KEY = Text(
    "An Idempotency-Key has 1 to 200 printable characters.",
    "Una Idempotency-Key tiene de 1 a 200 caracteres imprimibles.",
    code="bad-idempotency-key",
)


@bp.post("/events")
@bp.doc(
    requestBody={"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}},
    parameters=[{"in": "header", "name": "Idempotency-Key", "schema": {"type": "string", "maxLength": 200}}],
)
@bp.response(201, shapes.Accepted)
@bp.alt_response(200, schema=shapes.Accepted, description="It was already stored; nothing was done twice.")
def publish() -> Response:
    """Publish one event. 201 means committed in PostgreSQL; publishing the same event again answers 200."""
    hub = current_hub()
    raw = read_raw()
    event = _decode(hub, g.claims.agency, raw)
    key = request.headers.get("Idempotency-Key")
    if key is None:
        accepted = answer(lambda asking: _accept_alone(hub, asking, event))
        return _accepted(accepted)
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise Invalid((flaw("Idempotency-Key", BAD_KEY),))
    return answer(lambda asking: _accept_once(hub, asking, event, key))


def _decode(hub: Hub, agency: str, raw: bytes) -> Event:
    try:
        event = wire.decode(raw)
    except Malformed as malformed:
        hub.rates.spend("publish", agency)
        digest = hashlib.sha256(raw).digest()
        refused = rejections.Rejection(
            agency=agency, channel="http", sha256=digest, code=malformed.flaws[0].code, flaws=malformed.flaws
        )
        answer(lambda asking: _reject(hub, asking, refused))
        raise
    hub.rates.spend("urgent" if registry.is_urgent(event) else "publish", agency)
    return event


def _reject(hub: Hub, asking: Asking, refused: rejections.Rejection) -> None:
    with connection(hub.pool, asking.reader) as conn:
        asking.require_current(conn)
        rejections.add(conn, [refused])


def _accept(conn: Connection, asking: Asking, event: Event) -> Accepted:
    if registry.is_control(event.type):
        return control.publish(conn, asking, event)
    if registry.is_answer(event.type):
        acks.require_consistent(conn, asking, event)
    return accept(conn, asking, event)


def _accept_alone(hub: Hub, asking: Asking, event: Event) -> Accepted:
    if not registry.is_control(event.type):
        with connection(hub.pool, asking.reader) as conn:
            return _accept(conn, asking, event)
    _settle(hub, asking, event)
    with transaction(hub.pool, asking.reader) as conn:
        return _accept(conn, asking, event)


def _settle(hub: Hub, asking: Asking, event: Event) -> None:
    with connection(hub.pool, asking.reader) as conn:
        if registry.is_control(event.type):
            control.settle(conn, asking, event)
        else:
            settle_lane(conn, asking, event)


def _accept_once(hub: Hub, asking: Asking, event: Event, key: str) -> Response:
    """Under an Idempotency-Key: the key is held for the whole transaction, and the answer is kept with the event."""
    agency = asking.principal.agency.id
    fingerprint = hashlib.sha256(wire.encode(event.wire)).digest()
    _settle(hub, asking, event)
    with transaction(hub.pool, asking.reader) as conn:
        earlier = idempotency.claim(conn, agency, key)
        if earlier is not None and earlier.fingerprint != fingerprint:
            raise KeyReused
        if earlier is not None:
            return _accepted(Accepted(UUID(orjson.loads(earlier.body)["id"]), is_new=earlier.status == 201))
        response = _accepted(_accept(conn, asking, event))
        kept = idempotency.Answer(fingerprint, response.status_code, response.get_data(as_text=True))
        idempotency.keep(conn, agency, key, kept)
        return response


def _accepted(accepted: Accepted) -> Response:
    response = json_response(f'{{"id":"{accepted.hub_id}"}}', 201 if accepted.is_new else 200)
    response.headers["Location"] = f"/v1/events/{accepted.hub_id}"
    return response


@bp.get("/events/<uuid:hub_id>")
@takes(bp)
@bp.response(200, shapes.Item)
def show_event(hub_id: UUID) -> Response:
    """One event as the caller may see it. Missing and forbidden look exactly alike."""
    hub = current_hub()

    def read(asking: Asking) -> str:
        with transaction(hub.pool, asking.reader) as conn:
            return item(read_event(conn, asking, hub_id), deadlines.own(conn, hub_id))

    return json_response(answer(read))
