"""
From a subscription's queue to who carries it: what is due is decided anew, put on record, and only then handed out.

What the reader may not have any more is withdrawn; what its alert has ended meanwhile is not told, but for the end. Nor
is an issuer told that nobody acknowledges what has been answered or need not be.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hub import awaiting, broadcast
from hub.filters import seen_in
from hub.store import claims as stored
from hub.store import deadlines, subscriptions
from hub.store.claims import Outcome
from hub.store.coming import at_positions
from schemas.registry import closes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from hub.broadcast import Telling
    from hub.filters import Seen
    from hub.picture import Picture, View
    from hub.store import Connection
    from hub.store.claims import Claim, Reach
    from hub.store.coming import Coming
    from hub.stored import Stored
    from hub.subscribing import Subscription

# Who takes something on has so long; then it counts as lost with its process, and another takes it on.
LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Pointer:
    """All that may be told of an event on a way that carries none: which it is, its number, what its reader sees."""

    event: UUID
    seq: int
    seen: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """
    Something to be told now: to whom and where, and of an event what its reader sees that a pointer may tell.

    `required_by`: until when its reader has to acknowledge the event, as long as it has not.
    """

    claim: Claim
    subscription: Subscription
    seen: Seen | None = None
    required_by: datetime | None = None

    @property
    def pointer(self) -> Pointer | None:
        """What it points at; None: it is about no event."""
        claim, seen = self.claim, self.seen
        if claim.event is None or claim.seq is None or seen is None:
            return None
        return Pointer(claim.event, claim.seq, seen)


@dataclass(slots=True)
class Known:
    """Subscriptions that were read before, for as long as none has changed."""

    _held: dict[UUID, Subscription] = field(default_factory=dict)
    _version: int = -1

    def of(self, conn: Connection, ids: Collection[UUID]) -> Mapping[UUID, Subscription]:
        """At least these, as they are now."""
        version = subscriptions.version(conn)
        if version != self._version:
            self._held.clear()
            self._version = version
        new = [one for one in ids if one not in self._held]
        if new:
            self._held |= subscriptions.some(conn, new)
        return self._held


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who takes errands on: `by` names the node and its process; what it knows of rules and subscriptions."""

    by: tuple[str, str]
    picture: Picture
    known: Known = field(default_factory=Known)


def take(conn: Connection, carrier: Carrier, reach: Reach, at: datetime) -> list[Errand]:
    """
    Take on what is due, as far as it may be told now.

    Raises:
        Stale: the rules have moved on, nothing was taken on; refresh and come again.
    """
    with conn.transaction():
        view = carrier.picture.view
        claims = stored.claim(conn, reach, at, LEASE)
        if not claims:
            return []
        carrier.picture.require_current(conn, view)
        held = carrier.known.of(conn, {claim.subscription for claim in claims})
        answers, due = _answers(conn, view, claims, held, at), _due(conn, claims, held)
        errands: list[Errand] = []
        told: list[Telling] = []
        refused: list[Outcome] = []
        for claim in claims:
            answer = answers[claim.no]
            if isinstance(answer, str):
                refused.append(Outcome(no=claim.no, state=answer, code=answer))
                continue
            one, seen = held[claim.subscription], None if answer is None else seen_in(answer[1].text)
            errands.append(Errand(claim=claim, subscription=one, seen=seen, required_by=due.get(claim.no)))
            if answer is not None and claim.tries == 1:  # trying once more discloses nothing else
                told.append(answer)
        pointers = [(principal, shown.as_pointer()) for principal, shown in told]
        broadcast.disclose(conn, carrier.by, f"pointer.{reach.channel}", pointers, view)
        if refused:
            stored.settle(conn, refused, at)
    return errands


def _due(conn: Connection, claims: Sequence[Claim], held: Mapping[UUID, Subscription]) -> dict[int, datetime]:
    """By number, until when the reader has to acknowledge it, where it has to and has not."""
    asked = {one.no: (one.event, held[one.subscription].agency) for one in claims if one.event is not None}
    found = deadlines.required(conn, set(asked.values())) if asked else {}
    return {no: found[pair] for no, pair in asked.items() if pair in found}


def over(conn: Connection, picture: Picture, carried: Iterable[Errand], at: datetime) -> dict[int, str]:
    """
    What of it may not go on, by number: what has become of it meanwhile. For what waits for its turn on the way.

    Raises:
        Stale: the rules have moved on; refresh and ask again.
    """
    picture.require_current(conn, picture.view)
    under_way = list(carried)
    held = {one.subscription.id: one.subscription for one in under_way}
    answers = _answers(conn, picture.view, [one.claim for one in under_way], held, at)
    return {no: answer for no, answer in answers.items() if isinstance(answer, str)}


def _answers(
    conn: Connection, view: View, claims: Sequence[Claim], held: Mapping[UUID, Subscription], at: datetime
) -> dict[int, Telling | str | None]:
    """By number: what is told to whom, of an event; None: it is about none, and told; or what has become of it."""
    of_events = [one for one in claims if one.event is not None]
    allowed = _allowed(conn, view, of_events, held, at)
    needless = awaiting.needless(conn, {one.about for one in claims if one.event is None and one.about is not None})
    answers: dict[int, Telling | str | None] = {
        one.no: "overtaken" if one.about in needless else None for one in claims if one.event is None
    }
    return answers | {one.no: allowed.get(one.no, "withdrawn") for one in of_events}


def _allowed(
    conn: Connection, view: View, claims: Sequence[Claim], held: Mapping[UUID, Subscription], at: datetime
) -> dict[int, Telling | str]:
    """By number: what is told to whom, or what has become of it; nothing: its reader may not have it any more."""
    found: dict[int, Telling | str] = {}
    here = at_positions(conn, {claim.position for claim in claims if claim.position is not None})
    by_position: defaultdict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_position[claim.position or 0].append(claim)
    for position, group in by_position.items():
        come = here.get(position)
        if come is not None and is_over(come.row):
            found |= dict.fromkeys((claim.no for claim in group), "overtaken")
        elif come is not None:
            found |= _told(view, come, group, held, at)
    return found


def is_over(row: Stored) -> bool:
    """Whether its alert or case has ended, so that nobody is told of it any more: of the end itself everybody is."""
    return row.timing.lapsed_at is not None and not closes(row.type)


def _told(
    view: View, come: Coming, claims: Sequence[Claim], held: Mapping[UUID, Subscription], at: datetime
) -> dict[int, Telling]:
    directory = view.rules.directory
    principals = {}
    for claim in claims:
        agency = directory.active(held[claim.subscription].agency)
        if agency is not None:
            principals[claim.no] = held[claim.subscription].principal(agency)
    told = dict(broadcast.decide_for(view, come, dict.fromkeys(principals.values()), at))
    return {no: (principal, told[principal]) for no, principal in principals.items() if principal in told}
