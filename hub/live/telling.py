"""One look at what has come, for everybody at once: decided, filtered, on record. Runs in a thread, not in the loop."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub import broadcast
from hub.filters import seen_in
from hub.items import item
from hub.picture import Stale
from hub.reading import reads_alone
from hub.store import coming

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from hub.cursor import Cursors
    from hub.live.audience import Group, Listener
    from hub.picture import View
    from hub.reading import Shown
    from hub.store import Connection
    from hub.store.coming import Coming

WAY = "stream"


@dataclass(frozen=True, slots=True)
class Line:
    """
    One message of a stream, as the chunk it is sent in (RFC 9112 section 7.1).

    `head` has the cursor; `body` the item, which many groups share.
    """

    position: int
    head: bytes
    body: bytes

    @classmethod
    def of(cls, position: int, cursor: str, body: bytes) -> Line:
        """With the cursor that a stream goes on behind; `body` from `body_of`."""
        start = b"id: %s\ndata: " % cursor.encode()
        return cls(position, b"%x\r\n%s" % (len(start) + len(body) - 2, start), body)

    def joined(self) -> bytes:
        """All of it: what one write sends costs less than what two parts do, and is made once for all alike."""
        return self.head + self.body


def body_of(shown: Shown) -> bytes:
    """The item as data, with what ends a message and a chunk."""
    return b"%s\n\n\r\n" % item(shown).encode()


def chunk(text: bytes) -> bytes:
    """Any other text of a stream as a chunk."""
    return b"%x\r\n%s\r\n" % (len(text), text)


def unchunked(text: bytes) -> bytes:
    """A chunk for a client of HTTP/1.0, which knows no chunks."""
    return text.partition(b"\r\n")[2].removesuffix(b"\r\n")


@dataclass(slots=True)
class Told:
    """
    What a look came to. `behind`: groups that must read for themselves, and behind which position.

    `lines` are those that are yet to be given out, in order, and `hearers` who of the first one's has yet to get it.
    `proved_s`: when, by the monotonic clock, it was last certain that the rules it rests on were the present ones.
    """

    last: int
    accepted_at: list[datetime] = field(default_factory=list)
    lines: deque[tuple[Group, Line]] = field(default_factory=deque)
    hearers: Sequence[Listener] = ()
    behind: dict[Group, int] = field(default_factory=dict)
    proved_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Listening:
    """A group, and from which position on it is to be told: its newcomers may know less than the others."""

    group: Group
    since: int


class Teller:
    """Tells groups of rows of the log, all under one view of the rules."""

    def __init__(self, node: str, cursors: Cursors) -> None:
        self._by = node, WAY
        self._cursors = cursors

    def tell(
        self, conn: Connection, view: View, rows: Sequence[Coming], listening: Sequence[Listening], at: datetime
    ) -> Told:
        """
        Who is to be told what of `rows`; what comes back is on record and may leave.

        Raises:
            Stale: the rules, or one of the events, have changed meanwhile; look again.
        """
        told = Told(rows[-1].row.position or 0)
        on_record: list[broadcast.Telling] = []
        for one in rows:
            self._tell_one(view, one, listening, at, told, on_record)
        began_s = time.monotonic()
        with conn.transaction():
            broadcast.disclose(conn, self._by, WAY, on_record, view)
            if on_record and not coming.still_open(conn, _open_ones(on_record)):
                raise Stale
        told.proved_s = began_s
        return told

    def _tell_one(
        self,
        view: View,
        one: Coming,
        listening: Sequence[Listening],
        at: datetime,
        told: Told,
        on_record: list[broadcast.Telling],
    ) -> None:
        position = one.row.position or 0
        told_before = len(told.lines)
        for group, shown, body in self._for_groups(view, one, listening, at):
            if group in told.behind:
                continue
            if group.is_sent and reads_alone(shown, group.principal.agency.id, view.rules):
                told.behind[group] = position - 1
                continue
            cursor = self._cursors.seal(position, group.principal.agency.id, group.wanted.status)
            told.lines.append((group, Line.of(position, cursor, body)))
            if group.is_sent:
                on_record.append((group.principal, shown))
        if len(told.lines) > told_before:
            told.accepted_at.append(one.row.accepted_at)

    def _for_groups(
        self, view: View, one: Coming, listening: Sequence[Listening], at: datetime
    ) -> Iterator[tuple[Group, Shown, bytes]]:
        """Each group that gets the row, and as what; a rendering is made, and looked into, once."""
        position = one.row.position or 0
        by_principal: dict[int, list[Group]] = {}
        for entry in listening:
            if entry.since < position:
                by_principal.setdefault(id(entry.group.principal), []).append(entry.group)
        principals = [groups[0].principal for groups in by_principal.values()]
        seen = {}
        for principal, shown in broadcast.decide_for(view, one, principals, at):
            key = id(shown)
            if key not in seen:
                seen[key] = shown, seen_in(shown.text), body_of(shown)  # holds `shown`: ids are its
            _, looked, body = seen[key]
            for group in by_principal[id(principal)]:
                if group.wanted.wants(looked, principal.agency.id):
                    yield group, shown, body


def _open_ones(on_record: Sequence[broadcast.Telling]) -> set[UUID]:
    return {shown.row.hub_id for _, shown in on_record if shown.row.timing.lapsed_at is None}
