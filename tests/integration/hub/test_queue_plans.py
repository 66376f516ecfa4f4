"""The statements of the queue, planned while there was nothing in it, when there is much."""

from __future__ import annotations

from uuid import UUID

from hub.store import Connection, claims
from hub.store.claims import Outcome
from tests.support.node import Desk, Node
from tests.support.subscribing import subscribe

PLANNED_FOR_GOOD = 20  # executions: by then the driver has prepared it and the server settled on one plan
MANY = 5000
FEW = 50


def fill(conn: Connection, subscription: UUID) -> None:
    """What a subscription was told long ago, and what is still to be told."""
    conn.execute(
        """
        INSERT INTO delivery (subscription, part, kind, is_urgent, state, due_at)
        SELECT s.id, s.part, 'heartbeat', false, CASE WHEN mod(n, 100) = 0 THEN 'due' ELSE 'delivered' END, now()
          FROM subscription s, generate_series(1, %s) AS n WHERE s.id = %s
        """,
        (MANY, subscription),
    )


def looked_at(conn: Connection) -> int:
    """How many rows of the queue this session has read, as far as it has not reported them yet."""
    found = conn.execute(
        "SELECT pg_stat_get_xact_tuples_returned('delivery'::regclass)"
        " + pg_stat_get_xact_tuples_fetched('delivery'::regclass)"
    ).fetchone()
    return int(str(found[0])) if found else 0


def test_what_became_of_one_try_is_written_down_without_reading_the_rest(node: Node, shelter: Desk) -> None:
    subscription = subscribe(shelter)
    with node.database() as conn:
        conn.execute("ANALYZE delivery")
        for _ in range(PLANNED_FOR_GOOD):
            claims.settle(conn, [Outcome(no=0, state="delivered", code="http-204")], node.clock())
        fill(conn, subscription)
        (last,) = conn.execute("SELECT max(no) FROM delivery WHERE state = 'due'").fetchone() or (0,)

        with conn.transaction():
            before = looked_at(conn)
            claims.settle(conn, [Outcome(no=int(str(last)), state="delivered", code="http-204")], node.clock())
            assert looked_at(conn) - before < FEW
