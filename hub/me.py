"""Who am I, what may I see, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import reminders
from hub.store import credentials

if TYPE_CHECKING:
    from hub.grants import Grant
    from hub.reading import Asking
    from hub.reminders import Warned
    from hub.store import Connection


@dataclass(frozen=True, slots=True)
class Self:
    """The asking principal, the grants that name it as a reader, and what of its agency ends soon."""

    asking: Asking
    grants: tuple[Grant, ...]
    expiring: tuple[Warned, ...]


def describe(conn: Connection, asking: Asking) -> Self:
    """What the node knows about the caller; discloses no event."""
    reader = asking.principal.agency
    mine = [
        grant
        for grant in asking.view.rules.grants.grants
        if grant.reader.covers(reader) and asking.at < grant.valid_until
    ]
    ending = [
        *reminders.endings([reader]),
        *reminders.endings_of_grants(asking.view.rules, reader=reader),
        *reminders.endings_of_keys(
            credentials.ending(conn, before=asking.at + reminders.LONGEST, agency=reader.id),
        ),
    ]
    return Self(asking, tuple(mine), tuple(reminders.due(ending, asking.at)))
