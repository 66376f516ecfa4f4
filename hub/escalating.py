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
from hub.calling import Called, call, calling
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

    from hub.directory import Agency
    from hub.ladders import Desks, Ladder, Ladders
    from hub.picture import Picture, View
    from hub.store import Connection
    from hub.store.coming import Coming
    from hub.store.deadlines import Deadline
    from hub.subscribing import Subscription

    Held = Mapping[str, Sequence[Subscription]]  # by agency

AT_ONCE = 500  # deadlines
AGAIN, RAREST = timedelta(minutes=5), timedelta(hours=1)  # until somebody of the issuer can be told
MOST_NAMED = 20  # agencies of one event that its issuer is told of by name; more are one notice
SILENT = Text("no acknowledgement in time", "sin confirmación a tiempo")


@dataclass(frozen=True, slots=True)
class Unreached:
    """Of whose silence about an event nobody at its issuer can be told, as was found just now; it is tried again."""

    event: UUID
    issuer: str
    silent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """How many deadlines were due, and of whom nobody could be told."""

    due: int
    unreached: tuple[Unreached, ...] = ()


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

    `told`: by agency, who has been told of the event before. `silent`: with the step that is the issuer's, whom
    `called` is to be told by; nobody, if it is empty.
    """

    come: Coming
    issuer: Agency
    told: Mapping[str, Desks]
    moves: list[Move] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)
    silent: list[tuple[Deadline, int]] = field(default_factory=list)
    desk: str = DUTY  # of the issuer
    called: Called = Called((), is_same_way=False)


def escalate(conn: Connection, picture: Picture, ladders: Ladders, at: datetime) -> Done:
    """
    Take the next step of at most 500 deadlines that are due; ask again until there are none.

    Raises:
        Stale: the rules have moved on, nothing was done; refresh and come again.
    """
    with conn.transaction():
        deliveries.keep_states(conn)
        deadlines.set_back(conn, at)
        due = deadlines.due(conn, at, limit=AT_ONCE)
        if not due:
            return Done(0)
        view = picture.view
        picture.require_current(conn, view)
        rounds = _rounds(conn, view, due, ladders, at)
        deadlines.move(conn, [move for each in rounds for move in each.moves], at)
        if wanted := [one for each in rounds for one in _wanted(each, at)]:
            deliveries.put(conn, wanted, at)
        for each in rounds:
            _record_calls(conn, view, each)
        unreached = [found for each in rounds if (found := _tell_issuer(conn, view, each, at)) is not None]
        deliveries.notify(conn)
    return Done(len(due), tuple(unreached))


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
        if each.silent:
            _find_issuer(conn, each, at)
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
        each.silent.append((one, taken.step))
        return
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


def _find_issuer(conn: Connection, each: _Round, at: datetime) -> None:
    """Whom of the issuer to tell; while there is nobody the deadlines stay open, and it is tried again."""
    held = calling(conn, [each.issuer.id]) if each.issuer.is_active else []
    each.called = call(each.desk, held, each.told.get(each.issuer.id, {}))
    for one, step in each.silent:
        if each.called.subscriptions:
            move = Move(event=one.event, agency=one.agency, state="ended", taken=step)
        else:
            taken = None if one.is_unreached else step
            due_at = at + _pause(one, at)
            move = Move(event=one.event, agency=one.agency, state="open", taken=taken, step=step, due_at=due_at)
        each.moves.append(move)


def _pause(one: Deadline, at: datetime) -> timedelta:
    """Five minutes, and more once it is hours late: who has nobody to be told has very many such deadlines."""
    since = one.escalated_at if one.is_unreached else None
    return AGAIN if since is None else min(max(AGAIN, (at - since) / 12), RAREST)


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


def _tell_issuer(conn: Connection, view: View, each: _Round, at: datetime) -> Unreached | None:
    """Ids alone; at which desk it is, or else at any. What is tried again in vain is not on record once more."""
    told, event = each.called.subscriptions, each.come.row.hub_id
    told_of = [one for one, _ in each.silent if told or not one.is_unreached]
    if not told_of:
        return None
    silent = sorted(one.agency for one in told_of)
    subjects = [f"unacknowledged:{event}:{agency}" for agency in silent]
    if len(silent) > MOST_NAMED:
        subjects = [f"unacknowledged:{event}"]
    is_urgent = any(one.is_urgent for one in told_of)
    for one in told:
        for about in subjects:
            due_at = one.due_at(at, is_urgent=is_urgent)
            deliveries.put_other(conn, one.id, "notice", at, about, is_urgent=is_urgent, due_at=due_at)
    detail = {"ladder": told_of[0].ladder, "desk": each.desk, "silent": silent, "told": len(told)}
    _record(conn, view, each.issuer, each, detail | _how(each.called))
    return None if told else Unreached(event, each.issuer.id, tuple(silent))


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
