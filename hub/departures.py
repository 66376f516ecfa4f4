"""What goes to the other node: decided by the policy, sealed in sequence, kept until it is answered."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from hub import protecting, telling
from hub.border.envelope import Kind, Sealed, head_of
from hub.picture import Stale
from hub.read_rows import MOST_READS, reads
from hub.releasing import Released, Round
from hub.sheaf import Sheaf
from hub.store import departures, disclosures, receipts, told
from schemas.registry import is_control

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from hub.border.receipt import Receipt
    from hub.consents import Consent
    from hub.picture import Picture
    from hub.store import Connection

TRIES = 4
MOST_RULES = 1_000_000  # all that have changed: what follows is decided with them
SHUT_AT_ONCE = 500
READS_AT_ONCE = 200  # answers of our gateway told of in one round
SPAN = departures.SPAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What this node sends with. `sign` makes a JWS of a payload and a `typ`, with the border key of the day."""

    node: str
    picture: Picture
    sign: Callable[[Mapping[str, Any], str], str]
    told: dict[str, tuple[object, ...]] = field(default_factory=dict)  # by peer: the rules and reaches last told of
    shut: set[UUID] = field(default_factory=set)  # changes that were done ahead of their turn
    idle: dict[str, tuple[object, ...]] = field(default_factory=dict)  # by peer: how things stood with nothing to send


def build(conn: Connection, sender: Sender, peer: str, at: datetime, *, most: int) -> int:
    """
    Make the next envelopes for a peer, at most about `most` of them, in one transaction; how many were made.

    Rules go before the events that are decided with them. Nothing is made for a peer that is not open.
    """
    marks = (int(at.timestamp()), *departures.marks(conn, peer))  # rights begin and end by the clock as well
    if sender.idle.get(peer) == marks:
        return 0
    made = 0
    for _ in range(TRIES):
        try:
            sender.picture.require_current(conn, sender.picture.view)
            made += _tell(conn, sender, peer, at)
            made += _release_events(conn, sender, peer, at, most)
        except Stale:
            sender.picture.refresh(conn)
            continue
        if not made:
            sender.idle[peer] = marks
        break
    return made


def _tell(conn: Connection, sender: Sender, peer: str, at: datetime) -> int:
    """Tell the rules that have changed; by itself, since what the peer knows of us is a rule as well."""
    view = sender.picture.view
    readers, _ = telling.readers_at(sender.picture, view, peer, at)
    consents = protecting.standing(view.rules, peer, at)
    basis = (view.rules, *consents, *(reader.reach for reader in readers))
    if _is_same(basis, sender.told.get(peer, ())):
        return 0
    with conn.transaction():
        way = departures.lock(conn, peer)
        if way is None or way.state != "open":
            return 0
        sheaf = Sheaf(sender.node, way, sender.sign, at, MOST_RULES)
        telling.tell_rules(conn, sheaf, view.rules)
        protecting.tell_consents(conn, sheaf, consents, readers)
        telling.note_lanes(conn, way, telling.lanes_to(view, way), readers)
        departures.add(conn, peer, sheaf.made)
        departures.move(conn, sheaf.way)
    sender.told[peer] = basis
    return len(sheaf.made)


def _release_events(conn: Connection, sender: Sender, peer: str, at: datetime, most: int) -> int:
    view = sender.picture.view
    with conn.transaction():
        way = departures.lock(conn, peer)
        if way is None or way.state != "open":
            return 0
        sheaf = Sheaf(sender.node, way, sender.sign, at, most)
        readers, counts = telling.readers_at(sender.picture, view, peer, at)
        here = Round(conn, sheaf, view, telling.lanes_to(view, way), readers, counts)
        consents = protecting.standing(view.rules, peer, at)
        shut = _shut_ahead(here, sender.shut)
        released = [*_from_consents(here, consents), *_from_the_beginning(here), *_from_the_log(here)]
        _tell_reads(here)
        if sheaf.way != way:
            sender.picture.require_current(conn, view)
            departures.add(conn, peer, sheaf.made)
            departures.move(conn, sheaf.way)
            departures.record(conn, sender.node, peer, view.rules.version, released)
    sender.shut.update(shut)
    return len(sheaf.made)


def _is_same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """The very same objects: rules and reaches are replaced whole when anything about them changes."""
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _shut_ahead(here: Round, done: Collection[UUID]) -> set[UUID]:
    """Where much is behind: what was taken back or tightened further on in the log is shut before that is sent."""
    way, conn = here.sheaf.way, here.conn
    if departures.log_end(conn) - way.position <= here.sheaf.room:
        return set()
    lanes = here.view.lanes.lanes
    changes = [lane for lane in here.lanes if is_control(lanes[lane].facts.type)]
    found = departures.ahead(conn, changes, after=way.position, limit=SHUT_AT_ONCE)
    for change in found:
        if change.hub_id not in done:
            here.shut(change)
    return {change.hub_id for change in found}


def _from_consents(here: Round, consents: Sequence[Consent]) -> list[Released]:
    """What consents have come to open, or open no more, since the events of their subjects were passed."""
    rows = protecting.behind(here.conn, here.sheaf, consents, here.readers)
    return [one for row in rows if row.lane in here.lanes for one in here.send(row, None)]


def _from_the_beginning(here: Round) -> list[tuple[UUID, str, str]]:
    """Lanes that have come to be released, or released as more, since their events were passed."""
    released: list[tuple[UUID, str, str]] = []
    peer = here.sheaf.way.peer
    while not here.sheaf.is_full:
        lane = told.lane_behind(here.conn, peer)
        if lane is None:
            break
        limit = here.sheaf.room
        rows = departures.of_lane(here.conn, lane.lane, after=lane.next or 0, until=lane.until or 0, limit=limit)
        gone = departures.crossed(here.conn, peer, [row.hub_id for row in rows], since=lane.since)
        for row in rows:
            released += here.send(row, gone.get(row.hub_id))
        is_through = len(rows) < limit
        behind = replace(lane, next=None, until=None) if is_through else replace(lane, next=rows[-1].position)
        told.put_lane_releases(here.conn, peer, [behind])
    return released


def _from_the_log(here: Round) -> list[tuple[UUID, str, str]]:
    if here.sheaf.is_full:
        return []
    after = here.sheaf.way.position
    until = min(departures.log_end(here.conn), after + SPAN)
    limit = here.sheaf.room
    rows = departures.since(here.conn, here.lanes, after=after, until=until, limit=limit)
    released: list[tuple[UUID, str, str]] = []
    for row in rows:
        released += here.send(row, None)
    here.sheaf.come_to(position=rows[-1].position if len(rows) == limit else until)
    return released


def _tell_reads(here: Round) -> None:
    """Who of ours read what of theirs, in the order of our audit."""
    way = here.sheaf.way
    theirs = [one.id for one in here.view.rules.directory.agencies.values() if one.peer == way.peer]
    if here.sheaf.is_full or not theirs:
        return
    found, leaf = disclosures.reads_of(here.conn, theirs, start=way.leaf, limit=READS_AT_ONCE)
    for first in range(0, len(found), MOST_READS):
        here.sheaf.add(Kind.READS, reads(found[first : first + MOST_READS]))
    here.sheaf.come_to(leaf=leaf)


def waiting(conn: Connection, peer: str, *, most: int, most_bytes: int) -> list[Sealed]:
    """The first envelopes that are not answered, in sequence."""
    kept = departures.waiting(conn, peer, most=most, most_bytes=most_bytes)
    return [Sealed(head_of(_payload(one.signed)), one.signed, one.body) for one in kept]


def _payload(signed: str) -> Mapping[str, Any]:
    """What we signed ourselves, so it needs no checking."""
    part = signed.split(".")[1]
    parsed: Mapping[str, Any] = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return parsed


def settle(conn: Connection, peer: str, receipt: Receipt, signed: str, at: datetime) -> None:
    """
    Take the other side's word for what became of a batch; the receipt is kept.

    When it expects an earlier sequence than we sent, it has lost some or never had it: we go on from there.
    """
    with conn.transaction():
        way = departures.lock(conn, peer)
        if way is None:
            return
        receipts.settle(conn, peer, receipt.outcomes, at)
        receipts.place(conn, peer, receipt.placed)
        if receipt.next <= way.receipted:
            receipts.reopen(conn, peer, receipt.next)
        receipted = receipt.next - 1
        skew_ms = int((receipt.at - at).total_seconds() * 1000)
        receipts.note(
            conn, peer, receipted=receipted, policy=receipt.policy, rules=receipt.rules, skew_ms=skew_ms, at=at
        )
        if receipt.outcomes:
            receipts.keep(conn, peer, is_ours=False, first=receipt.first, last=receipt.last, signed=signed)
        told.confirm_shown(conn, peer, receipted)
