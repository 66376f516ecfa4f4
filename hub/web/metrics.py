"""Prometheus metrics of the gateway: counts and durations by route and status, never by content."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Response, g, request
from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flask import Flask
    from prometheus_client import Metric

REQUESTS = Counter("puente_requests_total", "Requests by route and status.", ("route", "status"))
SECONDS = Histogram(
    "puente_request_seconds",
    "Seconds from the request's arrival to its answer, by route.",
    ("route",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)


class Looked(Collector):
    """
    Gauges of what the database says at this moment.

    A `Gauge` would be kept in a file of this process besides, as counters are that several processes share, and be told
    twice.
    """

    def __init__(self, families: Sequence[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """As they were looked up."""
        return self._families


def count_requests(app: Flask) -> None:
    """Count every request; the route is its pattern, so no id ever becomes a label."""

    @app.before_request
    def _begin() -> None:
        g.began_s = time.perf_counter()

    @app.after_request
    def _count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule is not None else "unmatched"
        REQUESTS.labels(route, str(response.status_code)).inc()
        if "began_s" in g:
            SECONDS.labels(route).observe(time.perf_counter() - g.began_s)
        return response
