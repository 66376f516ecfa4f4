"""What a changed grant newly opens, and to whom. Pure: decided by the policy that decides everything else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.grants import Grant, GrantSet, covers_type
from hub.policy import Facts, Rules, may_read
from hub.principal import of_agency
from schemas.sensitivity import Sensitivity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hub.directory import Agency
    from hub.lanes import Lane

NOTHING = ""  # the projection of who may not read at all


def with_grants(rules: Rules, grants: Iterable[Grant]) -> Rules:
    """The same participants and limits with other grants."""
    return replace(rules, grants=GrantSet(tuple(grants), ""))


def projection(reader: Agency, facts: Facts, rules: Rules, at: datetime) -> str:
    """As which projection an agency as a whole may read what has these facts."""
    return may_read(of_agency(reader), facts, rules, at).projection or NOTHING


def is_more(after: str, before: str) -> bool:
    """Whether a projection shows more than another; what is not one of the clearances is nobody's by a grant."""
    return after != NOTHING and (before == NOTHING or _rank(after) > _rank(before))


def _rank(name: str) -> int:
    return Sensitivity.__members__.get(name.upper(), max(Sensitivity)).value


def lanes_for(lanes: Iterable[Lane], source: str, grants: Iterable[Grant]) -> list[int]:
    """The lanes of a source in which one of these grants may open something."""
    held = tuple(grants)
    return [
        lane.id
        for lane in lanes
        if lane.facts.source == source
        and any(covers_type(one.types, lane.facts.type) and lane.facts.tlp <= one.max_tlp for one in held)
    ]


@dataclass(frozen=True, slots=True)
class Readers:
    """Whom a grant covers; of agencies that the policy cannot tell apart, one stands for all."""

    by_id: dict[str, Agency]
    alike: tuple[Agency, ...]

    @classmethod
    def of(cls, grant: Grant, source: str, rules: Rules, at: datetime) -> Readers:
        """The active parties among those that the reader selector covers, the source itself apart."""
        covered = {
            agency.id: agency
            for agency in rules.directory.agencies.values()
            if agency.id != source and agency.is_active and grant.reader.covers(agency) and grant.binds(agency)
        }
        alike = {
            (one.kind, one.country, one.id in grant.without_readers, _attested(one, at)): one
            for one in covered.values()
        }
        return cls(covered, tuple(alike.values()))

    def for_event(self, facts: Facts) -> list[Agency]:
        """Those whose decisions about an event can differ: one of each sort, and whom its audience names."""
        named = [self.by_id[one] for one in facts.audience or () if one in self.by_id]
        return [*self.alike, *named]


def _attested(agency: Agency, at: datetime) -> frozenset[str]:
    return frozenset(held.kind for held in agency.attestations if held.is_in_force(at))


def opened_by(
    facts: Facts, readers: Readers, grants: Iterable[Grant], rules: tuple[Rules, Rules], at: datetime
) -> Grant | None:
    """Which of `grants` opens an event to a reader who had less of it before; None if nobody gains anything.

    `rules` are those of before, and the participants of after; the grants of after are tried one by one.
    """
    before, after = rules
    for grant in grants:
        alone = with_grants(after, (grant,))
        for reader in readers.for_event(facts):
            if is_more(projection(reader, facts, alone, at), projection(reader, facts, before, at)):
                return grant
    return None
