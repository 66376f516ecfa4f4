"""Who am I, what may I see, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import reminders
from hub.grants import covers_type
from hub.store import credentials
from schemas.registry import BODIES, tells_state

if TYPE_CHECKING:
    from hub.grants import Grant
    from hub.reading import Asking
    from hub.reminders import Warned
    from hub.store import Connection

# What grants open, by kind; what is said of another event needs none of its own.
KINDS: dict[str, list[str]] = {}
for _type in BODIES:
    if tells_state(_type):
        KINDS.setdefault(_type.rpartition(".")[0], []).append(_type)


@dataclass(frozen=True, slots=True)
class Self:
    """The asking principal, the grants that name it as a reader and have not ended, and what of its agency ends soon.

    `closed` are kinds of types (`case.trafficking`) that no grant opens, from the list of types alone: it tells of no
    event.
    """

    asking: Asking
    grants: tuple[Grant, ...]
    expiring: tuple[Warned, ...]
    closed: tuple[str, ...]


def describe(conn: Connection, asking: Asking) -> Self:
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
    return Self(asking, tuple(mine), tuple(reminders.due(ending, asking.at)), tuple(closed))


def covers_any(grant: Grant, types: list[str]) -> bool:
    """Whether a grant covers one of these types."""
    return any(covers_type(grant.types, one) for one in types)
