"""
What each clearance may see of an event, computed once: the event's canonical JSON and, per projection, its ranges.

Pure. A projection is the text with what is hidden cut out, and is canonical JSON itself: members sorted by name,
no spaces. What is hidden leaves no trace: a container goes when nothing in it is visible. Coarser members (an age
band) stand in the text beside what they stand for, and are cut out where that is visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.bilingual import machine_members
from schemas.coarse import FUNCTIONS
from schemas.label import RESIDENT
from schemas.masks import ALL, BITS, FROM_PARTNER, from_level
from schemas.plan import Node, plan_of
from schemas.sensitivity import Sensitivity

PROJECTION_VERSION = 2  # raise it when the same event would be cut differently

Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Projections:
    """All renderings of one event. Ranges are character positions in ``text``: start, and end not included."""

    text: str
    cuts: Mapping[str, tuple[Range, ...]]  # "notice", "public", "partner", "enforcement", "full"; lapsed: "public~" ...
    lapses: bool  # whether it holds content that stops being public when the alert is over
    resident: tuple[str, ...]  # pointers of members that never leave this node


@dataclass(slots=True)
class _Mark:
    """What the label's marks say at one place and below it.

    `opens` are projections that a consent opens it to, whatever is around it; in `keeps` it stays open with its parent.
    """

    mask: int
    below: dict[str, _Mark]
    opens: int = 0
    keeps: int = 0

    def not_for_public(self) -> _Mark:
        """The same, opened from partners up at most."""
        keeps = self.keeps & FROM_PARTNER
        below = {step: mark.not_for_public() for step, mark in self.below.items()}
        return _Mark(self.mask, _Everything(keeps, below) if keeps else below, self.opens & FROM_PARTNER, keeps)


class _Everything(dict[str, _Mark]):
    """
    What lies below an opened member is open as well; for all other projections the marks below it stay.

    Empty where there are none, so that a member alike in all parts is written whole.
    """

    def __init__(self, opened: int, marked: Mapping[str, _Mark]) -> None:
        super().__init__(marked)
        self._opened = opened

    def get(self, step: str, _default: object = None) -> _Mark:
        mark = self[step] if step in self else _Mark(ALL, {})
        return _Mark(mark.mask, _Everything(self._opened, mark.below), keeps=self._opened)


_Entry = tuple[str, Node, Any, _Mark | None]  # what to write before it, its plan, the value, its marks


def project(
    event: Mapping[str, Any],
    event_type: str,
    *,
    outside: bool = False,
    opened: tuple[str, Iterable[str]] | None = None,
) -> Projections:
    """
    Cut an event, which must be valid, for every clearance.

    ``outside``: for a reader beyond this node; members marked resident are then in no projection at all.
    ``opened``: the name of one projection, and pointers of members that a live consent opens to its reader.

    Raises:
        KeyError: there is no such type.
    """
    marks: Mapping[str, str] = event.get("label", {}).get("marks", {})
    writer = _Writer(event)
    writer.write(plan_of(event_type), event, ALL, _tree(marks, outside, opened) if marks or opened else None)
    text, cuts = _cut(writer.chunks, writer.masks)
    resident = tuple(sorted(pointer for pointer, mark in marks.items() if mark == RESIDENT))
    return Projections(text=text, cuts=cuts, lapses=writer.lapses, resident=resident)


def render(text: str, ranges: Iterable[Range]) -> str:
    """One projection: the ranges of ``text``, joined."""
    return "".join([text[start:end] for start, end in ranges])


def _tree(marks: Mapping[str, str], outside: bool, opened: tuple[str, Iterable[str]] | None) -> _Mark:
    root = _Mark(ALL, {})
    for pointer, mark in marks.items():
        at = _place(root, pointer)
        if mark == RESIDENT:
            at.mask &= 0 if outside else ALL
        else:
            level = Sensitivity[mark.upper()]
            at.mask &= from_level(level, level, in_notice=False)
    name, pointers = opened or ("", ())
    # No consent takes out of the node what is to stay in it.
    kept = [pointer for pointer, mark in marks.items() if mark == RESIDENT and outside]
    named = [one for one in pointers if not any(_holds(one, other) or _holds(other, one) for other in kept)]
    for pointer in named:
        if not any(_holds(other, pointer) for other in named if other != pointer):
            at = _place(root, pointer)
            at.opens = at.keeps = BITS[name]
            at.below = _Everything(at.keeps, at.below)
    return root


def _holds(outer: str, inner: str) -> bool:
    return f"{inner}/".startswith(f"{outer}/")


def _place(root: _Mark, pointer: str) -> _Mark:
    at = root
    for step in pointer.split("/")[1:]:
        at = at.below.get(step) or at.below.setdefault(step, _Mark(ALL, {}))
    return at


class _Writer:
    """
    Writes an event as chunks of text, each with the set of projections (a bit mask) that show it.

    Brackets and commas get their masks last: they are shown where what they hold, or stand between, is shown.
    """

    __slots__ = ("chunks", "event", "has_machine_text", "lapses", "masks")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event
        self.chunks: list[str] = []
        self.masks: list[int] = []
        self.lapses = False
        self.has_machine_text = b'"translation":"machine"' in orjson.dumps(event)

    def write(self, node: Node, value: Any, mask: int, mark: _Mark | None, prefix: str = "") -> int:
        """Append ``prefix`` and ``value``; returns the projections that show anything of it."""
        mask &= node.mask if mark is None else node.mask & mark.mask | mark.keeps
        mask |= 0 if mark is None else mark.opens
        if node.machine == "block" and value.get("translation") == "machine":
            mask &= FROM_PARTNER  # what a machine translated is never shown to the public
            mark = None if mark is None else mark.not_for_public()
        if not mask:
            return 0
        self.lapses = self.lapses or node.lapses
        may_cut_text = self.has_machine_text and node.holds_text
        if node.machine == "text" and may_cut_text:
            return self._write_text(value, mask, prefix)
        is_leaf = node.item is None and node.members is None  # a pointer may go on below one: at nothing
        if not value or is_leaf or (node.is_uniform and not may_cut_text and (mark is None or not mark.below)):
            return self._append(prefix + orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode(), mask)
        if node.members is not None and mark is None:
            return self._write_members(node, value, mask, prefix)
        entries = self._items(node.item, value, mark) if node.item is not None else self._members(node, value, mark)
        return self._write_all(entries, mask, prefix, "[]" if node.item is not None else "{}", node.always_shown)

    def _write_members(self, node: Node, value: Mapping[str, Any], mask: int, prefix: str) -> int:
        """`_write_all` of `_members` where nothing below is marked: nearly every object of nearly every event."""
        nodes, chunks, masks, has_machine_text = node.members or {}, self.chunks, self.masks, self.has_machine_text
        instead: dict[str, tuple[Node, str]] = {}
        for name in node.with_stand_in & value.keys():
            instead |= self._stand_in(node, value, name, {})
        opening, shown = len(chunks), 0
        chunks.append(prefix + "{")
        masks.append(0)
        for name in sorted(value.keys() | instead.keys()) if instead else sorted(value):
            member, content = instead[name] if name in instead else (nodes[name], value[name])
            visible = mask & member.mask
            if not visible:
                continue
            comma = len(chunks)
            if shown:
                chunks.append(",")
                masks.append(0)
            if member.is_uniform and member.machine is None and not (has_machine_text and member.holds_text):
                self.lapses = self.lapses or member.lapses
                chunks.append(f'"{name}":{orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()}')
                masks.append(visible)
            else:
                visible = self.write(member, content, mask, None, f'"{name}":')
            if shown:
                masks[comma] = visible & shown
            shown |= visible
        masks[opening] = mask if node.always_shown else shown
        chunks.append("}")
        masks.append(masks[opening])
        return masks[opening]

    def _write_all(self, entries: Iterable[_Entry], mask: int, prefix: str, brackets: str, always: bool) -> int:
        opening = len(self.chunks)
        self._append(prefix + brackets[0], 0)
        shown = 0
        for before, node, value, mark in entries:
            comma = len(self.chunks)
            if shown:
                self._append(",", 0)
            visible = self.write(node, value, mask, mark, before)
            if shown:
                self.masks[comma] = visible & shown
            shown |= visible
        self.masks[opening] = mask if always else shown
        return self._append(brackets[1], self.masks[opening])

    def _items(self, item: Node, values: list[Any], mark: _Mark | None) -> Iterator[_Entry]:
        below = mark.below if mark is not None else {}
        for index, value in enumerate(values):
            yield "", item, value, below.get(str(index))

    def _members(self, node: Node, value: Mapping[str, Any], mark: _Mark | None) -> Iterator[_Entry]:
        below = mark.below if mark is not None else {}
        nodes = node.members or {}
        members = {name: (nodes[name], content) for name, content in value.items()}
        for name in node.with_stand_in & value.keys():
            members |= self._stand_in(node, value, name, below)
        for name in sorted(members):
            # What stands in has no place of its own: nothing is marked there, and nothing opened.
            yield f'"{name}":', *members[name], below.get(name) if name in nodes else None

    def _stand_in(
        self, around: Node, siblings: Mapping[str, Any], name: str, below: Mapping[str, _Mark]
    ) -> dict[str, tuple[Node, str]]:
        """The coarse member, shown where it may be and the exact one is not; a mark on that one covers it too."""
        nodes = around.members or {}
        node, mark = nodes[name], below.get(name)
        coarse = node.stand_in
        value = FUNCTIONS[coarse.by](siblings[name], siblings, self.event) if coarse is not None else None
        if coarse is None or value is None:
            return {}
        shown = coarse.mask & ~node.mask & (ALL if mark is None else mark.mask & ~mark.keeps)
        if coarse.of is not None:
            other = below.get(coarse.of)
            shown &= nodes[coarse.of].mask & (ALL if other is None else other.mask)
        return {coarse.name: (Node(mask=shown, lapses=coarse.lapses), value)}

    def _write_text(self, value: Mapping[str, Any], mask: int, prefix: str) -> int:
        """A bilingual text: the original may be public although its machine translation never is."""
        hidden = machine_members(value)
        masks = {name: mask & FROM_PARTNER if name in hidden else mask for name in ("en", "es") if name in value}
        shown = 0
        for each in masks.values():
            shown |= each
        members = ((f'"{name}":', Node(mask=masks.get(name, shown)), value[name], None) for name in sorted(value))
        return self._write_all(members, shown, prefix, "{}", always=False)

    def _append(self, chunk: str, mask: int) -> int:
        self.chunks.append(chunk)
        self.masks.append(mask)
        return mask


_BITS = {mask: tuple(bit for bit in range(len(BITS)) if mask >> bit & 1) for mask in range(ALL + 1)}


def _cut(chunks: list[str], masks: list[int]) -> tuple[str, dict[str, tuple[Range, ...]]]:
    """Join the chunks, and say for each projection which stretches of the text it shows."""
    ranges: list[list[Range]] = [[] for _ in BITS]
    since = [0] * len(BITS)  # where the stretch began that a projection is in
    position = current = 0
    for chunk, mask in zip(chunks, masks, strict=True):
        if mask != current:
            for bit in _BITS[mask ^ current]:
                if mask >> bit & 1:
                    since[bit] = position
                else:
                    ranges[bit].append((since[bit], position))
            current = mask
        position += len(chunk)
    for bit in _BITS[current]:
        ranges[bit].append((since[bit], position))
    return "".join(chunks), {name: tuple(shown) for name, shown in zip(BITS, ranges, strict=True)}
