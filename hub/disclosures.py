"""Who saw our events: for the people of their source who look after that. Entries show once the notary was there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub import acts
from hub.authority import READ_DISCLOSURES, may_act_for, may_use
from hub.errors import NotVisible
from hub.events import NOTHING
from hub.foresight import members_shown
from hub.principal import READ
from hub.store import audit, control, disclosures, events
from hub.store.control import Earlier
from hub.store.disclosures import Question, Seen, Unread

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from hub.reading import Asking
    from hub.store import Connection

# A page ends behind the entry with which it reaches this many events; an entry is never cut in two.
MOST_EVENTS = 500
LOOKED_AT = 500  # events of one's own in one look for those that nobody has read


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry, and as what it showed the event: the projection, of an earlier state of it where its label changed."""

    entry: Seen
    state: Earlier | None

    @property
    def shown_as(self) -> str:
        """The projection, and until when the event stood so."""
        return self.entry.projection + (f" until {self.state.until.isoformat()}" if self.state is not None else "")


@dataclass(frozen=True, slots=True)
class Page:
    """Who got what; `members` by event and `shown_as`; `position` is where the next page starts."""

    seen: tuple[Shown, ...]
    members: Mapping[tuple[UUID, str], tuple[str, ...]]
    position: int
    more: bool


def read(conn: Connection, asking: Asking, *, event: UUID | None, start: int, limit: int) -> Page:
    """
    The next entries about the caller's agency's events, or about one of them; at most `limit` entries.

    Raises:
        Denied: the caller does not look after disclosures.
        NotVisible: there is no such event, or it is another agency's.
    """
    me = asking.principal.agency.id
    acts.require_reading(conn, asking, may_use(asking.principal, READ_DISCLOSURES), READ_DISCLOSURES)
    if event is not None:
        _require_own(conn, asking, event)
    asked = Question(source=me, event=event, start=start, limit=limit + 1)
    leaves = disclosures.entries(conn, asked)
    found = disclosures.seen(conn, asked, leaves[:limit])
    kept = _whole_entries(found)
    is_cut = len(kept) < len(found)
    position = kept[-1].leaf + 1 if is_cut else leaves[:limit][-1] + 1 if leaves else start
    shown = _as_it_was(conn, kept)
    return Page(tuple(shown), _members(conn, shown), position, is_cut or len(leaves) > limit)


def _as_it_was(conn: Connection, found: list[Seen]) -> list[Shown]:
    """Each entry with the event as it stood then; None where it stands so still."""
    states = control.earlier(conn, {one.event for one in found})
    return [
        Shown(one, next((state for state in states if state.event == one.event and one.at <= state.until), None))
        for one in found
    ]


def _require_own(conn: Connection, asking: Asking, hub_id: UUID) -> None:
    row = events.by_hub_id(conn, hub_id, asking.principal.agency.id)
    may = NOTHING if row is None else may_act_for(asking.principal, READ_DISCLOSURES, row.source)
    if not may.is_allowed:
        policy = asking.view.rules.version
        audit.record(conn, asking.principal, "disclosures.read", may, policy=policy, subject=str(hub_id))
        raise NotVisible


def _whole_entries(found: list[Seen]) -> list[Seen]:
    if len(found) <= MOST_EVENTS:
        return found
    last = found[MOST_EVENTS].leaf
    whole = [one for one in found if one.leaf < last]
    return whole or [one for one in found if one.leaf == last]


def _members(conn: Connection, found: list[Shown]) -> dict[tuple[UUID, str], tuple[str, ...]]:
    """Which members each projection showed of each event, worked out from the event as it stood."""
    wanted = {(one.entry.event, one.shown_as): one for one in found}
    rows = events.by_hub_ids(conn, {event for event, _ in wanted})
    names = {one.entry.projection for one in found}
    opened = disclosures.consented(conn, {id_ for name in names for id_ in name.split("+")[1:]})
    shown = {}
    for (event, name), one in sorted(wanted.items(), key=lambda pair: pair[0]):
        projection, *consents = one.entry.projection.split("+")
        fields = [pointer for id_ in consents for pointer in opened.get(id_, ())]
        row, state = rows[event], one.state
        if state is not None:
            row = replace(row, projection_version=state.projection_version, cuts=state.cuts, text=state.text)
        shown[event, name] = members_shown(row, projection, fields).shown
    return shown


@dataclass(frozen=True, slots=True)
class UnreadPage:
    """Events that nobody else has got, of those in one stretch of the log; the stretch ends at `position`."""

    events: tuple[Unread, ...]
    position: int
    more: bool


def read_unread(conn: Connection, asking: Asking, *, after: int) -> UnreadPage:
    """
    Which of the caller's agency's events no other agency has got yet, from a position on.

    Raises:
        Denied: the caller neither reads its agency's events nor looks after their disclosures.
    """
    may = may_use(asking.principal, READ)
    may = may if may.is_allowed else may_use(asking.principal, READ_DISCLOSURES)
    acts.require_reading(conn, asking, may, READ_DISCLOSURES)
    lanes = asking.view.lanes.lanes.values()
    me = asking.principal.agency.id
    own = [lane.id for lane in lanes if lane.facts.source == me and not lane.facts.is_recalled]
    looked_at = disclosures.unread(conn, own, after=after, limit=LOOKED_AT)
    position = looked_at[-1].position if looked_at else after
    nobodys = tuple(one for one in looked_at if not one.is_read)
    return UnreadPage(nobodys, position, len(looked_at) == LOOKED_AT)
