"""Tell a peer the rules it needs to decide as this node would: agencies, limits, and grants that open something there.

Only what has changed is told again. What a lane newly opens over there is sent from the lane's beginning.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from hub.border.envelope import Kind
from hub.border_rows import MOST_AGENCIES, agency_row, grant_entry, showing
from hub.directory import Kind as AgencyKind
from hub.limits import limits_document
from hub.principal import of_agency
from hub.reading import Asking
from hub.releases import readers_of
from hub.store import told
from hub.store.told import LaneRelease
from schemas.registry import closes, is_control

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from hub.directory import Agency
    from hub.grants import Grant
    from hub.lanes import Lane, Reach
    from hub.picture import Picture, View
    from hub.policy import Rules
    from hub.sheaf import Sheaf
    from hub.store import Connection
    from hub.store.departures import Way

OLDER = "older"  # of a lane: something in it that came earlier is open, and nothing new


@dataclass(frozen=True, slots=True)
class Reader:
    """An agency over there as the policy here asks for it, and where it may find something."""

    agency: Agency
    asking: Asking
    reach: Reach


def readers_at(picture: Picture, view: View, peer: str, at: datetime) -> tuple[tuple[Reader, ...], int]:
    """Agencies over there, and how many they stand for."""
    theirs = [one for one in view.rules.directory.agencies.values() if one.peer == peer and one.is_active]
    named = {one for lane in view.lanes.lanes.values() for one in lane.facts.audience or ()}
    named |= {grant.reader.agency for grant in view.rules.grants.grants if grant.reader.agency is not None}
    named |= {one for grant in view.rules.grants.grants for one in grant.without_readers}
    named |= {one for held in view.rules.consents.values() for consent in held for one in consent.recipients}
    readers = []
    for agency in readers_of(theirs, at, sorted(named)):
        asking = Asking(of_agency(agency), picture, view, at)
        readers.append(Reader(agency, asking, asking.reach()))
    return tuple(readers), len(theirs)


def lanes_to(view: View, way: Way) -> dict[int, Lane]:
    """The lanes of our own sources out of which anything may ever go to the peer."""
    agencies = view.rules.directory.agencies
    return {
        lane.id: lane
        for lane in view.lanes.lanes.values()
        if (source := agencies.get(lane.facts.source)) is not None
        and source.peer is None
        and source.is_shown
        and (way.country in lane.facts.rel_to or _always_told(lane.facts.type))
    }


def _always_told(event_type: str) -> bool:
    """Who has received an event hears that it ended, was recalled or relabelled, whatever the label says by now."""
    return closes(event_type) or is_control(event_type)


def tell_rules(conn: Connection, sheaf: Sheaf, rules: Rules) -> None:
    """Agencies first, since grants and events name them; then limits, then grants."""
    _tell_directory(conn, sheaf, rules)
    limits = limits_document(rules.limits)
    if told.sent_rules(conn, sheaf.way.peer, "limits").get("") != _digest(limits):
        sheaf.add(Kind.LIMITS, limits)
        told.put_sent_rules(conn, sheaf.way.peer, "limits", {"": _digest(limits)})
    _tell_grants(conn, sheaf, rules)


def _tell_directory(conn: Connection, sheaf: Sheaf, rules: Rules) -> None:
    peer = sheaf.way.peer
    before = told.shown(conn, peer)
    now = {one.id: one for one in rules.directory.agencies.values() if _is_shown(one)}
    digests = {one.id: _digest(agency_row(one)) for one in now.values()}
    changed = sorted(one for one, digest in digests.items() if before.get(one) != digest)
    gone = sorted(before.keys() - now.keys())
    while changed or gone:
        here, changed = changed[:MOST_AGENCIES], changed[MOST_AGENCIES:]
        leaving, gone = gone[:MOST_AGENCIES], gone[MOST_AGENCIES:]
        body = showing(rules.directory.version, (now[one] for one in here), leaving)
        seq = sheaf.add(Kind.DIRECTORY, body)
        told.put_shown(conn, peer, [(one, now[one].kind.value, digests[one]) for one in here], seq)
        told.forget_shown(conn, peer, leaving)


def _is_shown(agency: Agency) -> bool:
    return agency.peer is None and agency.is_shown and agency.kind is not AgencyKind.OPERATOR


def _tell_grants(conn: Connection, sheaf: Sheaf, rules: Rules) -> None:
    peer = sheaf.way.peer
    before = told.sent_rules(conn, peer, "grant")
    barred = frozenset(one.id for one in rules.directory.agencies.values() if one.peer == peer and not one.is_active)
    entries = {
        grant_id: grant_entry(grant_id, held, sheaf.way.prefix, barred)
        for grant_id, held in _standing_for(sheaf.way, rules.grants.grants).items()
    }
    entries |= {grant_id: grant_entry(grant_id, (), sheaf.way.prefix) for grant_id in before.keys() - entries.keys()}
    digests = {grant_id: _digest(entry) for grant_id, entry in entries.items()}
    changed = {grant_id: digest for grant_id, digest in digests.items() if before.get(grant_id) != digest}
    for grant_id in sorted(changed):
        sheaf.add(Kind.GRANT, entries[grant_id])
    told.put_sent_rules(conn, peer, "grant", changed)


def _standing_for(way: Way, grants: Iterable[Grant]) -> dict[str, list[Grant]]:
    """Our grants whose readers may be over there, by id."""
    found: defaultdict[str, list[Grant]] = defaultdict(list)
    for grant in grants:
        reader = grant.reader
        is_theirs = reader.agency is None or reader.agency.startswith(way.prefix)
        if grant.peer is None and is_theirs and reader.country in (None, way.country):
            found[grant.id].append(grant)
    return found


def note_lanes(conn: Connection, way: Way, lanes: Iterable[int], readers: Iterable[Reader]) -> None:
    """Note as what each lane goes to the peer now; what it newly goes as is sent from its beginning."""
    held = tuple(readers)
    before = told.lane_releases(conn, way.peer)
    changed = []
    for lane in lanes:
        now, known = levels(lane, held), before.get(lane, LaneRelease(lane, ()))
        was = set(known.projections)
        if was == now:
            continue
        noted = replace(known, projections=tuple(sorted(now)))
        if was - now:
            noted = replace(noted, since=way.seq)
        if now - was and way.position > 0:
            noted = replace(noted, next=0, until=way.position)
        changed.append(noted)
    told.put_lane_releases(conn, way.peer, changed)


def levels(lane: int, readers: Iterable[Reader]) -> set[str]:
    """As what, and on which grants, events of a lane go across; each pair once."""
    found = set()
    for reader in readers:
        decision = reader.reach.decisions.get(lane)
        if decision is None:
            continue
        if decision.is_allowed:
            found.add(f"{decision.projection} {decision.grant or ''}")
        elif decision.holds_from is not None:
            found.add(OLDER)
    return found


def _digest(body: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()
