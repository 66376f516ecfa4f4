"""What changes if a grant is approved: who gains or loses what, counted on real events, before anybody approves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hub import acts, offering
from hub.authority import READ_GRANTS, is_operator, may_use
from hub.errors import Conflict, NotVisible
from hub.gaining import Readers, lanes_for, projection, with_grants
from hub.grant_access import NONE_SUCH, Held, held
from hub.granting import Opens, Version, may_know_effect
from hub.grants import Grant, GrantState, Owner
from hub.store import effects, offers, rules
from hub.versions import STANDING, in_use
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.directory import Agency
    from hub.policy import Facts, Rules
    from hub.reading import Asking
    from hub.store import Connection

DAYS = 30
MOST_READERS, MOST_DECISIONS, MOST_EVENTS = 200, 100_000, 2_000
NOTHING_WAITS = Text("nothing of it waits for your approval", "nada de él espera su aprobación")

Counted = Counter[tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """The rules as they are and as they would be, and whom it concerns."""

    target: Version
    before: Rules
    after: Rules
    held_before: tuple[Grant, ...]
    terms: Grant
    readers: list[Agency]


def read_effect(conn: Connection, asking: Asking, grant_id: str) -> dict[str, Any]:
    """
    What would change for whom: of the last 30 days' events had it been so then, and of the past at once.

    An admin or auditor of an owning agency learns it of that agency's events; an operator of all.

    Raises:
        NotVisible: there is no such grant, or it opens nothing of the caller's agency.
        Conflict: nothing of it waits for approval.
    """
    acts.require_reading(conn, asking, may_use(asking.principal, READ_GRANTS), READ_GRANTS)
    present = held(conn, asking, grant_id, "grant.effect", for_update=False)
    if not may_know_effect(asking.principal, present.newest.grant):
        acts.require(conn, asking, "grant.effect", NONE_SUCH, of=grant_id, hides=True)
        raise NotVisible
    target = _waiting(present, asking)
    changes: Counted = Counter()
    at_once: Counted = Counter()
    is_partial = False
    for source in _sources(asking, target.grant):
        change = _change(conn, asking, target, source)
        found, partly = _lately(conn, asking, source, change)
        opened, cut = _at_once(conn, asking, source, change)
        changes, at_once, is_partial = changes + found, at_once + opened, is_partial or partly or cut
    return {
        "grant": grant_id,
        "version": target.grant.version,
        "days": DAYS,
        "is_partial": is_partial,
        "changes": _listed(changes, "reader", "source", "type", "before", "after"),
        "at_once": _listed(at_once, "reader", "source", "type", "before", "after"),
    }


def _listed(counted: Counted, *names: str) -> list[dict[str, Any]]:
    return [dict(zip(names, key, strict=True)) | {"events": number} for key, number in sorted(counted.items())]


def _waiting(present: Held, asking: Asking) -> Version:
    target = present.proposed or present.current
    if target is None or target.is_imported:
        raise Conflict(NOTHING_WAITS)
    owners = {one.agency for one in present.owners if one.version == target.grant.version}
    if target.grant.state in STANDING and (is_operator(asking.principal) or asking.principal.agency.id in owners):
        raise Conflict(NOTHING_WAITS)
    return target


def _sources(asking: Asking, grant: Grant) -> list[Agency]:
    if not is_operator(asking.principal):
        return [asking.principal.agency]
    covered = [agency for agency in asking.view.rules.directory.agencies.values() if grant.source.covers(agency)]
    with_lanes = {lane.facts.source for lane in asking.view.lanes.lanes.values()}
    return [agency for agency in covered if agency.id in with_lanes]


def _change(conn: Connection, asking: Asking, target: Version, source: Agency) -> _Change:
    """As if `source` had approved it just now."""
    grant, now = target.grant, asking.view.rules
    since = target.proposal.opens_since if target.proposal.opens is Opens.SINCE else None
    owner = Owner(agency=source.id, events_from=since or max(asking.at, grant.valid_from), approved_at=asking.at)
    versions = [_approved(one, grant.version, owner) for one in rules.versions_of(conn, grant.id)]
    others = tuple(one for one in now.grants.grants if one.id != grant.id)
    terms = next(one for one in versions if one.version == grant.version)
    readers = Readers.of(terms, source.id, now, asking.at).by_id
    return _Change(
        target=target,
        before=now,
        after=with_grants(now, (*others, *in_use(versions))),
        held_before=tuple(one for one in now.grants.grants if one.id == grant.id),
        terms=terms,
        readers=[readers[one] for one in sorted(readers)],
    )


def _approved(version: Grant, number: int, owner: Owner) -> Grant:
    if version.version == number:
        owners = tuple(one for one in version.owners or () if one.agency != owner.agency)
        without = version.without_sources - {owner.agency}
        return replace(version, state=GrantState.IN_FORCE, owners=(*owners, owner), without_sources=without)
    return replace(version, state=GrantState.SUPERSEDED) if version.state in STANDING else version


def _lately(conn: Connection, asking: Asking, source: Agency, change: _Change) -> tuple[Counted, bool]:
    """Per reader, type and projection, the events of the last days that it would have had otherwise."""
    since = asking.at - timedelta(days=DAYS)
    concerned = lanes_for(asking.view.lanes.lanes.values(), source.id, (change.terms, *change.held_before))
    lanes = [lane for one in concerned if (lane := asking.view.lanes.lanes[one]).facts.status == "actual"]
    counts = effects.count_by_lane(conn, [lane.id for lane in lanes if not lane.is_coarse], since)
    coarse = [lane.id for lane in lanes if lane.is_coarse]
    rows = offers.accepted_since(conn, coarse, since, limit=MOST_EVENTS + 1) if coarse else []
    weighed = [(asking.view.lanes.lanes[lane].facts, number) for lane, number in counts.items()]
    weighed += [
        (replace(asking.view.lanes.lanes[row.lane].facts_of(row), accepted_at=None), 1) for row in rows[-MOST_EVENTS:]
    ]
    return _differences(asking, change, [(facts, facts, number) for facts, number in weighed], len(rows) > MOST_EVENTS)


def _at_once(conn: Connection, asking: Asking, source: Agency, change: _Change) -> tuple[Counted, bool]:
    """What of the past the approval would offer, to whom and as what."""
    proposal = replace(change.target.proposal, grant=change.terms)
    rows, is_partial = offering.chosen(conn, asking, source, proposal, change.held_before, most=MOST_EVENTS)
    weighed = []
    for row, name in rows:
        lane = asking.view.lanes.lanes[row.lane]
        if lane.facts.status == "actual":
            facts = lane.facts_of(row)
            weighed.append((facts, replace(facts, offers=facts.offers | {name}), 1))
    return _differences(asking, change, weighed, is_partial)


def _differences(
    asking: Asking, change: _Change, weighed: list[tuple[Facts, Facts, int]], is_partial: bool
) -> tuple[Counted, bool]:
    most = max(1, min(MOST_READERS, MOST_DECISIONS // max(1, 2 * len(weighed))))
    counted: Counted = Counter()
    for reader in change.readers[:most]:
        for facts, later, number in weighed:
            before = projection(reader, facts, change.before, asking.at)
            after = projection(reader, later, change.after, asking.at)
            if before != after:
                counted[reader.id, facts.source, facts.type, before or "none", after or "none"] += number
    return counted, is_partial or len(change.readers) > most
