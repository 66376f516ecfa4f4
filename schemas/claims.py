"""The shape of what is signed, strict in types and members: access tokens, client assertions, tree heads."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.complaints import UNKNOWN
from schemas.fields import Body, Formed, Line, Many, Whole
from schemas.sensitivity import PUBLIC
from schemas.texts import Text

SCOPES = Text("scopes with spaces between them (RFC 6749)", "ámbitos separados por espacios (RFC 6749)")
_SHORT = validate.Length(1, 200)


class ClaimsSchema(Body):
    """
    An access token's claims. `aud` is one string; `epoch` the agency's when it was issued.

    Of the same fields as events, since it is loaded for every request and so takes the short way (schemas/accept.py).
    """

    iss = Line(PUBLIC, 200, required=True)
    aud = Line(PUBLIC, 200, required=True)
    sub = Line(PUBLIC, 200, required=True)
    client_id = Line(PUBLIC, 200, required=True)
    agency = Line(PUBLIC, 200, required=True)
    jurisdictions = Many(Line(PUBLIC, 200), 100, least=1, required=True)
    scope = Formed(PUBLIC, "[!-~ ]{0,500}", SCOPES, required=True)
    purpose = Line(PUBLIC, 200)
    jti = Line(PUBLIC, 200, required=True)
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


class TreeHeadSchema(Schema):
    """The head of a node's audit: how many entries its tree has, and their Merkle tree hash (RFC 6962)."""

    error_messages = {"unknown": UNKNOWN}

    iss = fields.String(required=True, validate=_SHORT)
    size = Whole(PUBLIC, 1, 2**53 - 1, required=True)
    root = fields.String(required=True, validate=validate.Regexp(r"[0-9a-f]{64}\Z"))
    at = fields.String(required=True, validate=_SHORT)


CLAIMS = ClaimsSchema()
ASSERTION = AssertionSchema()
TREE_HEAD = TreeHeadSchema()
