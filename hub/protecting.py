"""Consents across the border: their end is told to a peer, and what they come to open there is sent again with them.

What each was sent as is noted by a digest of everything that decides it but the events: which consents hold for its
subject, and what the policy gives their recipients over there. When that changes, the subject's events are looked
through again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from hub.border.envelope import Kind
from hub.protected import Widened, marked, marks_of, widened
from hub.store import departures, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from hub.consents import Consent
    from hub.policy import Rules
    from hub.sheaf import Sheaf
    from hub.store import Connection
    from hub.stored import Stored
    from hub.telling import Reader

CONSENT = "consent"
DUE = b""  # what it opens now is yet to be sent


def standing(rules: Rules, peer: str, at: datetime) -> tuple[Consent, ...]:
    """Consents in force for the subjects of our agencies that name an agency of the peer."""
    agencies = rules.directory.agencies
    theirs = frozenset(one.id for one in agencies.values() if one.peer == peer)
    return tuple(
        one
        for (source, _), held in rules.consents.items()
        if source in agencies and agencies[source].peer is None
        for one in held
        if one.is_in_force(at) and not one.recipients.isdisjoint(theirs)
    )


def tell_consents(conn: Connection, sheaf: Sheaf, consents: Sequence[Consent], readers: Iterable[Reader]) -> None:
    """Say which have ended; note whose subjects' events are to be looked through again."""
    peer = sheaf.way.peer
    before = told.sent_rules(conn, peer, CONSENT)
    now = _digests(consents, readers)
    ended = sorted(before.keys() - now.keys())
    for one in ended:
        sheaf.add(Kind.CONSENT, {"id": one, "ended": True})
    told.forget_sent_rules(conn, peer, CONSENT, ended)
    told.put_sent_rules(conn, peer, CONSENT, {one: DUE for one, digest in now.items() if before.get(one) != digest})


def behind(conn: Connection, sheaf: Sheaf, consents: Sequence[Consent], readers: Sequence[Reader]) -> Iterator[Stored]:
    """Events that were passed before and of which something else is open to somebody over there now, in log order."""
    peer = sheaf.way.peer
    due = told.due_consents(conn, peer)
    if not due:
        return
    now = _digests(consents, readers)
    by_subject: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in consents:
        if one.id in due:
            by_subject[one.source, one.subject].add(one.id)
    for (source, subject), ids in by_subject.items():
        if sheaf.is_full:
            break
        rows = departures.of_subject(conn, source, subject)
        rows = [row for row in rows if (row.position or 0) <= sheaf.way.position]
        gone = departures.crossed(conn, peer, [row.hub_id for row in rows])
        for row in rows:
            if marks_of(opened(row, readers)) != marked(gone.get(row.hub_id, ())):
                yield row
        told.put_sent_rules(conn, peer, CONSENT, {one: now[one] for one in ids})


def opened(row: Stored, readers: Sequence[Reader]) -> tuple[Widened, ...]:
    """What consents open of an event of ours to these readers over there."""
    if not readers or (row.source, row.subject) not in readers[0].asking.view.rules.consents:
        return ()
    asking = readers[0].asking
    return widened(row, asking.facts_of(row), [one.agency for one in readers], asking.view.rules, asking.at)


def _digests(consents: Sequence[Consent], readers: Iterable[Reader]) -> Mapping[str, bytes]:
    """By consent, everything that decides what it opens to whom, of whatever event of its subject."""
    of_subject: defaultdict[tuple[str, str], list[Consent]] = defaultdict(list)
    for one in consents:
        of_subject[one.source, one.subject].append(one)
    by_name = {one.agency.id: one for one in readers}
    found: dict[str, bytes] = {}
    for (source, _), held in of_subject.items():
        named = sorted(frozenset(name for one in held for name in one.recipients) & by_name.keys())
        purposes = sorted({one.purpose for one in held})
        basis = [one.id for one in held]
        basis += [line for name in named for line in _lines(by_name[name], source, purposes)]
        digest = hashlib.sha256("\n".join(basis).encode()).digest()
        found |= {one.id: digest for one in held}
    return found


def _lines(reader: Reader, source: str, purposes: Iterable[str]) -> Iterator[str]:
    """What the policy gives a reader of each lane of a source, as a whole and where its token names a purpose."""
    lanes = reader.asking.view.lanes.lanes
    for purpose in (None, *purposes):
        asking = replace(reader.asking, principal=replace(reader.asking.principal, purpose=purpose))
        for lane, decision in sorted(asking.reach().decisions.items()):
            is_open = decision.protected_for or decision.holds_from is not None
            if is_open and lanes[lane].facts.source == source:
                opens = ",".join(sorted(decision.protected_for))
                yield f"{reader.agency.id} {purpose} {lane} {decision.projection} {opens} {decision.holds_from}"
