"""Who would read an event, and what of it: the policy asked for everybody at once, before anything is shared. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hub.consented import consent_for
from hub.policy import NOTICE, may_read
from hub.principal import of_agency
from hub.rendering import whole
from hub.timing import projection_at
from schemas import pins
from schemas.visible import NOTHING, Members, members

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from hub.consents import Consent
    from hub.directory import Agency
    from hub.policy import Decision, Facts, Rules
    from hub.stored import Draft, Stored
    from hub.timing import Timing


# A message that an event is there to be fetched, by a way on which no content goes: a notice, and how urgent it is.
POINTER = "pointer"
POINTED = ("/data/severity", "/data/urgency")


@dataclass(frozen=True, slots=True)
class Reading:
    """What an agency as a whole gets of an event, and why; `projection` None: nothing."""

    agency: Agency
    decision: Decision
    projection: str | None
    consent: Consent | None = None

    @property
    def name(self) -> str:
        """The projection as a disclosure entry names it."""
        consented = "" if self.consent is None else f"+{self.consent.id}"
        return f"{self.projection}{consented}"

    def members_of(self, event: Mapping[str, Any], timing: Timing, at: datetime) -> Members:
        """The members of the event that it sees and those that it does not."""
        fields = () if self.consent is None else pins.placed(event, self.consent.fields)
        return members(event, event["type"], self.projection or projection_at(NOTHING, timing, at), fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an event is to the policy: its facts, its times, and whose earlier events of its subject were received."""

    facts: Facts
    name: str
    timing: Timing
    received: frozenset[str] = frozenset()


def reading(agency: Agency, subject: Subject, rules: Rules, at: datetime) -> Reading:
    """What `agency` would get with a token that narrows nothing."""
    principal, has_received = of_agency(agency), agency.id in subject.received
    decision = may_read(principal, subject.facts, rules, at, has_received=has_received)
    if not decision.is_allowed or decision.projection is None:
        return Reading(agency, decision, None)
    consent = consent_for(principal, (subject.facts.source, subject.name), decision, rules, at)
    return Reading(agency, decision, projection_at(decision.projection, subject.timing, at), consent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """Every recipient of a draft in order of ids; whom its audience keeps out and lets in; what its marks hide."""

    recipients: tuple[Reading, ...]
    counts: Mapping[str, int]
    projections: Mapping[str, Members]
    kept_out: tuple[str, ...]
    let_in: tuple[str, ...]
    hidden_by_marks: Mapping[str, tuple[str, ...]]


def foresee(draft: Draft, subject: Subject, rules: Rules, at: datetime) -> Foresight:
    """What follows from publishing `draft` now."""
    event = whole(draft)
    others = [rules.directory.agencies[id_] for id_ in sorted(rules.directory.agencies) if id_ != draft.source]
    found = _reached(others, subject, rules, at)
    if subject.facts.audience:
        anybody = replace(subject, facts=replace(subject.facts, audience=()))
        without = {one.agency.id for one in _reached(others, anybody, rules, at)}
    else:
        without = {one.agency.id for one in found}
    reached = {one.agency.id for one in found}
    by_name = {one.name: one for one in found}
    shown = {name: one.members_of(event, subject.timing, at) for name, one in by_name.items()}
    label = {name: value for name, value in event.get("label", {}).items() if name != "marks"}
    unmarked = event | {"label": label}
    return Foresight(
        recipients=tuple(found),
        counts=Counter(one.projection or "" for one in found),
        projections=shown,
        kept_out=tuple(sorted(without - reached)),
        let_in=tuple(sorted(reached - without)),
        hidden_by_marks={
            name: _more(one.members_of(unmarked, subject.timing, at), shown[name]) for name, one in by_name.items()
        },
    )


def _reached(others: Iterable[Agency], subject: Subject, rules: Rules, at: datetime) -> list[Reading]:
    answers = (reading(agency, subject, rules, at) for agency in others)
    return [one for one in answers if one.projection is not None]


def _more(wide: Members, narrow: Members) -> tuple[str, ...]:
    known = frozenset(narrow.shown)
    return tuple(pointer for pointer in wide.shown if pointer not in known)


def members_shown(row: Stored, name: str, fields: Iterable[str]) -> Members:
    """What a projection of a stored event shows, with what consents to these members open; or what a pointer told."""
    event = whole(row)
    if name == POINTER:
        name, fields = NOTICE, POINTED
    return members(event, row.type, name, pins.placed(event, fields))
