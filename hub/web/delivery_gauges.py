"""What is pushed on the management port: figures that an operator sets alarms on."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import GaugeMetricFamily

from hub.errors import Unavailable
from hub.store import calls, connection, deadlines
from hub.web.metrics import Looked

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from psycopg_pool import ConnectionPool

    from hub.store import Connection

UNREACHED = "Deadlines that have passed and whose last step finds nobody at the issuer: somebody has to call by phone."
UNTOLD = "Subscriptions disabled since nothing arrived, of agencies that have no other by which to hear of it."


def gauge(registry: CollectorRegistry, pool: ConnectionPool[Connection]) -> None:
    """Absent while the database is away."""
    with suppress(Unavailable), connection(pool) as conn:
        unreached = GaugeMetricFamily("puente_escalations_unreached", UNREACHED, deadlines.unreached(conn))
        untold = GaugeMetricFamily("puente_subscriptions_untold", UNTOLD, calls.untold(conn))
        registry.register(Looked([unreached, untold]))
