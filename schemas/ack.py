"""Acknowledgements: what became of an event at the agency that got it."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from schemas.bilingual import Bilingual
from schemas.fields import Body, Code, Formed
from schemas.sensitivity import ENFORCEMENT, PUBLIC, Metadata
from schemas.texts import Text

STATES = ("received", "read", "acknowledged", "declined")
REASONS = ("not-ours", "cannot-act", "known", "duplicate", "other")
REASON_WORDS = {
    "not-ours": Text("not ours", "no nos corresponde"),
    "cannot-act": Text("cannot act", "no podemos actuar"),
    "known": Text("known already", "ya lo conocíamos"),
    "duplicate": Text("a duplicate", "un duplicado"),
    "other": Text("another reason", "otro motivo"),
}
NO_REASON = Text("Say why it was declined.", "Indique por qué se rechazó.", code="required")

UUID_PATTERN = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def an_event(metadata: Metadata) -> Formed:
    """The event that another one is about."""
    what = Text("the hub's id of the event (a UUID)", "el id del evento en el hub (un UUID)")
    return Formed(metadata, UUID_PATTERN, what, required=True)


class AckSchema(Body):
    """The body of ``ack.received``, ``ack.read`` and ``ack.acknowledged``."""

    event = an_event(PUBLIC)
    reason = Code(PUBLIC, REASONS)
    note = Bilingual(ENFORCEMENT, 1000)


class DeclinedSchema(AckSchema):
    """The body of ``ack.declined``, which gives its reason."""

    def check_together(self, loaded: dict[str, Any]) -> None:
        """Whoever declines says why."""
        if "reason" not in loaded:
            raise ValidationError(NO_REASON, "reason")
