"""The body of an alert event from a CAP document: all its renderings as one alert."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from connectors.cap import info_rules, times, vocabulary
from connectors.cap.areas import areas, capped
from connectors.cap.document import CapDocument, Info, Pair
from connectors.cap.identity import references
from connectors.cap.settings import Reading
from connectors.cap.texts import Texts
from schemas import forms
from schemas.alert import HEADLINE_CHARS, TEXT_CHARS
from schemas.fields import printable
from schemas.flaws import Flaw, flaw
from schemas.sensitivity import PUBLIC
from schemas.texts import Text

ADDRESS = Text(
    "{name} is no web address and was left out.", "{name} no es una dirección web y se omitió.", code="uri-invalid"
)
INLINE = Text(
    "The file within the alert is not passed on; the original has it.",
    "El archivo dentro de la alerta no se transmite; está en el original.",
    code="resource-inline",
)
LONG_REFERENCE = Text(
    "A reference is too long to be passed on; it is only in the original.",
    "Una referencia es demasiado larga para transmitirla; solo está en el original.",
    code="reference-left-out",
)
_SAME_CODE = re.compile(r"[A-Z0-9]{3}", re.ASCII)
_T = TypeVar("_T", bound=Hashable)
_URI = forms.uri(PUBLIC).pattern


def body(document: CapDocument, reading: Reading, sent: datetime) -> tuple[dict[str, Any], tuple[Flaw, ...]]:
    """
    The body, without what depends on the kind of event, and what could not be passed on as it was.

    Absent members are absent; what a document lacks though CAP requires it is read as ``Unknown`` or ``Other``.
    """
    texts = Texts(document.infos, reading)
    data = {
        **_said(texts),
        **(_judged(document.infos) if document.infos else {}),
        **_timed(document.infos, sent),
        **_coded(document.infos, texts),
        "areas": areas(document.infos, texts),
        "resources": _resources(document.infos, texts),
        "web": _web(document.infos, texts),
        "references": _earlier(document, texts),
        "incidents": _incidents(document, texts),
        "note": _note(document, texts),
    }
    return {name: value for name, value in data.items() if value not in (None, [], "")}, tuple(texts.flaws)


def lasting(document: CapDocument, sent: datetime) -> datetime | None:
    """The latest ``expires`` that lies after ``sent``; None if there is none."""
    read = [times.read(info.expires, assumed=sent.tzinfo).instant for info in document.infos if info.expires]
    return max((end for end in read if end is not None and end > sent), default=None)


def _said(texts: Texts) -> dict[str, Any]:
    return {
        "event": texts.bilingual(lambda i: ("event", i.event), 200, one_line=True)
        or texts.stand_in(lambda i: ("event", i.event), 200),
        "headline": texts.bilingual(lambda i: ("headline", i.headline), HEADLINE_CHARS, one_line=True)
        or texts.stand_in(lambda i: ("headline", i.headline), HEADLINE_CHARS),
        "description": texts.bilingual(lambda i: ("description", i.description), TEXT_CHARS),
        "instruction": texts.bilingual(lambda i: ("instruction", i.instruction), TEXT_CHARS),
        "sender_name": texts.bilingual(lambda i: ("senderName", i.sender_name), 200, one_line=True),
        "audience": texts.bilingual(lambda i: ("audience", i.audience), 500),
        "contact": texts.bilingual(lambda i: ("contact", i.contact), 500),
        "texts": texts.blocks(),
    }


def _judged(infos: Sequence[Info]) -> dict[str, Any]:
    """Where renderings differ, the gravest counts: each list of codes begins with it and ends with Unknown."""
    return {
        "urgency": _gravest((info.urgency for info in infos), vocabulary.URGENCIES),
        "severity": _gravest((info.severity for info in infos), vocabulary.SEVERITIES),
        "certainty": _gravest((info.certainty for info in infos), vocabulary.CERTAINTIES),
        "category": _unique(
            vocabulary.nearest(written, vocabulary.CATEGORIES) or "Other"
            for info in infos
            for written in info.categories
        )
        or ["Other"],
        "response_type": _unique(
            code
            for info in infos
            for written in info.response_types
            if (code := vocabulary.nearest(written, vocabulary.RESPONSES)) is not None
        ),
    }


def _gravest(written: Iterable[str], codes: Sequence[str]) -> str:
    found = [vocabulary.nearest(one, codes) or "Unknown" for one in written]
    return min(found, key=codes.index)


def _timed(infos: Sequence[Info], sent: datetime) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("effective", "onset", "expires"):
        read = [times.read(getattr(info, name), assumed=sent.tzinfo).instant for info in infos]
        instants = [instant for instant in read if instant is not None and (name != "expires" or instant > sent)]
        if instants:
            found[name] = times.wire(max(instants) if name == "expires" else min(instants))
    return found


def _coded(infos: Sequence[Info], texts: Texts) -> dict[str, Any]:
    codes = _pairs((pair for info in infos for pair in info.event_codes), 64, 64)
    same = next((value for name, value in codes if name.upper() == "SAME" and _SAME_CODE.fullmatch(value)), None)
    parameters = _pairs((pair for info in infos for pair in info.parameters), 128, 4000)
    return {
        "event_code": same,
        "event_codes": capped([{"scheme": name, "value": value} for name, value in codes], 16, "eventCode", texts),
        "parameters": capped([{"name": name, "value": value} for name, value in parameters], 64, "parameter", texts),
    }


def _pairs(pairs: Iterable[Pair], name_chars: int, value_chars: int) -> list[tuple[str, str]]:
    """Each pair once, although every language repeats it; what is too long to be a code is cut."""
    return _unique(
        (" ".join(printable(pair.name).split())[:name_chars], printable(pair.value).strip()[:value_chars])
        for pair in pairs
        if pair.name and pair.value
    )


def _resources(infos: Sequence[Info], texts: Texts) -> list[dict[str, Any]]:
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for info in infos:
        language = texts.language_of(info) or "en"
        for resource in info.resources:
            mime = resource.mime_type.partition(";")[0].strip().lower()
            key = (resource.uri, mime, resource.size, resource.digest)
            if key not in found:
                found[key] = {"mime": mime if info_rules.MIME_TYPE.fullmatch(mime) else "application/octet-stream"}
                if resource.uri and _URI.fullmatch(resource.uri):
                    found[key]["uri"] = resource.uri
                elif resource.uri:
                    texts.flaws.append(flaw(f"{resource.path}/uri", ADDRESS.format(name="uri")))
                if resource.size.isascii() and resource.size.isdigit() and len(resource.size) <= 12:
                    found[key]["size_bytes"] = int(resource.size)
                if resource.is_inline:
                    texts.flaws.append(flaw(f"{resource.path}/derefUri", INLINE))
            description = texts.cut(resource.path, ("resourceDesc", resource.description), 500)
            if description:
                found[key].setdefault("description", {}).setdefault(language, description)
    for resource_found in found.values():
        texts.credited(resource_found.get("description", {}))
    return capped([*found.values()], 32, "resource", texts)


def _web(infos: Sequence[Info], texts: Texts) -> str | None:
    for info in infos:
        if info.web and _URI.fullmatch(info.web):
            return info.web
        if info.web:
            texts.flaws.append(flaw(f"{info.path}/web", ADDRESS.format(name="web")))
    return None


def _earlier(document: CapDocument, texts: Texts) -> list[dict[str, str]]:
    known = references(document.references).known
    short = [one for one in known if len(one.sender) <= 200 and len(one.identifier) <= 200]
    if len(short) < len(known):
        texts.flaws.append(flaw("/alert/references", LONG_REFERENCE))
    written = [
        {
            "sender": printable(one.sender),
            "identifier": " ".join(printable(one.identifier).split()),
            "sent": times.wire(one.sent),
        }
        for one in short
    ]
    return capped(written, 64, "reference", texts, "/alert/references")


def _incidents(document: CapDocument, texts: Texts) -> list[str]:
    """Names have white space between them; one that contains some is quoted (CAP 1.2 section 3.2.1)."""
    named = [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|([^\s"]+)', printable(document.incidents))]
    return capped(
        [" ".join(one.split())[:200] for one in named if one.strip()], 16, "incident", texts, "/alert/incidents"
    )


def _note(document: CapDocument, texts: Texts) -> dict[str, str] | None:
    """CAP's restriction and note are for agencies; neither says in which language it is."""
    written = "\n".join(part for part in (document.restriction, document.note) if part)
    text = texts.cut("/alert", ("note", written), TEXT_CHARS)
    return {texts.language: text} if text else None


def _unique(items: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(items))
