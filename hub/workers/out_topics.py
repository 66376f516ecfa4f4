"""The topics that agencies read, at the broker: emptied, measured, and what goes into them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaTimeoutError

from hub import items
from hub.workers import rules
from hub.workers.outlet import Outgoing
from hub.workers.topics import out_topic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from hub.cursor import Cursors
    from hub.outflow import Written

SEQ = "seq"
EMPTY_S = 3.0


def shut(admin: KafkaAdminClient, agencies: Collection[str], prefix: str) -> None:
    """
    Nobody but the node reads these from now on. The reconciler sees to it too; this does not wait for it.

    Raises:
        NotProjected: the broker refused.
    """
    rules.take_away(admin, [rules.to_read_out(agency, prefix) for agency in agencies], lambda _what, _about: None)


def empty(admin: KafkaAdminClient, topics: Collection[str]) -> dict[str, int]:
    """
    Delete every record of these topics, which are there; the offset that each ends at, seen to hold nothing.

    Raises:
        KafkaError: the broker refused, or still has some.
    """
    deadline = time.monotonic() + EMPTY_S
    while True:
        # What is there now and no more: to say "everything" might take what another that leads has written meanwhile.
        starts, last = _offsets(admin, topics, OffsetSpec.EARLIEST), ends(admin, topics)
        filled = {TopicPartition(topic, 0): end for topic, end in last.items() if starts[topic] != end}
        if not filled:
            return last
        if time.monotonic() > deadline:
            raise KafkaTimeoutError("records are not deleted")
        admin.delete_records(filled)  # raises the error of any; that one has no answer, the next look tells


def ends(admin: KafkaAdminClient, topics: Iterable[str]) -> dict[str, int]:
    """The offset that the next record of each of these topics will have."""
    return _offsets(admin, topics, OffsetSpec.LATEST)


def is_empty(admin: KafkaAdminClient, topic: str) -> bool:
    """Whether nothing can be read there."""
    return _offsets(admin, [topic], OffsetSpec.EARLIEST) == ends(admin, [topic])


def _offsets(admin: KafkaAdminClient, topics: Iterable[str], which: int) -> dict[str, int]:
    wanted = {TopicPartition(topic, 0): which for topic in topics}
    found = admin.list_partition_offsets(wanted) if wanted else {}
    return {place.topic: int(told.offset) for place, told in found.items()}


def records(written: Iterable[Written], agency: str, prefix: str, cursors: Cursors, status: str) -> Iterator[Outgoing]:
    """
    What an agency reads: items as the feed has them, keyed by the event's subject.

    `cursor` goes on in the feed behind this event; `again`: it was there before, under another number.
    """
    for one in written:
        row = one.shown.row
        headers = [
            (SEQ, str(one.seq)),
            ("id", str(row.hub_id)),
            ("type", row.type),
            ("cursor", cursors.seal(row.position or 0, agency, status)),
        ]
        if one.is_again:
            headers.append(("again", "1"))
        yield Outgoing(
            topic=out_topic(agency, prefix),
            partition=0,
            key=row.subject.encode(),
            value=items.item(one.shown).encode(),
            headers=tuple((name, value.encode()) for name, value in headers),
        )
