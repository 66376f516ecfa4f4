"""Filters as people write them, in a request or a query: their shape, and in words what is wrong with one. Pure."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.filters import Change, Filter
from hub.grant_rows import A_TYPE, Row, known_place
from schemas.alert import SEVERITIES, URGENCIES
from schemas.envelope import STATUSES
from schemas.texts import Text

MOST_TYPES = 32
MOST_PLACES = 256
MOST_SUBJECT_CHARS = 200

WANTS_NOTHING = Text("name at least one change", "indique al menos un cambio")


class FilterSchema(Row):
    """What is wanted; every part may be left out."""

    types = fields.List(fields.String(validate=A_TYPE), validate=validate.Length(1, MOST_TYPES))
    jurisdictions = fields.List(fields.String(validate=known_place), validate=validate.Length(max=MOST_PLACES))
    subject = fields.String(validate=validate.Length(1, MOST_SUBJECT_CHARS))
    severity = fields.String(validate=validate.OneOf(SEVERITIES[:-1]))
    urgency = fields.String(validate=validate.OneOf(URGENCIES[:-1]))
    changes = fields.List(fields.Enum(Change, by_value=True))
    status = fields.String(validate=validate.OneOf(STATUSES))
    own = fields.Boolean(truthy={True}, falsy={False})

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Filter:
        """A filter that no event can pass is a mistake."""
        if data.get("changes") == []:
            raise ValidationError({"changes": [WANTS_NOTHING]})
        for name, make in (("types", tuple), ("jurisdictions", tuple), ("changes", frozenset)):
            if name in data:
                data[name] = make(data[name])
        return Filter(**data)


FILTER = FilterSchema()


def written(wanted: Filter) -> dict[str, Any]:
    """As it is stored and shown; `FILTER` reads it back."""
    told: dict[str, Any] = {
        "types": list(wanted.types),
        "jurisdictions": list(wanted.jurisdictions),
        "changes": sorted(wanted.changes),
        "status": wanted.status,
        "own": wanted.own,
    }
    rest = {"subject": wanted.subject, "severity": wanted.severity, "urgency": wanted.urgency}
    return told | {name: value for name, value in rest.items() if value is not None}
