"""The shapes of agreements, grants and reviews in requests and answers, for validation and for OpenAPI."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from hub.agreement_rows import AgreementState
from hub.grants import GrantState
from hub.web.shapes import NamedQuery, Query


class AgreementsQuery(NamedQuery):
    """Agreements in order of ids, all or those in one state."""

    state = fields.Enum(AgreementState, by_value=True, load_default=None)


class AgreementShape(Schema):
    """An agreement as its parties see it."""

    id = fields.String(required=True)
    title = fields.Dict(required=True)
    legal_basis = fields.String(required=True)
    document_sha256 = fields.String(required=True)
    parties = fields.List(fields.Dict(), required=True, allow_none=True)
    valid_from = fields.String(required=True)
    valid_until = fields.String(required=True)
    state = fields.String(required=True)
    drafted_by = fields.String(required=True, allow_none=True)
    approved_by = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)
    offered = fields.Dict(metadata={"description": "after it resumes: events that come again, and whether that is all"})


class Agreements(Schema):
    """A page of agreements; `next` is null at its end."""

    agreements = fields.List(fields.Nested(AgreementShape), required=True)
    next = fields.String(required=True, allow_none=True)


class GrantsQuery(NamedQuery):
    """Grants in order of ids; `source` and `reader` are agencies that a selector covers."""

    state = fields.Enum(GrantState, by_value=True, load_default=None)
    agreement = fields.String(load_default=None, validate=validate.Length(max=64))
    source = fields.String(load_default=None, validate=validate.Length(max=64))
    reader = fields.String(load_default=None, validate=validate.Length(max=64))


class MatrixQuery(Query):
    """Narrow the matrix to one reader or source."""

    format = fields.String(load_default="json", validate=validate.OneOf(["json", "csv"]))
    source = fields.String(load_default=None, validate=validate.Length(max=64))
    reader = fields.String(load_default=None, validate=validate.Length(max=64))


class HeldGrant(Schema):
    """A grant as its two sides see it; `revision` is what `ETag` says, and rises with every change."""

    id = fields.String(required=True)
    agreement = fields.String(required=True)
    source = fields.Dict(required=True)
    reader = fields.Dict(required=True)
    purpose = fields.String(required=True)
    revision = fields.Integer(required=True)
    ended = fields.List(fields.Dict(), required=True, metadata={"description": "parts suspended or ended, by agency"})
    versions = fields.List(fields.Dict(), required=True, metadata={"description": "newest first"})
    offered = fields.Dict(metadata={"description": "after an act: events that come again, and whether that is all"})


class HeldGrants(Schema):
    """A page of grants; `next` is null at its end."""

    grants = fields.List(fields.Nested(HeldGrant), required=True)
    next = fields.String(required=True, allow_none=True)


class Matrix(Schema):
    """Reader × source × type × jurisdiction."""

    rows = fields.List(fields.Dict(), required=True)


class Effect(Schema):
    """What an approval would change: over the last days had it been so then, and of the past at once."""

    grant = fields.String(required=True)
    version = fields.Integer(required=True)
    days = fields.Integer(required=True)
    is_partial = fields.Boolean(required=True)
    changes = fields.List(fields.Dict(), required=True)
    at_once = fields.List(fields.Dict(), required=True)


class ReviewsQuery(Query):
    """The newest reviews."""

    limit = fields.Integer(load_default=10, validate=validate.Range(1, 100))


class ReviewShape(Schema):
    """A review and what became of it, as far as it concerns the caller's agency."""

    id = fields.String(required=True)
    started_by = fields.String(required=True)
    started_at = fields.String(required=True)
    due_at = fields.String(required=True)
    grants = fields.List(fields.Dict(), required=True)


class Reviews(Schema):
    """The newest reviews first."""

    reviews = fields.List(fields.Nested(ReviewShape), required=True)
