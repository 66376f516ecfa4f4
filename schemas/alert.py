"""Alerts to the public and to agencies: what every alert has (OASIS CAP 1.2 terms), and warnings of any kind."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from schemas import forms
from schemas.area import AreaSchema
from schemas.bilingual import TRANSLATIONS, Bilingual
from schemas.fields import Body, Code, Formed, Instant, Line, Many, One, Prose
from schemas.person import MediaSchema
from schemas.sensitivity import ENFORCEMENT, PARTNER, PUBLIC
from schemas.texts import Text

WARNING_VERBS = ("issued", "updated", "cancelled")

# CAP 1.2 section 3.2
CATEGORIES = (
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
)
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")

EVENT_CODE = Text("a SAME event code of three letters, such as CAE", "un código SAME de tres letras, como CAE")
NOTHING_SAID = Text(
    "Give at least one of event, headline and description.",
    "Dé al menos uno de event, headline y description.",
    code="no-text",
)

HEADLINE_CHARS = 500
TEXT_CHARS = 20_000
# What an issued alert must have; updates and cancellations say only what changed.
REQUIRED_WHEN_ISSUED = ("urgency", "severity", "certainty", "category")


class ReferenceSchema(Body):
    """An earlier CAP message, by its identity: sender, identifier and time of sending together."""

    sender = Line(PARTNER, 200, required=True)  # often somebody's mail address
    identifier = Line(PARTNER, 200, required=True)
    sent = Instant(PARTNER, required=True)


class EventCodeSchema(Body):
    """A code for the kind of event in some system's own list."""

    scheme = Line(PUBLIC, 64, required=True)
    value = Line(PUBLIC, 64, required=True)


class ParameterSchema(Body):
    """A system-specific value that came with a CAP message."""

    name = Line(PUBLIC, 128, required=True)
    value = Prose(PUBLIC, 4000, required=True)


class TextBlockSchema(Body):
    """The texts of an alert in a language other than English and Spanish."""

    language = forms.language(PUBLIC, required=True)
    translation = Code(PUBLIC, TRANSLATIONS)
    event = Line(PUBLIC, 200)
    headline = Line(PUBLIC, HEADLINE_CHARS)
    description = Prose(PUBLIC, TEXT_CHARS)
    instruction = Prose(PUBLIC, TEXT_CHARS)
    contact = Prose(PUBLIC, 500)
    area = Prose(PUBLIC, 1000)


class AlertSchema(Body):
    """What every alert has. Texts are public unless the label says otherwise."""

    event = Bilingual(PUBLIC, 200)
    event_code = Formed(PUBLIC, "[A-Z0-9]{3}", EVENT_CODE)
    event_codes = Many(One(PUBLIC, EventCodeSchema), 16)
    category = Many(Code(PUBLIC, CATEGORIES), 12, least=1, unique=True, required=True)
    response_type = Many(Code(PUBLIC, RESPONSES), 9, unique=True)
    urgency = Code(PUBLIC, URGENCIES, required=True)
    severity = Code(PUBLIC, SEVERITIES, required=True)
    certainty = Code(PUBLIC, CERTAINTIES, required=True)
    headline = Bilingual(PUBLIC, HEADLINE_CHARS, one_line=True)
    description = Bilingual(PUBLIC, TEXT_CHARS)
    instruction = Bilingual(PUBLIC, TEXT_CHARS)
    texts = Many(One(PUBLIC, TextBlockSchema), 16)
    sender_name = Bilingual(PUBLIC, 200)
    audience = Bilingual(PUBLIC, 500)  # CAP's free text, not the label's
    contact = Bilingual(PUBLIC, 500)  # for everybody who knows something
    duty_contact = Line(PARTNER, 200)  # from agency to agency, around the clock
    web = forms.uri(PUBLIC)
    effective = Instant(PUBLIC)
    onset = Instant(PUBLIC)
    expires = Instant(PUBLIC)
    areas = Many(One(PUBLIC, AreaSchema), 100)
    resources = Many(One(PUBLIC, MediaSchema), 32)
    parameters = Many(One(PUBLIC, ParameterSchema), 64)
    references = Many(One(PARTNER, ReferenceSchema), 64)
    incidents = Many(Line(PARTNER, 200), 16)
    note = Bilingual(ENFORCEMENT, TEXT_CHARS)  # free text among agencies, and CAP's restriction

    def check_together(self, loaded: dict[str, Any]) -> None:
        """An issued alert says something to people."""
        if not self.partial and loaded.keys().isdisjoint(("event", "headline", "description")):
            raise ValidationError(NOTHING_SAID)


class WarningSchema(AlertSchema):
    """A warning about anything but a missing child."""


def warning(verb: str) -> WarningSchema:
    """The body of ``alert.warning.<verb>``."""
    return WarningSchema(partial=None if verb == "issued" else REQUIRED_WHEN_ISSUED)
