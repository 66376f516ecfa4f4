"""The last record of partitions: what was sent and not yet noted, for whoever takes over from another that sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer
from kafka.errors import KafkaTimeoutError

from hub.workers.opening import opened

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kafka import TopicPartition

READ_TIMEOUT_S = 8.0


def reader(kafka: Mapping[str, Any]) -> KafkaConsumer:
    """
    A consumer for it, of no group.

    Raises:
        KafkaError: no broker answers.
    """
    return opened(KafkaConsumer, **kafka, enable_auto_commit=False, auto_offset_reset="none", group_id=None)


def headers(consumer: KafkaConsumer, wanted: Collection[TopicPartition]) -> dict[TopicPartition, dict[str, bytes]]:
    """
    The headers of the last record in each of these partitions that is not empty.

    Raises:
        KafkaTimeoutError: they cannot be read.
    """
    ends = consumer.end_offsets(wanted)
    starts = consumer.beginning_offsets(wanted)
    filled = [partition for partition in wanted if ends[partition] > starts[partition]]
    consumer.assign(filled)
    for partition in filled:
        consumer.seek(partition, ends[partition] - 1)
    last: dict[TopicPartition, dict[str, bytes]] = {}
    deadline = time.monotonic() + READ_TIMEOUT_S
    while len(last) < len(filled):
        if time.monotonic() > deadline:
            raise KafkaTimeoutError("the last records cannot be read")
        for partition, records in consumer.poll(timeout_ms=200).items():
            last[partition] = dict(records[-1].headers)
    return last
