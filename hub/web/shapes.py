"""The shapes of requests and answers, for validation and for OpenAPI. Events themselves: `schemas/json/`."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from hub.asked import Query as Query  # the base of what follows, and of other modules' queries
from schemas.control import REASONS
from schemas.envelope import STATUSES


class ActiveQuery(Query):
    """Exercises and tests never mix with what is real."""

    status = fields.String(load_default="actual", validate=validate.OneOf(STATUSES))
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 500))


class RejectionsQuery(Query):
    """Rejections are numbered; go on behind the last one seen."""

    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**62))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class NamedQuery(Query):
    """A list in order of ids; go on behind the last one seen."""

    after = fields.String(load_default="", validate=validate.Length(max=100))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


IF_MATCH = {"in": "header", "name": "If-Match", "required": True, "schema": {"type": "string"}}


def body(schema: str, *, if_match: bool = False) -> dict[str, Any]:
    """OpenAPI of a request body that is parsed strictly in the view, and of the version that a change must name."""
    described: dict[str, Any] = {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
        }
    }
    if if_match:
        described["parameters"] = [IF_MATCH]
    return described


class AgencyShape(Schema):
    """An agency as the directory shows it."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    country = fields.String(required=True)
    jurisdictions = fields.List(fields.String(), required=True)
    identifiers = fields.List(fields.String(), required=True)
    languages = fields.List(fields.String(), required=True)
    duty_phone = fields.String(required=True)
    duty_email = fields.String(required=True)
    standing = fields.String(required=True)
    publishes = fields.List(fields.Dict(), required=True)
    version = fields.Integer(required=True)


class Agencies(Schema):
    """A page of the directory; `next` is null at its end."""

    agencies = fields.List(fields.Nested(AgencyShape), required=True)
    next = fields.String(required=True, allow_none=True)


class InclusionQuery(Query):
    """An entry by its number, and the size of the tree it is to be proved in: the newest, unless given."""

    entry = fields.Integer(required=True, validate=validate.Range(1, 2**62))
    size = fields.Integer(load_default=None, validate=validate.Range(1, 2**62))


class ConsistencyQuery(Query):
    """The sizes of two trees: the second is the newest, unless given."""

    first = fields.Integer(data_key="from", required=True, validate=validate.Range(1, 2**62))
    size = fields.Integer(data_key="to", load_default=None, validate=validate.Range(1, 2**62))


class EntriesQuery(Query):
    """Entries are numbered by their leaf, from 0 on; go on behind the last one seen."""

    after = fields.Integer(load_default=-1, validate=validate.Range(-1, 2**62))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class DueQuery(Query):
    """What is due last first."""

    limit = fields.Integer(load_default=200, validate=validate.Range(1, 500))


class Accepted(Schema):
    """The hub's own id of a stored event."""

    id = fields.UUID(required=True)


class Item(Schema):
    """One event as its reader may see it: which projection, on which grant (absent for own events)."""

    id = fields.UUID(required=True)
    projection = fields.String(required=True)
    grant = fields.String()
    recalled_at = fields.String(metadata={"description": "of an own event that was taken back"})
    ack_required_by = fields.String(
        metadata={
            "description": "until when the caller's agency has to acknowledge it, as long as it has not; not in feeds"
        }
    )
    event = fields.Dict(required=True, metadata={"description": "an event, cut down to the projection"})


class FeedPage(Schema):
    """Events in log order; ask again with `after` set to `next`."""

    events = fields.List(fields.Nested(Item), required=True)
    next = fields.String(required=True)
    more = fields.Boolean(required=True)


class DueAcks(Schema):
    """What waits for the acknowledgement of the caller's agency: each with `ack_required_by`, the first one first."""

    due = fields.List(fields.Nested(Item), required=True)


class ActiveAlerts(Schema):
    """Alerts that are neither closed nor expired, newest first."""

    alerts = fields.List(fields.Nested(Item), required=True)


class CaseState(Schema):
    """One source's case or alert under a subject."""

    source = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["open", "closed"]))
    history = fields.List(fields.Nested(Item), required=True)


class Cases(Schema):
    """Everything under one subject that the reader may see."""

    subject = fields.String(required=True)
    cases = fields.List(fields.Nested(CaseState), required=True)


class AckBody(Schema):
    """An answer to an event."""

    state = fields.String(required=True, metadata={"enum": ["received", "read", "acknowledged", "declined"]})
    reason = fields.String(metadata={"description": "for `declined`"})
    note = fields.Dict(metadata={"description": 'bilingual: {"en": ..., "es": ...}'})


class NoteBody(Schema):
    """A note to an event's source."""

    kind = fields.String(required=True, metadata={"enum": ["sighting", "question", "answer"]})
    text = fields.Dict(required=True, metadata={"description": 'bilingual: {"en": ..., "es": ...}'})
    seen_at = fields.String(metadata={"description": "of a sighting: RFC 3339"})
    place = fields.Dict(metadata={"description": "of a sighting: jurisdiction, and a bilingual description"})


class RecallBody(Schema):
    """Why an event is taken back."""

    reason = fields.String(required=True, metadata={"enum": list(REASONS)})
    note = fields.Dict(metadata={"description": 'bilingual: {"en": ..., "es": ...}'})


class LabelBody(RecallBody):
    """The whole new label, and why."""

    label = fields.Dict(required=True, metadata={"description": "as in an event; tighter than the present one"})


class GrantShape(Schema):
    """A grant as its reader sees it."""

    id = fields.String(required=True)
    source = fields.Dict(required=True)
    types = fields.List(fields.String(), required=True)
    jurisdictions = fields.List(fields.String(), required=True)
    purpose = fields.String(required=True)
    max_tlp = fields.String(required=True)
    clearance = fields.String(required=True)
    valid_from = fields.String(required=True)
    valid_until = fields.String(required=True)
    in_force = fields.Boolean(required=True)


class Expiring(Schema):
    """Something of the caller's agency that ends soon; `days` is the threshold before its end that has been reached."""

    what = fields.String(required=True, metadata={"enum": ["attestation", "grant", "key", "publish_right"]})
    id = fields.String(required=True)
    ends_at = fields.String(required=True)
    days = fields.Integer(required=True, metadata={"enum": [30, 7, 1]})


class Me(Schema):
    """Who the caller is, what its token allows, which grants name it, and the kinds of types that none opens."""

    node = fields.String(required=True)
    stream = fields.String(required=True, metadata={"description": "where `/v1/stream` and long polls are served"})
    agency = fields.Dict(required=True)
    token = fields.Dict(required=True)
    grants = fields.List(fields.Nested(GrantShape), required=True)
    person = fields.Dict(metadata={"description": "where somebody asks under their own name"})
    expiring = fields.List(
        fields.Nested(Expiring),
        required=True,
        metadata={"description": "what ends within 30 days, the first one first"},
    )
    closed = fields.List(fields.String(), required=True)
    warnings = fields.List(
        fields.Dict(),
        required=True,
        metadata={
            "description": "what to mend: subscriptions that were disabled, desks that nobody is called at: en, es"
        },
    )


class Rejections(Schema):
    """What was refused; flaws name paths and rules, never values."""

    rejections = fields.List(fields.Dict(), required=True)
    next = fields.Integer(required=True)


class TreeHead(Schema):
    """The head of the audit's tree (RFC 6962); `signed` is the same as a compact JWS of the node's key."""

    size = fields.Integer(required=True)
    root = fields.String(required=True, metadata={"description": "SHA-256, hex"})
    at = fields.String(required=True)
    signed = fields.String(required=True)


_PATH = {"description": "SHA-256 hashes, hex, in the order of RFC 6962 section 2.1"}


class InclusionProof(Schema):
    """An audit path (RFC 9162 section 2.1.3); `leaf` is SHA-256 over a zero byte and the entry's line."""

    entry = fields.Integer(required=True)
    index = fields.Integer(required=True)
    size = fields.Integer(required=True)
    leaf = fields.String(required=True)
    path = fields.List(fields.String(), required=True, metadata=_PATH)


class ConsistencyProof(Schema):
    """That the tree of size `to` begins with the tree of size `from` (RFC 9162 section 2.1.4)."""

    first = fields.Integer(data_key="from", required=True)
    size = fields.Integer(data_key="to", required=True)
    path = fields.List(fields.String(), required=True, metadata=_PATH)


class AuditEntry(Schema):
    """A leaf and the line it was made of: canonical JSON as text, since another spelling has another hash."""

    index = fields.Integer(required=True)
    line = fields.String(required=True)


class AuditEntries(Schema):
    """Entries in the order of the tree; ask again with `after` set to `next`."""

    entries = fields.List(fields.Nested(AuditEntry), required=True)
    next = fields.Integer(required=True)


class Token(Schema):
    """RFC 6749 section 5.1."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "seconds"})
    scope = fields.String(required=True)
