"""Where an alert applies, as CAP areas: places by code and name, shapes in degrees and kilometres. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hub.cap.message import whole
from schemas.places import name_of, to_geocode
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

METRES_IN_FOOT = 0.3048
DECIMALS = 7  # of a degree: a centimetre


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One CAP area; what it is called is bilingual as events write it, the rest as CAP writes it."""

    description: Mapping[str, Any]
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()
    altitude: str = ""  # feet above mean sea level
    ceiling: str = ""


def areas(written: Sequence[Mapping[str, Any]], jurisdictions: Sequence[str]) -> list[Area]:
    """
    The areas of an event. Every jurisdiction is named by its code, which is what receivers match by: one that no area
    names is added to the first of them.
    """
    called = _called(jurisdictions)
    found = [_area(one, called) for one in written] or [Area(description=called)]
    named = {pair for area in found for pair in area.geocodes}
    missing = tuple(pair for pair in map(to_geocode, jurisdictions) if pair not in named)
    return [replace(found[0], geocodes=(*found[0].geocodes, *missing)), *found[1:]]


def _called(jurisdictions: Iterable[str]) -> Mapping[str, Any]:
    """Names of places, a county's with its state's."""
    names = [_name(code) for code in jurisdictions]
    return {"en": "; ".join(names), "es": "; ".join(name.es for name in names)}


def _name(code: str) -> Text:
    state, is_local, _ = code.partition(":")
    if not is_local:
        return name_of(code)
    return Text("{place}, {state}", "{place}, {state}").format(place=name_of(code), state=name_of(state))


def _area(written: Mapping[str, Any], called: Mapping[str, Any]) -> Area:
    altitude = written.get("altitude_m")
    ceiling = written.get("ceiling_m") if altitude is not None else None  # CAP has no ceiling without an altitude
    return Area(
        description=written.get("description", called),
        polygons=tuple(" ".join(_point(*point) for point in ring) for ring in written.get("polygons_lat_lon_deg", ())),
        circles=tuple(
            f"{_point(one['latitude_deg'], one['longitude_deg'])} {_decimal(one['radius_km'])}"
            for one in whole(written.get("circles", ()), "latitude_deg", "longitude_deg", "radius_km")
        ),
        geocodes=tuple((one["scheme"], one["value"]) for one in whole(written.get("geocodes", ()), "scheme", "value")),
        altitude=_feet(altitude),
        ceiling=_feet(ceiling),
    )


def _point(latitude_deg: float, longitude_deg: float) -> str:
    return f"{_decimal(latitude_deg)},{_decimal(longitude_deg)}"


def _decimal(number: float) -> str:
    return f"{number:.{DECIMALS}f}".rstrip("0").rstrip(".")


def _feet(metres: float | None) -> str:
    return "" if metres is None else _decimal(round(metres / METRES_IN_FOOT, 1))
