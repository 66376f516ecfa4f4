"""CAP polygons and circles (CAP 1.2 section 3.2.4): text to degrees WGS 84 and kilometres, or why not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.area import MAX_POINTS
from schemas.texts import Text

_NUMBER = r"[-+]?\d{1,3}(?:\.\d{1,15})?"
_POINT = re.compile(rf"({_NUMBER}),({_NUMBER})", re.ASCII)
_CIRCLE = re.compile(rf"({_NUMBER}),({_NUMBER})\s+(\d{{1,5}}(?:\.\d{{1,15}})?)", re.ASCII)
MAX_RADIUS_KM = 20_038  # half the way round the earth

NOT_A_POLYGON = Text(
    "This is not a polygon of at least four points in degrees, such as 32.5,-117.1 32.6,-117.1 32.6,-117 32.5,-117.1.",
    "No es un polígono de al menos cuatro puntos en grados, como 32.5,-117.1 32.6,-117.1 32.6,-117.0 32.5,-117.1.",
    code="polygon",
)
POLYGON_OPEN = Text(
    "The last point of the polygon is not its first; it was closed.",
    "El último punto del polígono no es el primero; se cerró.",
    code="polygon-open",
)
TOO_MANY_POINTS = Text(
    "The polygon has more than {most} points and was left out; the original has it.",
    "El polígono tiene más de {most} puntos y se omitió; está en el original.",
    code="polygon-too-large",
)
NOT_A_CIRCLE = Text(
    "This is not a circle in degrees and kilometres, such as 32.5,-117.0 12.5.",
    "No es un círculo en grados y kilómetros, como 32.5,-117.0 12.5.",
    code="circle",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """Closed; ``points`` are (latitude, longitude) in degrees, or empty if the text is no polygon."""

    points: tuple[tuple[float, float], ...]
    complaint: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """``centre`` is (latitude, longitude) in degrees, or None if the text is no circle."""

    centre: tuple[float, float] | None
    radius_km: float
    complaint: Text | None


def polygon(written: str) -> Polygon:
    """Read a polygon; one that is merely left open is closed."""
    points: list[tuple[float, float]] = []
    for pair in written.split():
        match = _POINT.fullmatch(pair)
        point = _point(match[1], match[2]) if match else None
        if point is None:
            return Polygon(points=(), complaint=NOT_A_POLYGON)
        points.append(point)
    is_open = len(points) >= 3 and points[0] != points[-1]
    if is_open:
        points.append(points[0])
    if len(points) < 4:
        return Polygon(points=(), complaint=NOT_A_POLYGON)
    if len(points) > MAX_POINTS:
        return Polygon(points=(), complaint=TOO_MANY_POINTS.format(most=MAX_POINTS))
    return Polygon(points=tuple(points), complaint=POLYGON_OPEN if is_open else None)


def circle(written: str) -> Circle:
    """Read a circle."""
    match = _CIRCLE.fullmatch(written.strip())
    centre = _point(match[1], match[2]) if match else None
    if match is None or centre is None or float(match[3]) > MAX_RADIUS_KM:
        return Circle(centre=None, radius_km=0, complaint=NOT_A_CIRCLE)
    return Circle(centre=centre, radius_km=float(match[3]), complaint=None)


def _point(latitude: str, longitude: str) -> tuple[float, float] | None:
    point = float(latitude), float(longitude)
    return point if abs(point[0]) <= 90 and abs(point[1]) <= 180 else None
