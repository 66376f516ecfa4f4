"""
Whose acknowledgement is awaited until when: opened with the event, closed with the answer or with the end.

Both in the transaction that passes on to subscribers what has come; what is late is told by `hub.escalating`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from hub import broadcast
from hub.filters import Change, change_of, seen_in
from hub.ladders import Urgency
from hub.principal import of_agency
from hub.recipients import SETTLING
from hub.rendering import render
from hub.store import deadlines
from hub.store.coming import at_positions
from hub.store.deadlines import Opening
from schemas.registry import RECALLED, closes, tells_state

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from hub.ladders import Ladder, Ladders
    from hub.picture import View
    from hub.store import Connection
    from hub.store.coming import Coming


def open_deadlines(conn: Connection, view: View, comings: Sequence[Coming], ladders: Ladders, at: datetime) -> None:
    """
    Open the deadlines of what is new, and close those of what has been answered, has ended or was taken back.

    Raises:
        Stale: an event is of a lane that the view does not know yet.
    """
    fresh = [each for each in comings if not each.is_offer]
    opened = [each.row.hub_id for each in fresh if _open(conn, view, each, ladders, at)]
    if opened:
        deadlines.answer_late(conn, opened, at)
    rows = [each.row for each in fresh]
    if answers := [row.hub_id for row in rows if row.type in SETTLING]:
        deadlines.answer(conn, answers, at)
    if ends := [row.hub_id for row in rows if closes(row.type)]:
        deadlines.overtake(conn, ends, at)
    if recalls := [row.hub_id for row in rows if row.type == RECALLED]:
        deadlines.recall(conn, recalls, at)


def is_over(come: Coming) -> bool:
    """Whether nobody need answer it any more, whoever has passed its end on yet."""
    return come.row.timing.lapsed_at is not None or come.row.recalled_at is not None


def needless(conn: Connection, subjects: Collection[str]) -> frozenset[str]:
    """Which of these, of notices that nobody acknowledges, are so no longer: it was answered, or need not be."""
    told = {one: one.split(":") for one in subjects if one.startswith("unacknowledged:")}
    waiting = deadlines.awaited(conn, {UUID(of[1]) for of in told.values()}) if told else []
    here = at_positions(conn, {position for _, _, position in waiting}) if waiting else {}
    still = {
        f"{event}:{agency}"
        for event, agency, position in waiting
        if (come := here.get(position)) is not None and not is_over(come)
    }
    still |= {one.partition(":")[0] for one in still}  # of an event at which many stay silent
    return frozenset(one for one, (_, *of) in told.items() if ":".join(of) not in still)


def _open(conn: Connection, view: View, come: Coming, ladders: Ladders, at: datetime) -> bool:
    """Whether the event has any; what is over when it is passed on need not be answered."""
    row, agencies = come.row, view.rules.directory.agencies
    source = agencies.get(row.source)
    ladder = _ladder(come, ladders)
    if ladder is None or source is None or is_over(come):
        return False
    is_ours = source.peer is None
    asked = [
        of_agency(one)
        for one in agencies.values()
        if one.kind in ladder.kinds and one.id != row.source and (is_ours or one.peer is None)
    ]
    reading = [principal.agency for principal, _ in broadcast.decide_for(view, come, asked, at)]
    for is_here in (True, False):  # agencies of another node have their desks called over there
        waiting = [one.id for one in reading if (one.peer is None) is is_here]
        steps = ladder.share(of_recipient=is_here, of_issuer=is_ours)
        if waiting and steps:
            deadlines.add(conn, _opening(come, ladder, steps.start, at), waiting, at)
    return bool(reading)


def _ladder(come: Coming, ladders: Ladders) -> Ladder | None:
    """The one that the event is under; only what is new and actual is under any."""
    if not tells_state(come.row.type) or change_of(come.row.type) is not Change.NEW:
        return None
    seen = seen_in(render(come.row, "full"))
    return ladders.of(seen.type, Urgency.of(is_urgent=seen.is_urgent)) if seen.status == "actual" else None


def _opening(come: Coming, ladder: Ladder, step: int, at: datetime) -> Opening:
    return Opening(
        event=come.row.hub_id,
        position=come.row.position or 0,
        ladder=ladder.name,
        is_urgent=ladder.urgency is Urgency.URGENT,
        required_by=at + timedelta(seconds=ladder.ack_within_s),
        step=step,
        due_at=at + timedelta(seconds=ladder.wait_s(step)),
    )
