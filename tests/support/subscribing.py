"""Subscribers of a node, and one round of who queues for them and of who carries it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from hub import dispatching, errands
from hub.dispatching import Lead, Subscribers
from hub.errands import Carrier, Errand
from hub.ladders import Ladders
from hub.picture import Picture, Stale
from hub.store import Connection, claims, log, subscriptions
from hub.store.claims import Outcome, Reach
from hub.subscribing import PARTS
from tests.support import cast
from tests.support.node import Desk, Node

URL = "http://127.0.0.1:9999/hook"
BY = ("us", "test-sender")


def subscribe(desk: Desk, /, *, proven: bool = True, **differs: Any) -> UUID:
    """A subscription by webhook, unless it says otherwise; proven as if its receiver had answered."""
    told = {"name": "ours", "channel": "webhook", "address": URL} | differs
    answer = desk.post("/v1/subscriptions", told)
    assert answer.status_code == 201, answer.text
    subscription = UUID(answer.get_json()["id"])
    if proven:
        with desk.node.database() as conn:
            subscriptions.prove(conn, subscription)
            conn.execute("DELETE FROM delivery WHERE subscription = %s AND kind = 'verification'", (subscription,))
    return subscription


def shown(desk: Desk, subscription: UUID) -> dict[str, Any]:
    """It as its agency sees it."""
    found: dict[str, Any] = desk.get(f"/v1/subscriptions/{subscription}").get_json()
    return found


class Dispatch:
    """Who queues and who carries, each a round at a time."""

    def __init__(self, node: Node, ladders: Ladders = cast.LADDERS) -> None:
        self.node = node
        self.ladders = ladders
        self.picture = Picture.unread(cast.LIMITS)
        self.subscribers = Subscribers()
        self.carrier = Carrier(BY, self.picture)
        self.position = 0

    def queue(self) -> int:
        """The log's newest is queued for whoever wants it: how much that was."""
        with self.node.database() as conn:
            return self.queue_on(conn)

    def queue_on(self, conn: Connection) -> int:
        """The same on a connection, which may be in a transaction."""
        me, queued = uuid4(), 0
        self.picture.refresh(conn)
        led = log.take_lease(conn, dispatching.LEASE, me, lease_ms=60_000)
        assert led is not None
        leader, position = led
        while True:
            lead = Lead(leader=leader, position=position, lease_ms=60_000)
            came, added = dispatching.fan_out(
                conn, self.picture, self.subscribers, lead, self.node.clock(), ladders=self.ladders
            )
            queued += added
            if came == position:
                break
            position = came
        log.drop_lease(conn, dispatching.LEASE, me)
        return queued

    def take(self, channel: str = "webhook", **differs: Any) -> list[Errand]:
        """What is due now and may be told."""
        usual: dict[str, Any] = {"parts": range(PARTS), "each": 100, "most": 1000}
        with self.node.database() as conn:
            for _ in range(2):
                try:
                    reach = Reach(channel=channel, **usual | differs)
                    return errands.take(conn, self.carrier, reach, self.node.clock())
                except Stale:
                    self.picture.refresh(conn)
        raise AssertionError("the rules never stood still")

    def settle(self, *errand: Errand, state: str = "delivered", code: str = "http-200") -> None:
        """What became of them."""
        with self.node.database() as conn:
            outcomes = [Outcome(no=one.claim.no, state=state, code=code) for one in errand]
            claims.settle(conn, outcomes, self.node.clock())
