"""Lanes: events alike in everything the policy looks at share one, so a reader's rights become a list of lanes. Pure.

A page query filters on a few lane numbers instead of joining grants, and a decision is made once per lane instead of
once per event. Labels with long lists would make lanes without number; those go into a coarse lane, whose facts are
laxer than any event in it, so the query still proposes too much rather than too little and each event is decided anew.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from hub.policy import Decision, Facts, Rules, may_read
from schemas.places import country_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.directory import Attestation
    from hub.grants import Grant
    from hub.principal import Principal
    from hub.stored import Behind, Stored

EXACT_JURISDICTIONS = 3
EXACT_AUDIENCE = 4
NOTHING_YET: Mapping[int, Decision] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Lane:
    """`facts` hold for every event of the lane, or are laxer than all of them when it is coarse."""

    id: int
    facts: Facts
    is_coarse: bool

    def facts_of(self, row: Stored | Behind) -> Facts:
        """What the policy looks at in one stored event of this lane."""
        return replace(
            self.facts,
            jurisdictions=row.jurisdictions,
            audience=row.audience,
            accepted_at=row.accepted_at,
            offers=row.offers,
        )


@dataclass(frozen=True, slots=True)
class LaneMap:
    """Every lane the node has, by id; lanes are only ever added, so `newest` tells whether the map is current."""

    lanes: Mapping[int, Lane]
    by_facts: Mapping[tuple[Facts, bool], int]
    newest: int = 0

    @classmethod
    def of(cls, lanes: Iterable[Lane]) -> LaneMap:
        """A map of `lanes`."""
        by_id = {lane.id: lane for lane in lanes}
        by_facts = {(lane.facts, lane.is_coarse): lane.id for lane in by_id.values()}
        return cls(by_id, by_facts, max(by_id, default=0))


def coarsen(facts: Facts) -> tuple[Facts, bool]:
    """The facts of the lane an event with `facts` belongs to, and whether they are coarse."""
    jurisdictions, audience = facts.jurisdictions, facts.audience
    if len(jurisdictions) > EXACT_JURISDICTIONS:
        jurisdictions = tuple(sorted({code.partition(":")[0] for code in jurisdictions}))
    if len(jurisdictions) > EXACT_JURISDICTIONS:
        jurisdictions = tuple(sorted({country_of(code) for code in jurisdictions}))
    if audience is not None and len(audience) > EXACT_AUDIENCE:
        audience = None
    is_coarse = audience is None or len(jurisdictions) < len(facts.jurisdictions)
    return replace(facts, jurisdictions=jurisdictions, audience=audience), is_coarse


@dataclass(frozen=True, slots=True)
class Reach:
    """The lanes a principal may find something in, with the decision that holds in each exact lane up to `newest`.

    `grants` are those in force that name it as a reader, each by the name that events are offered under.
    """

    decisions: Mapping[int, Decision]
    lanes: tuple[int, ...]
    newest: int
    grants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of time [since, until) in which nothing begins or ends that decisions rest on."""

    rules: Rules
    since: datetime
    until: datetime

    @classmethod
    def around(cls, at: datetime, rules: Rules) -> _Span:
        timed: list[Grant | Attestation] = list(rules.grants.grants)
        timed += [held for agency in rules.directory.agencies.values() for held in agency.attestations]
        edges = {edge for one in timed for edge in (one.valid_from, one.valid_until)}
        asked = (owner.valid_until for grant in rules.grants.grants for owner in grant.owners or ())
        edges |= {edge for edge in asked if edge is not None}
        since = max((edge for edge in edges if edge <= at), default=datetime.min.replace(tzinfo=UTC))
        until = min((edge for edge in edges if edge > at), default=datetime.max.replace(tzinfo=UTC))
        return cls(rules, since, until)


def next_turn(rules: Rules, at: datetime) -> datetime:
    """When the next grant or attestation begins or ends, behind `at`; the end of time if none does."""
    return _Span.around(at, rules).until


class Reaches:
    """Reaches computed before, for as long as nothing they rest on changes; bounded, oldest out first.

    The key names what `may_read` takes besides the lane: the principal, the rules by version, and since when the same
    grants and attestations have been in force, so time moves the key when one begins or ends. Lanes are only ever
    added, so for a new one nothing but itself is decided.
    """

    def __init__(self, most: int = 512) -> None:
        self._known: OrderedDict[tuple[object, ...], Reach] = OrderedDict()
        self._most = most
        self._span: _Span | None = None

    def of(self, principal: Principal, rules: Rules, lanes: LaneMap, at: datetime) -> Reach:
        """The reach of `principal` at `at`."""
        span = self._span
        if span is None or span.rules is not rules or not span.since <= at < span.until:
            span = self._span = _Span.around(at, rules)
        key = (principal, rules.version, span.since)
        known = self._known.get(key)
        if known is not None and known.newest == lanes.newest:
            return known
        # Another thread may have seen a lane that this one has not: it is no part of this answer.
        so_far = known.decisions if known is not None and known.newest < lanes.newest else {}
        reach = self._known[key] = reach_of(principal, rules, lanes, at, so_far)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return reach


def reach_of(
    principal: Principal, rules: Rules, lanes: LaneMap, at: datetime, so_far: Mapping[int, Decision] = NOTHING_YET
) -> Reach:
    """Decide every lane once; what is decided `so_far` holds."""
    named = rules.for_reader(principal.agency)
    new = {
        lane.id: may_read(principal, lane.facts, named, at) for lane in lanes.lanes.values() if lane.id not in so_far
    }
    decisions = {**so_far, **new}
    # Shut to new events, a lane may be open to older ones: each of those is decided by itself.
    open_lanes = tuple(
        lane for lane, decision in decisions.items() if decision.is_allowed or decision.holds_from is not None
    )
    # What was offered under a suspended one stays where it is until that goes on: no cursor passes it meanwhile.
    held = dict.fromkeys(grant.offer_name for grant in named.grants.grants if grant.is_in_force(at))
    return Reach(decisions, open_lanes, lanes.newest, tuple(held))
