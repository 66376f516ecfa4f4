"""What holds between two nodes, besides everything that holds within one. Pure.

An event of another node is decided by that node's grants and by both nodes' limits: the stricter side wins. Who reads
it must be an agency that the other side has been shown and has confirmed, as what it was shown as.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.directory import Agency, Kind
    from hub.limits import Ceiling, Crossing, Limits, Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """
    Between this node and the one that `node` names.

    `limits` None: it has not told us its own, so nothing is decided yet. `knows`: agencies of ours as it knows them.
    `is_open`: its anchor is in force; else nothing more goes out to it. `protected`: agencies of ours to whom consents
    over there have opened something; it is kept apart (hub/protected.py).
    """

    node: str
    country: str
    is_open: bool
    limits: Limits | None = None
    knows: Mapping[str, Kind] = field(default_factory=lambda: MappingProxyType({}))
    protected: frozenset[str] = frozenset()


NO_BORDERS: Mapping[str, Border] = MappingProxyType({})

NOT_OURS = Text("neither side is of this node", "ninguna de las partes es de este nodo")
NO_BORDER = Text("no border to that node", "no hay frontera con ese nodo")
CLOSED = Text("the border to that node is closed", "la frontera con ese nodo está cerrada")
NO_LIMITS = Text("the other node has not told its limits yet", "el otro nodo aún no ha indicado sus límites")
NOT_KNOWN = Text("the other node does not know this agency yet", "el otro nodo aún no conoce esta agencia")
NOTHING_HERE = Text("hard limit: nothing for this kind of agency", "límite legal: nada para este tipo de agencia")
NOTHING_ACROSS = Text(
    "hard limit: nothing for this kind of agency from the other country",
    "límite legal: nada para este tipo de agencia desde el otro país",
)


def refused(reader: Agency, source: Agency, borders: Mapping[str, Border]) -> Text | None:
    """Why nothing of `source` may reach `reader` as far as the border between their nodes goes, if so."""
    if reader.peer == source.peer:
        return None if reader.peer is None else NOT_OURS
    if reader.peer is not None and source.peer is not None:
        return NOT_OURS  # what came from elsewhere goes no further
    border = borders.get(reader.peer or source.peer or "")
    if border is None:
        return NO_BORDER
    if border.limits is None:
        return NO_LIMITS
    if reader.peer is not None:
        return None if border.is_open else CLOSED
    return None if border.knows.get(reader.id) is reader.kind else NOT_KNOWN


@dataclass(frozen=True, slots=True)
class Bound:
    """What the law leaves a reader of a source's events: the strictest row, and what either side wants attested."""

    row: Ceiling | Crossing
    requirements: tuple[Requirement, ...]


def bound(
    reader: Agency, source: Agency, event_type: str, own: Limits, borders: Mapping[str, Border], *, addressed: bool
) -> Bound | Text:
    """The limits of this node, and of the node across; in words why nothing, where the border or one side says so."""
    shut = refused(reader, source, borders)
    if shut is not None:
        return shut
    border = borders.get(reader.peer or source.peer or "")
    rows: list[Ceiling | Crossing] = []
    required: list[Requirement] = []
    for side in (own,) if border is None or border.limits is None else (own, border.limits):
        ceiling = side.ceiling(reader.kind, event_type, addressed=addressed)
        if ceiling is None:
            return NOTHING_HERE
        rows.append(ceiling)
        if reader.country != source.country:
            crossing = side.crossing(source.country, reader.country, reader.kind, event_type)
            if crossing is None:
                return NOTHING_ACROSS
            rows.append(crossing)
        required += side.required(reader.kind, event_type)
    return Bound(min(rows, key=lambda row: row.clearance), tuple(required))
