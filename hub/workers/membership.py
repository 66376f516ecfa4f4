"""
Which part of the work this process has: a Kafka consumer group divides it among all that run, on whatever machines.

The topic carries no records. What is to be done is in PostgreSQL, where each piece is taken on by one process alone, so
that members who disagree for a moment, or know of no broker, do nothing twice and leave nothing undone.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from hub.workers.opening import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

logger = logging.getLogger(__name__)

PATIENCE_S = 6.0  # without an assignment; then all of it is looked at, which is slower with many and never wrong
POLL_MS = 500
RETRY_S = 2.0
CLOSE_MS = 1000


class Membership:
    """One member, in a thread of its own."""

    def __init__(self, kafka: dict[str, Any], topic: str, group: str, parts: int) -> None:
        """`kafka` are the connection settings of a kafka-python client; `parts` is how many the topic has."""
        self._kafka = kafka
        self._topic = topic
        self._group = group
        self._all = range(parts)
        self._assigned: frozenset[int] | None = None
        self._lost_at_s = time.monotonic()

    def parts(self) -> Collection[int]:
        """The parts that this process has now."""
        assigned = self._assigned
        if assigned is not None:
            return assigned
        return self._all if time.monotonic() - self._lost_at_s > PATIENCE_S else ()

    def join(self, stopping: Callable[[], bool]) -> threading.Thread:
        """Take part until told to stop."""
        thread = threading.Thread(target=self._take_part, args=(stopping,), name="membership", daemon=True)
        thread.start()
        return thread

    def _take_part(self, stopping: Callable[[], bool]) -> None:
        while not stopping():
            try:
                self._follow(stopping)
            except KafkaError as error:
                logger.warning("takes part in no group: %s", type(error).__name__)
            self._lose()
            if not stopping():
                time.sleep(RETRY_S)

    def _follow(self, stopping: Callable[[], bool]) -> None:
        consumer = opened(
            KafkaConsumer,
            **self._kafka,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            allow_auto_create_topics=False,
            session_timeout_ms=6000,
            heartbeat_interval_ms=1500,
            metadata_max_age_ms=5000,
        )
        try:
            while self._topic not in consumer.topics() and not stopping():
                time.sleep(RETRY_S)  # the reconciler has yet to make it
            consumer.subscribe(topics=[self._topic])
            while not stopping():
                coordinator = consumer._coordinator
                if coordinator.rejoining:  # kafka-python forgets a join that outlives the poll that began it
                    coordinator.request_rejoin()
                consumer.poll(timeout_ms=POLL_MS)
                found = frozenset(partition.partition for partition in consumer.assignment())
                if found != self._assigned and (found or self._assigned is not None):
                    logger.info("has %d parts of the work", len(found))
                    self._assigned = found
        finally:
            consumer.close(timeout_ms=CLOSE_MS)

    def _lose(self) -> None:
        if self._assigned is not None:
            self._assigned, self._lost_at_s = None, time.monotonic()
