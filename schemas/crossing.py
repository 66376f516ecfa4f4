"""The shape of an event as it crosses to the other node: what is decided about it there, and the texts it may show.

It is no part of the published language: two nodes speak it with each other. Every field is public to the node it is
sent to, since nothing else is sent. Of the same fields as events, since it is loaded for each that crosses.
"""

from __future__ import annotations

from typing import Any

from schemas import forms, registry
from schemas.ack import UUID_PATTERN
from schemas.complaints import NOT_AN_OBJECT, NOT_TEXT
from schemas.envelope import STATUSES
from schemas.fields import Body, Code, Flag, Formed, Instant, Jurisdiction, Leaf, Line, Many, One, Whole
from schemas.label import TLPS
from schemas.sensitivity import PUBLIC
from schemas.texts import Text

NOTICE = "notice"
LEVELS = ("public", "partner", "enforcement")
NAMES = frozenset({NOTICE, *LEVELS, *(f"{level}~" for level in LEVELS)})
MOST_NAMED = 50  # where more may read, the grant says who, and neither releases nor recalls grow with them
MAX_TEXT_CHARS = 512 * 1024
MOST_WIDENED = 200  # texts that consents open of one event
MOST_WIDENED_READERS = 200  # of one of them
MOST_CONSENTS = 32  # that hold at once; what more would open stays shut

A_CONSENT = Text("the id of a consent (a UUID)", "el id de un consentimiento (un UUID)")
AN_ID = Text("the hub's id of an event (a UUID)", "el id de un evento en el hub (un UUID)")


class Texts(Leaf):
    """Projection -> the canonical JSON text of the event in it; the notice is always among them."""

    default_error_messages = {"object": NOT_AN_OBJECT}

    def check(self, value: Any) -> dict[str, str]:
        if type(value) is not dict or NOTICE not in value or not value.keys() <= NAMES:
            raise self.make_error("object")
        if any(type(text) is not str or not 0 < len(text) <= MAX_TEXT_CHARS for text in value.values()):
            raise self.make_error("object")
        return value


class Grants(Leaf):
    """Projection -> the grant of the sender that it rests on; empty where it rests on none."""

    default_error_messages = {"object": NOT_AN_OBJECT}

    def check(self, value: Any) -> dict[str, str]:
        if type(value) is not dict or not value.keys() <= NAMES:
            raise self.make_error("object")
        if any(type(grant) is not str or len(grant) > 80 for grant in value.values()):
            raise self.make_error("object")
        return value


class ReleaseSchema(Body):
    """On what the sender decided: the version of the directory that the receiver has shown, and of its own policy."""

    directory = Whole(PUBLIC, 0, 2**53 - 1, required=True)
    policy = Line(PUBLIC, 100, required=True)
    readers = Many(forms.agency(PUBLIC), MOST_NAMED)
    grants = Grants(PUBLIC, required=True)


class Canonical(Leaf):
    """The canonical JSON text of one projection."""

    default_error_messages = {"text": NOT_TEXT}

    def check(self, value: Any) -> str:
        if type(value) is not str or not 0 < len(value) <= MAX_TEXT_CHARS:
            raise self.make_error("text")
        return value


class WidenedSchema(Body):
    """What consents open beside the texts: to whom, in place of which projection, until when (hub/protected.py)."""

    readers = Many(forms.agency(PUBLIC), MOST_WIDENED_READERS, least=1, unique=True, required=True)
    consents = Many(Formed(PUBLIC, UUID_PATTERN, A_CONSENT), MOST_CONSENTS, least=1, unique=True, required=True)
    purposes = Many(forms.slug(PUBLIC), MOST_CONSENTS, least=1, unique=True, required=True)
    projection = Code(PUBLIC, tuple(sorted(NAMES - {NOTICE})), required=True)
    text = Canonical(PUBLIC, required=True)
    valid_until = Instant(PUBLIC, required=True)
    fresh_s = Whole(PUBLIC, 1, 2**31 - 1, required=True)


class CrossingEventSchema(Body):
    """One event; what it does not have is left out."""

    event = Formed(PUBLIC, UUID_PATTERN, AN_ID, required=True)
    source = forms.agency(PUBLIC, required=True)
    id = forms.key(PUBLIC, required=True)
    type = Code(PUBLIC, tuple(registry.BODIES), required=True)
    subject = forms.key(PUBLIC, required=True)
    time = Instant(PUBLIC, required=True)
    status = Code(PUBLIC, STATUSES, required=True)
    tlp = Code(PUBLIC, TLPS, required=True)
    rel_to = Many(forms.country(PUBLIC), 2, unique=True, required=True)
    audience = Many(forms.audience(PUBLIC), 50, unique=True, required=True)
    purpose = forms.slug(PUBLIC)
    jurisdictions = Many(Jurisdiction(PUBLIC), 64, least=1, unique=True, required=True)
    accepted_at = Instant(PUBLIC, required=True)
    public_until = Instant(PUBLIC)
    active_until = Instant(PUBLIC)
    lapses = Flag(PUBLIC, required=True)
    offers = Many(Line(PUBLIC, 80), 500, required=True)
    offered = Line(PUBLIC, 80)
    about = Formed(PUBLIC, UUID_PATTERN, AN_ID)
    position = Whole(PUBLIC, 1, 2**53 - 1)
    release = One(PUBLIC, ReleaseSchema, required=True)
    texts = Texts(PUBLIC, required=True)
    protected = Many(One(PUBLIC, WidenedSchema), MOST_WIDENED)


CROSSING_EVENT = CrossingEventSchema()
