"""Take copies of another node's events, the end of copies, and who over there read ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from marshmallow import ValidationError

from hub.border.envelope import Kind
from hub.crossed import Copy, NotTaken, copy_of, notice_of
from hub.lanes import coarsen
from hub.picture import Stale
from hub.protected import only_for_ours
from hub.read_rows import Read, load_reads
from hub.store import arrivals, control, disclosures, events, protected
from schemas.registry import closes, is_answer, is_control

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from hub.border.envelope import Sealed
    from hub.picture import Picture, View
    from hub.policy import Facts
    from hub.store import Connection
    from hub.store.arrivals import Coming
    from hub.stored import Stored

STORED, KNOWN, NARROWED, APPLIED = "stored", "known", "narrowed", "applied"


@dataclass(frozen=True, slots=True)
class Recall:
    """A copy that may not be read any more, and the event over there that took it back or shut it."""

    event: UUID
    control: UUID


@dataclass(frozen=True, slots=True)
class Ended:
    """A consent over there that opens nothing any more."""

    consent: UUID


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an envelope is not taken: a code for the receipt."""

    code: str


Judged = Copy | Recall | Ended | tuple[Read, ...] | Refusal


def judge(view: View, node: str, coming: Coming, run: Iterable[Sealed]) -> list[Judged]:
    """Everything that can be said of envelopes without the database; whatever is in them, the answer is a value."""
    return [_judge(view, node, coming, one) for one in run]


def _judge(view: View, node: str, coming: Coming, sealed: Sealed) -> Judged:
    try:
        body = orjson.loads(sealed.body)
        if sealed.head.kind is Kind.EVENT:
            source = view.rules.directory.agencies.get(str(body["source"]))
            copy = copy_of(body, coming.peer, source, node.upper(), view.rules.limits)
            ours = only_for_ours(copy.protected, view.rules.directory.agencies)
            return replace(copy, protected=ours, is_narrowed=copy.is_narrowed or ours != copy.protected)
        if sealed.head.kind is Kind.RECALL:
            return Recall(UUID(body["event"]), UUID(body["control"]))
        if sealed.head.kind is Kind.CONSENT:
            return Ended(UUID(body["id"])) if body["ended"] is True else Refusal("malformed")
        return load_reads(body, coming.prefix)
    except NotTaken as refusal:
        return Refusal(refusal.code)
    except (ValidationError, orjson.JSONDecodeError, AttributeError, TypeError, KeyError, ValueError):
        return Refusal("malformed")


def settle_lanes(conn: Connection, picture: Picture, judged: Sequence[Judged]) -> None:
    """Make the lanes that copies belong to before the transaction that stores them, which may be rolled back."""
    recalled = events.by_hub_ids(conn, [one.event for one in judged if isinstance(one, Recall)])
    facts = [one.draft.facts for one in judged if isinstance(one, Copy)]
    # What comes or changes in the same batch is recalled out of the lane that it has come to by then.
    ends = {one.event for one in judged if isinstance(one, Recall)}
    facts += [
        replace(one.draft.facts, is_recalled=True) for one in judged if isinstance(one, Copy) and one.hub_id in ends
    ]
    facts += [_shut(picture.view, row) for row in recalled.values() if row.lane in picture.view.lanes.lanes]
    for each in facts:
        picture.lane_for(conn, each)


def _shut(view: View, row: Stored) -> Facts:
    """The facts of a copy from the moment it was recalled."""
    lane = view.lanes.lanes[row.lane].facts
    return replace(lane, jurisdictions=row.jurisdictions, audience=row.audience, is_recalled=True)


def take(conn: Connection, view: View, coming: Coming, judged: Sequence[Judged]) -> list[tuple[UUID | None, str]]:
    """Take them in order, in the caller's transaction; which event each was about, and what became of it."""
    copies = [one for one in judged if isinstance(one, Copy)]
    refused = dict.fromkeys(arrivals.taken(conn, copies), "id-taken") | _unasked(conn, coming, copies)
    is_end = any(isinstance(one, Recall | Ended) for one in judged)
    is_change = is_end or arrivals.here(conn, [one.hub_id for one in copies])
    if is_change:  # nobody may be in the middle of disclosing what is about to be shut
        control.hold(conn)
        control.make_stale(conn)
    _admit(conn, view, coming.peer, copies)
    found: list[tuple[UUID | None, str]] = []
    waiting: list[Copy] = []
    for one in judged:
        if isinstance(one, Copy) and one.hub_id not in refused:
            waiting.append(one)
            continue
        found += _put(conn, view, waiting)
        waiting = []
        found.append(_other(conn, view, coming, one, refused))
    found += _put(conn, view, waiting)
    if is_end:
        protected.dismiss(conn, coming.peer)
    stored = [event for event, outcome in found if event is not None and not outcome.startswith("refused:")]
    arrivals.record(conn, coming.peer, view.rules.version, stored)
    return found


def _admit(conn: Connection, view: View, peer: str, copies: Iterable[Copy]) -> None:
    """Readers here who get something apart for the first time: from now on their pages are looked through for it."""
    border = view.rules.borders.get(peer)
    known = frozenset() if border is None else border.protected
    readers = {name for copy in copies for one in copy.protected for name in one.readers}
    protected.admit(conn, peer, readers - known)


def _unasked(conn: Connection, coming: Coming, copies: Iterable[Copy]) -> dict[UUID, str]:
    """Answers are to events of ours that went there, and go to whose event that was."""
    answers = {one.hub_id: one for one in copies if is_answer(one.draft.type)}
    about = {hub_id: _about(one) for hub_id, one in answers.items()}
    sources = arrivals.sent_by(conn, coming.peer, [event for event in about.values() if event is not None])
    return {
        hub_id: "answers-nothing"
        for hub_id, one in answers.items()
        if one.draft.facts.audience != (sources.get(about[hub_id]),)
    }


def _about(copy: Copy) -> UUID | None:
    text = copy.draft.text
    end = text.find('}{"') + 1 or len(text)
    try:
        return UUID(str(orjson.loads(text[:end])["data"]["event"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def _put(conn: Connection, view: View, copies: Sequence[Copy]) -> list[tuple[UUID | None, str]]:
    """Copies with nothing else between them; the same event twice among them goes in two steps."""
    found: list[tuple[UUID | None, str]] = []
    step: list[Copy] = []
    for copy in copies:
        if any(copy.hub_id == other.hub_id for other in step[-1:]) or copy.offered is not None:
            found += _store(conn, view, step)
            step = []
        step.append(copy)
        if copy.offered is not None:
            found += _store(conn, view, step)
            step = []
    return found + _store(conn, view, step)


def _store(conn: Connection, view: View, copies: Sequence[Copy]) -> list[tuple[UUID | None, str]]:
    rows = [
        (
            copy,
            view.lanes.by_facts[coarsen(copy.draft.facts)],
            not is_answer(copy.draft.type) and not is_control(copy.draft.type),
            closes(copy.draft.type),
        )
        for copy in copies
    ]
    are_new = arrivals.put(conn, rows)
    for (copy, lane, _, _), is_new in zip(rows, are_new, strict=True):
        if copy.offered and not is_new:
            arrivals.offer(conn, copy.hub_id, lane, copy.offered)
        if copy.about is not None and is_new:
            control.announce(conn, copy.about, copy.hub_id)
    if not all(are_new) or any(copy.protected for copy in copies):
        _put_apart(conn, rows, {copy.hub_id for copy, is_new in zip(copies, are_new, strict=True) if is_new})
    return [
        (copy.hub_id, NARROWED if copy.is_narrowed else STORED if is_new else KNOWN)
        for copy, is_new in zip(copies, are_new, strict=True)
    ]


def _put_apart(conn: Connection, rows: Iterable[tuple[Copy, int, bool, bool]], new: Collection[UUID]) -> None:
    """What consents open of these copies, in place of what they opened; it comes to whom it opens more than before."""
    newest = {copy.hub_id: (copy, lane) for copy, lane, _, _ in rows}
    had = protected.drop(conn, list(newest))
    opened = dict.fromkeys(
        (event, lane, reader)
        for event, (copy, lane) in newest.items()
        for one in copy.protected
        for reader in one.readers
        if event not in new and not had[event, reader].issuperset(one.consents)
    )
    protected.put(conn, [(copy.hub_id, copy.protected) for copy, _ in newest.values()])
    protected.offer(conn, list(opened))


def _other(
    conn: Connection, view: View, coming: Coming, one: Judged, refused: dict[UUID, str]
) -> tuple[UUID | None, str]:
    if isinstance(one, Refusal):
        return None, f"refused:{one.code}"
    if isinstance(one, Copy):
        return None, f"refused:{refused[one.hub_id]}"
    if isinstance(one, Recall):
        return _recall(conn, view, coming, one)
    if isinstance(one, Ended):
        protected.end(conn, coming.peer, one.consent)
        return None, APPLIED
    disclosures.note_reads(conn, coming.peer, one, view.rules.version)
    return None, APPLIED


def _recall(conn: Connection, view: View, coming: Coming, one: Recall) -> tuple[UUID | None, str]:
    row = events.by_hub_ids(conn, [one.event]).get(one.event)
    source = None if row is None else view.rules.directory.agencies.get(row.source)
    if row is None or source is None or source.peer != coming.peer:
        return None, "refused:source-unknown"
    lane = view.lanes.by_facts.get(coarsen(_shut(view, row))) if row.lane in view.lanes.lanes else None
    if lane is None:
        raise Stale
    text, cuts = notice_of(row)
    arrivals.empty(conn, [one.event], [text], [cuts])
    target = control.Target(event=row.hub_id, source=row.source, subject=row.subject, lane=lane)
    control.recall(conn, target, one.control)
    return one.event, APPLIED
