"""The shape of the tokens: access tokens (RFC 9068) and client assertions (RFC 7523), strict in types and members."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.complaints import UNKNOWN
from schemas.fields import Whole
from schemas.sensitivity import PUBLIC

_SHORT = validate.Length(1, 200)


class ClaimsSchema(Schema):
    """An access token's claims. `aud` is one string; `epoch` the agency's when it was issued."""

    error_messages = {"unknown": UNKNOWN}

    iss = fields.String(required=True, validate=_SHORT)
    aud = fields.String(required=True, validate=_SHORT)
    sub = fields.String(required=True, validate=_SHORT)
    client_id = fields.String(required=True, validate=_SHORT)
    agency = fields.String(required=True, validate=_SHORT)
    jurisdictions = fields.List(fields.String(validate=_SHORT), required=True, validate=validate.Length(1, 100))
    scope = fields.String(required=True, validate=validate.Length(0, 500))
    purpose = fields.String(validate=_SHORT)
    jti = fields.String(required=True, validate=_SHORT)
    iat = Whole(PUBLIC, 0, 2**40, required=True)
    exp = Whole(PUBLIC, 0, 2**40, required=True)
    nbf = Whole(PUBLIC, 0, 2**40)
    epoch = Whole(PUBLIC, 0, 2**31, required=True)


class AssertionSchema(Schema):
    """A client assertion's claims: issuer and subject are the client, the audience is the issuer's name."""

    error_messages = {"unknown": UNKNOWN}

    iss = fields.String(required=True, validate=_SHORT)
    sub = fields.String(required=True, validate=_SHORT)
    aud = fields.String(required=True, validate=_SHORT)
    jti = fields.String(required=True, validate=validate.Length(8, 200))
    iat = Whole(PUBLIC, 0, 2**40, required=True)
    exp = Whole(PUBLIC, 0, 2**40, required=True)
    nbf = Whole(PUBLIC, 0, 2**40)


CLAIMS = ClaimsSchema()
ASSERTION = AssertionSchema()
