"""Two nodes with a database each, and what goes between them, without the wire: tests say who does what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg

from hub import arrivals, control, departures, feed, keys, tree
from hub.arrivals import Arriving
from hub.border.envelope import Sealed
from hub.border.receipt import Receipt
from hub.directory import Agency
from hub.filters import EVERYTHING
from hub.grants import Grant
from hub.ingest import Accepted, accept
from hub.limits import Limits
from hub.merkle import Head
from hub.picture import Picture
from hub.principal import of_agency
from hub.reading import Asking
from hub.signing import SigningKey
from hub.store import Connection, agencies, connect, log
from hub.store import grants as stored_grants
from schemas import envelope
from schemas.envelope import Event
from tests.support import cast

KEYS = {node: SigningKey(keys.new_private_pem()) for node in ("us", "mx")}
PEERS = {"us": "mx", "mx": "us"}


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


@dataclass
class Side:
    """One node: its database, and what its workers would do, a round at a time."""

    node: str
    url: str
    conn: Connection
    limits: Limits = cast.LIMITS
    picture: Picture = field(init=False)
    sender: departures.Sender = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start its processes anew: what they kept in memory is gone."""
        self.picture = Picture.unread(self.limits)
        sign = KEYS[self.node].sign
        self.sender = departures.Sender(
            node=self.node,
            picture=Picture.unread(self.limits),
            sign=lambda payload, typ: sign(payload, kind=typ),
        )

    @property
    def peer(self) -> str:
        """The node across."""
        return PEERS[self.node]

    def trust(self) -> None:
        """As if the other node's anchor had been imported."""
        peer = self.peer
        self.rows(
            "INSERT INTO peer (node, country, prefix, url, authority, anchor) VALUES (%s, %s, %s, 'https://x', '', '')",
            peer,
            peer.upper(),
            f"{peer}-",
        )
        self.rows("INSERT INTO crossing (peer) VALUES (%s)", peer)

    def enrol(self, *joining: Agency) -> None:
        """Enrol agencies, or change them."""
        for agency in joining:
            agencies.enrol(self.conn, agency)

    def regrant(self, *grants: Grant) -> None:
        """Put these grants in force, and no others."""
        stored_grants.replace_imported(self.conn, grants, bytes(32))

    def publish(self, event: dict[str, Any]) -> UUID:
        """Publish an event of an agency of this node, and give it its place in the log."""
        loaded = envelope.load(event)
        view = self.picture.refresh(self.conn)
        principal = of_agency(view.rules.directory.agencies[loaded.source])
        hub_id = accept(self.conn, Asking(principal, self.picture, view, now()), loaded).hub_id
        self.sequence()
        return hub_id

    def recall(self, agency: Agency, hub_id: UUID) -> None:
        """An agency takes its event back."""
        self._change(agency, lambda asking: control.recalling(self.conn, asking, hub_id, {"reason": "error"}))

    def relabel(self, agency: Agency, hub_id: UUID, **label: Any) -> None:
        """An agency gives its event another label."""
        body = {"reason": "safety", "label": label}
        self._change(agency, lambda asking: control.relabelling(self.conn, asking, hub_id, body))

    def _change(self, agency: Agency, word: Callable[[Asking], Event | Accepted]) -> None:
        event = word(self.asking(agency))
        assert not isinstance(event, Accepted)
        control.settle(self.conn, self.asking(agency), event)
        with self.conn.transaction():
            control.publish(self.conn, self.asking(agency), event)
        self.sequence()

    def sequence(self) -> None:
        """What was accepted gets its place."""
        me = uuid4()
        led = log.take_lease(self.conn, "sequencer", me, lease_ms=5000)
        assert led is not None
        while log.assign(self.conn, led[0], most=2000, lease_ms=5000).assigned:
            pass
        log.drop_lease(self.conn, "sequencer", me)

    def notarize(self) -> None:
        """What was disclosed gets its leaf."""
        me = uuid4()
        led = log.take_lease(self.conn, "notary", me, lease_ms=60_000)
        assert led is not None
        turn = tree.Turn(leader=led[0], most=2000, lease_ms=60_000, settled_ms=0)
        tree.extend(self.conn, turn, _unsigned, now())
        log.drop_lease(self.conn, "notary", me)

    def asking(self, agency: Agency) -> Asking:
        """Somebody at an agency of this node."""
        view = self.picture.refresh(self.conn)
        return Asking(of_agency(view.rules.directory.agencies[agency.id]), self.picture, view, now())

    def feed(self, agency: Agency, *, after: int = 0, status: str = "actual") -> list[dict[str, Any]]:
        """What an agency of this node gets of its feed, in order."""
        wanted = replace(EVERYTHING, status=status)
        page = feed.read_feed(self.conn, self.asking(agency), after=after, limit=500, wanted=wanted)
        return [json.loads(item.text) for item in page.shown]

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the database itself says."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def makes(self, *, most: int = 500) -> int:
        """One round of its sender; how many envelopes it made."""
        return departures.build(self.conn, self.sender, self.peer, now(), most=most)

    def batch(self, *, most: int = 500) -> list[Sealed]:
        """What its sender would send next."""
        return departures.waiting(self.conn, self.peer, most=most, most_bytes=4_000_000)

    def stream(self) -> UUID:
        """The stream that it sends."""
        return UUID(str(self.rows("SELECT stream FROM crossing WHERE peer = %s", self.peer)[0][0]))

    def takes(
        self,
        stream: UUID,
        envelopes: Sequence[Sealed],
        *,
        first: int | None = None,
        placed: int = 0,
        sent_at: datetime | None = None,
    ) -> Receipt:
        """What this node answers a batch."""
        began = envelopes[0].head.seq if envelopes else first or 1
        arriving = Arriving(
            peer=self.peer,
            stream=stream,
            first=began,
            envelopes=envelopes,
            digest=bytes(32),
            placed=placed,
            sent_at=sent_at,
        )
        receipt = arrivals.receive(self.conn, self.picture, self.node, arriving, now())
        self.sequence()
        return receipt

    def settles(self, receipt: Receipt) -> None:
        """Take the receipt."""
        departures.settle(self.conn, self.peer, receipt, "signed", now())


def _unsigned(head: Head) -> str:
    return f"head of {head.size}"


class Pair:
    """Node `us` and node `mx`, which trust each other."""

    def __init__(self, us: Side, mx: Side) -> None:
        self.us, self.mx = us, mx

    def trust(self) -> Pair:
        """As if both anchors had been imported."""
        self.us.trust()
        self.mx.trust()
        return self

    def cross(self, *, most: int = 500) -> list[tuple[str, str]]:
        """Send both ways until nobody has anything to send; kind and outcome of everything that was."""
        told: list[tuple[str, str]] = []
        while True:
            sent = [*self.send(self.us, most=most), *self.send(self.mx, most=most)]
            if not sent:
                return told
            told += sent

    def send(self, sender: Side, *, most: int = 500) -> list[tuple[str, str]]:
        """One round in one direction."""
        other = self.mx if sender is self.us else self.us
        sender.makes(most=most)
        envelopes = sender.batch(most=most)
        if not envelopes:
            return []
        receipt = other.takes(sender.stream(), envelopes)
        sender.settles(receipt)
        kinds = {one.head.seq: one.head.kind.value for one in envelopes}
        return [(kinds[seq], outcome) for seq, outcome in receipt.outcomes]


def pair(urls: Iterable[str], stack: ExitStack, **differs: Any) -> Pair:
    """Two nodes on their databases."""
    sides = []
    for node, url in zip(("us", "mx"), urls, strict=True):
        side = Side(node, url, stack.enter_context(connect(url, name=f"test-{node}")), **differs)
        sides.append(side)
    return Pair(*sides)


def changed(event: dict[str, Any], **label: Any) -> dict[str, Any]:
    """An event with other words in its label."""
    return event | {"label": event.get("label", {}) | label}


def bodies(envelopes: Iterable[Sealed]) -> list[dict[str, Any]]:
    """What is in envelopes."""
    return [orjson.loads(one.body) for one in envelopes]
