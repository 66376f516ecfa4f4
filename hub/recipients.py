"""Whom an event is for, and what became of it with each: dated facts, one row a recipient. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hub.policy import may_read
from hub.principal import of_agency
from schemas.places import touches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from hub.directory import Agency
    from hub.policy import Facts, Rules

ACKNOWLEDGED, DECLINED, READ = "ack.acknowledged", "ack.declined", "ack.read"
SETTLING = (ACKNOWLEDGED, DECLINED)  # after either, nobody is waited for
NOT_OURS = "not-ours"  # of `schemas.ack.REASONS`
MOST_PROPOSED = 10
TAKEN = frozenset({"stored", "known", "narrowed"})  # what a node answers of an event that it has

T = TypeVar("T")


class Answer(NamedTuple):
    """When somebody answered, and with which reason code if it gave one."""

    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One envelope with the event, or with its recall, to a node; what the node answered, once it has."""

    peer: str
    seq: int
    kind: str
    made_at: datetime
    receipted_at: datetime | None = None
    outcome: str | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """
    What became of it on the way to another node.

    `sent`: sealed, in its place in the sequence. `received`: the node has said under its signature that it is stored.
    `newest` is the last envelope that was more than a repetition; `position` is where it stands in the log over there.
    """

    sent: datetime | None = None
    received: datetime | None = None
    newest: Sent | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """
    Until when an agency has to acknowledge; the step of the ladder (from 1) that was taken last, and when.

    `is_unreached`: that was the last one, and it has found nobody whom to tell.
    """

    required_by: datetime
    is_overdue: bool
    escalated: int | None
    escalated_at: datetime | None
    is_unreached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    Everything that is on record about one event; `placed`: since when it is in this node's log.

    `told`: when it, or a pointer to it, first arrived by a way on which the agency need not ask.
    """

    placed: datetime | None
    nodes: Mapping[str, Across]
    reads: Mapping[str, datetime]
    answers: Mapping[str, Mapping[str, Answer]]
    told: Mapping[str, datetime] = field(default_factory=dict)
    awaited: Mapping[str, Awaited] = field(default_factory=dict)

    def delivered(self, agency: str) -> datetime | None:
        """When the agency first had it, or word of it; who answers has had it, whichever way it came."""
        answered = [given.at for given in self.answers.get(agency, {}).values()]
        facts = (self.told.get(agency), self.reads.get(agency), *answered)
        return min((at for at in facts if at is not None), default=None)

    def without(self, agencies: frozenset[str]) -> Record:
        """The same of everybody but these."""
        return replace(
            self,
            reads=_without(self.reads, agencies),
            answers=_without(self.answers, agencies),
            told=_without(self.told, agencies),
            awaited=_without(self.awaited, agencies),
        )


def _without(facts: Mapping[str, T], agencies: frozenset[str]) -> dict[str, T]:
    return {id_: fact for id_, fact in facts.items() if id_ not in agencies}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """
    One agency. `node` None: this one. `read`: the first disclosure, or else the agency's own word for it.

    `may_read`: as of now; who no longer may has read or answered it before. `proposed`: to whom it might be addressed
    instead, where this one says that it is not its own.
    """

    agency: str
    name: str
    kind: str
    country: str
    node: str | None
    may_read: bool
    sent: datetime | None
    received: datetime | None
    delivered: datetime | None
    read: datetime | None
    acknowledged: datetime | None
    declined: datetime | None
    reason: str | None
    awaited: Awaited | None
    proposed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many recipients there are, and with how many it has come how far."""

    recipients: int
    received: int
    delivered: int
    read: int
    acknowledged: int
    declined: int
    overdue: int


def crossings(envelopes: Iterable[Sent]) -> dict[str, Across]:
    """By node, what these envelopes come to; they are in order of nodes, and of each in sequence."""
    found = {}
    for peer, group in groupby(envelopes, key=lambda one: one.peer):
        told = list(group)
        taken = [one.receipted_at for one in told if one.outcome in TAKEN and one.receipted_at is not None]
        found[peer] = Across(
            sent=told[0].made_at,
            received=min(taken, default=None),
            newest=next((one for one in reversed(told) if one.outcome != "known"), told[-1]),
            position=max((one.place for one in told if one.place is not None), default=None),
        )
    return found


def reached(facts: Facts, owed: frozenset[str], rules: Rules, at: datetime) -> frozenset[str]:
    """
    Every agency that may read it now; who is `owed` it may, as a notice.

    Asked once for all agencies that the policy cannot tell apart, since there may be very many.
    """
    named = told_apart(facts, owed, rules)
    answers: dict[object, bool] = {}
    found = []
    for agency in rules.directory.agencies.values():
        if agency.id == facts.source:
            continue
        sort = agency.id if agency.id in named else alike(agency, at)
        if sort not in answers:
            principal = of_agency(agency)
            has_received = agency.id in owed
            answers[sort] = may_read(principal, facts, rules, at, has_received=has_received).is_allowed
        if answers[sort]:
            found.append(agency.id)
    return frozenset(found)


def told_apart(facts: Facts, owed: frozenset[str], rules: Rules) -> frozenset[str]:
    """Agencies that the policy looks at by name when it decides about this event: each has an answer of its own."""
    grants = rules.grants.grants
    named = {facts.source, *owed, *(facts.audience or ())}
    named |= {grant.reader.agency for grant in grants if grant.reader.agency is not None}
    named |= {one for grant in grants for one in grant.without_readers}
    named |= {party.agency for grant in grants for party in grant.parties or () if party.agency is not None}
    return frozenset(named)


def alike(agency: Agency, at: datetime) -> object:
    """What the policy looks at of an agency that is named nowhere: those alike in it have one answer."""
    attested = frozenset(held.kind for held in agency.attestations if held.is_in_force(at))
    return agency.kind, agency.country, agency.peer, agency.is_active, attested


def listed(reached_now: Iterable[str], record: Record) -> list[str]:
    """The ids of all recipients, in order: who may read it now, and who ever was told of it, read or answered it."""
    return sorted({*reached_now, *record.told, *record.reads, *record.answers, *record.awaited})


def counted(ids: Sequence[str], agencies: Mapping[str, Agency], record: Record) -> Counts:
    """How far it has come, over all of them."""
    answers = record.answers
    return Counts(
        recipients=len(ids),
        received=sum(_received(agencies.get(id_), record) is not None for id_ in ids),
        delivered=len(record.told.keys() | record.reads.keys() | answers.keys()),
        read=len(record.reads.keys() | {id_ for id_, given in answers.items() if READ in given}),
        acknowledged=sum(ACKNOWLEDGED in given for given in answers.values()),
        declined=sum(DECLINED in given for given in answers.values()),
        overdue=sum(awaited.is_overdue for awaited in record.awaited.values()),
    )


def page(ids: Sequence[str], after: str, limit: int) -> list[str]:
    """At most `limit` of these sorted ids, behind `after`."""
    start = bisect_right(ids, after)
    return list(ids[start : start + limit])


def recipient(
    id_: str, agency: Agency | None, record: Record, *, may_read_now: bool, proposed: tuple[str, ...] = ()
) -> Recipient:
    """The row of one agency; `agency` None: it is no longer in the directory."""
    given = record.answers.get(id_, {})
    declined = given.get(DECLINED)
    said = given.get(READ)
    acknowledged = given.get(ACKNOWLEDGED)
    node = None if agency is None else agency.peer
    return Recipient(
        agency=id_,
        name=id_ if agency is None else agency.name,
        kind="" if agency is None else agency.kind.value,
        country=id_[:2].upper() if agency is None else agency.country,
        node=node,
        may_read=may_read_now,
        sent=None if node is None else record.nodes.get(node, Across()).sent,
        received=_received(agency, record),
        delivered=record.delivered(id_),
        read=record.reads.get(id_, None if said is None else said.at),
        acknowledged=None if acknowledged is None else acknowledged.at,
        declined=None if declined is None else declined.at,
        reason=None if declined is None else declined.reason,
        awaited=record.awaited.get(id_),
        proposed=proposed,
    )


def others(declined: Agency, facts: Facts, agencies: Iterable[Agency], record: Record) -> tuple[str, ...]:
    """
    Whose the event may be in the place of who says that it is not its own: at most 10, in order of their ids.

    Those of the same kind in the places of the event that have had no word of it: who has would have said so.
    """
    found = (
        one.id
        for one in agencies
        if one.kind is declined.kind
        and one.is_active
        and one.id not in (declined.id, facts.source)
        and record.delivered(one.id) is None
        and any(touches(place, there) for place in one.jurisdictions for there in facts.jurisdictions)
    )
    return tuple(sorted(found)[:MOST_PROPOSED])


def _received(agency: Agency | None, record: Record) -> datetime | None:
    if agency is None:
        return None
    return record.placed if agency.peer is None else record.nodes.get(agency.peer, Across()).received


def nodes_of(ids: Iterable[str], agencies: Mapping[str, Agency], record: Record) -> dict[str, Across]:
    """The nodes that it went to, and those of agencies that it has yet to go to."""
    wanted = {agency.peer for id_ in ids if (agency := agencies.get(id_)) is not None and agency.peer is not None}
    return {node: record.nodes.get(node, Across()) for node in sorted(wanted | record.nodes.keys())}
