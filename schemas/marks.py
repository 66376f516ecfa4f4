"""A label's marks against a body's schema: they point at declared members and only ever tighten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from marshmallow import Schema, fields

from schemas.flaws import Flaw, flaw
from schemas.label import RESIDENT
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

NO_SUCH_MEMBER = Text(
    "This mark points at no member that this type of event can have: {pointer}.",
    "Esta marca no apunta a ningún miembro que este tipo de evento pueda tener: {pointer}.",
    code="mark-unknown-member",
)
LOOSENS = Text(
    "This mark would loosen a member that is {declared} by itself; marks only tighten: {pointer}.",
    "Esta marca relajaría un miembro que de por sí es {declared}; las marcas solo restringen: {pointer}.",
    code="mark-loosens",
)


def flaws(marks: Mapping[str, str], body: Schema) -> Iterator[Flaw]:
    """What is wrong with the marks of an event that has this body."""
    for pointer, mark in marks.items():
        declared = declared_at(body, pointer)
        if declared is None:
            yield flaw("/label/marks", NO_SUCH_MEMBER.format(pointer=pointer))
        elif mark != RESIDENT and Sensitivity[mark.upper()] < declared:
            yield flaw("/label/marks", LOOSENS.format(pointer=pointer, declared=declared.slug))


@lru_cache(maxsize=4096)
def declared_at(body: Schema, pointer: str) -> Sensitivity | None:
    """The sensitivity a member has by the schema, with what lies around it; None if no such member is declared."""
    path = _path(body, pointer)
    return None if path is None else max((each.metadata["sensitivity"] for each in path), default=Sensitivity.PUBLIC)


def strictest_at(body: Schema, pointer: str) -> Sensitivity | None:
    """The same once the alert is over, where that is stricter."""
    path = _path(body, pointer) or ()
    over = (each.metadata.get("lapses_to", Sensitivity.PUBLIC) for each in path)
    declared = declared_at(body, pointer)
    return None if declared is None else max(declared, *over, Sensitivity.PUBLIC)


def _path(body: Schema, pointer: str) -> list[fields.Field[object]] | None:
    """The fields that a pointer passes, outermost first."""
    at: fields.Field[object] | Schema = body
    passed = []
    for step in pointer.split("/")[2:]:
        found = _inside(at, step)
        if found is None:
            return None
        passed.append(found)
        at = found
    return passed


def _inside(at: fields.Field[object] | Schema, step: str) -> fields.Field[object] | None:
    if isinstance(at, Schema):
        return at.fields.get(step)
    if isinstance(at, fields.List):
        return at.inner if step.isdigit() and len(step) <= 4 else None
    if isinstance(at, fields.Nested):
        return at.schema.fields.get(step)
    return None
