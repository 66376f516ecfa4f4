"""Notes: what an agency has to say to the source of an event: where it was seen, a question, an answer."""

from __future__ import annotations

from schemas.ack import an_event
from schemas.bilingual import Bilingual
from schemas.fields import Body, Instant, Jurisdiction, One
from schemas.sensitivity import PARTNER, PUBLIC

KINDS = ("sighting", "question", "answer")
TEXT_CHARS, PLACE_CHARS = 2000, 200


class NoteSchema(Body):
    """
    The body of ``note.question``, and of ``note.answer``, whose event is the question.

    It goes to one agency, which may be a shelter or a school: so it is for partners, unless a mark says otherwise.
    """

    event = an_event(PUBLIC)
    text = Bilingual(PARTNER, TEXT_CHARS, required=True)


class PlaceSchema(Body):
    """Where it was: a jurisdiction, and roughly what place."""

    jurisdiction = Jurisdiction(PARTNER, required=True)
    description = Bilingual(PARTNER, PLACE_CHARS)


class SightingSchema(NoteSchema):
    """The body of ``note.sighting``: when and where, and what was seen."""

    seen_at = Instant(PARTNER, required=True)
    place = One(PARTNER, PlaceSchema, required=True)


def note(kind: str) -> NoteSchema:
    """The body of ``note.<kind>``."""
    return SightingSchema() if kind == "sighting" else NoteSchema()
