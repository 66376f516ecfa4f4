"""Ask the policy and Cedar the same, and compare member by member."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise
from typing import Any

from cedarpy import Entities, PolicySet, is_authorized_batch

from hub.consented import consent_for
from hub.consents import Consent
from hub.directory import Agency
from hub.grants import Grant, Owner, Selector
from hub.policy import Facts, may_read
from hub.principal import Principal
from schemas.places import country_of
from tests.proof.cedar.text import Rules
from tests.proof.cedar.worlds import FIELDS, MEMBERS, PLACES, TYPES, Question, World

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANKS = {"notice": 0, "public": 1, "partner": 2, "enforcement": 3} | dict.fromkeys(FIELDS, 4)
HEIGHTS = {"notice": 0, "public": 1, "partner": 2, "enforcement": 3, "full": 4}
Entity = dict[str, Any]


def moment(at: datetime) -> int:
    """Microseconds."""
    return (at - EPOCH) // timedelta(microseconds=1)


def ref(kind: str, name: str) -> Entity:
    """A value that is an entity."""
    return {"__entity": {"type": kind, "id": name}}


def entity(kind: str, name: str, parents: list[tuple[str, str]], /, **attributes: Any) -> Entity:
    """An entity; what is None is left out."""
    return {
        "uid": {"type": kind, "id": name},
        "parents": [{"type": of, "id": parent} for of, parent in parents],
        "attrs": {name: value for name, value in attributes.items() if value is not None},
    }


def places(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    """As parents."""
    return [("Place", code) for code in codes]


def _of_place(code: str) -> Entity:
    region = code.partition(":")[0]
    wider = region if region != code else country_of(code)
    return entity("Place", code, places((wider,)) if wider != code else [])


def _of_type(event_type: str) -> list[Entity]:
    steps = event_type.split(".")
    wider = [".".join(steps[:length]) + ".*" for length in range(len(steps) - 1, 0, -1)]
    chain = [event_type, *wider, "*"]
    return [entity("Type", one, [("Type", above)]) for one, above in pairwise(chain)]


def _fixed() -> list[Entity]:
    """Places and types, each below what contains it."""
    known = {json.dumps(one["uid"]): one for event_type in TYPES for one in _of_type(event_type)}
    codes = dict.fromkeys(code for several in PLACES.values() for code in several)
    return [*known.values(), entity("Type", "*", []), *map(_of_place, codes)]


FIXED = _fixed()


def _selects(selector: Selector) -> Entity:
    stated = {"kind": selector.kind and selector.kind.value, "country": selector.country}
    told: Entity = {name: value for name, value in stated.items() if value is not None}
    return told | ({"agency": ref("Agency", selector.agency)} if selector.agency is not None else {})


def _of_agency(one: Agency) -> Entity:
    attested: Entity = {}
    for held in one.attestations:
        slot = f"{held.kind}/{int(f'{held.kind}/0' in attested)}"
        attested[slot] = {"since": moment(held.valid_from), "until": moment(held.valid_until)}
    return entity(
        "Agency",
        one.id,
        [],
        name=one.id,
        kind=one.kind.value,
        country=one.country,
        standing=one.standing.value,
        attested=attested,
    )


def _of_owner(owner: Owner) -> Entity:
    times = {"events_from": owner.events_from, "events_until": owner.events_until, "valid_until": owner.valid_until}
    told: Entity = {name: moment(at) for name, at in times.items() if at is not None}
    return told | {"agency": ref("Agency", owner.agency)}


def _of_grant(grant: Grant) -> Entity:
    parties = None if grant.parties is None else {str(n): _selects(party) for n, party in enumerate(grant.parties)}
    owners = grant.owners and {str(n): _of_owner(owner) for n, owner in enumerate(grant.owners)}
    return entity(
        "Grant",
        grant.id,
        places(grant.jurisdictions),
        offered_as=grant.id if grant.version == 1 else f"{grant.id}@{grant.version}",
        source=_selects(grant.source),
        reader=_selects(grant.reader),
        types=[ref("Type", pattern) for pattern in grant.types],
        places=[ref("Place", code) for code in grant.jurisdictions],
        purpose=grant.purpose,
        max_tlp=int(grant.max_tlp),
        clearance=int(grant.clearance) + 1,
        since=moment(grant.valid_from),
        until=moment(grant.valid_until),
        state=grant.state.value,
        requires=list(grant.requires),
        parties=parties,
        owners={} if grant.owners == () else owners,
        without_sources=[ref("Agency", one) for one in grant.without_sources],
        without_readers=[ref("Agency", one) for one in grant.without_readers],
    )


def _of_consent(consent: Consent) -> Entity:
    return entity(
        "Consent",
        consent.id,
        [],
        source=ref("Agency", consent.source),
        subject=consent.subject,
        fields=list(consent.fields),
        recipients=[ref("Agency", one) for one in consent.recipients],
        purpose=consent.purpose,
        since=moment(consent.signed_at),
        until=moment(consent.valid_until),
        withdrawn_at=None if consent.withdrawn_at is None else moment(consent.withdrawn_at),
    )


def _of_principal(number: int, principal: Principal) -> Entity:
    return entity(
        "Token",
        str(number),
        places(principal.jurisdictions),
        agency=ref("Agency", principal.agency.id),
        scopes=sorted(principal.scopes),
        places=[ref("Place", code) for code in principal.jurisdictions],
        purpose=principal.purpose,
    )


def _of_event(number: int, facts: Facts, subject: str) -> Entity:
    return entity(
        "Event",
        str(number),
        places(facts.jurisdictions),
        source=ref("Agency", facts.source),
        type=ref("Type", facts.type if facts.about is None else facts.about),
        is_recalled=facts.is_recalled,
        verb=facts.type.rpartition(".")[2],
        tlp=int(facts.tlp),
        places=[ref("Place", code) for code in facts.jurisdictions],
        rel_to=list(facts.rel_to),
        audience=None if facts.audience is None else list(facts.audience),
        purpose=facts.purpose,
        accepted_at=None if facts.accepted_at is None else moment(facts.accepted_at),
        offers=sorted(facts.offers),
        subject=subject,
    )


def _entities(world: World) -> Entities:
    made = [
        *FIXED,
        *map(_of_agency, world.rules.directory.agencies.values()),
        *map(_of_grant, world.rules.grants.grants),
        *map(_of_consent, world.consents),
        *(_of_principal(number, one) for number, one in enumerate(world.principals)),
        *(_of_event(number, *one) for number, one in enumerate(world.events)),
    ]
    return Entities.from_json_str(json.dumps(made))


def _requests(question: Question) -> Iterator[dict[str, Any]]:
    for member in MEMBERS:
        context = {
            "rank": RANKS[member],
            "field": member,
            "at": moment(question.at),
            "has_received": question.has_received,
        }
        yield {
            "principal": {"type": "Token", "id": str(question.principal)},
            "action": 'Action::"see"',
            "resource": {"type": "Event", "id": str(question.event)},
            "context": json.dumps(context),
        }


def by_policy(world: World) -> Iterator[bool]:
    """Which members the policy shows, question by question."""
    for question in world.questions:
        principal, (facts, subject) = world.principals[question.principal], world.events[question.event]
        rules, at = world.rules, question.at
        decision = may_read(principal, facts, rules, at, has_received=question.has_received)
        height = HEIGHTS[decision.projection or "notice"] if decision.is_allowed else -1
        consent = consent_for(principal, (facts.source, subject), decision, rules, at)
        opened = () if consent is None else consent.fields
        yield from (height >= RANKS[member] or member in opened for member in MEMBERS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A world with what is asked in it, as Cedar wants it, and what the policy answered."""

    world: World
    entities: Entities
    requests: list[dict[str, Any]]
    answers: list[bool]

    @classmethod
    def of(cls, world: World) -> Asked:
        """Ask the policy."""
        requests = [request for question in world.questions for request in _requests(question)]
        return cls(world, _entities(world), requests, list(by_policy(world)))

    def differing(self, rules: Rules) -> list[int]:
        """Where Cedar answers otherwise under these rules."""
        grants = [grant.id for grant in self.world.rules.grants.grants]
        consents = [consent.id for consent in self.world.consents]
        policies = PolicySet.from_str(rules.policies(grants, consents))
        theirs = is_authorized_batch(self.requests, policies, self.entities)
        pairs = zip(self.answers, theirs, strict=True)
        return [number for number, (mine, other) in enumerate(pairs) if mine is not bool(other.allowed)]

    def told(self, number: int) -> str:
        """One combination in full."""
        question = self.world.questions[number // len(MEMBERS)]
        who, what = self.world.principals[question.principal], self.world.events[question.event]
        member, rules = MEMBERS[number % len(MEMBERS)], self.world.rules
        return (
            f"policy says {self.answers[number]} to {member}: {who} {what} {question} {rules.grants} {rules.consents}"
        )


@dataclass(slots=True)
class Tally:
    """What came of it."""

    combinations: int = 0
    allowed: int = 0
    disagreements: list[str] = field(default_factory=list)
    shown: Counter[str] = field(default_factory=Counter)

    def add(self, world: World, rules: Rules) -> None:
        """Compare in one world."""
        asked = Asked.of(world)
        self.combinations += len(asked.answers)
        self.allowed += sum(asked.answers)
        self.shown.update(member for member, seen in zip(cycle(MEMBERS), asked.answers, strict=False) if seen)
        self.disagreements += map(asked.told, asked.differing(rules))
