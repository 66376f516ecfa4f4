"""`/v1/subscriptions`: what an agency wants to be told of, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask import Response
from flask_smorest import Blueprint

from hub import subscriptions, tellings
from hub.errors import Invalid
from hub.grant_rows import Row
from hub.subscribing import Channel
from hub.subscription_rows import SubscriptionChangeSchema, SubscriptionSchema, shown
from hub.web import shapes
from hub.web import subscription_shapes as theirs
from hub.web.auth import act
from hub.web.bodies import json_response, page, read_row
from hub.web.hub import current_hub
from hub.web.queries import takes
from hub.web.versions import expected_version, versioned
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from uuid import UUID

    from hub.reading import Asking
    from hub.store import Connection
    from hub.subscriptions import Found

bp = Blueprint("subscriptions", __name__, url_prefix="/v1", description="What an agency wants to be told of, and where")

NO_MAILS = Text("this node sends no mails", "este nodo no envía correos", code="no-mails")
NEW, CHANGE, STATE = SubscriptionSchema(), SubscriptionChangeSchema(), theirs.StateSchema()
RECOVERY, PREVIEW, NOTHING = theirs.RecoverSchema(), theirs.PreviewSchema(), Row()


def _shown(found: Found, *, with_secret: bool = False) -> dict[str, Any]:
    one, tally = found
    told = shown(one, tally)
    if one.channel is Channel.WEBHOOK:
        secrets = current_hub().signer.secrets(one.id, one.generation)
        told["public_key"] = secrets.public
        if with_secret:
            told["secret"] = secrets.shown
    return told


@bp.get("/subscriptions")
@takes(bp, theirs.SubscriptionsQuery)
@bp.response(200, theirs.Subscriptions)
def list_subscriptions(after: UUID | None, limit: int) -> Response:
    """The agency's own, in order of their making."""

    def read(conn: Connection, asking: Asking) -> list[Found]:
        return subscriptions.list_subscriptions(conn, asking, after=after, limit=limit)

    return page("subscriptions", [_shown(one) for one in act(read)], key="id", limit=limit)


@bp.post("/subscriptions")
@bp.doc(**shapes.body("Subscription"))
@bp.response(201, theirs.SubscriptionShape)
def add_subscription() -> Response:
    """Subscribe, from now on. A webhook or mail address counts once it has answered what is sent to it at once."""
    told = read_row(NEW)
    if told["channel"] is Channel.EMAIL and current_hub().mail is None:
        raise Invalid((flaw("/channel", NO_MAILS),))
    allow = current_hub().webhook_networks
    found = act(lambda conn, asking: subscriptions.add(conn, asking, told, allow))
    response = versioned(_shown(found, with_secret=True), 201)
    response.headers["Location"] = f"/v1/subscriptions/{found[0].id}"
    return response


@bp.post("/subscriptions/preview")
@bp.doc(**shapes.body("SubscriptionPreview"))
@bp.response(200, theirs.PastShapes)
def preview_subscription() -> Response:
    """What a filter would have told the caller in the last 30 days, by the rights of today."""
    wanted = read_row(PREVIEW)["filter"]
    found = act(lambda conn, asking: tellings.preview(conn, asking, wanted))
    events = [
        {
            "id": str(one.shown.row.hub_id),
            "type": one.seen.type,
            "subject": one.seen.subject,
            "accepted_at": one.shown.row.accepted_at.isoformat(),
            "urgent": one.seen.is_urgent,
            "projection": one.shown.projection,
        }
        for one in found.found
    ]
    return json_response(orjson.dumps({"events": events, "more": found.more}).decode())


@bp.get("/subscriptions/<uuid:subscription>")
@takes(bp)
@bp.response(200, theirs.SubscriptionShape)
def show_subscription(subscription: UUID) -> Response:
    """One of the agency's own; its `ETag` goes into the `If-Match` of a change."""
    return versioned(_shown(act(lambda conn, asking: subscriptions.read_subscription(conn, asking, subscription))))


@bp.put("/subscriptions/<uuid:subscription>")
@bp.doc(**shapes.body("SubscriptionChange", if_match=True))
@bp.response(200, theirs.SubscriptionShape)
def amend_subscription(subscription: UUID) -> Response:
    """Put another name, address, filter, language, desk and hours in the place of the present ones."""
    told, expected, allow = read_row(CHANGE), expected_version(), current_hub().webhook_networks

    def amend(conn: Connection, asking: Asking) -> Found:
        return subscriptions.amend(conn, asking, subscription, told, expected=expected, allow=allow)

    return versioned(_shown(act(amend)))


@bp.delete("/subscriptions/<uuid:subscription>")
@bp.response(204)
def remove_subscription(subscription: UUID) -> Response:
    """End it, with everything that waits to be told."""
    act(lambda conn, asking: subscriptions.remove(conn, asking, subscription))
    return Response(status=204)


@bp.post("/subscriptions/<uuid:subscription>/state")
@bp.doc(**shapes.body("SubscriptionState"))
@bp.response(200, theirs.SubscriptionShape)
def set_subscription_state(subscription: UUID) -> Response:
    """Pause it (what comes waits), disable it (what comes is passed over), or enable it again."""
    state = read_row(STATE)["state"]
    return versioned(_shown(act(lambda conn, asking: subscriptions.set_state(conn, asking, subscription, state))))


@bp.post("/subscriptions/<uuid:subscription>/verification")
@bp.doc(**shapes.body("Nothing"))
@bp.response(200, theirs.SubscriptionShape)
def verify_subscription(subscription: UUID) -> Response:
    """Send a verification now: a pending address is challenged once more, a proven one shows that it still hears."""
    read_row(NOTHING)
    return versioned(_shown(act(lambda conn, asking: tellings.verify(conn, asking, subscription))))


@bp.post("/subscriptions/<uuid:subscription>/secret")
@bp.doc(**shapes.body("Nothing"))
@bp.response(200, theirs.SubscriptionShape)
def rotate_secret(subscription: UUID) -> Response:
    """New signing secrets, shown this once; for a day the present ones sign beside them."""
    read_row(NOTHING)
    found = act(lambda conn, asking: subscriptions.rotate(conn, asking, subscription))
    return versioned(_shown(found, with_secret=True))


@bp.post("/subscriptions/<uuid:subscription>/recovery")
@bp.doc(**shapes.body("SubscriptionRecovery"))
@bp.response(200, theirs.RecoveryShape)
def recover_subscription(subscription: UUID) -> Response:
    """Queue what came since a time and has not arrived; of an alert that is over, its end alone."""
    since = read_row(RECOVERY)["since"]
    queued, more = act(lambda conn, asking: tellings.recover(conn, asking, subscription, since))
    return json_response(orjson.dumps({"queued": queued, "more": more}).decode())


@bp.get("/subscriptions/<uuid:subscription>/deliveries")
@takes(bp, theirs.DeliveriesQuery)
@bp.response(200, theirs.Deliveries)
def list_deliveries(subscription: UUID, before: int | None, limit: int) -> Response:
    """What was told of late and what became of it, newest first."""

    def read(conn: Connection, asking: Asking) -> list[dict[str, Any]]:
        return tellings.list_deliveries(conn, asking, subscription, before=before, limit=limit)

    return page("deliveries", act(read), key="no", limit=limit)
