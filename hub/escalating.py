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
from hub.calling import call, calling
from hub.ladders import DUTY, Turn, turn
from hub.policy import Decision
from hub.principal import Principal
from hub.store import audit, calls, deadlines, deliveries
from hub.store.coming import at_positions
from hub.store.deadlines import Move
from hub.store.deliveries import Wanted
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from hub.calling import Called
    from hub.directory import Agency
    from hub.ladders import Desks, Ladder, Ladders
    from hub.picture import Picture, View
    from hub.store import Connection
    from hub.store.coming import Coming
    from hub.store.deadlines import Deadline
    from hub.subscribing import Subscription

    Held = Mapping[str, Sequence[Subscription]]  # by agency

AT_ONCE = 500  # deadlines
MOST_NAMED = 20  # agencies of one event that its issuer is told of by name; more are one notice
SILENT = Text("no acknowledgement in time", "sin confirmación a tiempo")


@dataclass(frozen=True, slots=True)
class _Call:
    """A desk of a silent agency is called; `step` counts from 1."""

    deadline: Deadline
    step: int
    desk: str
    called: Called


@dataclass(slots=True)
class _Round:
    """
    What comes of the deadlines of one event: how they move, who is called, and of whom the issuer hears.

    `told`: by agency, who has been told of the event before.
    """

    come: Coming
    issuer: Agency
    told: Mapping[str, Desks]
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
            deliveries.put(conn, wanted)
        for each in rounds:
            _record_calls(conn, view, each)
            _tell_issuer(conn, view, each, at)
        deliveries.notify(conn)
    return len(due)


def _rounds(conn: Connection, view: View, due: Sequence[Deadline], ladders: Ladders, at: datetime) -> list[_Round]:
    directory = view.rules.directory
    here = at_positions(conn, {one.position for one in due})
    held = calling(conn, {one.agency for one in due if directory.active(one.agency) is not None})
    told = _told(conn, due, here)
    by_position: defaultdict[int, list[Deadline]] = defaultdict(list)
    for one in due:
        by_position[one.position].append(one)
    rounds = []
    for position, group in by_position.items():
        come = here[position]
        each = _Round(come, directory.agencies[come.row.source], told.get(come.row.hub_id, {}))
        if is_over(come):
            each.moves = [Move(event=one.event, agency=one.agency, state="overtaken", taken=None) for one in group]
        else:
            readable = _readable(view, come, held, {one.agency for one in group}, at)
            for one in group:
                _take(each, one, ladders.named(one.ladder), readable, at)
        rounds.append(each)
    return rounds


def _told(
    conn: Connection, due: Sequence[Deadline], here: Mapping[int, Coming]
) -> dict[UUID, dict[str, dict[str, frozenset[str]]]]:
    """By event and agency, which desks have been told of it, and how: silent ones', and the issuers'."""
    agencies = {one.agency for one in due} | {come.row.source for come in here.values()}
    found: defaultdict[UUID, dict[str, dict[str, frozenset[str]]]] = defaultdict(dict)
    for (event, agency), desks in calls.told(conn, {one.event for one in due}, agencies).items():
        found[event][agency] = desks
    return found


def _readable(
    view: View, come: Coming, held: Iterable[Subscription], silent: set[str], at: datetime
) -> dict[str, list[Subscription]]:
    """By what silent agencies can be told of the event, as far as they may still read it."""
    agencies = view.rules.directory.agencies
    asked = [(one, one.principal(agencies[one.agency])) for one in held if one.agency in silent]
    told = {principal for principal, _ in broadcast.decide_for(view, come, dict.fromkeys(who for _, who in asked), at)}
    found: defaultdict[str, list[Subscription]] = defaultdict(list)
    for one, principal in asked:
        if principal in told:
            found[one.agency].append(one)
    return dict(found)


def _take(each: _Round, one: Deadline, ladder: Ladder | None, readable: Held, at: datetime) -> None:
    is_ours = each.issuer.peer is None
    held = readable.get(one.agency, ())
    desks = {each.desk for each in held}
    if ladder is None or one.step >= len(ladder.steps):  # the file says otherwise by now: then the issuer is told
        taken = Turn(one.step if is_ours else None, None)
        desk = None
    else:
        steps = ladder.share(of_recipient=True, of_issuer=is_ours)
        taken = turn(ladder, range(one.step, steps.stop), desks.__contains__)
        step = None if taken.step is None else ladder.steps[taken.step]
        desk = None if step is None or step.is_issuers else step.desk
        each.desk = ladder.steps[-1].desk
    if desk is not None:
        each.calls.append(_Call(one, (taken.step or 0) + 1, desk, call(desk, held, each.told.get(one.agency, {}))))
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
    for made in each.calls:
        for one in made.called.subscriptions:
            due_at = one.due_at(at, is_urgent=made.deadline.is_urgent)
            about = f"escalation:{made.step}"
            yield Wanted(one.id, row.hub_id, row.position or 0, is_urgent=True, due_at=due_at, about=about)


def _record_calls(conn: Connection, view: View, each: _Round) -> None:
    for made in each.calls:
        agency = view.rules.directory.agencies[made.deadline.agency]
        detail = {"ladder": made.deadline.ladder, "step": made.step, "desk": made.desk}
        _record(conn, view, agency, each, detail | _how(made.called))


def _how(called: Called) -> dict[str, object]:
    """By which ways, and whether these are none but those by which others of the agency were told before."""
    return {"channels": called.ways} | ({"same_way": True} if called.is_same_way else {})


def _tell_issuer(conn: Connection, view: View, each: _Round, at: datetime) -> None:
    """Ids alone; at which desk it is, or else at any."""
    if not each.silent:
        return
    held = calling(conn, [each.issuer.id]) if each.issuer.is_active else []
    called = call(each.desk, held, each.told.get(each.issuer.id, {}))
    told = called.subscriptions
    silent, event = sorted(one.agency for one in each.silent), each.come.row.hub_id
    subjects = [f"unacknowledged:{event}:{agency}" for agency in silent]
    if len(silent) > MOST_NAMED:
        subjects = [f"unacknowledged:{event}"]
    is_urgent = any(one.is_urgent for one in each.silent)
    for one in told:
        for about in subjects:
            due_at = one.due_at(at, is_urgent=is_urgent)
            deliveries.put_other(conn, one.id, "notice", due_at, about, is_urgent=is_urgent)
    detail = {"ladder": each.silent[0].ladder, "desk": each.desk, "silent": silent, "told": len(told)}
    _record(conn, view, each.issuer, each, detail | _how(called))


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
