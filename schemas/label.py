"""The label: what an event's originator decided about who may see it, where, and until when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from schemas import forms
from schemas.bilingual import Bilingual
from schemas.complaints import COUNT, NOT_AN_OBJECT
from schemas.fields import Body, Code, Instant, Leaf, Many
from schemas.sensitivity import ENFORCEMENT, NOTICE, PARTNER, PUBLIC
from schemas.texts import Text

TLPS = ("clear", "green", "amber", "amber+strict", "red")  # TLP 2.0 (FIRST), from open to closed
DEFAULT_TLP = "amber+strict"  # what an unmarked event is, never clear
RESIDENT = "resident"  # a mark: the field never leaves this node
MARKS = ("partner", "enforcement", "protected", RESIDENT)
MAX_MARKS = 64

NOT_A_MARK = Text(
    "A mark must be partner, enforcement, protected or resident.",
    "Una marca debe ser partner, enforcement, protected o resident.",
    code="unknown-code",
)
NOT_A_POINTER = Text(
    "A mark must point at a member of data, such as /data/child/name (RFC 6901).",
    "Una marca debe apuntar a un miembro de data, como /data/child/name (RFC 6901).",
    code="mark-not-a-pointer",
)
_POINTER = re.compile(r"(?=.{6,200}$)/data(?:/[A-Za-z0-9_]{1,64}){1,8}", re.ASCII)


class Marks(Leaf):
    """JSON pointer -> stricter sensitivity; whether each pointer exists is checked against the body's schema."""

    default_error_messages = {"object": NOT_AN_OBJECT, "count": COUNT, "pointer": NOT_A_POINTER, "mark": NOT_A_MARK}

    def check(self, value: Any) -> dict[str, str]:
        if type(value) is not dict:
            raise self.make_error("object")
        if len(value) > MAX_MARKS:
            raise self.make_error("count", min=0, max=MAX_MARKS)
        problems = {
            pointer: [NOT_A_POINTER if not _POINTER.fullmatch(pointer) else NOT_A_MARK]
            for pointer, mark in value.items()
            if not _POINTER.fullmatch(pointer) or mark not in MARKS
        }
        if problems:
            raise ValidationError(problems)
        return value

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "maxProperties": MAX_MARKS,
            "propertyNames": {"pattern": f"^{_POINTER.pattern}$"},
            "additionalProperties": {"enum": list(MARKS)},
        }


class LabelSchema(Body):
    """The label on the wire; everything left out means its strictest value."""

    tlp = Code(NOTICE, TLPS)
    rel_to = Many(forms.country(NOTICE), 2, unique=True)
    # Who else receives an event, and which fields were withheld, is itself information.
    audience = Many(forms.audience(PARTNER), 50, unique=True)
    purpose = forms.slug(NOTICE)
    caveat = Bilingual(PUBLIC, 500)
    marks = Marks(ENFORCEMENT)
    public_until = Instant(NOTICE)
    active_until = Instant(NOTICE)
    review_by = Instant(NOTICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label as the policy reads it."""

    tlp: str = DEFAULT_TLP
    rel_to: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()  # agency ids and kinds; empty means whoever has a grant
    purpose: str | None = None
    caveat: Mapping[str, str] | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    public_until: datetime | None = None
    active_until: datetime | None = None
    review_by: datetime | None = None


def to_label(loaded: Mapping[str, Any]) -> Label:
    """A label from what ``LabelSchema`` loaded."""
    return Label(**{**loaded, "rel_to": tuple(loaded.get("rel_to", ())), "audience": tuple(loaded.get("audience", ()))})
