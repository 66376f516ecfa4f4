"""The rules for what stands in an ``info``: languages, codes, times, areas, resources; none refuses an alert."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from connectors.cap import languages, shapes, times, vocabulary
from connectors.cap.document import DEFAULT_LANGUAGE, Area, CapDocument, Info, Resource
from schemas.flaws import Flaw, flaw
from schemas.texts import Text

LANGUAGE = Text(
    "This language tag does not exist in BCP 47.",
    "Esta etiqueta de idioma no existe en BCP 47.",
    code="language-unknown",
)
CODE = Text(
    "{name} is not a code of CAP; it is read as {instead}.",
    "{name} no es un código de CAP; se lee como {instead}.",
    code="code-unknown",
)
CODE_LEFT_OUT = Text(
    "{name} is not a code of CAP and was left out.", "{name} no es un código de CAP y se omitió.", code="code-unknown"
)
CASE = Text(
    "{name} is a known code in another case.", "{name} es un código conocido, con otras mayúsculas.", code="code-case"
)
EXPIRES = Text(
    "The alert expires before or when it was sent; that end is ignored.",
    "La alerta vence antes de enviarse o al enviarse; ese vencimiento se ignora.",
    code="expires-not-after-sent",
)
LANGUAGE_TIMES = Text(
    "Info blocks of one language differ in effective or expires.",
    "Bloques info de un mismo idioma difieren en effective o expires.",
    code="language-times-differ",
)
LANGUAGE_CODES = Text(
    "Info blocks differ in urgency, severity or certainty; the gravest counts.",
    "Los bloques info difieren en urgency, severity o certainty; cuenta lo más grave.",
    code="infos-differ",
)
NOT_A_NUMBER = Text("{name} must be a decimal number.", "{name} debe ser un número decimal.", code="altitude")
CEILING_ALONE = Text("A ceiling needs an altitude.", "Un ceiling necesita altitude.", code="ceiling-alone")
SIZE = Text("size must be a whole number of bytes.", "size debe ser un número entero de bytes.", code="resource-size")
MIME = Text(
    "mimeType is no media type (RFC 2046), such as image/jpeg.",
    "mimeType no es un tipo de medio (RFC 2046), como image/jpeg.",
    code="resource-type",
)
DIGEST = Text("digest is no SHA-1 in hexadecimal.", "digest no es un SHA-1 en hexadecimal.", code="resource-digest")

DECIMAL = re.compile(r"[-+]?\d{1,7}(?:\.\d{1,9})?", re.ASCII)
MIME_TYPE = re.compile(r"[a-z]{1,32}/[A-Za-z0-9.+_-]{1,64}", re.ASCII)
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}", re.ASCII)


def check(document: CapDocument, sent: datetime | None) -> Iterator[Flaw]:
    """Every broken rule within the info blocks; ``sent`` is None if it cannot be read."""
    for info in document.infos:
        yield from _codes(info)
        yield from _language(info)
        if sent is not None:
            yield from _times(info, sent)
        for area in info.areas:
            yield from _area(area)
        for resource in info.resources:
            yield from _resource(resource)
    yield from _together(document)


def _language(info: Info) -> Iterator[Flaw]:
    if info.language and not languages.exists(info.language):
        yield flaw(f"{info.path}/language", LANGUAGE)


def _codes(info: Info) -> Iterator[Flaw]:
    single = (
        ("urgency", info.urgency, vocabulary.URGENCIES),
        ("severity", info.severity, vocabulary.SEVERITIES),
        ("certainty", info.certainty, vocabulary.CERTAINTIES),
    )
    for name, written, codes in single:
        if written and written not in codes:
            text = CASE if vocabulary.nearest(written, codes) else CODE
            yield flaw(f"{info.path}/{name}", text.format(name=name, instead="Unknown"))
    for place, written in enumerate(info.categories, 1):
        if written not in vocabulary.CATEGORIES:
            text = CASE if vocabulary.nearest(written, vocabulary.CATEGORIES) else CODE
            yield flaw(f"{info.path}/category[{place}]", text.format(name="category", instead="Other"))
    for place, written in enumerate(info.response_types, 1):
        if written not in vocabulary.RESPONSES:
            text = CASE if vocabulary.nearest(written, vocabulary.RESPONSES) else CODE_LEFT_OUT
            yield flaw(f"{info.path}/responseType[{place}]", text.format(name="responseType"))


def _times(info: Info, sent: datetime) -> Iterator[Flaw]:
    for name, written in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
        if written:
            read = times.read(written, assumed=sent.tzinfo)
            if read.complaint is not None:
                yield flaw(f"{info.path}/{name}", read.complaint)
            if name == "expires" and read.instant is not None and read.instant <= sent:
                yield flaw(f"{info.path}/expires", EXPIRES)


def _area(area: Area) -> Iterator[Flaw]:
    for place, written in enumerate(area.polygons, 1):
        complaint = shapes.polygon(written).complaint if written else None
        if complaint is not None:
            yield flaw(f"{area.path}/polygon[{place}]", complaint)
    for place, written in enumerate(area.circles, 1):
        complaint = shapes.circle(written).complaint if written else None
        if complaint is not None:
            yield flaw(f"{area.path}/circle[{place}]", complaint)
    for name, written in (("altitude", area.altitude), ("ceiling", area.ceiling)):
        if written and not DECIMAL.fullmatch(written):
            yield flaw(f"{area.path}/{name}", NOT_A_NUMBER.format(name=name))
    if area.ceiling and not area.altitude:
        yield flaw(f"{area.path}/ceiling", CEILING_ALONE)


def _resource(resource: Resource) -> Iterator[Flaw]:
    if resource.size and not (resource.size.isascii() and resource.size.isdigit() and len(resource.size) <= 12):
        yield flaw(f"{resource.path}/size", SIZE)
    if resource.mime_type and not MIME_TYPE.fullmatch(resource.mime_type):
        yield flaw(f"{resource.path}/mimeType", MIME)
    if resource.digest and not _SHA1.fullmatch(resource.digest):
        yield flaw(f"{resource.path}/digest", DIGEST)


def _together(document: CapDocument) -> Iterator[Flaw]:
    """What all infos must agree on: they are one alert in several languages."""
    first_times: dict[str, tuple[str, str]] = {}
    first = document.infos[0] if document.infos else None
    for info in document.infos:
        span = (info.effective, info.expires)
        if first_times.setdefault((info.language or DEFAULT_LANGUAGE).lower(), span) != span:
            yield flaw(info.path, LANGUAGE_TIMES)
        if first is not None and (info.urgency, info.severity, info.certainty) != (
            first.urgency,
            first.severity,
            first.certainty,
        ):
            yield flaw(info.path, LANGUAGE_CODES)
