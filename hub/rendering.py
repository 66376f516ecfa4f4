"""From stored text to what one reader gets: a choice of ranges, never a rewrite. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from schemas import pins, projection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hub.stored import Draft, Stored


CROSSED = 0  # the projection version of a copy from another node: its texts as they came, and no whole event
_LADDER = ("full", "enforcement", "partner", "public", "notice")


def dump_cuts(cuts: Mapping[str, Sequence[tuple[int, int]]]) -> str:
    """One line per projection, `name start end start end ...`, so that reading one needs no parsing of the others."""
    lines = [f"\n{name} {' '.join([f'{start} {end}' for start, end in ranges])}" for name, ranges in cuts.items()]
    return "".join(lines) + "\n"


def _ranges(cuts: str, name: str) -> list[tuple[int, int]]:
    _, found, rest = cuts.partition(f"\n{name} ")
    if not found:
        raise KeyError(name)
    numbers = [int(number) for number in rest.partition("\n")[0].split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _held(cuts: str, name: str) -> str:
    """The projection `name` of a copy, or the next lower one that came: nobody is shown more than was released."""
    lapsed = "~" if name.endswith("~") else ""
    level = _LADDER.index(name.removesuffix("~"))
    wanted = (f"{each}{ending}" for each in _LADDER[level:] for ending in dict.fromkeys((lapsed, "~")))
    return next(each for each in wanted if f"\n{each} " in cuts)


def whole(row: Stored | Draft) -> dict[str, Any]:
    """The event as its source wrote it; of a copy, as much as has come."""
    name = _held(row.cuts, "full") if row.projection_version == CROSSED else "full"
    written: dict[str, Any] = orjson.loads(projection.render(row.text, _ranges(row.cuts, name)))
    return written


def render(row: Stored, name: str) -> str:
    """The canonical JSON of `row` as the projection `name`; ranges of an older version are worked out anew."""
    if row.projection_version == projection.PROJECTION_VERSION:
        return projection.render(row.text, _ranges(row.cuts, name))
    if row.projection_version == CROSSED:
        return projection.render(row.text, _ranges(row.cuts, _held(row.cuts, name)))
    fresh = projection.project(whole(row), row.type)
    return projection.render(fresh.text, fresh.cuts[name])


def render_opened(row: Stored, name: str, pointers: Iterable[str], *, outside: bool = False) -> str:
    """The projection `name`, and with it the members at `pointers`; worked out for this one answer, never stored.

    `outside`: for a reader beyond this node, who gets nothing that is marked resident.
    """
    event = whole(row)
    fresh = projection.project(event, row.type, outside=outside, opened=(name, pins.placed(event, pointers)))
    return projection.render(fresh.text, fresh.cuts[name])
