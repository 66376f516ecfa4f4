"""Publish rights and attestations as people write them: their shapes, and in words what is wrong with one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.agency_rows import AN_AGENCY, REASON
from hub.directory import RightState
from hub.grant_rows import A_TYPE, AN_ATTESTATION, Row, known_place
from hub.grants import covers_type
from schemas.registry import BODIES
from schemas.texts import Text

if TYPE_CHECKING:
    from datetime import datetime

LATER = Text("must be later than valid_from", "debe ser posterior a valid_from")
NO_TYPE = Text("covers no known type", "no cubre ningún tipo conocido")


def _known_types(pattern: str) -> None:
    if not any(covers_type((pattern,), known) for known in BODIES):
        raise ValidationError([NO_TYPE])


def _require_order(data: dict[str, Any]) -> None:
    begins: datetime | None = data["valid_from"]
    if begins is not None and data["valid_until"] <= begins:
        raise ValidationError({"valid_until": [LATER]})


class PublishRightSchema(Row):
    """What an agency is to be allowed to publish, and where; without `valid_from` from now on."""

    agency = fields.String(required=True, validate=AN_AGENCY)
    types = fields.List(
        fields.String(validate=validate.And(A_TYPE, _known_types)), required=True, validate=validate.Length(1, 32)
    )
    jurisdictions = fields.List(fields.String(validate=known_place), required=True, validate=validate.Length(1, 256))
    valid_from = fields.AwareDateTime(load_default=None)
    valid_until = fields.AwareDateTime(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """A right without an end is not one."""
        _require_order(data)
        return data


class RightStateSchema(Row):
    """Where a right is to stand, and why."""

    state = fields.Enum(RightState, by_value=True, required=True, validate=validate.NoneOf([RightState.PROPOSED]))
    reason = fields.String(required=True, validate=REASON)


class AttestationSchema(Row):
    """What an agency has shown to hold, until when, and the digest of the document that shows it."""

    agency = fields.String(required=True, validate=AN_AGENCY)
    kind = fields.String(required=True, validate=AN_ATTESTATION)
    valid_from = fields.AwareDateTime(load_default=None)
    valid_until = fields.AwareDateTime(required=True)
    document_sha256 = fields.String(required=True, validate=validate.Regexp(r"[0-9a-f]{64}\Z"))

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Both ends are stated, or the first is now."""
        _require_order(data)
        return data
