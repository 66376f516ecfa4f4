"""The shapes of subscriptions in OpenAPI, and of the queries about them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from hub.filter_rows import FilterSchema
from hub.grant_rows import Row
from hub.subscribing import Channel, Reason, State
from hub.web.shapes import Query

SETTABLE = (State.ENABLED, State.PAUSED, State.DISABLED)


class StateSchema(Row):
    """How it is to stand."""

    state = fields.Enum(State, by_value=True, required=True, validate=validate.OneOf(SETTABLE))


class RecoverSchema(Row):
    """From when on what has not arrived is sent again."""

    since = fields.AwareDateTime(required=True)


class PreviewSchema(Row):
    """A filter that somebody thinks of."""

    filter = fields.Nested(FilterSchema, required=True)


class SubscriptionsQuery(Query):
    """In order of their making; go on behind the last one seen."""

    after = fields.UUID(load_default=None)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


SEQ = "of an event: from 1, each number given once and none left out; each is listed here, whatever became of it"
BECAME = (
    "due: it comes, or comes again. held: it waits while the subscription is paused. delivered: the receiver has it. "
    "failed: it was given up, and recovery queues it anew under another number. overtaken: its alert or case ended "
    "before it was told, and of that only the end is. withdrawn: the reader lost the right to it, or the subscription "
    "was disabled or moved. Of the last two the number never comes."
)


class DeliveriesQuery(Query):
    """The newest first; go on before the last one seen."""

    before = fields.Integer(load_default=None, validate=validate.Range(1, 2**62))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class SubscriptionShape(Schema):
    """A subscription, and how it goes with it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    channel = fields.String(required=True, metadata={"enum": list(Channel)})
    address = fields.String(required=True)
    filter = fields.Dict(required=True)
    language = fields.String(required=True)
    desk = fields.String(required=True)
    quiet = fields.Dict(required=True, allow_none=True)
    digest_at = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, metadata={"enum": list(State)})
    reason = fields.String(required=True, allow_none=True, metadata={"enum": [*Reason, None]})
    seq = fields.Integer(required=True, metadata={"description": "of the last event that was queued for it"})
    told_at = fields.String(required=True, allow_none=True, metadata={"description": "when something arrived last"})
    failing_since = fields.String(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True, metadata={"description": "of the last try, a code"})
    created_by = fields.String(required=True)
    created_at = fields.String(required=True)
    version = fields.Integer(required=True)
    secret = fields.String(metadata={"description": "HMAC, shown when it is made and never again"})
    public_key = fields.String(metadata={"description": "ed25519, of a webhook"})


class Subscriptions(Schema):
    """A page of them; `next` is null at the end."""

    subscriptions = fields.List(fields.Nested(SubscriptionShape), required=True)
    next = fields.UUID(required=True, allow_none=True)


class PastShape(Schema):
    """An event that would have been told."""

    id = fields.UUID(required=True)
    type = fields.String(required=True)
    subject = fields.String(required=True)
    accepted_at = fields.String(required=True)
    urgent = fields.Boolean(required=True)
    projection = fields.String(required=True)


class PastShapes(Schema):
    """What a filter would have told in the last 30 days; `more`: there is more than is shown."""

    events = fields.List(fields.Nested(PastShape), required=True)
    more = fields.Boolean(required=True)


class RecoveryShape(Schema):
    """How much was queued; `more`: ask again once that has arrived."""

    queued = fields.Integer(required=True)
    more = fields.Boolean(required=True)


class DeliveryShape(Schema):
    """One telling."""

    no = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"enum": ["event", "verification", "heartbeat", "notice"]})
    seq = fields.Integer(required=True, allow_none=True, metadata={"description": SEQ})
    event = fields.UUID(required=True, allow_none=True)
    is_urgent = fields.Boolean(required=True)
    state = fields.String(
        required=True,
        metadata={
            "enum": ["due", "held", "delivered", "failed", "overtaken", "withdrawn"],
            "description": BECAME,
        },
    )
    tries = fields.Integer(required=True)
    made_at = fields.String(required=True)
    due_at = fields.String(required=True)
    ended_at = fields.String(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)


class Deliveries(Schema):
    """A page of them, newest first; `next` is null at the end."""

    deliveries = fields.List(fields.Nested(DeliveryShape), required=True)
    next = fields.Integer(required=True, allow_none=True)
