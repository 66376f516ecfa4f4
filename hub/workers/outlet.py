"""
Records to Kafka in their order: a partition takes one batch at a time, and none after one that failed.

A broker takes a batch whole or not at all. kafka-python resends a batch whose answer was lost, which doubles it, and
goes on with the next one when a batch has expired, which leaves a gap that nobody sees. Here nothing is resent by the
client: whoever sends looks at what the partitions hold, and goes on from there.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.partitioner import murmur2

from hub.workers.opening import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

ACK_TIMEOUT_S = 6.0
CLOSE_S = 1.0
CHUNK_BYTES = 400_000
RECORD_OVERHEAD_BYTES = 200

# security.md 2: idempotence off, acks from all, one request in flight.
PRODUCER: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": False,
    "max_in_flight_requests_per_connection": 1,
    "retries": 0,
    "linger_ms": 60_000,  # never by itself: a batch goes when it is flushed, so that all of a chunk is in one
    "batch_size": 1 << 20,  # nor because it is full
    "max_request_size": 1 << 20,
    "request_timeout_ms": 5_000,
    "delivery_timeout_ms": 120_000,
    "max_block_ms": 5_000,
    "allow_auto_create_topics": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record for one partition."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def size(self) -> int:
        """Bytes it takes, roughly and at least."""
        return len(self.key) + len(self.value) + RECORD_OVERHEAD_BYTES


class Outlet:
    """A producer to be used as a context manager; after a failure it is spent, and sends nothing any more."""

    def __init__(self, kafka: dict[str, Any], *, ack_timeout_s: float = ACK_TIMEOUT_S) -> None:
        """
        Connect; who waits longer than `ack_timeout_s` for what goes out together has failed.

        Raises:
            KafkaError: no broker answers.
        """
        self._producer: KafkaProducer = opened(KafkaProducer, **(kafka | PRODUCER))
        self._ack_timeout_s = ack_timeout_s

    def __enter__(self) -> Outlet:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            # close() alone would first send what is left, behind the gap that the failure has made.
            self._producer._sender.force_close()
        with suppress(KafkaError):
            self._producer.close(timeout=CLOSE_S)

    def partition(self, topic: str, key: bytes) -> int:
        """The broker's own rule for keyed records, stated so that a takeover can look in the right place."""
        partitions = sorted(self._producer.partitions_for(topic))
        return int(partitions[(murmur2(key) & 0x7FFFFFFF) % len(partitions)])

    def send(self, records: Iterable[Outgoing], before_each: Callable[[], None] = lambda: None) -> None:
        """
        Send records, those of one partition in their order, and wait for every acknowledgement.

        `before_each` is called before anything goes out, again and again: it raises when we may not send any more.

        Raises:
            KafkaError: what was not acknowledged may be there or not; of each partition the rest was not sent.
        """
        waiting: dict[tuple[str, int], deque[Outgoing]] = {}
        for record in records:
            waiting.setdefault((record.topic, record.partition), deque()).append(record)
        while waiting:
            before_each()
            futures = [self._start(record) for queue in waiting.values() for record in _chunk(queue)]
            deadline = time.monotonic() + self._ack_timeout_s
            self._producer.flush(timeout=self._ack_timeout_s)
            for future in futures:
                future.get(timeout=max(0.001, deadline - time.monotonic()))
            waiting = {place: queue for place, queue in waiting.items() if queue}

    def _start(self, record: Outgoing) -> Any:
        return self._producer.send(
            record.topic, record.value, key=record.key, headers=list(record.headers), partition=record.partition
        )


def _chunk(queue: deque[Outgoing]) -> list[Outgoing]:
    """What goes out together: at least one record, and no more than fits one batch."""
    taken = [queue.popleft()]
    size = taken[0].size
    while queue and size + queue[0].size <= CHUNK_BYTES:
        taken.append(queue.popleft())
        size += taken[-1].size
    return taken
