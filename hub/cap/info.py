"""One `info` of a CAP document: an alert in one language, in the elements and the order of CAP 1.2. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.cap import words
from hub.cap.areas import Area, areas
from hub.cap.message import cap_time, instant, whole
from schemas.bilingual import LANGUAGES, machine_members
from schemas.registry import closes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hub.cap.message import Message
    from schemas.texts import Text

Element = tuple[str, "str | Sequence[Element]"]

# What IPAWS takes from parameters, with the most characters of what it shows on telephones (FEMA, CMAM). Other
# systems' parameters are theirs to read, and nobody has said in which language they are.
PARAMETERS = {
    "EAS-ORG": 4,
    "timezone": 8,
    "TimeZone": 8,
    "WEAHandling": 64,
    "BLOCKCHANNEL": 32,
    "CMAMtext": 90,
    "CMAMlongtext": 360,
}
CODES = {"AMBER_US": "CAE", "AMBER_MX": "CAE", "MEP": "MEP"}
NO_CODE = "ADR"  # an administrative message: a SAME code has to be there, and this one claims nothing
_ABSOLUTE = ("https:", "http:", "ftp:", "mailto:", "tel:")


def infos(message: Message) -> Iterator[list[Element]]:
    """The blocks of a document, first that of a language its source wrote in."""
    written = sorted(LANGUAGES, key=lambda language: not _is_written_in(message.data, language))
    for place, language in enumerate(written):
        yield list(_info(message, language, is_first=place == 0))


def headline(message: Message, language: str) -> str:
    """What the alert is called in a language; empty where its source gave it no headline in it."""
    ended = closing(message)
    return said(message.data.get("headline"), language) if ended is None else ended.in_(language)


def closing(message: Message) -> Text | None:
    """All that the public is told of an end: of a located child that it was, and nothing more."""
    if not closes(message.type):
        return None
    return words.LOCATED if message.type.endswith(".located") else words.CANCELLED


def said(text: Mapping[str, Any] | None, language: str, *, or_other: bool = False) -> str:
    """What a person wrote in a language, or where that may stand in, in the other one; else nothing."""
    if text is None:
        return ""
    ours = str(text.get("original", language)).partition("-")[0].lower() in LANGUAGES
    human = {name for name in LANGUAGES if name in text} - machine_members(text)
    if text.get("translation") == "none" and not ours:  # a text in a third language stands where English would
        human.discard("en")
    for wanted in (language, *LANGUAGES) if or_other else (language,):
        if wanted in human:
            return str(text[wanted])
    return ""


def _is_written_in(data: Mapping[str, Any], language: str) -> bool:
    return any(said(data.get(name), language) for name in ("headline", "description", "event"))


def _info(message: Message, language: str, *, is_first: bool) -> Iterator[Element]:
    data = message.data
    yield "language", words.TAGS[language]
    yield from (("category", one) for one in data.get("category", ["Rescue" if _is_child(message) else "Other"]))
    yield "event", said(data.get("event"), language) or _event(message).in_(language)
    yield from _judged(message)
    yield from _pairs("eventCode", _codes(message))
    for name in ("effective", "onset"):
        if name in data:
            yield name, cap_time(instant(data[name]))
    yield "expires", cap_time(message.expires.astimezone(instant(message.event["time"]).tzinfo))
    yield "senderName", said(data.get("sender_name"), language, or_other=True) or message.source_name
    yield from _texts(message, language)
    yield from _pairs("parameter", _parameters(data, is_first=is_first))
    yield from (("resource", one) for one in _resources(data, language))
    yield from (("area", list(_area(one, language))) for one in _areas(message))


def _is_child(message: Message) -> bool:
    return message.type.startswith("alert.missing_child.")


def _event(message: Message) -> Text:
    if not _is_child(message):
        return words.WARNING
    return words.EVENTS.get(message.data.get("programme", ""), words.MISSING_CHILD)


def _judged(message: Message) -> Iterator[Element]:
    """Of an end nothing is urgent any more, whatever its source wrote: receivers sort by these."""
    data = message.data
    if closes(message.type):
        if message.type.endswith(".located"):
            yield "responseType", "AllClear"
        yield from (("urgency", "Past"), ("severity", "Unknown"), ("certainty", "Observed"))
        return
    yield from (("responseType", one) for one in data.get("response_type", ()))
    yield from ((name, data.get(name, "Unknown")) for name in ("urgency", "severity", "certainty"))


def _codes(message: Message) -> list[tuple[str, str]]:
    data = message.data
    same = data.get("event_code") or CODES.get(data.get("programme", ""), NO_CODE)
    others = [(one["scheme"], one["value"]) for one in whole(data.get("event_codes", ()), "scheme", "value")]
    return [("SAME", same), *(pair for pair in others if pair[0].upper() != "SAME")]


def _texts(message: Message, language: str) -> Iterator[Element]:
    data = message.data
    texts = {"headline": headline(message, language)}
    texts |= {name: said(data.get(name), language) for name in ("description", "instruction")}
    if not (texts["headline"] or texts["description"]) and _is_written_in(data, _other(language)):
        texts["description"] = words.ELSEWHERE.in_(language)
    web = data.get("web", "")
    texts["web"] = web if web.startswith(_ABSOLUTE) else ""
    texts["contact"] = said(data.get("contact"), language, or_other=True)
    yield from ((name, text) for name, text in texts.items() if text)


def _other(language: str) -> str:
    return "es" if language == "en" else "en"


def _parameters(data: Mapping[str, Any], *, is_first: bool) -> list[tuple[str, str]]:
    """Which language a text for telephones is in is nowhere said: it goes with the first block."""
    given = [(one["name"], one["value"]) for one in whole(data.get("parameters", ()), "name", "value")]
    kept = [(name, value) for name, value in given if len(value) <= PARAMETERS.get(name, 0)]
    organisation = [pair for pair in kept if pair[0] == "EAS-ORG"][:1] or [("EAS-ORG", "CIV")]
    return [*organisation, *(pair for pair in kept if is_first and pair[0] != "EAS-ORG")]


def _resources(data: Mapping[str, Any], language: str) -> Iterator[list[Element]]:
    """Files by their address; of one without an address there is nothing to show."""
    photo = data.get("child", {}).get("photo")
    held = [(one, words.FILE) for one in data.get("resources", ())] + ([(photo, words.PHOTO)] if photo else [])
    for one, name in held:
        if "mime" in one and one.get("uri", "").startswith(_ABSOLUTE):
            described = said(one.get("description"), language, or_other=True) or name.in_(language)
            size = [("size", str(one["size_bytes"]))] if "size_bytes" in one else []
            yield [("resourceDesc", described), ("mimeType", one["mime"]), *size, ("uri", one["uri"])]


def _areas(message: Message) -> list[Area]:
    return areas(message.data.get("areas", ()), message.event["jurisdictions"])


def _area(area: Area, language: str) -> Iterator[Element]:
    yield "areaDesc", said(area.description, language, or_other=True)
    yield from (("polygon", one) for one in area.polygons)
    yield from (("circle", one) for one in area.circles)
    yield from _pairs("geocode", area.geocodes)
    yield from ((name, value) for name, value in (("altitude", area.altitude), ("ceiling", area.ceiling)) if value)


def _pairs(name: str, pairs: Iterable[tuple[str, str]]) -> Iterator[Element]:
    yield from ((name, [("valueName", one), ("value", value)]) for one, value in pairs)
