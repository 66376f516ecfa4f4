"""The shape of the tokens: access tokens (RFC 9068) and client assertions (RFC 7523), strict in types and members."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from schemas.complaints import UNKNOWN

_SHORT = validate.Length(1, 200)


class Count(fields.Integer):
    """A JSON integer: not text, not a fraction, not a boolean (PyJWT takes all of them)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


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
    iat = Count(required=True, validate=validate.Range(0, 2**40))
    exp = Count(required=True, validate=validate.Range(0, 2**40))
    nbf = Count(validate=validate.Range(0, 2**40))
    epoch = Count(required=True, validate=validate.Range(0, 2**31))


class AssertionSchema(Schema):
    """A client assertion's claims: issuer and subject are the client, the audience is the issuer's name."""

    error_messages = {"unknown": UNKNOWN}

    iss = fields.String(required=True, validate=_SHORT)
    sub = fields.String(required=True, validate=_SHORT)
    aud = fields.String(required=True, validate=_SHORT)
    jti = fields.String(required=True, validate=validate.Length(8, 200))
    iat = Count(required=True, validate=validate.Range(0, 2**40))
    exp = Count(required=True, validate=validate.Range(0, 2**40))
    nbf = Count(validate=validate.Range(0, 2**40))


CLAIMS = ClaimsSchema()
ASSERTION = AssertionSchema()
