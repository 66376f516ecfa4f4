"""Where a column leads: a JSON pointer into the event, resolved against the published schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields

from schemas import registry
from schemas.bilingual import LANGUAGES, Bilingual
from schemas.fields import Leaf, Line
from schemas.label import LabelSchema
from schemas.sensitivity import PUBLIC, Sensitivity

# What each family of types calls its first event, a changed one and a withdrawn one.
VERBS = {
    "case.trafficking": ("opened", "updated", "closed"),
    "alert.missing_child": ("issued", "updated", "cancelled"),
    "alert.warning": ("issued", "updated", "cancelled"),
}
LABEL = LabelSchema()
LABEL_MEMBERS = ("tlp", "rel_to", "audience", "purpose", "public_until", "active_until", "review_by")
MAX_INDEX = 9  # of a list in a pointer: one row fills a few places at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place in the event."""

    pointer: str  # RFC 6901
    steps: tuple[str | int, ...]
    leaf: Leaf  # what a value, or each of several, must be
    many: bool  # whether it takes a list of them
    sensitivity: Sensitivity  # with that of everything around it


def resolve(family: str, pointer: str) -> Target | None:
    """The place that ``pointer`` names in events of ``family``; None if there is no such place for one value."""
    root, *steps = pointer.removeprefix("/").split("/")
    if not pointer.startswith("/") or not steps:
        return None
    if root == "label":
        return _walk(LABEL, pointer, steps) if steps[0] in LABEL_MEMBERS else None
    body = registry.BODIES[f"{family}.{VERBS[family][0]}"]
    return _walk(body, pointer, steps) if root == "data" else None


def _walk(schema: Schema, pointer: str, steps: list[str]) -> Target | None:
    at: Any = schema
    around = Sensitivity.PUBLIC
    way: list[str | int] = [pointer.split("/")[1]]
    for step in steps:
        found = _inside(at, step)
        if found is None:
            return None
        at = found
        around = max(around, at.metadata["sensitivity"])
        way.append(int(step) if step.isdigit() else step)
    many = isinstance(at, fields.List)
    leaf = at.inner if many else at
    if not isinstance(leaf, Leaf) or isinstance(leaf, Bilingual):
        return None
    return Target(pointer=pointer, steps=tuple(way), leaf=leaf, many=many, sensitivity=around)


def _inside(at: Any, step: str) -> Any:
    if isinstance(at, Schema):
        return at.fields.get(step)
    if isinstance(at, fields.Nested):
        return at.schema.fields.get(step)
    if isinstance(at, fields.List):
        return at.inner if step.isdigit() and int(step) <= MAX_INDEX else None
    if isinstance(at, Bilingual) and step in LANGUAGES:
        return Line(at.metadata if "sensitivity" in at.metadata else PUBLIC, at.max_chars)
    return None


def put(event: dict[str, Any], steps: tuple[str | int, ...], value: Any) -> None:
    """Set the place, making objects and lists on the way; an index beyond the end of a list means its next place."""
    at: Any = event
    for step, after in zip(steps, steps[1:], strict=False):
        empty: Any = [] if isinstance(after, int) else {}
        if isinstance(step, int):
            while len(at) <= step:
                at.append(type(empty)())
            at = at[step]
        else:
            at = at.setdefault(step, empty)
    last = steps[-1]
    if isinstance(last, int):
        while len(at) <= last:
            at.append(None)
    at[last] = value


def pruned(value: Any) -> Any:
    """Without the empty objects, lists and places that a half-filled row leaves behind."""
    if isinstance(value, dict):
        kept = {name: pruned(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner not in (None, {}, [])}
    if isinstance(value, list):
        return [inner for inner in map(pruned, value) if inner not in (None, {}, [])]
    return value
