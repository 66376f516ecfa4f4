"""Random valid events, drawn from the schemas themselves, so that a new member is covered the day it is added."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from marshmallow import Schema, fields

from schemas import marks, registry
from schemas.area import Ring
from schemas.bilingual import Bilingual
from schemas.fields import Code, Day, Flag, Formed, Instant, Jurisdiction, Line, Many, Number, Prose, Whole
from schemas.label import Marks
from schemas.sensitivity import Sensitivity
from tests.support.events import TIME, envelope

LATER = "2026-08-01T00:00:00Z"
_LETTERS = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))
_INSTANTS = st.sampled_from(["2026-05-01T00:00:00Z", TIME, "2026-05-09T23:59:59.5+05:45"])
_PLACES = st.sampled_from(["US", "MX", "US-CA", "US-CA:06073", "MX-BCN", "MX-BCN:02004"])
_FORMED = {"en", "us-ca-sdpd", "+526641234567", "CAE", "image/png", "MX", "a" * 64, "GODE561231HDFRRN09", "SAME"}


def values(field: fields.Field[Any]) -> st.SearchStrategy[Any]:
    """Valid values of one field."""
    if isinstance(field, Many):
        return st.lists(values(field.inner), min_size=field.least, max_size=min(3, field.most), unique=field.unique)
    if isinstance(field, fields.Nested):
        return objects(field.schema)
    return leaves(field)


def leaves(field: fields.Field[Any]) -> st.SearchStrategy[Any]:
    """Valid values of a field that holds no others."""
    match field:
        case Line() | Prose():
            return st.text(_LETTERS, min_size=1, max_size=min(12, field.max_chars))
        case Formed():
            usual = sorted(word for word in _FORMED if field.pattern.fullmatch(word))
            return st.sampled_from(usual) if usual else st.from_regex(field.pattern, fullmatch=True)
        case Code():
            return st.sampled_from(field.codes)
        case Whole():
            return st.integers(int(field.low), int(field.high))
        case Number():
            return st.floats(field.low, field.high)
        case Flag():
            return st.booleans()
        case Instant():
            return _INSTANTS
        case Day():
            return st.dates().filter(lambda day: 1900 <= day.year < 2200).map(str)
        case Jurisdiction():
            return _PLACES
        case Bilingual():
            return bilinguals()
        case Ring():
            return st.just([[0, 0], [0, 1.5], [1, 1], [0, 0]])
        case Marks():
            return st.just({})
    raise TypeError(type(field).__name__)


@st.composite
def bilinguals(draw: st.DrawFn) -> dict[str, str]:
    """Text in one language or both, sometimes by a machine."""
    texts = draw(st.dictionaries(st.sampled_from(["en", "es"]), st.text(_LETTERS, min_size=1, max_size=8), min_size=1))
    how = draw(st.sampled_from(["", "human", "none", "machine"]))
    if how == "machine":
        texts["original"] = draw(st.sampled_from(["en-US", "es", "nah"]))
    return texts | ({"translation": how} if how else {})


@st.composite
def objects(draw: st.DrawFn, schema: Schema) -> dict[str, Any]:
    """A valid object: what is required, and a handful of the rest."""
    required = {name for name, field in schema.fields.items() if field.required}
    others = sorted(schema.fields.keys() - required)
    chosen = draw(st.lists(st.sampled_from(others), max_size=6, unique=True)) if others else []
    return {name: draw(values(schema.fields[name])) for name in sorted(required | set(chosen))}


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """A valid event of any type, with a label and marks on some of its members."""
    event_type = draw(st.sampled_from(sorted(registry.BODIES)))
    body = registry.BODIES[event_type]
    data = draw(objects(body))
    if event_type.startswith("alert"):
        data = {"headline": {"en": "A"}} | data
        data = data | ({"expires": LATER} if "expires" in data else {})
    if event_type == "ack.declined":
        data = {"reason": "other"} | data
    caveat = draw(st.none() | bilinguals())
    label = {"tlp": "green", "marks": draw(chosen_marks(body, data))} | ({"caveat": caveat} if caveat else {})
    extra = {"defects": [{"code": "place-assumed", "path": "/area", "text": draw(bilinguals())}]}
    return envelope(event_type, data, label=label, **draw(st.sampled_from([{}, extra])))


@st.composite
def chosen_marks(draw: st.DrawFn, body: Schema, data: dict[str, Any]) -> dict[str, str]:
    """Marks that tighten some of the members that ``data`` has."""
    pointers = draw(st.lists(st.sampled_from(pointers_of(data, "/data")), max_size=3, unique=True)) if data else []
    found: dict[str, str] = {}
    for pointer in pointers:
        declared = marks.declared_at(body, pointer)
        if declared is not None:
            stricter = [level.slug for level in Sensitivity if level >= declared and level > Sensitivity.PUBLIC]
            found[pointer] = draw(st.sampled_from([*stricter, "resident"]))
    return found


@st.composite
def consents(draw: st.DrawFn) -> tuple[dict[str, Any], list[str], bool]:
    """An event, pointers that a consent might name in it, some of them at nothing, and whether its reader is abroad."""
    event = draw(events())
    found = pointers_of(event["data"], "/data") or ["/data"]
    astray = st.sampled_from(["/data/no_such/member", "/data/victims/99", f"{found[0]}/en", f"{found[-1]}/0/deeper"])
    chosen = draw(st.lists(st.sampled_from(found) | astray, min_size=1, max_size=3, unique=True))
    if draw(st.booleans()):  # what is opened is often marked as well
        body = registry.BODIES[event["type"]]
        marked = {pointer: "protected" for pointer in chosen if marks.declared_at(body, pointer) is not None}
        event["label"]["marks"] |= marked
    return event, chosen, draw(st.booleans())


def pointers_of(value: Any, path: str) -> list[str]:
    """A JSON pointer for every member and item below ``value``."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for step, content in inner:
        found += [f"{path}/{step}", *pointers_of(content, f"{path}/{step}")]
    return found
