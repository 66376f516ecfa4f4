"""What the source of an event does to it after it is out: takes it back, or tightens its label."""

from __future__ import annotations

from schemas.ack import an_event
from schemas.bilingual import Bilingual
from schemas.fields import Body, Code, One
from schemas.label import LabelSchema
from schemas.sensitivity import ENFORCEMENT, NOTICE, PUBLIC

VERBS = ("recalled", "label_changed")
REASONS = ("wrong-person", "consent-withdrawn", "court-order", "error", "safety", "other")
NOTE_CHARS = 1000


class RecalledSchema(Body):
    """The body of ``control.recalled``. Who had received the event is told which one, and nothing else."""

    event = an_event(NOTICE)
    # That a consent was withdrawn says something about the person it was of: not for who may read nothing any more.
    reason = Code(PUBLIC, REASONS, required=True)
    note = Bilingual(ENFORCEMENT, NOTE_CHARS)


class LabelChangedSchema(RecalledSchema):
    """The body of ``control.label_changed``: the whole new label, which may only be tighter."""

    label = One(PUBLIC, LabelSchema, required=True)


def control(verb: str) -> RecalledSchema:
    """The body of ``control.<verb>``."""
    return LabelChangedSchema() if verb == "label_changed" else RecalledSchema()
