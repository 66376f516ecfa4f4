"""Decide what of an event goes to a peer, and seal it; what its source did to it afterwards follows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from hub import protecting
from hub.border.envelope import Kind
from hub.policy import NOTICE
from hub.protected import marked, marks_of, widened_row
from hub.reading import decide
from hub.releases import Release, Sending, event_body, release_of, texts_of
from hub.rendering import render, whole
from hub.store import departures, events
from schemas.registry import closes, is_control

if TYPE_CHECKING:
    from collections.abc import Collection

    from hub.picture import View
    from hub.protected import Widened
    from hub.sheaf import Sheaf
    from hub.store import Connection
    from hub.stored import Stored
    from hub.telling import Reader

Released = tuple[UUID, str, str]  # which event, as which projection, on which grant
AS_NOTICE = Release(grants={NOTICE: ""}, readers=None)


@dataclass(frozen=True, slots=True)
class Round:
    """
    One round for one peer: whom it may send what, and what it has sealed so far.

    `counts`: how many agencies over there the readers stand for.
    """

    conn: Connection
    sheaf: Sheaf
    view: View
    lanes: Collection[int]
    readers: tuple[Reader, ...]
    counts: int
    sealed: set[UUID] = field(default_factory=set)
    subjects: set[tuple[str, str]] = field(default_factory=set)

    def send(self, row: Stored, gone_as: tuple[str, ...] | None) -> list[Released]:
        """Seal one event if anybody over there may have it, and more of it than has gone (`gone_as`)."""
        if is_control(row.type):
            return self._send_change(row)
        release = self._release(row)
        if not release.grants and closes(row.type) and self._has_crossed(row):
            release = AS_NOTICE  # who has received an alert hears that it is over, even if its right has shrunk since
        if not release.grants:
            return []
        if gone_as is not None and self._has_gone(row, release, gone_as):
            return []
        released = self._seal(row, release)
        ends = [] if row.timing.lapsed_at is None or closes(row.type) else self._send_ends(row)
        return released + ends

    def _send_change(self, control: Stored) -> list[Released]:
        """
        What the originator took back or tightened follows its event, if that has crossed; and so does its word.

        An end that may no longer be read stays over there as a notice, or what it ended would be active again.
        """
        peer, hub_id = self.sheaf.way.peer, _about(control)
        gone = departures.crossed(self.conn, peer, [hub_id])
        if hub_id not in gone and hub_id not in self.sealed:
            # Shut ahead of its turn, or never there.
            return self._seal(control, AS_NOTICE, about=hub_id) if departures.was_there(self.conn, peer, hub_id) else []
        row = events.by_hub_ids(self.conn, [hub_id])[hub_id]
        release = self._release(row)
        if not release.grants and closes(row.type) and not self.view.lanes.lanes[row.lane].facts.is_recalled:
            release = AS_NOTICE
        told: list[Released] = []
        if release.grants:
            told += self._seal(row, release)
        else:
            self.sheaf.add(Kind.RECALL, {"event": str(hub_id), "control": str(control.hub_id)}, event=hub_id)
            self.sealed.discard(hub_id)
        told += self._seal(control, AS_NOTICE, about=hub_id)
        return told + (self._reopen(row) if closes(row.type) and not release.grants else [])

    def shut(self, control: Stored) -> None:
        """
        Do at once what a change that is yet to come in the log does to a copy: the other side does not wait for all
        that is before it. Its word comes in its turn; ends are not shut ahead, since what they ended comes before.
        """
        hub_id = _about(control)
        if hub_id not in departures.crossed(self.conn, self.sheaf.way.peer, [hub_id]):
            return
        row = events.by_hub_ids(self.conn, [hub_id])[hub_id]
        release = self._release(row)
        if closes(row.type):
            return
        if release.grants:
            self._seal(row, release)
        else:
            self.sheaf.add(Kind.RECALL, {"event": str(hub_id), "control": str(control.hub_id)}, event=hub_id)

    def _reopen(self, end: Stored) -> list[Released]:
        """An alert whose end was taken back is active again: what had gone as over goes as it is."""
        rows = departures.of_subject(self.conn, end.source, end.subject)
        gone = departures.crossed(self.conn, self.sheaf.way.peer, [row.hub_id for row in rows])
        return [each for row in rows if row.hub_id in gone for each in self.send(row, gone[row.hub_id])]

    def _send_ends(self, row: Stored) -> list[Released]:
        """What goes across only now that it is over goes with its end, unless the end has yet to come in the log."""
        peer = self.sheaf.way.peer
        passed = max(row.position or 0, self.sheaf.way.position)
        ends = [one for one in departures.of_subject(self.conn, row.source, row.subject) if closes(one.type)]
        ends = [end for end in ends if (end.position or 0) <= passed]
        gone = departures.crossed(self.conn, peer, [end.hub_id for end in ends])
        sent: list[Released] = []
        for end in ends:
            if end.hub_id not in gone and end.hub_id not in self.sealed:
                release = self._release(end)
                sent += self._seal(end, release if release.grants else AS_NOTICE)
        return sent

    def _release(self, row: Stored) -> Release:
        decided = ((one.agency, decide(one.asking, row, one.reach)) for one in self.readers)
        return release_of(decided, counts=self.counts)

    def _has_crossed(self, row: Stored) -> bool:
        subject = row.source, row.subject
        return subject in self.subjects or departures.has_crossed(self.conn, self.sheaf.way.peer, *subject)

    def _has_gone(self, row: Stored, release: Release, gone_as: tuple[str, ...]) -> bool:
        is_all = set(texts_of(row, release.projections)) <= set(gone_as)
        return is_all and marks_of(self._opened(row, release)) == marked(gone_as)

    def _opened(self, row: Stored, release: Release) -> tuple[Widened, ...]:
        """What consents open beside what is released; nothing beside a mere notice."""
        return () if release.grants.keys() == {NOTICE} else protecting.opened(row, self.readers)

    def _seal(self, row: Stored, release: Release, about: UUID | None = None) -> list[Released]:
        rules = self.view.rules
        texts, opened = texts_of(row, release.projections), self._opened(row, release)
        sending = Sending(
            row=row,
            facts=self.view.lanes.lanes[row.lane].facts,
            written=orjson.loads(render(row, NOTICE)),
            release=release,
            texts=texts,
            directory=self.sheaf.way.directory,
            policy=rules.version,
            about=about,
            protected=[widened_row(one) for one in opened],
        )
        body = event_body(sending, self.sheaf.way.prefix)
        self.sheaf.add(Kind.EVENT, body, event=row.hub_id, projections=(*texts, *sorted(marks_of(opened))))
        self.sealed.add(row.hub_id)
        self.subjects.add((row.source, row.subject))
        granted = [*release.grants.items(), *((one.name, one.grant) for one in opened)]
        return [(row.hub_id, name, grant) for name, grant in granted]


def _about(control: Stored) -> UUID:
    return UUID(str(whole(control)["data"]["event"]))
