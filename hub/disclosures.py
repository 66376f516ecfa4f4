"""Who saw our events: for the people of their source who look after that. Entries show once the notary was there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import acts
from hub.authority import READ_DISCLOSURES, may_act_for, may_use
from hub.errors import NotVisible
from hub.events import NOTHING
from hub.foresight import members_shown
from hub.principal import READ
from hub.store import audit, disclosures, events
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
class Page:
    """Who got what; `members` by event and projection; `position` is where the next page starts."""

    seen: tuple[Seen, ...]
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
    return Page(tuple(kept), _members(conn, kept), position, is_cut or len(leaves) > limit)


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


def _members(conn: Connection, found: list[Seen]) -> dict[tuple[UUID, str], tuple[str, ...]]:
    """Which members each projection showed of each event, worked out from the event as it is stored."""
    pairs = {(one.event, one.projection) for one in found}
    rows = events.by_hub_ids(conn, {event for event, _ in pairs})
    opened = disclosures.consented(conn, {id_ for _, name in pairs for id_ in name.split("+")[1:]})
    shown = {}
    for event, name in sorted(pairs):
        projection, *consents = name.split("+")
        fields = [pointer for id_ in consents for pointer in opened.get(id_, ())]
        shown[event, name] = members_shown(rows[event], projection, fields).shown
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
    own = [lane.id for lane in lanes if lane.facts.source == asking.principal.agency.id]
    looked_at = disclosures.unread(conn, own, after=after, limit=LOOKED_AT)
    position = looked_at[-1].position if looked_at else after
    nobodys = tuple(one for one in looked_at if not one.is_read)
    return UnreadPage(nobodys, position, len(looked_at) == LOOKED_AT)
