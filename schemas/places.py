"""
Places: one code for each country, state, and county or municipio, and how the codes of others map to it.

Bare digits never name a place: 747 INEGI municipio keys are also US county FIPS codes, so a code is only
read together with its scheme and with the country of the agency that wrote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from schemas import reference
from schemas.texts import Text

PATTERN = r"^(?:US|MX)(?:-[A-Z]{2,3}(?::\d{5})?)?$"
COUNTRIES = {
    "US": Text("United States", "Estados Unidos"),
    "MX": Text("Mexico", "México"),
}

UNKNOWN_SCHEME = Text(
    "This geocode scheme is not known; use {known}.",
    "Este esquema de geocódigo no se conoce; use {known}.",
    code="unknown-scheme",
)
UNKNOWN_CODE = Text("This is not a code of {scheme}.", "Este código no existe en {scheme}.", code="unknown-geocode")
US_CODE_FROM_MEXICO = Text(
    "A Mexican source may not name places by {scheme}, a US code list: the same digits mean another place in INEGI.",
    "Una fuente mexicana no puede nombrar lugares con {scheme}, una lista de Estados Unidos: "
    "los mismos dígitos son otro lugar en el INEGI.",
    code="foreign-scheme",
)
MEXICAN_CODE_FROM_US = Text(
    "A US source may not name places by {scheme}, a Mexican code list: the same digits mean another place in FIPS.",
    "Una fuente de Estados Unidos no puede nombrar lugares con {scheme}, una lista mexicana: "
    "los mismos dígitos son otro lugar en FIPS.",
    code="foreign-scheme",
)


class UnknownPlace(ValueError):
    """A geocode that names no place here; ``text`` says why, for its sender."""

    def __init__(self, text: Text) -> None:
        """Carry the reason; it names the scheme, never the value."""
        super().__init__(text)
        self.text = text


_STATES = [(code, number, name) for code, number, name in reference.rows("states.csv")]
_STATE_OF = {(code[:2], number): code for code, number, _ in _STATES}
_NAMES: dict[str, str] = {code: name for code, _, name in _STATES}
_NAMES.update((code, name) for code, name in reference.rows("municipalities.csv"))
_LOCAL = {(code[:2], code[-5:]): code for code in _NAMES if ":" in code}


def is_jurisdiction(code: str) -> bool:
    """Whether ``code`` is a place of the reference data."""
    return code in _NAMES or code in COUNTRIES


def country_of(code: str) -> str:
    """``US`` or ``MX``, for a jurisdiction code."""
    return code[:2]


def country_of_agency(agency: str) -> str:
    """``US`` or ``MX``, for an agency id such as ``mx-bcn-fge``."""
    return agency[:2].upper()


def name_of(code: str) -> Text:
    """
    The name of a place.

    Raises:
        KeyError: there is no such place.
    """
    return COUNTRIES[code] if code in COUNTRIES else Text(_NAMES[code], _NAMES[code])


def state_named(written: str, country: str | None) -> str | None:
    """The state that goes by this name or code in a country, or in one of the two; None if it is none, or two are."""
    wanted = _folded(written)
    found = {
        code
        for code, _, name in _STATES
        if country in (None, code[:2]) and wanted in (_folded(name), _folded(code), _folded(code[3:]))
    }
    return found.pop() if len(found) == 1 else None


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def covers(outer: str, inner: str) -> bool:
    """Whether ``inner`` is ``outer`` or lies within it."""
    return inner == outer or (inner.startswith(outer) and inner[len(outer)] in "-:")


def touches(one: str, other: str) -> bool:
    """Whether one of two places contains the other."""
    return covers(one, other) or covers(other, one)


def ancestors(code: str) -> tuple[str, ...]:
    """What lies around a place, nearest first: ``US-CA:06073`` -> ``US-CA``, ``US``."""
    state = code.partition(":")[0]
    return (state, state[:2]) if ":" in code else (state[:2],) if "-" in code else ()


def from_geocode(scheme: str, value: str, *, country: str) -> str:
    """
    The jurisdiction that a geocode of another standard names.

    Args:
        scheme: SAME, FIPS6, FIPS, UGC (US); INEGI, CVEGEO (Mexico); ISO3166-2 (both); in any case.
        value: the code in that scheme; surrounding spaces are ignored.
        country: of the agency that wrote it, ``US`` or ``MX``.

    Raises:
        UnknownPlace: the scheme or code is not known, or is the other country's.
    """
    name = scheme.strip().upper()
    found = _SCHEMES.get(name)
    if found is None:
        raise UnknownPlace(UNKNOWN_SCHEME.format(known=", ".join(_SCHEMES)))
    home, read = found
    if home not in ("", country):
        foreign = US_CODE_FROM_MEXICO if home == "US" else MEXICAN_CODE_FROM_US
        raise UnknownPlace(foreign.format(scheme=name))
    code = read(value.strip())
    if code is None:
        raise UnknownPlace(UNKNOWN_CODE.format(scheme=name))
    return code


def to_geocode(code: str) -> tuple[str, str]:
    """
    Scheme and value that a jurisdiction is known by in its country: SAME in the US (47 CFR 11.31), INEGI in Mexico.

    Mexico as a whole has no number and is named by ISO 3166.
    """
    country, _, local = code.partition("-")
    digits = local.partition(":")[2] or _NUMBER_OF.get(code, "")
    if country == "US":
        return "SAME", f"0{digits:0<5}"
    return ("INEGI", digits) if digits else ("ISO3166-2", code)


def _same(value: str) -> str | None:
    """PSSCCC: part of the county, state, county (47 CFR 11.31); 000000 is the whole country."""
    if not re.fullmatch(r"\d{6}", value, re.ASCII):
        return None
    return "US" if value == "000000" else _fips(value[1:])


def _fips(value: str) -> str | None:
    if re.fullmatch(r"\d{2}000", value, re.ASCII):
        return _STATE_OF.get(("US", value[:2]))
    return _LOCAL.get(("US", value))


def _ugc(value: str) -> str | None:
    """SSCNNN is a county; SSZNNN a forecast zone, which only its state is known for (NWS Directive 10-1702)."""
    match = re.fullmatch(r"([A-Z]{2})([CZ])(\d{3}|ALL)", value, re.ASCII)
    if match is None or f"US-{match[1]}" not in _NAMES:
        return None
    state = f"US-{match[1]}"
    if match[2] == "Z" or match[3] in ("000", "ALL"):
        return state
    return _LOCAL.get(("US", _NUMBER_OF[state] + match[3]))


def _inegi(value: str) -> str | None:
    """Entidad (2 digits), municipio (5) or localidad (9), which lies in its municipio."""
    if not re.fullmatch(r"\d{2}(?:\d{3}(?:\d{4})?)?", value, re.ASCII):
        return None
    if len(value) == 2 or value[2:] == "000":
        return _STATE_OF.get(("MX", value[:2]))
    return _LOCAL.get(("MX", value[:5]))


def _iso(value: str) -> str | None:
    code = value.upper()
    return code if ":" not in code and is_jurisdiction(code) else None


_NUMBER_OF = {code: number for code, number, _ in _STATES}
_SCHEMES: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "SAME": ("US", _same),
    "FIPS6": ("US", _same),
    "FIPS": ("US", _fips),
    "UGC": ("US", _ugc),
    "INEGI": ("MX", _inegi),
    "CVEGEO": ("MX", _inegi),
    "ISO3166-2": ("", _iso),
}
