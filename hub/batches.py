"""Accept a batch of Kafka records: each is stored, known already, or refused with a reason; none stops the topic."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, TypeGuard

from hub import acks, control
from hub.errors import Conflict, Refused
from hub.ingest import CLASH, draft_of, entry_of, require_directory
from hub.lanes import coarsen
from hub.picture import Picture, Stale, View
from hub.policy import Decision, may_publish
from hub.principal import Principal, of_agency
from hub.reading import Asking
from hub.store import Unstorable, audit, events, offsets
from hub.store import rejections as stored_rejections
from hub.store.rejections import Rejection
from schemas import wire
from schemas.flaws import Flaw, Malformed, flaw
from schemas.registry import is_answer, is_control
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from hub.store import Connection
    from hub.stored import Draft
    from schemas.envelope import Event

logger = logging.getLogger(__name__)

EMPTY = Text("The record is empty.", "El registro está vacío.", code="empty-record")
NOT_ENROLLED = Text("The agency is not active here.", "La agencia no está activa aquí.", code="agency-not-active")
UNSTORABLE = Text("The event cannot be stored.", "El evento no se puede guardar.", code="unstorable")
INTERNAL = Text("The hub failed on this record.", "El hub falló con este registro.", code="internal")


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record as it came: `value` is bytes nobody has looked at; `unread` says why there are none."""

    offset: int
    value: bytes | None
    unread: Text | None = None


LOST = Text(
    "Records {first} to {last} were gone from the broker before the hub read them; publish them again.",
    "Los registros {first} a {last} ya no estaban en el broker cuando el hub los leyó; publíquelos de nuevo.",
    code="records-lost",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Consecutive records of one partition, wanted from offset `start` on; `end` is the offset after the last one."""

    topic: str
    partition: int
    agency: str
    records: Sequence[Record]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many records of a batch became new events, were there already, were refused."""

    stored: int
    known: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A record that may be stored, as far as can be told without the database."""

    record: Record
    principal: Principal
    event: Event
    draft: Draft
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A record that is refused; `denied` is the policy's word, where it was the policy that refused."""

    record: Record
    flaws: tuple[Flaw, ...]
    event_id: str | None = None
    denied: tuple[Principal, Decision] | None = None


def accept_batch(conn: Connection, picture: Picture, batch: Batch, at: datetime) -> Outcome:
    """
    Decide and store a batch, its rejections and its offset in one transaction.

    Raises:
        Overtaken: another worker has read this partition on.
    """
    for _ in range(5):
        try:
            return _accept(conn, picture, batch, at)
        except Stale:
            picture.refresh(conn)
        except Unstorable:
            return _one_by_one(conn, picture, batch, at)
    raise RuntimeError("the directory changed five times during one batch")


def _one_by_one(conn: Connection, picture: Picture, batch: Batch, at: datetime) -> Outcome:
    """One record that PostgreSQL refuses fails the whole transaction; alone, it fails only itself."""
    outcomes = []
    start = batch.start
    for index, record in enumerate(batch.records):
        end = batch.end if index == len(batch.records) - 1 else record.offset + 1
        single = replace(batch, records=[record], start=start, end=end)
        try:
            outcomes.append(_accept(conn, picture, single, at))
        except Unstorable:
            with conn.transaction():
                stored_rejections.add(conn, [_rejection(batch, Bad(record=record, flaws=(flaw("", UNSTORABLE),)))])
                offsets.move(conn, batch.topic, batch.partition, start=start, end=end)
            outcomes.append(Outcome(0, 0, 1))
        start = end
    return _added(outcomes)


def _added(outcomes: Iterable[Outcome]) -> Outcome:
    return Outcome(*(sum(column) for column in zip(*((o.stored, o.known, o.refused) for o in outcomes), strict=True)))


def _accept(conn: Connection, picture: Picture, batch: Batch, at: datetime) -> Outcome:
    judged = [_judge(batch, record, picture.view, at) for record in batch.records]
    if any(map(_is_change, judged)):
        if len(judged) > 1:
            return _added(accept_batch(conn, picture, part, at) for part in _parts(batch, judged))
        return _accept_change(conn, picture, batch, judged[0], at)
    for item in judged:
        if isinstance(item, Good):
            picture.lane_for(conn, item.draft.facts)
    view = picture.view
    with conn.transaction():
        judged = [_answers_well(conn, picture, item, at) if isinstance(item, Good) else item for item in judged]
        good = [item for item in judged if isinstance(item, Good)]
        ids = events.append_many(conn, [_entry(item, view) for item in good])
        unstored = [item for item, hub_id in zip(good, ids, strict=True) if hub_id is None]
        clashing = _clashing(conn, unstored)
        bad = [item for item in judged if isinstance(item, Bad)] + clashing
        if bad:
            require_directory(conn, view)
        for item in bad:
            if item.denied is not None:
                audit.record(conn, item.denied[0], "publish", item.denied[1], policy=view.rules.version)
        stored_rejections.add(conn, [*_lost(batch), *(_rejection(batch, item) for item in bad)])
        offsets.move(conn, batch.topic, batch.partition, start=batch.start, end=batch.end)
    return Outcome(len(good) - len(unstored), len(unstored) - len(clashing), len(bad))


def _is_change(item: Good | Bad) -> TypeGuard[Good]:
    return isinstance(item, Good) and is_control(item.event.type)


def _parts(batch: Batch, judged: Sequence[Good | Bad]) -> list[Batch]:
    """Cut so that each change of an event has a transaction of its own: what comes after it must see what it did."""
    parts: list[Batch] = []
    start = batch.start
    for _, group in groupby(judged, lambda item: item.record.offset if _is_change(item) else None):
        records = [item.record for item in group]
        end = records[-1].offset + 1 if records[-1] is not batch.records[-1] else batch.end
        parts.append(replace(batch, records=records, start=start, end=end))
        start = end
    return parts


def _accept_change(conn: Connection, picture: Picture, batch: Batch, item: Good | Bad, at: datetime) -> Outcome:
    """One record that changes an earlier event of its agency: stored and done, known, or refused."""
    assert isinstance(item, Good)  # noqa: S101 - the caller has looked
    asking = Asking(item.principal, picture, picture.view, at)
    control.settle(conn, asking, item.event)
    bad: list[Bad] = []
    is_new = False
    with conn.transaction():
        try:
            is_new = control.publish(conn, asking, item.event).is_new
        except Malformed as malformed:
            bad = [Bad(record=item.record, flaws=malformed.flaws, event_id=item.event.id)]
        except Refused as refusal:
            bad = [_refused(item, refusal)]
        stored_rejections.add(conn, [*_lost(batch), *(_rejection(batch, one) for one in bad)])
        offsets.move(conn, batch.topic, batch.partition, start=batch.start, end=batch.end)
    return Outcome(int(is_new), int(not is_new and not bad), len(bad))


def _refused(item: Good, refusal: Refused) -> Bad:
    """What a use case has refused, and put on record."""
    path, code = ("/id", "conflict") if isinstance(refusal, Conflict) else ("/data/event", "denied")
    return Bad(record=item.record, flaws=(Flaw(path=path, code=code, text=refusal.text),), event_id=item.event.id)


def _judge(batch: Batch, record: Record, view: View, at: datetime) -> Good | Bad:
    """Everything that can be said of a record without the database; whatever is in it, the answer is a value."""
    agency = view.rules.directory.active(batch.agency)
    if agency is None:
        return Bad(record=record, flaws=(flaw("", NOT_ENROLLED),))
    if record.unread is not None:
        return Bad(record=record, flaws=(flaw("", record.unread),))
    if not record.value:
        return Bad(record=record, flaws=(flaw("", EMPTY),))
    principal = of_agency(agency)
    try:
        event = wire.decode(record.value)
        draft = draft_of(event)
    except Malformed as malformed:
        return Bad(record=record, flaws=malformed.flaws)
    except Exception as error:  # a fault of ours in one record must not stop an agency's topic
        logger.error("unforeseen %s at %s/%s/%s", type(error).__name__, batch.topic, batch.partition, record.offset)
        return Bad(record=record, flaws=(flaw("", INTERNAL),))
    decision = may_publish(principal, draft.facts, at)
    if not decision.is_allowed:
        flaws = (Flaw(path="", code="denied", text=decision.reason),)
        return Bad(record=record, flaws=flaws, event_id=event.id, denied=(principal, decision))
    return Good(record=record, principal=principal, event=event, draft=draft, decision=decision)


def _answers_well(conn: Connection, picture: Picture, item: Good, at: datetime) -> Good | Bad:
    """An answer must answer something its sender may read; every other event passes."""
    if not is_answer(item.event.type):
        return item
    try:
        acks.require_consistent(conn, Asking(item.principal, picture, picture.view, at), item.event)
    except Refused as refusal:
        return _refused(item, refusal)
    return item


def _entry(item: Good, view: View) -> events.Entry:
    lane = view.lanes.by_facts[coarsen(item.draft.facts)]
    return entry_of(item.draft, lane, item.principal, item.decision, view)


def _clashing(conn: Connection, unstored: Sequence[Good]) -> list[Bad]:
    """
    Of the records whose identity was taken, those with another body; the others had simply come before.

    Raises:
        Stale: nothing was stored because the directory has moved on.
    """
    clashing = []
    for item in unstored:
        held = events.held(conn, item.draft.source, item.draft.id)
        if held is None:
            raise Stale
        if held.digest != item.draft.digest:
            flaws = (Flaw(path="/id", code="conflict", text=CLASH),)
            denied = (item.principal, Decision(False, CLASH))
            clashing.append(Bad(record=item.record, flaws=flaws, event_id=item.event.id, denied=denied))
    return clashing


def _lost(batch: Batch) -> list[Rejection]:
    """Retention can outrun a hub that was away for long; its sender must hear of it, and the topic goes on."""
    first = batch.records[0]
    if first.offset == batch.start or first.unread is not None:  # an unread batch shows only its last offset
        return []
    logger.error("%s/%s: records %d to %d are lost", batch.topic, batch.partition, batch.start, first.offset - 1)
    text = LOST.format(first=batch.start, last=first.offset - 1)
    gap = Bad(record=Record(batch.start, None), flaws=(flaw("", text),))
    return [_rejection(batch, gap)]


def _rejection(batch: Batch, item: Bad) -> Rejection:
    return Rejection(
        agency=batch.agency,
        channel="kafka",
        topic=batch.topic,
        partition=batch.partition,
        offset=item.record.offset,
        event_id=item.event_id,
        sha256=hashlib.sha256(item.record.value or b"").digest(),
        code=item.flaws[0].code,
        flaws=item.flaws,
    )
