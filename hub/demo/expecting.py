"""What each reader should get, worked out from the published events by the policy alone: no database, no gateway.

Of what crosses, the origin decides: with its grants, both nodes' limits, and what leaves its node of the text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.borders import Border
from hub.directory import Directory
from hub.ingest import facts_of
from hub.policy import Decision, Rules, may_publish, may_read
from hub.principal import of_agency
from hub.timing import projection_at, timing_of
from schemas import projection
from schemas.registry import closes
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from hub.demo.cast import Player
    from hub.grants import GrantSet
    from hub.limits import Limits
    from hub.timing import Timing
    from schemas.envelope import Event


@dataclass(frozen=True, slots=True)
class Expected:
    """One published event as one reader should get it; `text` is None when it should not get it at all."""

    event: Event
    decision: Decision
    projection: str | None
    text: str | None
    is_refused: bool = False  # by the hub, to its own source


def node_of(event: Event) -> str:
    """The node that an event was published at."""
    return event.source[:2]


def expectations(
    reader: Player, published: Sequence[Event], rules: Mapping[str, Rules], at: datetime
) -> list[Expected]:
    """Every published event with what `reader` should get of it, in the order of publication; `rules` by node."""
    expected: list[Expected] = []
    received: set[tuple[str, str]] = set()
    for event in published:
        own = rules[node_of(event)]
        refusal = _refusal(event, own, at)
        if refusal is not None:
            expected.append(Expected(event, refusal, None, None, is_refused=True))
            continue
        subject = (event.source, event.subject)
        agency = own.directory.agencies[reader.agency.id]
        decision = may_read(of_agency(agency), facts_of(event), own, at, has_received=subject in received)
        if not decision.is_allowed or decision.projection is None:
            expected.append(Expected(event, decision, None, None))
            continue
        received.add(subject)
        name = projection_at(decision.projection, _timing(event, published, own, at), at)
        cut = projection.project(event.wire, event.type, outside=agency.peer is not None)
        expected.append(Expected(event, decision, name, projection.render(cut.text, cut.cuts[name])))
    return expected


def _refusal(event: Event, rules: Rules, at: datetime) -> Decision | None:
    """Why the hub does not take this event from its source, if it does not."""
    decision = may_publish(of_agency(rules.directory.agencies[event.source]), facts_of(event), at)
    if decision.is_allowed:
        return None
    words = Text("refused by the hub: {reason}", "rechazado por el hub: {reason}")
    return Decision(False, words.format(reason=decision.reason))


def _timing(event: Event, published: Sequence[Event], rules: Rules, at: datetime) -> Timing:
    """As the sequencer sees it: an alert lapses when its source has closed it."""
    ended = any(
        closes(other.type)
        and (other.source, other.subject) == (event.source, event.subject)
        and other.time >= event.time
        and _refusal(other, rules, at) is None
        for other in published
    )
    own = timing_of(event, lapses=projection.project(event.wire, event.type).lapses)
    return replace(own, lapsed_at=at if ended else None)


def rules_of(cast: Sequence[Player], law: Mapping[str, tuple[GrantSet, Limits]]) -> dict[str, Rules]:
    """The rules of each node, from files alone, as they are when the nodes have told each other."""
    return {node: _rules(node, cast, law) for node in law}


def _rules(node: str, cast: Sequence[Player], law: Mapping[str, tuple[GrantSet, Limits]]) -> Rules:
    agencies = [replace(one.agency, peer=None if one.node == node else one.node) for one in cast]
    own = {one.id: one.kind for one in agencies if one.peer is None}
    borders = {
        peer: Border(node=peer, country=peer.upper(), is_open=True, limits=limits, knows=own)
        for peer, (_, limits) in law.items()
        if peer != node
    }
    grants, limits = law[node]
    return Rules(Directory.of(1, agencies), grants, limits, borders=borders)
