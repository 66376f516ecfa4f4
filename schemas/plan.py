"""Each type's schema as a tree of masks, compiled once, which is all that cutting an event needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from marshmallow import Schema, fields

from schemas import registry
from schemas.alert import TextBlockSchema
from schemas.bilingual import Bilingual
from schemas.envelope import ENVELOPE
from schemas.masks import ALL, from_level
from schemas.sensitivity import NOTICE, PUBLIC, Coarse


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A coarser member, and who would see it."""

    name: str
    by: str
    mask: int
    lapses: bool
    of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One member of a schema: an object has ``members``, a list has an ``item``, a value has neither."""

    mask: int  # projections that show it, by its own sensitivity
    members: Mapping[str, Node] | None = None
    item: Node | None = None
    lapses: bool = False
    stand_in: StandIn | None = None
    with_stand_in: frozenset[str] = frozenset()  # members that have one
    machine: str | None = None  # "text" or "block": what to hide from the public when a machine translated it
    holds_text: bool = False  # something below is, or holds, translatable text
    is_uniform: bool = True  # whoever sees it sees all of it, machine translations apart
    always_shown: bool = False  # also when nothing in it is visible


@cache
def plan_of(event_type: str) -> Node:
    """
    The whole event's tree for one type.

    Raises:
        KeyError: there is no such type.
    """
    schema = registry.BODIES[event_type]
    in_notice = any(field.metadata.get("notice") for field in schema.fields.values())
    body = _object(schema, _value(NOTICE if in_notice else PUBLIC))
    members = {name: _node(field) for name, field in ENVELOPE.fields.items()}
    members["data"] = replace(body, always_shown=True, is_uniform=False)
    return Node(mask=ALL, members=members, is_uniform=False)


def _node(field: fields.Field[Any]) -> Node:
    own = _value(field.metadata)
    if isinstance(field, fields.List):
        item = _node(field.inner)
        return replace(own, item=item, holds_text=item.holds_text, is_uniform=item.is_uniform)
    if isinstance(field, fields.Nested):
        return _object(field.schema, own)
    if isinstance(field, Bilingual):
        return replace(own, machine="text", holds_text=True)
    return own


def _object(schema: Schema, own: Node) -> Node:
    members = {name: _node(field) for name, field in schema.fields.items()}
    with_stand_in = frozenset(name for name, node in members.items() if node.stand_in is not None)
    return replace(
        own,
        members=members,
        with_stand_in=with_stand_in,
        machine="block" if isinstance(schema, TextBlockSchema) else None,
        holds_text=isinstance(schema, TextBlockSchema) or any(node.holds_text for node in members.values()),
        is_uniform=all(node.is_uniform and node.mask & own.mask == own.mask for node in members.values()),
    )


def _value(metadata: Mapping[str, Any]) -> Node:
    active = metadata["sensitivity"]
    mask = from_level(active, metadata.get("lapses_to", active), in_notice=metadata.get("notice", False))
    coarse = metadata.get("coarse")
    return Node(mask=mask, lapses="lapses_to" in metadata, stand_in=None if coarse is None else _stand_in(coarse))


def _stand_in(coarse: Coarse) -> StandIn:
    lapsed = coarse.sensitivity if coarse.lapses_to is None else coarse.lapses_to
    mask = from_level(coarse.sensitivity, lapsed)
    return StandIn(name=coarse.name, by=coarse.by, mask=mask, lapses=coarse.lapses_to is not None, of=coarse.of)
