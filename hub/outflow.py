"""
What is in the topics that agencies read: the feed as each would be given it, written ahead of its asking.

A topic cannot decide anew at each reading, as the feed does. So what is there is kept on record and compared with what
would be given now whenever something has moved that decisions rest on. Where the two differ in anything, nothing of the
topic may be read until all of it is deleted; what still may be is then written again. Each writing is a disclosure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hub.feed import read_feed
from hub.filters import seen_in
from hub.lanes import next_turn
from hub.reading import Asking, Shown, disclose, would_get
from hub.store import outflow as stored
from hub.store.coming import at_positions
from hub.store.outflow import OutRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from hub.filters import Filter, Seen
    from hub.picture import Picture
    from hub.policy import Rules
    from hub.store import Connection
    from hub.store.coming import Coming
    from hub.store.outflow import OutTopic
    from hub.stored import Stored
    from hub.subscribing import Subscription

WAY = "kafka"  # in disclosure entries
AT_ONCE = 200
AGAIN_AT_ONCE = 500  # events in one disclosure entry
KEPT = timedelta(hours=24)
FRESH = timedelta(seconds=1)  # how long it may go unseen that another node's consents can be relied on no more


@dataclass(frozen=True, slots=True)
class Written:
    """A record to be sent: its number in its topic, what it shows, and whether it was there before."""

    seq: int
    shown: Shown
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Digests of what readers get, with a key of the node."""

    key: bytes

    def of(self, shown: Shown) -> bytes:
        """Equal for equal texts."""
        return hashlib.blake2b(shown.text.encode(), digest_size=16, key=self.key, person=b"puente-outflow").digest()


@dataclass(slots=True)
class Look:
    """What came at some positions, of one moment, and each text of it looked at once, whoever gets it."""

    here: Mapping[int, Coming]
    prints: Fingerprint
    _known: dict[object, tuple[bytes, Seen]] = field(default_factory=dict)

    def at(self, shown: Shown) -> tuple[bytes, Seen]:
        """The digest of what is shown, and what filters see of it."""
        key = shown.row.hub_id, shown.name, None if shown.held is None else shown.held.text
        if key not in self._known:
            self._known[key] = self.prints.of(shown), seen_in(shown.text)
        return self._known[key]

    def holds(self, records: Iterable[OutRecord], now: Mapping[int, Shown]) -> bool:
        """Whether every record shows what would be given now, no more and no less."""
        return all(one.seq in now and self.at(now[one.seq])[0] == one.digest for one in records)


def look(conn: Connection, topics: Iterable[Sequence[OutRecord]], prints: Fingerprint) -> Look:
    """At what these topics show, once for all of them."""
    return Look(at_positions(conn, {one.position for records in topics for one in records}), prints)


def asking_for(picture: Picture, one: Subscription, at: datetime) -> Asking | None:
    """The agency as its subscription lets it ask; None: it is not active."""
    agency = picture.view.rules.directory.active(one.agency)
    return None if agency is None else Asking(one.principal(agency), picture, picture.view, at)


def go_on(
    conn: Connection, asking: Asking, wanted: Filter, topic: OutTopic, prints: Fingerprint
) -> tuple[list[Written], bool]:
    """
    What comes next in a topic, put on record in the caller's transaction; and whether there may be more already.

    Raises:
        Stale: the rules have moved on.
    """
    after = topic.position or 0
    page = read_feed(conn, asking, after=after, limit=AT_ONCE, wanted=wanted, where=WAY)
    written = [Written(topic.seq + number, shown) for number, shown in enumerate(page.shown, 1)]
    if written or page.position != after:
        stored.add(conn, asking.reader, [_record(one, prints) for one in written], position=page.position)
    return written, page.more


def _record(one: Written, prints: Fingerprint) -> OutRecord:
    row = one.shown.row
    return OutRecord(seq=one.seq, event=row.hub_id, position=row.position or 0, digest=prints.of(one.shown))


def current(
    conn: Connection, asking: Asking, wanted: Filter, records: Sequence[OutRecord], view: Look
) -> dict[int, Shown]:
    """By number: what each of these records would show if it were written now; it is left out if it would not be."""
    came = [view.here[one.position] for one in records if one.position in view.here]
    rows = [_as_its_own(one, asking.reader) for one in came]
    found = {(one.row.position, one.row.hub_id): one for one in would_get(conn, asking, rows)}
    fitting = ((one.seq, found.get((one.position, one.event))) for one in records)
    reader = asking.reader
    return {seq: one for seq, one in fitting if one is not None and wanted.wants(view.at(one)[1], reader)}


def _as_its_own(come: Coming, reader: str) -> Stored:
    """As this reader finds it; where it came from an offer is no matter any more."""
    is_owed = reader in come.owed
    if not is_owed and come.row.offered_by is None:  # nearly always
        return come.row
    return replace(come.row, is_owed=is_owed, offered_by=None)


def write_again(
    conn: Connection, asking: Asking, wanted: Filter, topic: OutTopic, prints: Fingerprint
) -> list[Written]:
    """
    What of an empty topic's last 24 hours still may be there, put on record anew; the caller's transaction opens it.

    Raises:
        Stale: the rules have moved on.
    """
    records = [one for one in stored.records(conn, topic.agency) if one.since and one.since > asking.at - KEPT]
    now = current(conn, asking, wanted, records, look(conn, [records], prints))
    kept = [one for one in records if one.seq in now]
    shown: list[Shown] = []
    for start in range(0, len(kept), AGAIN_AT_ONCE):
        part = [now[one.seq] for one in kept[start : start + AGAIN_AT_ONCE]]
        shown += disclose(conn, asking, part, WAY)
    asking.require_current(conn)
    written = [Written(topic.seq + number, one, is_again=True) for number, one in enumerate(shown, 1)]
    stored.empty(conn, topic.agency, stored.OPEN)
    new = [replace(_record(one, prints), since=old.since) for one, old in zip(written, kept, strict=True)]
    stored.add(conn, topic.agency, new)
    return written


def looks_again_at(rules: Rules, readers: Collection[str], at: datetime) -> datetime:
    """When something begins or ends by itself that decisions rest on; what events say of their time is besides this."""
    ends = (one.valid_until for held in rules.consents.values() for one in held)
    turns = [next_turn(rules, at), *(end for end in ends if end > at)]
    # Another node's consents hold for as long as we hear of that node, which no version tells.
    if any(border.is_open and not border.protected.isdisjoint(readers) for border in rules.borders.values()):
        turns.append(at + FRESH)
    return min(turns)


def lapses_at(shown: Iterable[Shown], at: datetime) -> datetime | None:
    """When the first of these shows less by itself."""
    ends = (end for one in shown for end in (one.row.timing.active_until, one.row.timing.public_until))
    return min((end for end in ends if end is not None and end > at), default=None)
