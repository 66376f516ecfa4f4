"""Who am I, what may I see, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import mail_words, reminders
from hub.calling import by_desk, calling
from hub.grants import covers_type
from hub.ladders import calls, weak
from hub.store import credentials, subscriptions
from hub.subscribing import Reason, State
from schemas.registry import BODIES, tells_state
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hub.grants import Grant
    from hub.ladders import Ladder, Ladders
    from hub.reading import Asking
    from hub.reminders import Warned
    from hub.store import Connection

# What grants open, by kind; what is said of another event needs none of its own.
KINDS: dict[str, list[str]] = {}
for _type in BODIES:
    if tells_state(_type):
        KINDS.setdefault(_type.rpartition(".")[0], []).append(_type)

MOST = 200  # subscriptions, as many as an agency has
BROKEN = frozenset({Reason.FAILING, Reason.GONE, Reason.UNSUBSCRIBED})  # its agency has not asked for it
UNDER = Text("ladder {ladder}: {said}", "escalera {ladder}: {said}")


@dataclass(frozen=True, slots=True)
class Self:
    """The asking principal, the grants that name it as a reader and have not ended, and what of its agency ends soon.

    `closed` are kinds of types (`case.trafficking`) that no grant opens, from the list of types alone: it tells of no
    event. `warnings`: what to mend, before it is needed.
    """

    asking: Asking
    grants: tuple[Grant, ...]
    expiring: tuple[Warned, ...]
    closed: tuple[str, ...]
    warnings: tuple[Text, ...]


def describe(conn: Connection, asking: Asking, ladders: Ladders) -> Self:
    """What the node knows about the caller; discloses no event."""
    reader = asking.principal.agency
    mine = [
        grant
        for grant in asking.view.rules.grants.grants
        if grant.reader.covers(reader)
        and reader.id not in grant.without_readers
        and not grant.is_replaced
        and asking.at < grant.valid_until
    ]
    ending = [
        *reminders.endings([reader]),
        *reminders.endings_of_grants(asking.view.rules, reader=reader),
        *reminders.endings_of_keys(
            credentials.ending(conn, before=asking.at + reminders.LONGEST, agency=reader.id),
        ),
    ]
    opened = [grant for grant in mine if grant.is_in_force(asking.at)]
    closed = (kind for kind, types in KINDS.items() if not any(covers_any(grant, types) for grant in opened))
    warnings = (*_disabled(conn, reader.id), *_unmanned(conn, asking, opened, ladders))
    return Self(asking, tuple(mine), tuple(reminders.due(ending, asking.at)), tuple(closed), warnings)


def _disabled(conn: Connection, agency: str) -> Iterator[Text]:
    """Subscriptions that are told nothing any more, but for those of which the agency has asked for it."""
    for one, _ in subscriptions.of_agency(conn, agency, after=None, limit=MOST):
        if one.state is State.DISABLED and one.reason in BROKEN:
            yield mail_words.DISABLED.format(of=one.id, why=mail_words.REASONS[one.reason])


def _unmanned(conn: Connection, asking: Asking, opened: Iterable[Grant], ladders: Ladders) -> Iterator[Text]:
    """Of the ladders that this agency stands on, the desks that nobody would be called at, or by no other way."""
    me = asking.principal.agency
    received = {one for types in KINDS.values() for one in types if any(covers_type(g.types, one) for g in opened)}
    rights = [right.types for right in me.publishes if right.is_in_force(asking.at)]
    issued = {one for types in KINDS.values() for one in types if any(covers_type(right, one) for right in rights)}
    receives = [row for row in ladders.rows if me.kind in row.kinds and _is_under(row, received)]
    issues = [row for row in ladders.rows if _is_under(row, issued)]
    held = calling(conn, [me.id]) if receives or issues else []
    desks = by_desk(held)
    for row in ladders.rows:
        found: list[Text] = []
        if row in receives:
            first = by_desk(one for one in held if any(covers_type(one.filter.types, each) for each in received))
            found += weak(calls(row, desks, {}, first)[:-1])
        if row in issues:
            found += weak(calls(row, {}, desks, {})[-1:])
        yield from (UNDER.format(ladder=row.name, said=said) for said in found)


def _is_under(ladder: Ladder, types: Iterable[str]) -> bool:
    return any(covers_type(ladder.types, one) for one in types)


def covers_any(grant: Grant, types: list[str]) -> bool:
    """Whether a grant covers one of these types."""
    return any(covers_type(grant.types, one) for one in types)
