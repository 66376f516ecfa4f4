"""
Who is called when no acknowledgement comes: the next desk of the silent agency, and at last the issuer.

Each step is taken once, in the transaction that moves its deadline on, whoever else is at it. How long the next one is
waited for counts from then: a clock that jumps ahead brings a step early, and none together with another.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hub import broadcast
from hub.awaiting import is_over
from hub.ladders import DUTY, Turn, turn
from hub.policy import Decision
from hub.principal import Principal
from hub.store import audit, deadlines, deliveries, subscriptions
from hub.store.coming import at_positions
from hub.store.deadlines import Move
from hub.store.deliveries import Wanted
from hub.subscribing import QUEUED
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from hub.directory import Agency
    from hub.ladders import Ladder, Ladders
    from hub.picture import Picture, View
    from hub.store import Connection
    from hub.store.coming import Coming
    from hub.store.deadlines import Deadline
    from hub.subscribing import Subscription

    Desks = Mapping[tuple[str, str], Sequence[Subscription]]  # by agency and desk

AT_ONCE = 500  # deadlines
MOST_NAMED = 20  # agencies of one event that its issuer is told of by name; more are one notice
SILENT = Text("no acknowledgement in time", "sin confirmación a tiempo")


@dataclass(frozen=True, slots=True)
class _Call:
    """A desk of a silent agency is called; `step` counts from 1."""

    deadline: Deadline
    step: int
    desk: str
    subscriptions: Sequence[Subscription]


@dataclass(slots=True)
class _Round:
    """What comes of the deadlines of one event: how they move, who is called, and of whom the issuer hears."""

    come: Coming
    issuer: Agency
    moves: list[Move] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)
    silent: list[Deadline] = field(default_factory=list)
    desk: str = DUTY  # of the issuer


def escalate(conn: Connection, picture: Picture, ladders: Ladders, at: datetime) -> int:
    """
    Take the next step of at most 500 deadlines that are due: how many that were; ask again until it is none.

    Raises:
        Stale: the rules have moved on, nothing was done; refresh and come again.
    """
    with conn.transaction():
        deliveries.keep_states(conn)
        deadlines.set_back(conn, at)
        due = deadlines.due(conn, at, limit=AT_ONCE)
        if not due:
            return 0
        view = picture.view
        picture.require_current(conn, view)
        rounds = _rounds(conn, view, due, ladders, at)
        deadlines.move(conn, [move for each in rounds for move in each.moves], at)
        if wanted := [one for each in rounds for one in _wanted(each, at)]:
            deliveries.put(conn, wanted, at)
        for each in rounds:
            _record_calls(conn, view, each)
            _tell_issuer(conn, view, each, at)
        deliveries.notify(conn)
    return len(due)


def _rounds(conn: Connection, view: View, due: Sequence[Deadline], ladders: Ladders, at: datetime) -> list[_Round]:
    directory = view.rules.directory
    here = at_positions(conn, {one.position for one in due})
    active = {one.agency for one in due if directory.active(one.agency) is not None}
    held = _calling(conn, active)
    by_position: defaultdict[int, list[Deadline]] = defaultdict(list)
    for one in due:
        by_position[one.position].append(one)
    rounds = []
    for position, group in by_position.items():
        come = here[position]
        each = _Round(come, directory.agencies[come.row.source])
        if is_over(come):
            each.moves = [Move(event=one.event, agency=one.agency, state="overtaken", taken=None) for one in group]
        else:
            desks = _desks(view, come, held, {one.agency for one in group}, at)
            for one in group:
                _take(each, one, ladders.named(one.ladder), desks, at)
        rounds.append(each)
    return rounds


def _calling(conn: Connection, agencies: Collection[str]) -> list[Subscription]:
    """What they are told by of what is real; an exercise calls nobody."""
    return [one for one in subscriptions.calling(conn, agencies, QUEUED) if one.filter.status == "actual"]


def _desks(
    view: View, come: Coming, held: Iterable[Subscription], silent: set[str], at: datetime
) -> dict[tuple[str, str], list[Subscription]]:
    """Where silent agencies can be told of the event, as far as they may still read it."""
    agencies = view.rules.directory.agencies
    asked = [(one, one.principal(agencies[one.agency])) for one in held if one.agency in silent]
    told = {principal for principal, _ in broadcast.decide_for(view, come, dict.fromkeys(who for _, who in asked), at)}
    found: defaultdict[tuple[str, str], list[Subscription]] = defaultdict(list)
    for one, principal in asked:
        if principal in told:
            found[one.agency, one.desk].append(one)
    return dict(found)


def _take(each: _Round, one: Deadline, ladder: Ladder | None, desks: Desks, at: datetime) -> None:
    is_ours = each.issuer.peer is None
    if ladder is None or one.step >= len(ladder.steps):  # the file says otherwise by now: then the issuer is told
        taken = Turn(one.step if is_ours else None, None)
        desk = None
    else:
        steps = ladder.share(of_recipient=True, of_issuer=is_ours)
        taken = turn(ladder, range(one.step, steps.stop), lambda desk: (one.agency, desk) in desks)
        step = None if taken.step is None else ladder.steps[taken.step]
        desk = None if step is None or step.is_issuers else step.desk
        each.desk = ladder.steps[-1].desk
    if desk is not None:
        each.calls.append(_Call(one, (taken.step or 0) + 1, desk, desks[one.agency, desk]))
    elif taken.step is not None:
        each.silent.append(one)
    each.moves.append(_move(one, taken, ladder, at))


def _move(one: Deadline, taken: Turn, ladder: Ladder | None, at: datetime) -> Move:
    if ladder is None or taken.following is None:
        return Move(event=one.event, agency=one.agency, state="ended", taken=taken.step)
    return Move(
        event=one.event,
        agency=one.agency,
        state="open",
        taken=taken.step,
        step=taken.following,
        due_at=at + timedelta(seconds=ladder.wait_s(taken.following, behind=taken.step)),
    )


def _wanted(each: _Round, at: datetime) -> Iterable[Wanted]:
    """The event once more, urgently; the quiet hours of a desk hold back only what is not urgent."""
    row = each.come.row
    for call in each.calls:
        for one in call.subscriptions:
            due_at = one.due_at(at, is_urgent=call.deadline.is_urgent)
            about = f"escalation:{call.step}"
            yield Wanted(one.id, row.hub_id, row.position or 0, is_urgent=True, due_at=due_at, about=about)


def _record_calls(conn: Connection, view: View, each: _Round) -> None:
    for call in each.calls:
        agency = view.rules.directory.agencies[call.deadline.agency]
        detail = {"ladder": call.deadline.ladder, "step": call.step, "desk": call.desk}
        _record(conn, view, agency, each, detail)


def _tell_issuer(conn: Connection, view: View, each: _Round, at: datetime) -> None:
    """Ids alone; at which desk it is, or else at any."""
    if not each.silent:
        return
    held = _calling(conn, [each.issuer.id]) if each.issuer.is_active else []
    told = [one for one in held if one.desk == each.desk] or held
    silent, event = sorted(one.agency for one in each.silent), each.come.row.hub_id
    subjects = [f"unacknowledged:{event}:{agency}" for agency in silent]
    if len(silent) > MOST_NAMED:
        subjects = [f"unacknowledged:{event}"]
    is_urgent = any(one.is_urgent for one in each.silent)
    for one in told:
        for about in subjects:
            due_at = one.due_at(at, is_urgent=is_urgent)
            deliveries.put_other(conn, one.id, "notice", at, about, is_urgent=is_urgent, due_at=due_at)
    detail = {"ladder": each.silent[0].ladder, "desk": each.desk, "silent": silent, "told": len(told)}
    _record(conn, view, each.issuer, each, detail)


def _record(conn: Connection, view: View, agency: Agency, each: _Round, detail: Mapping[str, object]) -> None:
    audit.record(
        conn,
        Principal(agency=agency, client_id="keeper", scopes=frozenset()),
        "escalate",
        Decision(True, SILENT),
        policy=view.rules.version,
        subject=str(each.come.row.hub_id),
        detail=detail,
    )
