"""
Pointers that stay with what they point at: an item of a list is named by its `ref`, since its place may change from
one event of a case to the next, and the place of one person must never open another. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from marshmallow import Schema

from schemas import marks
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

_REF = "ref:"
POINTER = re.compile(
    rf"(?=.{{6,200}}$)/data(?:/(?:{_REF}[A-Za-z0-9][A-Za-z0-9._:~-]{{0,63}}|[A-Za-z0-9_]{{1,64}})){{1,8}}", re.ASCII
)

NO_SUCH_MEMBER = Text(
    "No type of event under this subject has such a member.",
    "Ningún tipo de evento con este subject tiene tal miembro.",
    code="unknown-member",
)
NOT_PROTECTED = Text(
    "This member is not protected; a grant opens it, and no consent is needed.",
    "Este miembro no es protected; lo abre un permiso y no hace falta consentimiento.",
    code="not-protected",
)
NO_SUCH_ITEM = Text(
    "The newest event with this list has no such item, or the item has no ref to name it by.",
    "El evento más reciente con esta lista no tiene tal elemento, o el elemento no tiene ref que lo nombre.",
    code="unknown-item",
)


def why_not(pointer: str, bodies: Iterable[Schema]) -> Text | None:
    """Why no consent can open this member of events with one of these bodies, if so."""
    plain = "/".join("0" if step.startswith(_REF) else step for step in pointer.split("/"))
    declared = [level for body in bodies if (level := marks.strictest_at(body, plain)) is not None]
    if not declared:
        return NO_SUCH_MEMBER
    return None if max(declared) is Sensitivity.PROTECTED else NOT_PROTECTED


def pinned(pointer: str, events: Iterable[Mapping[str, Any]]) -> str | None:
    """
    The pointer with refs for the places of items that can have one, as the first of ``events`` (newest first) that
    holds the list has them; None where it has no such item, or the item has no ref.
    """
    steps = pointer.split("/")[1:]
    for number, step in enumerate(steps):
        lists = (found for event in events if isinstance(found := _at(event, steps[:number]), list))
        items: list[Any] | None = next(lists, None) if step.isdigit() else None
        if items is None or not any(isinstance(item, dict) and "ref" in item for item in items):
            continue
        ref = items[int(step)].get("ref") if int(step) < len(items) else None
        if ref is None:
            return None
        steps[number] = _REF + ref.replace("~", "~0").replace("/", "~1")
    return "/" + "/".join(steps)


def placed(event: Mapping[str, Any], pointers: Iterable[str]) -> list[str]:
    """The pointers with the places that items have in this event; what it does not hold is left out."""
    return [found for pointer in pointers for found in _placed(event, pointer.split("/")[1:], "")]


def _placed(value: Any, steps: list[str], done: str) -> Iterator[str]:
    if not steps:
        yield done
        return
    step = steps[0]
    if isinstance(value, list) and step.startswith(_REF):
        ref = step.removeprefix(_REF).replace("~1", "/").replace("~0", "~")
        named = [place for place, item in enumerate(value) if isinstance(item, dict) and item.get("ref") == ref]
        found = [str(place) for place in named]
    else:
        found = [step]
    for place in found:
        inner = _at(value, [place])
        if inner is not None:
            yield from _placed(inner, steps[1:], f"{done}/{place}")


def _at(value: Any, steps: list[str]) -> Any:
    """What stands at these steps; None if nothing does. No member of an event is null."""
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.startswith(_REF):
            places = _placed(value, [step], "")
            value = next((value[int(place[1:])] for place in places), None)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
