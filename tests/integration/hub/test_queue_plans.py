"""The statements of the queue, planned while there was nothing in it, when there is much."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from hub.store import Connection, claims, deliveries
from hub.store.claims import Outcome, Reach
from hub.subscribing import PARTS
from tests.support.cast import SHELTER
from tests.support.node import Desk, Node
from tests.support.subscribing import subscribe

PLANNED_FOR_GOOD = 20  # executions: by then the driver has prepared it and the server settled on one plan
MANY = 50_000
FEW = 500  # what a statement reads at worst that goes by an index; without one it is all of MANY
WEBHOOKS = Reach(channel="webhook", parts=range(PARTS), most=100)


def fill(conn: Connection, subscription: UUID) -> None:
    """What a subscription was told long ago, and what is still to be told."""
    conn.execute(
        """
        INSERT INTO delivery (subscription, part, kind, is_urgent, state, due_at)
        SELECT s.id, s.part, 'heartbeat', false, CASE WHEN mod(n, 10000) = 0 THEN 'due' ELSE 'delivered' END, now()
          FROM subscription s, generate_series(1, %s) AS n WHERE s.id = %s
        """,
        (MANY, subscription),
    )


def looked_at(conn: Connection) -> int:
    """How many rows of the queue this session has read, as far as it has not reported them yet."""
    found = conn.execute(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'delivery'"
    ).fetchone()
    return int(str(found[0])) if found else 0


def settle(conn: Connection, at: datetime) -> None:
    """What was told last has arrived."""
    (last,) = conn.execute("SELECT coalesce(max(no), 0) FROM delivery", prepare=False).fetchone() or (0,)
    claims.settle(conn, [Outcome(no=int(str(last)), state="delivered", code="http-204")], at)


ACTS: dict[str, Callable[[Connection, UUID, datetime], object]] = {
    "hold": lambda conn, one, _: deliveries.hold(conn, one),
    "let_go": deliveries.let_go,
    "withdraw": lambda conn, one, _: deliveries.withdraw(conn, one),
    "put_heartbeats": lambda conn, _, at: deliveries.put_heartbeats(conn, at - timedelta(hours=1), at, most=10),
    "set_back": lambda conn, _, at: deliveries.set_back(conn, at),
    "claim": lambda conn, _, at: claims.claim(conn, WEBHOOKS, at, timedelta(seconds=30)),
    "waits": lambda conn, _, at: claims.waits(conn, WEBHOOKS, at),
    "defer": lambda conn, _, at: claims.defer(conn, WEBHOOKS, [SHELTER.id], at, at + timedelta(seconds=5)),
    "settle": lambda conn, _, at: settle(conn, at),
}


@pytest.mark.parametrize("was_used", [False, True], ids=["new", "emptied"])
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_is_done_to_what_waits_reads_little_of_what_was_told_before(
    node: Node, shelter: Desk, act: Callable[[Connection, UUID, datetime], None], was_used: bool
) -> None:
    subscription = subscribe(shelter)
    node.clock.ahead = timedelta(hours=2)
    with node.database() as conn:
        conn.execute("TRUNCATE delivery")
        if was_used:  # pages without a row: nothing tells the planner how many rows they may hold
            fill(conn, subscription)
            conn.execute("DELETE FROM delivery")
        conn.execute("VACUUM (ANALYZE, TRUNCATE false) delivery")
        for _ in range(PLANNED_FOR_GOOD):
            act(conn, subscription, node.clock())
        fill(conn, subscription)

        with conn.transaction():
            before = looked_at(conn)
            act(conn, subscription, node.clock())
            assert looked_at(conn) - before < FEW
