"""What each reader should get, worked out from the published events by the policy alone: no database, no gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.directory import Directory
from hub.ingest import facts_of
from hub.policy import Decision, Rules, may_publish, may_read
from hub.principal import of_agency
from hub.timing import Timing, projection_at
from schemas import projection
from schemas.registry import closes
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hub.demo.cast import Player
    from hub.grants import GrantSet
    from hub.limits import Limits
    from schemas.envelope import Event

NO_BORDER = Decision(False, Text("not released: no border yet", "no liberado: aún no hay frontera"))


@dataclass(frozen=True, slots=True)
class Expected:
    """One published event as one reader should get it; `text` is None when it should not get it at all."""

    event: Event
    decision: Decision
    projection: str | None
    text: str | None


def expectations(reader: Player, published: Sequence[Event], rules: Rules, at: datetime) -> list[Expected]:
    """Every published event with what `reader` should get of it, in the order of publication."""
    expected: list[Expected] = []
    received: set[tuple[str, str]] = set()
    for event in published:
        if event.source[:2] != reader.node:
            expected.append(Expected(event, NO_BORDER, None, None))
            continue
        refusal = _refusal(event, rules, at)
        if refusal is not None:
            expected.append(Expected(event, refusal, None, None))
            continue
        subject = (event.source, event.subject)
        principal = of_agency(reader.agency)
        decision = may_read(principal, facts_of(event), rules, at, has_received=subject in received)
        if not decision.is_allowed or decision.projection is None:
            expected.append(Expected(event, decision, None, None))
            continue
        received.add(subject)
        name = projection_at(decision.projection, _timing(event, published, rules, at), at)
        cut = projection.project(event.wire, event.type)
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
        and _refusal(other, rules, at) is None
        and (other.source, other.subject) == (event.source, event.subject)
        and other.time >= event.time
        for other in published
    )
    return Timing(
        lapses=projection.project(event.wire, event.type).lapses,
        lapsed_at=at if ended else None,
        public_until=event.label.public_until,
        active_until=event.label.active_until,
    )


def rules_of(cast: Sequence[Player], grants: GrantSet, limits: Limits) -> Rules:
    """The rules of a node, from files alone."""
    return Rules(Directory.of(1, [player.agency for player in cast]), grants, limits)
