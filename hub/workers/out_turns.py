"""
One turn of the outflow: what may not be read any more goes, what may be again comes back, what has come is written.

All of it by one process, one thing after the other, so that what is on record is what is there.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kafka import TopicPartition

from hub import outflow
from hub.store import coming, log, subscriptions
from hub.store import outflow as stored
from hub.subscribing import Channel, State
from hub.workers import last_records, out_topics
from hub.workers.topics import out_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from kafka.admin import KafkaAdminClient

    from hub.cursor import Cursors
    from hub.outflow import Fingerprint, Look, Written
    from hub.picture import Picture
    from hub.reading import Asking, Shown
    from hub.store import Connection
    from hub.store.outflow import OutRecord, OutTopic
    from hub.subscribing import Subscription
    from hub.workers.outlet import Outgoing, Outlet

logger = logging.getLogger(__name__)

NAME = "outflow"
LEASE_MS = 4000
MOST_AT_ONCE = 2000  # records in one turn: a right that ends meanwhile does not wait for more
WATCH_S = 1.0
PRUNE_S = 60.0
# A broker forgets after 24 hours by segments of one hour, and looks every five minutes.
GONE = timedelta(hours=26)
AT_ONCE = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outflow:
    """What the worker is given; `kafka` are the connection settings of a kafka-python client."""

    database_url: str
    kafka: dict[str, Any]
    prefix: str
    picture: Picture
    prints: Fingerprint
    cursors: Cursors
    now: Callable[[], datetime]


@dataclass(slots=True)
class Flow:
    """What the one that leads knows: who wants a topic, how far it has looked, and what each topic must end at."""

    worker: Outflow
    conn: Connection
    leader: log.Leader
    admin: KafkaAdminClient
    outlet: Outlet
    _wanted: dict[str, Subscription] = field(default_factory=dict)
    _position: int = -1
    _versions: tuple[int, int] = (-1, -1)
    _look_again_at: datetime = AT_ONCE
    _is_due: bool = True  # to compare what is there with what may be
    _unread: set[str] = field(default_factory=set)  # in the log there may be more for them
    _ends: dict[str, int] = field(default_factory=dict)
    _there: dict[str, int] = field(default_factory=dict)  # until the first comparison: the last number in each topic
    _waiting: dict[str, list[Written]] = field(default_factory=dict)  # on record, and to be written
    _watch_at_s: float = 0.0
    _prune_at_s: float = 0.0

    def take_over(self) -> None:
        """See what is there. A topic that ends in what is no record of ours is none of ours altogether."""
        known = set(self.admin.list_topics())
        topics = [one for one in stored.topics(self.conn) if self._name(one.agency) in known]
        places = {one.agency: TopicPartition(self._name(one.agency), 0) for one in topics}
        with closing(last_records.reader(self.worker.kafka)) as consumer:
            last = last_records.headers(consumer, places.values()) if places else {}
        foreign = []
        for one in topics:
            held = last.get(places[one.agency])
            number = one.sent if held is None else int(held.get(out_topics.SEQ, b"-1"))
            self._there[one.agency] = number
            if not 0 <= number <= one.seq:
                foreign.append(one.agency)
        if foreign:
            stored.close(self.conn, foreign)
        self._ends = out_topics.ends(self.admin, map(self._name, places))

    def turn(self) -> bool:
        """
        Look once at everything that may have moved, and do what follows; whether there may be more to do at once.

        Raises:
            Stale: the rules have moved on meanwhile; refresh and come again.
            hub.store.log.Deposed: another leads.
            KafkaError: what was to be done may be done or not; whoever leads next takes over.
        """
        self._go_on()
        at, newest = self.worker.now(), coming.newest(self.conn)
        has_come = newest > self._position
        versions = self._look()
        self._is_due |= versions != self._versions or at >= self._look_again_at
        self._is_due |= has_come and stored.has_closing(self.conn, self._position)
        if has_come or self._is_due:
            self._unread.update(self._wanted)
        if self._is_due:
            self._look_again_at = outflow.looks_again_at(self.worker.picture.view.rules, self._wanted.keys(), at)
            self._compare(at)
            self._versions, self._is_due = versions, False
        self._position = newest
        self._empty(at)
        has_more = self._write(at)
        self._watch()
        return has_more or self._is_due

    def _go_on(self) -> None:
        log.keep_lease(self.conn, self.leader, lease_ms=LEASE_MS)

    def _name(self, agency: str) -> str:
        return out_topic(agency, self.worker.prefix)

    def _look(self) -> tuple[int, int]:
        """The versions of the directory and of subscriptions, with both as they are now in memory."""
        view = self.worker.picture.present(self.conn)
        versions = view.rules.directory.version, subscriptions.version(self.conn)
        if versions[1] != self._versions[1]:
            self._wanted = {one.agency: one for one in subscriptions.by_channel(self.conn, Channel.KAFKA)}
        return versions

    def _asking(self, agency: str, at: datetime) -> Asking | None:
        """Whoever may read that topic; None: nobody may, now."""
        one = self._wanted.get(agency)
        if one is None or one.state is not State.ENABLED:
            return None
        return outflow.asking_for(self.worker.picture, one, at)

    def _is_wanted(self, topic: OutTopic) -> bool:
        wish = self._wanted.get(topic.agency)
        return wish is not None and wish.id == topic.subscription

    def _compare(self, at: datetime) -> None:
        """Close what holds anything else than would be given now; begin, and open again, what may be."""
        topics = {one.agency: one for one in stored.topics(self.conn)}
        held = {
            one.agency: stored.records(self.conn, one.agency) for one in topics.values() if one.state == stored.OPEN
        }
        view = outflow.look(self.conn, held.values(), self.worker.prints)
        wrong = [one.agency for one in topics.values() if not self._is_right(one, held.get(one.agency, []), view, at)]
        if wrong:
            stored.close(self.conn, wrong)
        for agency, wish in self._wanted.items():
            if agency not in topics and self._asking(agency, at) is not None:
                stored.begin(self.conn, wish.id)

    def _is_right(self, topic: OutTopic, records: list[OutRecord], view: Look, at: datetime) -> bool:
        if not self._is_wanted(topic):
            return False
        wish, asking = self._wanted[topic.agency], self._asking(topic.agency, at)
        if topic.state != stored.OPEN:
            passes = topic.position is None or wish.state is not State.DISABLED
            return topic.state == stored.CLOSING or (asking is None and passes)
        if asking is None:
            return False
        self._go_on()
        now = outflow.current(self.conn, asking, wish.filter, records, view)
        self._lapse(now.values(), at)
        there = self._there.pop(topic.agency, None)
        if there is not None:
            unsent = [one for one in records if one.seq > there and one.seq in now]
            self._waiting[topic.agency] = [outflow.Written(one.seq, now[one.seq], one.is_again) for one in unsent]
        return view.holds(records, now)

    def _lapse(self, shown: Iterable[Shown], at: datetime) -> None:
        lapses_at = outflow.lapses_at(shown, at)
        if lapses_at is not None:
            self._look_again_at = min(self._look_again_at, lapses_at)

    def _empty(self, at: datetime) -> None:
        """First all rights, then all records, and only then what each topic is to hold."""
        closing_ones = [one for one in stored.topics(self.conn) if one.state == stored.CLOSING]
        if not closing_ones:
            return
        known = set(self.admin.list_topics())
        held = [one for one in closing_ones if self._name(one.agency) in known]
        out_topics.shut(self.admin, [one.agency for one in held], self.worker.prefix)
        self._go_on()
        self._ends |= out_topics.empty(self.admin, [self._name(one.agency) for one in held])
        for one in closing_ones:
            self._there.pop(one.agency, None)
            self._waiting.pop(one.agency, None)
            if one in held or not self._is_wanted(one):  # else it is yet to be made
                with self.conn.transaction():
                    self._go_on()
                    self._settle(one, at)

    def _settle(self, topic: OutTopic, at: datetime) -> None:
        wish, asking = self._wanted.get(topic.agency), self._asking(topic.agency, at)
        if wish is None or wish.id != topic.subscription:
            stored.forget(self.conn, topic.agency)
            self._is_due = True  # another one of the same agency may begin
        elif wish.state is State.DISABLED:
            stored.pass_over(self.conn, topic.agency)
        elif asking is None:
            stored.empty(self.conn, topic.agency, stored.CLOSED)
        else:
            stored.start(self.conn, topic.agency)
            written = outflow.write_again(self.conn, asking, wish.filter, topic, self.worker.prints)
            self._waiting[topic.agency] = written
            self._lapse((one.shown for one in written), at)

    def _write(self, at: datetime) -> bool:
        """Write what waits, and a page for each that may have more; whether there may be yet more."""
        told: list[Outgoing] = []
        last: dict[str, list[Written]] = {}
        topics = [one for one in stored.topics(self.conn) if one.state == stored.OPEN]
        for one in topics:
            asking = self._asking(one.agency, at)
            if asking is None or one.agency in self._there:
                continue
            written = self._waiting.get(one.agency) or self._next(one, asking, at)
            if written:
                self._waiting[one.agency] = written  # until it is there: the next one may find the rules moved on
                told += self._records(one.agency, written)
                last[one.agency] = written
            if len(told) >= MOST_AT_ONCE:
                break
        if told:
            self.outlet.send(told, self._go_on)
        for agency, written in last.items():
            del self._waiting[agency]
            self._ends[self._name(agency)] += len(written)
            stored.note_sent(self.conn, agency, written[-1].seq)
        return any(one.agency in self._unread for one in topics)

    def _records(self, agency: str, written: Collection[Written]) -> Iterable[Outgoing]:
        status = self._wanted[agency].filter.status
        return out_topics.records(written, agency, self.worker.prefix, self.worker.cursors, status)

    def _next(self, topic: OutTopic, asking: Asking, at: datetime) -> list[Written]:
        if topic.agency not in self._unread:
            return []
        wanted = self._wanted[topic.agency].filter
        with self.conn.transaction():
            self._go_on()
            written, has_more = outflow.go_on(self.conn, asking, wanted, topic, self.worker.prints)
        if not has_more:
            self._unread.discard(topic.agency)
        self._lapse((one.shown for one in written), at)
        return written

    def _watch(self) -> None:
        """Now and then: nothing is in a topic but what was written now; and what the broker has forgotten goes."""
        now_s = time.monotonic()
        if now_s >= self._watch_at_s:
            self._watch_at_s = now_s + WATCH_S
            names = {self._name(one.agency): one.agency for one in stored.topics(self.conn) if one.state == stored.OPEN}
            found = out_topics.ends(self.admin, names)
            strange = [agency for name, agency in names.items() if found.get(name) != self._ends.get(name)]
            if strange:  # late, from one that led before; or by a hand that was in the topic
                logger.warning("written by nobody: %s", ", ".join(strange))
                stored.close(self.conn, strange)
        if now_s >= self._prune_at_s:
            self._prune_at_s = now_s + PRUNE_S
            stored.prune(self.conn, GONE)
