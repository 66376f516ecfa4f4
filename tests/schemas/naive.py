"""Redaction in the plainest way, straight from the declared sensitivities: what the ranges must agree with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from marshmallow import Schema, fields

from schemas import coarse, registry
from schemas.bilingual import Bilingual
from schemas.envelope import ENVELOPE
from schemas.sensitivity import PUBLIC, Sensitivity


class Hidden:
    """Stands for what the reader does not see."""


class View(NamedTuple):
    """Whose eyes: a clearance (None for the owner), whether the alert is over, and what a consent opens to them."""

    clearance: Sensitivity | None
    lapsed: bool
    is_notice: bool
    marks: dict[str, str]
    event: dict[str, Any]
    opened: frozenset[str] = frozenset()
    is_within_hidden: bool = False
    is_outside: bool = False

    def sees(self, metadata: Any, path: str) -> bool:
        return self.is_opened(path) or self.sees_level(_level(metadata, self, path), path)

    def sees_level(self, level: Sensitivity, path: str) -> bool:
        if self.is_outside and self.marks.get(path) == "resident":
            return False
        return not self.is_within_hidden and (self.clearance is None or level <= self.clearance)

    def is_opened(self, path: str) -> bool:
        return any(f"{path}/".startswith(f"{pointer}/") for pointer in self.opened)

    def opens_below(self, path: str) -> bool:
        return any(pointer.startswith(f"{path}/") for pointer in self.opened)


def redact(event: dict[str, Any], name: str, *, opened: Iterable[str] = (), is_outside: bool = False) -> dict[str, Any]:
    """The projection ``name`` of an event, with the members that are ``opened``."""
    lapsed = name.endswith("~")
    plain = name.rstrip("~")
    clearance = {"full": None, "notice": Sensitivity.PUBLIC}.get(plain, Sensitivity.PUBLIC)
    if plain in ("partner", "enforcement"):
        clearance = Sensitivity[plain.upper()]
    marks = event.get("label", {}).get("marks", {})
    view = View(clearance, lapsed, plain == "notice", marks, event, is_outside=is_outside)
    view = view._replace(opened=frozenset(pointer for pointer in opened if not _meets_resident(view, pointer)))
    envelope = {name: value for name, value in event.items() if name != "data"}
    seen = _object(ENVELOPE, envelope, view, "")
    body = registry.BODIES[event["type"]]
    if not view.is_notice or any("notice" in field.metadata for field in body.fields.values()):
        seen["data"] = _object(body, event["data"], view, "/data")
    return seen


def _meets_resident(view: View, pointer: str) -> bool:
    """Whether opening it would take out of the node what is marked to stay in it."""
    kept = [marked for marked, mark in view.marks.items() if mark == "resident" and view.is_outside]
    return any(f"{one}/".startswith(f"{other}/") for each in kept for one, other in ((each, pointer), (pointer, each)))


def _mark(view: View, path: str) -> Sensitivity:
    mark = view.marks.get(path, "public")
    return Sensitivity.PUBLIC if mark == "resident" else Sensitivity[mark.upper()]


def _level(metadata: Any, view: View, path: str) -> Sensitivity:
    declared: Sensitivity = (
        metadata.get("lapses_to", metadata["sensitivity"]) if view.lapsed else metadata["sensitivity"]
    )
    return max(declared, _mark(view, path))


def _value(field: fields.Field[Any], value: Any, view: View, path: str) -> Any:
    if view.is_notice and "notice" not in field.metadata:
        return Hidden
    is_seen = view.sees(field.metadata, path)
    if not is_seen:
        if not (isinstance(field, fields.Nested | fields.List) and view.opens_below(path)):
            return Hidden
        view = view._replace(is_within_hidden=True)
    if isinstance(field, Bilingual):
        return _text(value, view)
    if isinstance(field, fields.Nested):
        seen: Any = Hidden if _is_machine_block(value, view) else _object(field.schema, value, view, path)
    elif isinstance(field, fields.List):
        items = [_value(field.inner, item, view, f"{path}/{index}") for index, item in enumerate(value)]
        seen = [item for item in items if item is not Hidden]
    else:
        return value
    return Hidden if not seen and (value or not is_seen) else seen


def _object(schema: Schema, value: dict[str, Any], view: View, path: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for name, content in value.items():
        field = schema.fields[name]
        inner = _value(field, content, view, f"{path}/{name}")
        if inner is not Hidden:
            seen[name] = inner
        elif "coarse" in field.metadata and not view.is_notice and not view.is_opened(f"{path}/{name}"):
            seen |= _coarse(schema, name, value, view, path)
    return seen


def _coarse(schema: Schema, name: str, siblings: dict[str, Any], view: View, path: str) -> dict[str, Any]:
    how = schema.fields[name].metadata["coarse"]
    level = how.lapses_to if view.lapsed and how.lapses_to is not None else how.sensitivity
    at = f"{path}/{name}"
    is_seen = view.sees_level(max(level, _mark(view, at)), at)
    if how.of is not None:
        beside = f"{path}/{how.of}"
        is_seen = is_seen and view.sees_level(_level(schema.fields[how.of].metadata, view, beside), beside)
    stand_in = coarse.FUNCTIONS[how.by](siblings[name], siblings, view.event)
    return {how.name: stand_in} if stand_in is not None and is_seen else {}


def _is_machine_block(value: Any, view: View) -> bool:
    return view.clearance == PUBLIC["sensitivity"] and "language" in value and value.get("translation") == "machine"


def _text(value: dict[str, str], view: View) -> Any:
    if view.clearance != Sensitivity.PUBLIC or value.get("translation") != "machine":
        return value
    original = value["original"][:2]
    kept = {name: text for name, text in value.items() if name not in ("en", "es") or name == original}
    return kept if original in kept else Hidden
