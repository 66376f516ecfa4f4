"""Where something applies: described, as codes of any scheme, and as WGS 84 shapes in degrees and kilometres."""

from __future__ import annotations

from typing import Any

from schemas.bilingual import Bilingual
from schemas.complaints import COUNT, NOT_A_LIST
from schemas.fields import Body, Formed, Leaf, Line, Many, Number, One
from schemas.sensitivity import PUBLIC, Metadata
from schemas.texts import Text

MAX_POINTS = 2000
NOT_A_POINT = Text(
    "Each point must be [latitude, longitude] in degrees, -90 to 90 and -180 to 180.",
    "Cada punto debe ser [latitud, longitud] en grados, de -90 a 90 y de -180 a 180.",
    code="not-a-point",
)
NOT_CLOSED = Text(
    "The last point of a polygon must be the same as its first (CAP 1.2 section 3.2.4).",
    "El último punto de un polígono debe ser igual al primero (CAP 1.2 sección 3.2.4).",
    code="polygon-not-closed",
)
SCHEME = Text("a scheme name, such as SAME or INEGI", "un nombre de esquema, como SAME o INEGI")


class Ring(Leaf):
    """A closed polygon: 4 to 2,000 points ``[latitude, longitude]``, degrees WGS 84, first = last."""

    default_error_messages = {"list": NOT_A_LIST, "count": COUNT, "point": NOT_A_POINT, "closed": NOT_CLOSED}

    def check(self, value: Any) -> list[list[float]]:
        if type(value) is not list:
            raise self.make_error("list")
        if not 4 <= len(value) <= MAX_POINTS:
            raise self.make_error("count", min=4, max=MAX_POINTS)
        if not all(map(_is_point, value)):
            raise self.make_error("point")
        if value[0] != value[-1]:
            raise self.make_error("closed")
        return value

    def json_schema(self) -> dict[str, Any]:
        degrees = [{"type": "number", "minimum": -limit, "maximum": limit} for limit in (90, 180)]
        point = {"type": "array", "prefixItems": degrees, "items": False, "minItems": 2}
        return {"type": "array", "items": point, "minItems": 4, "maxItems": MAX_POINTS}


def _is_point(point: Any) -> bool:
    return (
        type(point) is list
        and len(point) == 2
        and type(point[0]) in (int, float)
        and type(point[1]) in (int, float)
        and -90 <= point[0] <= 90
        and -180 <= point[1] <= 180
    )


def latitude(metadata: Metadata, **options: Any) -> Number:
    """Degrees WGS 84, north positive."""
    return Number(metadata, -90, 90, **options)


def longitude(metadata: Metadata, **options: Any) -> Number:
    """Degrees WGS 84, east positive."""
    return Number(metadata, -180, 180, **options)


class CircleSchema(Body):
    """A circle: where to look out, not where anyone was seen."""

    latitude_deg = latitude(PUBLIC, required=True)
    longitude_deg = longitude(PUBLIC, required=True)
    radius_km = Number(PUBLIC, 0, 20_038, required=True)  # half the way round the earth


class GeocodeSchema(Body):
    """A place by a code; without its scheme a code means nothing."""

    scheme = Formed(PUBLIC, r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}", SCHEME, required=True)
    value = Line(PUBLIC, 64, required=True)


class AreaSchema(Body):
    """One CAP area."""

    description = Bilingual(PUBLIC, 1000)
    geocodes = Many(One(PUBLIC, GeocodeSchema), 200)
    polygons_lat_lon_deg = Many(Ring(PUBLIC), 32)
    circles = Many(One(PUBLIC, CircleSchema), 32)
    altitude_m = Number(PUBLIC, -500, 100_000)  # CAP has feet
    ceiling_m = Number(PUBLIC, -500, 100_000)
