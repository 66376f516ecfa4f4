"""
Which members of one event a projection shows and which it hides, as JSON pointers: read off the very cut that is
handed out, so what is told about a disclosure cannot differ from it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import orjson

from schemas.plan import Node, plan_of
from schemas.projection import Projections, project

# From open to closed: the first whose cut shows a member tells how sensitive it is, marks and lapse included.
LEVELS = ("public", "partner", "enforcement")
OWNERS = "protected"
NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """`shown`: pointers in the event's order; `hidden`: pointer -> the sensitivity that it has now."""

    shown: tuple[str, ...]
    hidden: Mapping[str, str]


class _Leaf(NamedTuple):
    pointer: str
    member: str  # the whole text, where the leaf is one language of it; else the same
    start: int


def members(event: Mapping[str, Any], event_type: str, name: str, opened: Iterable[str] = ()) -> Members:
    """
    What the projection ``name`` of an event shows and hides, with the members at ``opened`` opened by consent.

    The name NOTHING (or NOTHING and ``~``, once the alert is over) is the one of who may not read the event at all.

    A text in two languages is one member, unless one of the languages is hidden. A coarser member is never hidden:
    it is shown, or what it stands for is.
    """
    own, pointers = project(event, event_type), tuple(opened)
    given = project(event, event_type, opened=(name, pointers)) if pointers else own
    leaves = _leaves_of(given, event_type)
    seen, written = (_within(leaves, given, each) for each in (name, "full"))
    lapsed = "~" if name.endswith("~") else ""
    own_leaves = _leaves_of(own, event_type)
    levels = [(level, _within(own_leaves, own, f"{level}{lapsed}")) for level in LEVELS]
    shown: list[str] = []
    hidden: dict[str, str] = {}
    for member, group in groupby(leaves, key=lambda leaf: leaf.member):
        parts = [leaf.pointer for leaf in group]
        open_parts = [pointer for pointer in parts if pointer in seen]
        shut_parts = [pointer for pointer in parts if pointer in written and pointer not in seen]
        shown += open_parts if shut_parts else [member] if open_parts else []
        for pointer in shut_parts if open_parts else [member] if shut_parts else []:
            those = shut_parts if pointer == member else [pointer]
            hidden[pointer] = next((level for level, within in levels if within.intersection(those)), OWNERS)
    return Members(shown=tuple(shown), hidden=hidden)


def _leaves_of(projections: Projections, event_type: str) -> list[_Leaf]:
    return list(_leaves(orjson.loads(projections.text), 0, "", plan_of(event_type)))


def _leaves(value: Any, at: int, pointer: str, node: Node | None, text: str = "") -> Iterator[_Leaf]:
    """Every value that may be hidden by itself, with where it stands in the canonical text."""
    is_whole = node is not None and node.members is None and node.item is None and node.machine is None
    if is_whole or not value or not isinstance(value, dict | list):
        yield _Leaf(pointer, text or pointer, at)
        return
    if node is not None and node.machine == "text":
        text = pointer
    place = at + 1
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(value, dict):
            place += _chars(step) + 1  # its name and the colon
        yield from _leaves(inner, place, f"{pointer}/{step}", _below(node, step), text)
        place += _chars(inner) + 1  # and the comma


def _chars(value: Any) -> int:
    return len(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())


def _below(node: Node | None, step: str | int) -> Node | None:
    if node is None:
        return None
    return node.item if isinstance(step, int) else (node.members or {}).get(step)


def _within(leaves: Iterable[_Leaf], projections: Projections, name: str) -> frozenset[str]:
    """The leaves that begin in one of a projection's ranges; both are in the order of the text."""
    found = []
    ranges = iter(() if name.rstrip("~") == NOTHING else projections.cuts[name])
    now = next(ranges, None)
    for leaf in leaves:
        while now is not None and now[1] <= leaf.start:
            now = next(ranges, None)
        if now is not None and now[0] <= leaf.start:
            found.append(leaf.pointer)
    return frozenset(found)
