"""CAP areas to the areas of an event; the renderings of one area in several languages become one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from connectors.cap import info_rules, shapes
from connectors.cap.document import Area, Info
from connectors.cap.texts import Texts
from schemas.fields import printable
from schemas.flaws import flaw
from schemas.texts import Text

FEET_IN_METRES = 0.3048
MAX_AREAS, MAX_GEOCODES, MAX_SHAPES = 100, 200, 32
LEFT_OUT = Text(
    "There are more {name} than {most}; the rest is only in the original.",
    "Hay más {name} que {most}; el resto solo está en el original.",
    code="too-many",
)
GEOCODE = Text(
    "A geocode has a scheme or value of a form that cannot be passed on; it is only in the original.",
    "Un geocódigo tiene un esquema o valor que no se puede transmitir; solo está en el original.",
    code="geocode-left-out",
)
_SCHEME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}", re.ASCII)
_Key = tuple[Any, ...]


def areas(infos: Sequence[Info], texts: Texts) -> list[dict[str, Any]]:
    """All areas of an alert, each once, described in our languages."""
    found: dict[_Key, dict[str, Any]] = {}
    for info in infos:
        language = texts.language_of(info)
        seen: Counter[_Key] = Counter()
        for place, area in enumerate(info.areas):
            shape = _shape(area) or (place,)
            key = (*shape, seen[shape])
            seen[shape] += 1
            if key not in found:
                found[key] = _area(area, texts)
            description = texts.cut(area.path, ("areaDesc", area.description), 1000)
            if description and (language is not None or not texts.has_main):
                found[key].setdefault("description", {}).setdefault(language or "en", description)
    for described in found.values():
        texts.credited(described.get("description", {}))
    return capped([area for area in found.values() if area], MAX_AREAS, "area", texts)


def capped(items: list[Any], most: int, name: str, texts: Texts, path: str = "/alert/info") -> list[Any]:
    """At most ``most`` items; that some are missing is noted."""
    if len(items) > most:
        texts.flaws.append(flaw(path, LEFT_OUT.format(name=name, most=most)))
    return items[:most]


def _shape(area: Area) -> _Key:
    codes = tuple((pair.name, pair.value) for pair in area.geocodes)
    shape = (codes, area.polygons, area.circles, area.altitude, area.ceiling)
    return shape if any(shape) else ()


def _area(area: Area, texts: Texts) -> dict[str, Any]:
    polygons = [list(map(list, shapes.polygon(one).points)) for one in area.polygons if one]
    circles = [shapes.circle(one) for one in area.circles if one]
    found: dict[str, Any] = {
        "geocodes": capped(_geocodes(area, texts), MAX_GEOCODES, "geocode", texts, area.path),
        "polygons_lat_lon_deg": capped([one for one in polygons if one], MAX_SHAPES, "polygon", texts, area.path),
        "circles": capped(
            [
                {"latitude_deg": one.centre[0], "longitude_deg": one.centre[1], "radius_km": one.radius_km}
                for one in circles
                if one.centre is not None
            ],
            MAX_SHAPES,
            "circle",
            texts,
            area.path,
        ),
        "altitude_m": _metres(area.altitude),
        "ceiling_m": _metres(area.ceiling),
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def _geocodes(area: Area, texts: Texts) -> list[dict[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for pair in area.geocodes:
        scheme = pair.name.strip()
        values = pair.value.split()
        if not _SCHEME.fullmatch(scheme) or any(len(value) > 64 or printable(value) != value for value in values):
            texts.flaws.append(flaw(pair.path, GEOCODE))
            continue
        found.update(((scheme, value), None) for value in values)
    return [{"scheme": scheme, "value": value} for scheme, value in found]


def _metres(feet: str) -> float | None:
    """CAP gives heights in feet above mean sea level."""
    if not info_rules.DECIMAL.fullmatch(feet):
        return None
    metres = round(float(feet) * FEET_IN_METRES, 1)
    return metres if -500 <= metres <= 100_000 else None
