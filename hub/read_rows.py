"""Who read an event of the other node, as its node is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from marshmallow import ValidationError, fields, validate

from hub.agency_rows import AN_AGENCY
from hub.border_rows import NOT_ITS_OWN
from hub.grant_rows import A_PURPOSE, Row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

MOST_READS = 500  # in one envelope
MOST_CHARS = 4000  # of a projection with the ids of all consents that may have widened it


class ReadSchema(Row):
    """One event in one answer over there."""

    event = fields.UUID(required=True)
    agency = fields.String(required=True, validate=AN_AGENCY)
    at = fields.AwareDateTime(required=True)
    projection = fields.String(required=True, validate=validate.Length(1, MOST_CHARS))
    grant = fields.String(required=True, validate=validate.Length(max=300))
    purpose = fields.String(load_default=None, allow_none=True, validate=A_PURPOSE)
    way = fields.String(required=True, validate=validate.Length(1, 64))


class ReadsSchema(Row):
    """Reads of the receiver's events, in the order of the reader's audit."""

    reads = fields.List(fields.Nested(ReadSchema), required=True, validate=validate.Length(1, MOST_READS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Who over there read an event of ours, when, as what, on which of our grants, to which purpose, by which way."""

    event: UUID
    agency: str
    at: datetime
    projection: str
    grant: str
    purpose: str | None
    way: str


_READS = ReadsSchema()


def reads(told: Iterable[Read]) -> dict[str, Any]:
    """The body of a `reads` envelope."""
    return {
        "reads": [
            {
                "event": str(one.event),
                "agency": one.agency,
                "at": one.at.isoformat(),
                "projection": one.projection,
                "grant": one.grant,
                "purpose": one.purpose,
                "way": one.way,
            }
            for one in told
        ]
    }


def load_reads(body: Any, prefix: str) -> tuple[Read, ...]:
    """
    Reads by agencies of the other node, which alone may be told of by it.

    Raises:
        ValidationError: a shape is wrong, or somebody else's reads are told.
    """
    told = tuple(Read(**row) for row in _READS.load(body)["reads"])
    if any(not one.agency.startswith(prefix) for one in told):
        raise ValidationError({"reads": [NOT_ITS_OWN]})
    return told
