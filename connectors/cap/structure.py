"""The elements of CAP in their order, as its schema has them (CAP 1.2 section 3.2, CAP 1.1 section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from lxml import etree

from connectors.cap import xml
from schemas.flaws import Flaw, flaw, member
from schemas.texts import Text

CAP_1_2 = "urn:oasis:names:tc:emergency:cap:1.2"
CAP_1_1 = "urn:oasis:names:tc:emergency:cap:1.1"
SIGNATURES = "http://www.w3.org/2000/09/xmldsig#"
VERSIONS = {CAP_1_2: "1.2", CAP_1_1: "1.1"}

# One name each; "!" must be there, "*" may repeat.
ALERT = (
    "identifier! sender! sent! status! msgType! source scope! restriction addresses "
    "code* note references incidents info*"
)
INFO = (
    "language category!* event! responseType* urgency! severity! certainty! audience eventCode* effective onset "
    "expires senderName headline description instruction web contact parameter* resource* area*"
)
RESOURCE = "resourceDesc! mimeType! size uri derefUri digest"
RESOURCE_1_1 = "resourceDesc! mimeType size uri derefUri digest"
AREA = "areaDesc! polygon* circle* geocode* altitude ceiling"
PAIR = "valueName! value!"

IDENTITY = frozenset({"identifier", "sender", "sent", "status", "msgType"})
_BLOCKS = frozenset({"info", "resource", "area", "eventCode", "parameter", "geocode"})

MISSING = Text("The element {name} is missing.", "Falta el elemento {name}.", code="element-missing")
REPEATED = Text(
    "The element {name} may appear once; the first one counts.",
    "El elemento {name} puede aparecer una vez; cuenta el primero.",
    code="element-repeated",
)
IDENTITY_REPEATED = Text(
    "The element {name} appears more than once, so the alert has no clear identity.",
    "El elemento {name} aparece más de una vez; la alerta no tiene una identidad clara.",
    code="identity-repeated",
)
UNKNOWN = Text(
    "This element is not part of CAP here and is ignored.",
    "Este elemento no es parte de CAP aquí y se ignora.",
    code="element-unknown",
)
ORDER = Text(
    "This element must stand before {name}.",
    "Este elemento debe estar antes de {name}.",
    code="element-order",
)
PACKED = Text(
    "Several name and value pairs share one element; each should have its own.",
    "Varios pares de nombre y valor comparten un elemento; cada uno debe tener el suyo.",
    code="pairs-packed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One element with the path that names it, such as ``/alert/info[1]/area[2]``."""

    path: str
    element: etree._Element

    @property
    def text(self) -> str:
        """All text within, without white space around it."""
        return xml.text(self.element)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The children of one element by name, and what is wrong with how they are arranged."""

    path: str
    children: Mapping[str, tuple[Place, ...]]
    flaws: tuple[Flaw, ...] = ()
    signatures: int = field(default=0)

    def one(self, name: str) -> str:
        """The text of the first child of this name; ``""`` if there is none."""
        found = self.children.get(name, ())
        return found[0].text if found else ""

    def many(self, name: str) -> tuple[str, ...]:
        """The texts of all children of this name."""
        return tuple(place.text for place in self.children.get(name, ()))

    def blocks(self, name: str) -> tuple[Place, ...]:
        """All children of this name."""
        return self.children.get(name, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What the schema says about one child."""

    place: int  # in the order of the schema
    is_required: bool
    may_repeat: bool


@cache
def _rules(table: str) -> Mapping[str, _Rule]:
    return {
        entry.rstrip("!*"): _Rule(place=place, is_required="!" in entry, may_repeat=entry.endswith("*"))
        for place, entry in enumerate(table.split())
    }


def read(place: Place, table: str, namespace: str) -> Block:
    """Sort the children of ``place`` by name and note what the schema would not accept."""
    rules = _rules(table)
    children: dict[str, list[Place]] = {}
    flaws: list[Flaw] = []
    signatures, latest, latest_name = 0, -1, ""
    for child in place.element:
        found, name = xml.split(child)
        if (found, name) == (SIGNATURES, "Signature"):
            signatures += 1
            continue
        if found != namespace or name not in rules:
            flaws.append(flaw(f"{place.path}/{member(name)}", UNKNOWN))
            continue
        rule = rules[name]
        seen = children.setdefault(name, [])
        nth = f"[{len(seen) + 1}]" if rule.may_repeat or seen else ""
        seen.append(Place(path=f"{place.path}/{name}{nth}", element=child))
        if rule.place < latest:
            flaws.append(flaw(seen[-1].path, ORDER.format(name=latest_name)))
        else:
            latest, latest_name = rule.place, name
        if len(child) and name not in _BLOCKS:
            flaws.append(flaw(f"{seen[-1].path}/{member(xml.split(child[0])[1])}", UNKNOWN))
    flaws.extend(_counted(place.path, rules, children))
    sorted_children = {name: tuple(places) for name, places in children.items()}
    return Block(path=place.path, children=sorted_children, flaws=tuple(flaws), signatures=signatures)


def pairs(place: Place, namespace: str) -> tuple[tuple[tuple[str, str], ...], tuple[Flaw, ...]]:
    """The ``valueName`` and ``value`` pairs of one element; NWS packs several of them into one."""
    found: list[tuple[str, str]] = []
    name: str | None = None
    flaws: list[Flaw] = []
    for child in place.element:
        where, kind = xml.split(child)
        if where == namespace and kind == "valueName":
            name = xml.text(child)
        elif where == namespace and kind == "value" and name is not None:
            found.append((name, xml.text(child)))
        elif where != namespace or kind != "value":
            flaws.append(flaw(f"{place.path}/{member(kind)}", UNKNOWN))
    if name is None or not found:
        flaws.append(flaw(place.path, MISSING.format(name="valueName" if name is None else "value")))
    if len(found) > 1:
        flaws.append(flaw(place.path, PACKED))
    return tuple(found), tuple(flaws)


def _counted(path: str, rules: Mapping[str, _Rule], children: Mapping[str, list[Place]]) -> Iterator[Flaw]:
    for name, rule in rules.items():
        found = children.get(name, [])
        if rule.is_required and not (found and (name in _BLOCKS or found[0].text)):
            yield flaw(f"{path}/{name}", MISSING.format(name=name))
        if len(found) > 1 and not rule.may_repeat:
            text = IDENTITY_REPEATED if path == "/alert" and name in IDENTITY else REPEATED
            yield flaw(found[1].path, text.format(name=name))
