"""The shapes of people, keys, rights and attestations in answers, and of the questions for them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from hub.web.shapes import NamedQuery, Query


class OfAgencyQuery(NamedQuery):
    """A list in order of ids, narrowed to one agency."""

    agency = fields.String(load_default=None, validate=validate.Length(max=100))


class RecordedQuery(Query):
    """A list in the order of being recorded, narrowed to one agency; go on behind the last one seen."""

    agency = fields.String(load_default=None, validate=validate.Length(max=100))
    after = fields.UUID(load_default=None)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class PersonShape(Schema):
    """A person; `wanted_roles` wait for somebody other than `wanted_by`."""

    id = fields.String(required=True)
    agency = fields.String(required=True)
    name = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    state = fields.String(required=True)
    enrolled_by = fields.String(required=True, allow_none=True)
    confirmed_by = fields.String(required=True, allow_none=True)
    wanted_roles = fields.List(fields.String(), required=True)
    wanted_by = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)


class Persons(Schema):
    """A page of people; `next` is null at its end."""

    persons = fields.List(fields.Nested(PersonShape), required=True)
    next = fields.String(required=True, allow_none=True)


class Ends(Schema):
    """What ends: `warning_days` is the threshold before its end that it has come to."""

    warning_days = fields.Integer(required=True, allow_none=True)


class CredentialShape(Ends):
    """A machine's client."""

    client_id = fields.String(required=True)
    agency = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    jurisdictions = fields.List(fields.String(), required=True)
    expires_at = fields.String(required=True, allow_none=True)
    is_enabled = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class ClientSecret(Schema):
    """What a stock client shows at the token endpoint; the hub keeps nothing that it could be read from."""

    client_id = fields.String(required=True)
    client_secret = fields.String(required=True)


class Credentials(Schema):
    """A page of machines' clients; `next` is null at its end."""

    credentials = fields.List(fields.Nested(CredentialShape), required=True)
    next = fields.String(required=True, allow_none=True)


class PublishRightShape(Ends):
    """What an agency may publish, and where; only what is `in_force` counts."""

    id = fields.String(required=True)
    agency = fields.String(required=True)
    types = fields.List(fields.String(), required=True)
    jurisdictions = fields.List(fields.String(), required=True)
    valid_from = fields.String(required=True)
    valid_until = fields.String(required=True)
    state = fields.String(required=True)
    proposed_by = fields.String(required=True, allow_none=True)
    approved_by = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)


class PublishRights(Schema):
    """A page of publish rights; `next` is null at its end."""

    publish_rights = fields.List(fields.Nested(PublishRightShape), required=True)
    next = fields.String(required=True, allow_none=True)


class AttestationShape(Ends):
    """What an agency has shown to hold, on a document with this digest."""

    id = fields.String(required=True)
    agency = fields.String(required=True)
    kind = fields.String(required=True)
    valid_from = fields.String(required=True)
    valid_until = fields.String(required=True)
    document_sha256 = fields.String(required=True)
    recorded_by = fields.String(required=True)
    withdrawn_by = fields.String(required=True, allow_none=True)
    withdrawn_at = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    in_force = fields.Boolean(required=True)


class Attestations(Schema):
    """A page of attestations; `next` is null at its end."""

    attestations = fields.List(fields.Nested(AttestationShape), required=True)
    next = fields.String(required=True, allow_none=True)


class CutDone(Schema):
    """What was cut off."""

    cut = fields.String(required=True)
    id = fields.String(required=True)
