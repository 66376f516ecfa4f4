"""Redaction in the plainest way, straight from the declared sensitivities: what the ranges must agree with."""

from __future__ import annotations

from typing import Any, NamedTuple

from marshmallow import Schema, fields

from schemas import coarse, registry
from schemas.bilingual import Bilingual
from schemas.envelope import ENVELOPE
from schemas.sensitivity import PUBLIC, Sensitivity


class Hidden:
    """Stands for what the reader does not see."""


class View(NamedTuple):
    """Whose eyes: a clearance (None for the owner), and whether the alert is over."""

    clearance: Sensitivity | None
    lapsed: bool
    is_notice: bool
    marks: dict[str, str]
    event: dict[str, Any]

    def sees(self, level: Sensitivity) -> bool:
        return self.clearance is None or level <= self.clearance


def redact(event: dict[str, Any], name: str) -> dict[str, Any]:
    """The projection ``name`` of an event."""
    lapsed = name.endswith("~")
    plain = name.rstrip("~")
    clearance = {"full": None, "notice": Sensitivity.PUBLIC}.get(plain, Sensitivity.PUBLIC)
    if plain in ("partner", "enforcement"):
        clearance = Sensitivity[plain.upper()]
    view = View(clearance, lapsed, plain == "notice", event.get("label", {}).get("marks", {}), event)
    envelope = {name: value for name, value in event.items() if name != "data"}
    seen = _object(ENVELOPE, envelope, view, "")
    if not view.is_notice:
        seen["data"] = _object(registry.BODIES[event["type"]], event["data"], view, "/data")
    return seen


def _mark(view: View, path: str) -> Sensitivity:
    mark = view.marks.get(path, "public")
    return Sensitivity.PUBLIC if mark == "resident" else Sensitivity[mark.upper()]


def _level(metadata: Any, view: View, path: str) -> Sensitivity:
    declared: Sensitivity = (
        metadata.get("lapses_to", metadata["sensitivity"]) if view.lapsed else metadata["sensitivity"]
    )
    return max(declared, _mark(view, path))


def _value(field: fields.Field[Any], value: Any, view: View, path: str) -> Any:
    if not view.sees(_level(field.metadata, view, path)) or (view.is_notice and "notice" not in field.metadata):
        return Hidden
    if isinstance(field, Bilingual):
        return _text(value, view)
    if isinstance(field, fields.Nested):
        seen: Any = Hidden if _is_machine_block(value, view) else _object(field.schema, value, view, path)
    elif isinstance(field, fields.List):
        items = [_value(field.inner, item, view, f"{path}/{index}") for index, item in enumerate(value)]
        seen = [item for item in items if item is not Hidden]
    else:
        return value
    return Hidden if value and not seen else seen


def _object(schema: Schema, value: dict[str, Any], view: View, path: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for name, content in value.items():
        field = schema.fields[name]
        inner = _value(field, content, view, f"{path}/{name}")
        if inner is not Hidden:
            seen[name] = inner
        elif "coarse" in field.metadata and not view.is_notice:
            seen |= _coarse(schema, name, value, view, path)
    return seen


def _coarse(schema: Schema, name: str, siblings: dict[str, Any], view: View, path: str) -> dict[str, Any]:
    how = schema.fields[name].metadata["coarse"]
    level = how.lapses_to if view.lapsed and how.lapses_to is not None else how.sensitivity
    level = max(level, _mark(view, f"{path}/{name}"))
    if how.of is not None:
        level = max(level, _level(schema.fields[how.of].metadata, view, f"{path}/{how.of}"))
    stand_in = coarse.FUNCTIONS[how.by](siblings[name], siblings, view.event)
    return {how.name: stand_in} if stand_in is not None and view.sees(level) else {}


def _is_machine_block(value: Any, view: View) -> bool:
    return view.clearance == PUBLIC["sensitivity"] and "language" in value and value.get("translation") == "machine"


def _text(value: dict[str, str], view: View) -> Any:
    if view.clearance != Sensitivity.PUBLIC or value.get("translation") != "machine":
        return value
    original = value["original"][:2]
    kept = {name: text for name, text in value.items() if name not in ("en", "es") or name == original}
    return kept if original in kept else Hidden
