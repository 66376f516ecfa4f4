"""From stored text to what one reader gets: a choice of ranges, never a rewrite. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from schemas import pins, projection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hub.stored import Draft, Stored


def dump_cuts(cuts: Mapping[str, Sequence[tuple[int, int]]]) -> str:
    """One line per projection, `name start end start end ...`, so that reading one needs no parsing of the others."""
    lines = [f"\n{name} {' '.join(f'{start} {end}' for start, end in ranges)}" for name, ranges in cuts.items()]
    return "".join(lines) + "\n"


def _ranges(cuts: str, name: str) -> list[tuple[int, int]]:
    _, found, rest = cuts.partition(f"\n{name} ")
    if not found:
        raise KeyError(name)
    numbers = [int(number) for number in rest.partition("\n")[0].split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def whole(row: Stored | Draft) -> dict[str, Any]:
    """The event as its source wrote it."""
    written: dict[str, Any] = orjson.loads(projection.render(row.text, _ranges(row.cuts, "full")))
    return written


def render(row: Stored, name: str) -> str:
    """The canonical JSON of `row` as the projection `name`; ranges of an older version are worked out anew."""
    if row.projection_version == projection.PROJECTION_VERSION:
        return projection.render(row.text, _ranges(row.cuts, name))
    fresh = projection.project(whole(row), row.type)
    return projection.render(fresh.text, fresh.cuts[name])


def render_opened(row: Stored, name: str, pointers: Iterable[str]) -> str:
    """The projection `name`, and with it the members at `pointers`; worked out for this one answer, never stored."""
    event = whole(row)
    fresh = projection.project(event, row.type, opened=(name, pins.placed(event, pointers)))
    return projection.render(fresh.text, fresh.cuts[name])
