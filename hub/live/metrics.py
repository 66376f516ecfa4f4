"""Prometheus metrics of the stream process: never by reader or content."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

OPEN = Gauge("puente_streams_open", "Open streams and waiting polls.", multiprocess_mode="mostrecent")
EVENTS = Counter("puente_stream_events_total", "Events sent to streams, and polls woken by one.")
CLOSED = Counter("puente_streams_closed_total", "Streams closed on purpose, by reason.", ("reason",))
SECONDS = Histogram(
    "puente_stream_seconds",
    "Seconds from an event's acceptance until it was sent to every open stream that it is for.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
