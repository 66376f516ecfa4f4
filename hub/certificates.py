"""
Certificates of notification: what became of one event with everybody it was for, under the node's signature. Pure.

A JWS by the key that signs the node's tokens and the heads of its audit. It holds such a head: what the matrix says was
so at that time or later, and the entries behind it can be asked for (`GET /v1/audit/proofs/inclusion`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from hub import tokens
from hub.errors import NotAuthenticated
from hub.signing import NotSealed, open_sealed
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric import ec

    from hub.merkle import Head

TYPE = "notification-certificate+jwt"
MAX_CHARS = 64 * 1024 * 1024  # some 100,000 recipients
MAX_ITEMS = 4_000_000

NOT_ONE = Text("not a certificate of notification", "no es un certificado de notificación")
NO_HEAD = Text(
    "the head of the audit in it is not signed by the same node",
    "la cabeza de auditoría que contiene no está firmada por el mismo nodo",
)


class NotCertified(Exception):
    """Not what a node has certified; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """
    That `agency` was told this at `at`, about its event `event`.

    `rows` are the matrix: first nodes, then recipients, a cell for each of `columns`; times as RFC 3339 writes them.
    `head` is signed by itself.
    """

    issuer: str
    agency: str
    event: str
    type: str
    accepted: str
    at: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    head: str


class CertificateSchema(Schema):
    """A certificate's claims."""

    class Meta:
        unknown = RAISE

    issuer = fields.String(required=True, data_key="iss", validate=validate.Length(1, 200))
    agency = fields.String(required=True, validate=validate.Length(1, 200))
    event = fields.String(required=True, validate=validate.Length(36, 36))
    type = fields.String(required=True, validate=validate.Length(1, 200))
    accepted = fields.String(required=True, validate=validate.Length(1, 64))
    at = fields.String(required=True, validate=validate.Length(1, 64))
    columns = fields.List(fields.String(), required=True, validate=validate.Length(1, 64))
    rows = fields.Raw(required=True)  # there may be very many; checked below
    head = fields.String(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Certificate:
        """Every row has a text for each column."""
        columns, rows = tuple(data["columns"]), data["rows"]
        if not isinstance(rows, list) or not all(_is_row(row, len(columns)) for row in rows):
            raise ValidationError({"rows": [NOT_ONE]})
        return Certificate(**data | {"columns": columns, "rows": tuple(map(tuple, rows))})


def _is_row(row: object, cells: int) -> bool:
    return isinstance(row, list) and len(row) == cells and all(isinstance(cell, str) for cell in row)


_CLAIMS = CertificateSchema()


def claims_of(certificate: Certificate) -> dict[str, Any]:
    """What is signed."""
    return dict(_CLAIMS.dump(certificate))


def read(signed: str, keys: Mapping[str, ec.EllipticCurvePublicKey]) -> tuple[Certificate, Head]:
    """
    A certificate that one of `keys`, which are by their `kid`, has signed, and the head of the audit that it names.

    Raises:
        NotCertified: it is none, or none of these keys has.
    """
    try:
        opened = open_sealed(signed, TYPE, keys, max_chars=MAX_CHARS, max_items=MAX_ITEMS)
        certificate: Certificate = _CLAIMS.load(opened.payload)
        return certificate, tokens.read_head(certificate.head, certificate.issuer, keys)
    except NotSealed as error:
        raise NotCertified(error.text) from error
    except ValidationError as error:
        raise NotCertified(NOT_ONE) from error
    except NotAuthenticated as error:
        raise NotCertified(NO_HEAD) from error
