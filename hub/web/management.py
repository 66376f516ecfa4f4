"""Health and metrics, on a port of their own that agencies never reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.metrics_core import GaugeMetricFamily

from hub.errors import Unavailable
from hub.store import access, agencies, connection, log, tree
from hub.web import border_gauges, delivery_gauges
from hub.web.metrics import Looked

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg_pool import ConnectionPool

    from hub.store import Connection

# Longer than a takeover of the sequencer takes (2 s), shorter than anyone should wait for an alert.
MOST_PENDING_S = 10.0


def create_management_app(
    pool: ConnectionPool[Connection], metrics_dir: str, own_key_left_s: Callable[[], float | None] = lambda: None
) -> Flask:
    """Three endpoints: alive at all, ready to answer, and the counters of every gateway process."""
    app = Flask("puente-management", static_folder=None)

    @app.get("/health/live")
    def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @app.get("/health/ready")
    def ready() -> tuple[Response, int]:
        """
        The database answers, and the sequencer keeps up; each check is named with what it found.

        How old the last look at the broker's rules is, is told and decides nothing: without a broker the API still
        answers, and what a suspended agency writes is refused on its way in.
        How far the notary is behind decides nothing either: its entries are safe, and alerts do not wait for it.
        Nor does the border: each side works by itself.
        """
        try:
            with connection(pool) as conn:
                checks = _checks(conn)
            is_ready = checks["oldest_pending_s"] <= MOST_PENDING_S
        except Unavailable:
            checks = {"database": "away"}
            is_ready = False
        return jsonify(status="ready" if is_ready else "not ready", **checks), 200 if is_ready else 503

    @app.get("/metrics")
    def metrics() -> Response:
        """Prometheus text format."""
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, metrics_dir)  # type: ignore[no-untyped-call]
        _gauge_broker_rules(registry, pool)
        border_gauges.gauge(registry, pool, own_key_left_s())
        delivery_gauges.gauge(registry, pool)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return app


def _checks(conn: Connection) -> dict[str, Any]:
    seen = access.last_seen(conn)
    return {
        "directory_version": agencies.version_of(conn),
        "oldest_pending_s": round(log.oldest_pending_s(conn), 3),
        "oldest_leafless_s": round(tree.oldest_leafless_s(conn), 3),
        "broker_rules_version": seen.version,
        "broker_rules_age_s": None if seen.age_s is None else round(seen.age_s, 3),
        "border": border_gauges.told(conn),
    }


def _gauge_broker_rules(registry: CollectorRegistry, pool: ConnectionPool[Connection]) -> None:
    """What an operator sets an alarm on: over 30 s, nobody takes rules away. Absent while the database is away."""
    try:
        with connection(pool) as conn:
            age_s = access.last_seen(conn).age_s
    except Unavailable:
        return
    if age_s is not None:
        told = "Seconds since the broker's rules were last seen to follow the agency table."
        registry.register(Looked([GaugeMetricFamily("puente_broker_rules_age_seconds", told, age_s)]))
