"""What became of an event with everybody it was for: for its originator alone, to whom it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import recipients
from hub.authority import READ_DISCLOSURES, may_act_for
from hub.directory import Kind
from hub.errors import NotVisible, Unavailable
from hub.events import NOTHING
from hub.policy import Decision
from hub.reading import decide
from hub.store import audit, deadlines, deliveries, events, tree
from hub.store import recipients as stored
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from hub.directory import Agency
    from hub.policy import Facts
    from hub.reading import Asking
    from hub.recipients import Across, Counts, Recipient, Record
    from hub.store import Connection
    from hub.stored import Stored

EVERYBODY = 10_000_000
CERTIFIED = Decision(True, Text("own event", "evento propio"))
NOT_ITS_OWN = Decision(False, Text("belongs to another agency", "pertenece a otra agencia"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The event's own facts and nodes, counts over every recipient, and some of them; `next`: where it goes on."""

    type: str
    accepted_at: datetime
    placed: datetime | None
    nodes: Mapping[str, Across]
    counts: Counts
    recipients: tuple[Recipient, ...]
    next: str | None


def read(conn: Connection, asking: Asking, hub_id: UUID, *, after: str, limit: int) -> Page:
    """
    The recipients behind `after`, in order of their ids, at most `limit`.

    Who stands for the public is none: what it is given is on record as a read, and nobody has read it.

    Raises:
        NotVisible: no such event, or not this caller's to ask about; the attempt is on record.
        Stale: the picture has changed.
    """
    row = _require_own(conn, asking, hub_id)
    directory = asking.view.rules.directory.agencies
    public = frozenset(id_ for id_, agency in directory.items() if agency.kind is Kind.PUBLIC)
    record = recipients.Record(
        placed=None if row.position is None else row.accepted_at,
        nodes=recipients.crossings(stored.sent(conn, hub_id)),
        reads=stored.first_reads(conn, hub_id, row.source),
        answers=stored.answers(conn, hub_id, row.source, row.subject),
        told=deliveries.arrived(conn, hub_id),
        awaited=deadlines.of_event(conn, hub_id, asking.at),
    ).without(public)
    owed, facts = stored.owed(conn, row.position), asking.facts_of(row)
    reached = recipients.reached(facts, owed, asking.view.rules, asking.at) - public
    ids = recipients.listed(reached, record)
    some = recipients.page(ids, after, limit)
    return Page(
        type=row.type,
        accepted_at=row.accepted_at,
        placed=record.placed,
        nodes=recipients.nodes_of(ids, directory, record),
        counts=recipients.counted(ids, directory, record),
        recipients=tuple(
            recipients.recipient(
                id_,
                directory.get(id_),
                record,
                may_read_now=id_ in reached,
                proposed=_proposed(directory, id_, facts, record),
            )
            for id_ in some
        ),
        next=some[-1] if some and some[-1] != ids[-1] else None,
    )


def _proposed(agencies: Mapping[str, Agency], id_: str, facts: Facts, record: Record) -> tuple[str, ...]:
    declined, agency = record.answers.get(id_, {}).get(recipients.DECLINED), agencies.get(id_)
    if agency is None or declined is None or declined.reason != recipients.NOT_OURS:
        return ()
    return recipients.others(agency, facts, agencies.values(), record)


def certify(conn: Connection, asking: Asking, hub_id: UUID) -> tuple[Page, str]:
    """
    Every recipient, for a certificate of notification, with the signed head of the audit that all of it is newer than.

    Raises:
        NotVisible, Stale: as for `read`.
        Unavailable: nothing of the audit is signed yet; that takes a second.
    """
    newest = tree.newest_head(conn)
    found = read(conn, asking, hub_id, after="", limit=EVERYBODY)
    if newest is None:
        raise Unavailable
    policy = asking.view.rules.version
    audit.record(conn, asking.principal, "receipts.certify", CERTIFIED, policy=policy, subject=str(hub_id))
    return found, newest[1]


def _require_own(conn: Connection, asking: Asking, hub_id: UUID) -> Stored:
    """Who at its source reads events (a duty officer) or looks after disclosures; to others it is not there."""
    row = events.by_hub_id(conn, hub_id, asking.principal.agency.id)
    decision = NOTHING if row is None else _may_follow(asking, row)
    if row is None or not decision.is_allowed:
        policy = asking.view.rules.version
        audit.record(conn, asking.principal, "receipts.read", decision, policy=policy, subject=str(hub_id))
        raise NotVisible
    return row


def _may_follow(asking: Asking, row: Stored) -> Decision:
    if row.source != asking.principal.agency.id:
        return NOT_ITS_OWN
    reading = decide(asking, row, asking.reach())
    if reading.is_allowed or asking.principal.person is None:
        return reading
    return may_act_for(asking.principal, READ_DISCLOSURES, row.source)
