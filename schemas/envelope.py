"""The envelope around every event: CloudEvents 1.0 attributes, status, places and label; and how one is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError

from schemas import accept, forms, marks, registry
from schemas.bilingual import Bilingual
from schemas.complaints import NOT_AN_OBJECT, REQUIRED
from schemas.fields import Body, Code, Instant, Jurisdiction, Line, Many, One
from schemas.flaws import MAX_FLAWS, Flaw, Malformed, flatten, flaw
from schemas.label import Label, LabelSchema, to_label
from schemas.sensitivity import ENFORCEMENT, NOTICE, PARTNER, PUBLIC
from schemas.texts import Text

STATUSES = ("actual", "exercise", "test")
FORMATS = ("cap-1.2", "cap-1.1", "table", "json")
SIGNATURES = ("none", "valid", "invalid", "unverified")

UNKNOWN_TYPE = Text("This event type is not known.", "Este tipo de evento no se conoce.", code="unknown-type")
NOT_LATER = Text(
    "This must be later than the time of the event.", "Debe ser posterior a la hora del evento.", code="not-later"
)


class DefectSchema(Body):
    """A formal flaw of the source document that did not stop the event; readers see it."""

    code = forms.slug(PUBLIC, required=True)
    # Where it was says which fields the event has, also to those who may not see them.
    path = Line(ENFORCEMENT, 200)
    text = Bilingual(PUBLIC, 500, required=True)


class OriginSchema(Body):
    """The document an event was made from, and what is known about its signatures."""

    format = Code(PUBLIC, FORMATS, required=True)
    # A digest lets a reader test guesses about what the document said, so it is no public matter.
    sha256 = forms.sha256(ENFORCEMENT, required=True)
    signature = Code(PUBLIC, SIGNATURES, required=True)
    signers = Many(Line(PARTNER, 200), 8)


class EnvelopeSchema(Body):
    """Everything around ``data``, whose schema depends on ``type``."""

    specversion = Code(NOTICE, ("1.0",), required=True)
    id = forms.key(NOTICE, required=True)
    source = forms.agency(NOTICE, required=True)
    type = forms.event_type(NOTICE, required=True)
    subject = forms.key(NOTICE, required=True)
    time = Instant(NOTICE, required=True)
    datacontenttype = Code(NOTICE, ("application/json",))
    status = Code(NOTICE, STATUSES, required=True)
    jurisdictions = Many(Jurisdiction(NOTICE), 64, least=1, unique=True, required=True)
    label = One(NOTICE, LabelSchema)
    defects = Many(One(PUBLIC, DefectSchema), 32)
    origin = One(PUBLIC, OriginSchema)


ENVELOPE = EnvelopeSchema()
LABEL = LabelSchema()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One immutable fact, checked. Identity is (source, id); ``subject`` groups the events of one alert or case."""

    id: str
    source: str  # agency id
    type: str
    subject: str
    time: datetime  # aware
    status: str
    jurisdictions: tuple[str, ...]
    label: Label
    defects: tuple[Mapping[str, Any], ...]
    data: Mapping[str, Any]  # the body as it came: checked, not converted
    wire: Mapping[str, Any]  # the whole event as it came


def load(obj: object) -> Event:
    """
    Check one event.

    Raises:
        Malformed: with every problem found, envelope and body together, each with its JSON pointer.
    """
    if not isinstance(obj, dict):
        raise Malformed(flaw("", NOT_AN_OBJECT))
    flaws: list[Flaw] = []
    outside = {name: value for name, value in obj.items() if name != "data"}
    envelope = _load(ENVELOPE, outside, "", flaws)
    body = registry.BODIES.get(envelope["type"]) if "type" in envelope else None
    if "data" not in obj:
        flaws.append(flaw("/data", REQUIRED))
    elif body is not None:
        data = _load(body, obj["data"], "/data", flaws)
        flaws += _times(envelope, data)
        flaws += marks.flaws(envelope.get("label", {}).get("marks", {}), body)
    elif "type" in envelope:
        flaws.append(flaw("/type", UNKNOWN_TYPE))
    if flaws:
        raise Malformed(*flaws[:MAX_FLAWS])
    return _event(envelope, obj)


def label_of(wire: Mapping[str, Any]) -> Label:
    """
    The label of an event that was checked.

    Raises:
        marshmallow.ValidationError: it was not.
    """
    return to_label(accept.load(LABEL, wire.get("label", {})))


def _load(schema: Schema, obj: Any, path: str, flaws: list[Flaw]) -> Mapping[str, Any]:
    """What loaded; on a flaw the sound members, so that rules across them are checked in the same round."""
    try:
        loaded: Any = accept.load(schema, obj)
    except ValidationError as error:
        flaws.extend(flatten(error.messages, path))
        loaded = error.valid_data
    return loaded if isinstance(loaded, dict) else {}


def _times(envelope: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Flaw]:
    label, start = envelope.get("label", {}), envelope.get("time")
    ends = {
        "/label/active_until": label.get("active_until"),
        "/label/public_until": label.get("public_until"),
        "/data/expires": data.get("expires"),
    }
    for path, end in ends.items():
        if isinstance(start, datetime) and isinstance(end, datetime) and end <= start:
            yield flaw(path, NOT_LATER)


def _event(envelope: Mapping[str, Any], wire: Mapping[str, Any]) -> Event:
    return Event(
        id=envelope["id"],
        source=envelope["source"],
        type=envelope["type"],
        subject=envelope["subject"],
        time=envelope["time"],
        status=envelope["status"],
        jurisdictions=tuple(envelope["jurisdictions"]),
        label=to_label(envelope.get("label", {})),
        defects=tuple(envelope.get("defects", ())),
        data=wire["data"],
        wire=wire,
    )
