"""The border on the management port: what an operator sets alarms on, by peer."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prometheus_client.metrics_core import GaugeMetricFamily

from hub.errors import Unavailable
from hub.store import connection, peers
from hub.web.metrics import Looked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry
    from psycopg_pool import ConnectionPool

    from hub.store import Connection

GAUGES = {
    "lag_events": "Positions of the log that were not looked at for this peer yet.",
    "oldest_unsent_seconds": "Age of the oldest of these, or of the oldest envelope without a receipt.",
    "receipts_missing": "Envelopes that were made and have no receipt.",
    "skew_seconds": "The peer's clock minus ours, at the last receipt.",
    "last_receipt_age_seconds": "Seconds since the peer has last signed for something; an empty batch goes every five.",
    "last_heard_age_seconds": "Seconds since the peer's last good batch.",
    "key_expires_seconds": "Seconds until the last of the peer's pinned keys ends; of ours, by our own name.",
    "is_open": "1 while crossing is open, 0 while it is stopped.",
}
OURS = "ours"


def told(conn: Connection) -> dict[str, Any]:
    """For readiness: each border by its peer; decides nothing."""
    return {
        each.peer: {
            "state": each.state,
            "failure": each.failure,
            "oldest_unsent_s": round(peers.lag(conn, each.peer).oldest_s, 3),
            "last_receipt_age_s": None if each.receipt_age_s is None else round(each.receipt_age_s, 3),
        }
        for each in peers.standing(conn)
    }


def gauge(registry: CollectorRegistry, pool: ConnectionPool[Connection], own_key_left_s: float | None) -> None:
    """Every figure of every border; those of the database are absent while it is away."""
    families = {
        name: GaugeMetricFamily(f"puente_border_{name}", about, labels=("peer",)) for name, about in GAUGES.items()
    }
    if own_key_left_s is not None:
        families["key_expires_seconds"].add_metric((OURS,), own_key_left_s)
    with suppress(Unavailable), connection(pool) as conn:
        for each in peers.standing(conn):
            for name, value in _figures(conn, each):
                if value is not None:
                    families[name].add_metric((each.peer,), value)
    registry.register(Looked([family for family in families.values() if family.samples]))


def _figures(conn: Connection, each: peers.Standing) -> Iterable[tuple[str, float | None]]:
    lag = peers.lag(conn, each.peer)
    yield "lag_events", lag.events
    yield "oldest_unsent_seconds", lag.oldest_s
    yield "receipts_missing", lag.unreceipted
    yield "skew_seconds", each.skew_s
    yield "last_receipt_age_seconds", each.receipt_age_s
    yield "last_heard_age_seconds", each.heard_age_s
    yield "key_expires_seconds", each.key_left_s
    yield "is_open", 1.0 if each.state == "open" else 0.0
