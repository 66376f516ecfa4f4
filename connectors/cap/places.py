"""The geocodes of a document to jurisdictions; without any that can be resolved, the source's own are assumed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.cap.document import CapDocument, Pair
from schemas import places
from schemas.flaws import Flaw, flaw
from schemas.texts import Text

MAX_JURISDICTIONS = 64

ASSUMED = Text(
    "No place of the alert could be resolved; the source's own jurisdictions are assumed.",
    "No se pudo resolver ningún lugar de la alerta; se suponen las jurisdicciones de la propia fuente.",
    code="place-assumed",
)
COARSENED = Text(
    "The alert names more than {most} places; their states stand for them.",
    "La alerta nombra más de {most} lugares; se indican sus estados.",
    code="places-coarsened",
)
_ALIASES = {"ISO 3166-2": "ISO3166-2", "ISO-3166-2": "ISO3166-2", "CVE_GEO": "CVEGEO", "FIPS 6": "FIPS6"}
_ZONE = re.compile(r"[A-Z]{2}Z(?:\d{3}|ALL)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Jurisdiction codes, at least one and each once, and what is wrong with the geocodes."""

    jurisdictions: tuple[str, ...]
    flaws: tuple[Flaw, ...]


def resolve(document: CapDocument, *, own: Sequence[str], country: str, aliases: Mapping[str, str]) -> Resolved:
    """
    Where an alert applies.

    Args:
        own: the source's jurisdictions, for a document that names no place we know.
        country: of the source, ``US`` or ``MX``; the other country's schemes are flaws, never places.
        aliases: further names of schemes, upper case, as this source writes them.
    """
    exact: dict[str, None] = {}
    zones: dict[str, None] = {}
    flaws: list[Flaw] = []
    for pair, scheme, value in _codes(document, aliases):
        try:
            code = places.from_geocode(scheme, value, country=country)
        except places.UnknownPlace as unknown:
            if unknown.text.code != places.UNKNOWN_SCHEME.code:  # any scheme is allowed in CAP
                flaws.append(flaw(pair.path, unknown.text))
            continue
        (zones if scheme == "UGC" and _ZONE.fullmatch(value) else exact)[code] = None
    # A forecast zone is only known by its state; where the document names counties too, these are better.
    exact.update((state, None) for state in zones if not any(places.covers(state, code) for code in exact))
    found = tuple(code for code in exact if not any(places.covers(other, code) for other in exact if other != code))
    if not found:
        return Resolved(jurisdictions=tuple(own), flaws=(*flaws, flaw("/alert/info", ASSUMED)))
    if len(found) > MAX_JURISDICTIONS:
        flaws.append(flaw("/alert/info", COARSENED.format(most=MAX_JURISDICTIONS)))
        found = _coarser(found)
    return Resolved(jurisdictions=found, flaws=tuple(flaws))


def _codes(document: CapDocument, aliases: Mapping[str, str]) -> Iterator[tuple[Pair, str, str]]:
    """Each code once, although every language repeats it and NWS puts several into one value."""
    seen: set[tuple[str, str]] = set()
    for info in document.infos:
        for pair in (geocode for area in info.areas for geocode in area.geocodes):
            name = pair.name.strip().upper()
            scheme = aliases.get(name, _ALIASES.get(name, name))
            for value in re.split(r"[\s,;]+", pair.value.strip()):
                if value and (scheme, value) not in seen:
                    seen.add((scheme, value))
                    yield pair, scheme, value


def _coarser(codes: Sequence[str]) -> tuple[str, ...]:
    states = tuple(dict.fromkeys(code.partition(":")[0] for code in codes))
    if len(states) <= MAX_JURISDICTIONS:
        return states
    return tuple(dict.fromkeys(places.country_of(code) for code in codes))
