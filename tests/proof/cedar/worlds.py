"""
Seeded worlds to decide in: a few agencies, grants, consents, tokens and events, most of them one step from a match.

Everything starts as a question that would be answered with yes, and each part is then changed with a small chance:
so most refusals have one reason, and most moments lie on or just before one at which something begins or ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from hub.consents import Consent, by_subject
from hub.directory import Agency, Attestation, Directory, Kind, Standing
from hub.grants import Grant, GrantSet, GrantState, Owner, Selector, Tlp
from hub.limits import Limits, Requirement
from hub.policy import Facts, Rules
from hub.principal import ANYWHERE, PUBLISH, READ, SCOPES, Principal
from schemas.registry import BODIES, LABEL_CHANGED, RECALLED, is_control
from schemas.sensitivity import Sensitivity
from tests.support.cast import LIMITS, NOW, agency

T = TypeVar("T")
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
TYPES = tuple(BODIES)
KINDS = ("alert.", "case.", "case.", "ack.", "note.")
FAMILIES = tuple([name for name in TYPES if name.startswith(family)] for family in KINDS)
PURPOSES = ("locate-child", "rescue")
ATTESTATIONS = ("nda", "28-cfr-23")
FIELDS = ("/data/child/medical", "/data/child/name")
SUBJECTS = ("subject-1", "subject-2")
MEMBERS = ("notice", "public", "partner", "enforcement", *FIELDS)
NOBODY = "us-nobody"
PLACES = {
    "US": ("US-CA:06073", "US-CA", "US", "US-CA:06075", "US-TX", "US-TX:48141", "MX"),
    "MX": ("MX-BCN:02004", "MX-BCN", "MX", "MX-BCN:02003", "MX-SON", "MX-SON:26043", "US"),
}
# The shipped limits, and an attestation asked for by law: the shipped ones ask for none.
ATTESTED = Requirement(kind=Kind.NGO, types=("case.*",), attestation="nda", basis="34 USC 12291(b)(2)")
LIMITS_ASKED: Limits = replace(LIMITS, requirements=(ATTESTED,))


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks for which event, at which moment, having received an earlier one or not."""

    principal: int
    event: int
    at: datetime
    has_received: bool


@dataclass(frozen=True, slots=True)
class World:
    """What is known at a node, and what is asked there."""

    rules: Rules
    consents: Sequence[Consent]
    principals: Sequence[Principal]
    events: Sequence[tuple[Facts, str]]
    questions: Sequence[Question]


def worlds(seed: int, questions: int = 50) -> Iterator[World]:
    """Without end; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - test data
    while True:
        yield _World(random).made(questions)


class _World:
    """Makes one world around a reader, a source, a type of event and a place."""

    def __init__(self, random: Random) -> None:
        self.random = random
        country, other = random.choice([("US", "MX"), ("MX", "US"), ("US", "US"), ("MX", "MX")])
        self.type = random.choice(random.choice(FAMILIES))
        self.tlp = Tlp.RED if random.random() < 0.2 else Tlp.AMBER
        self.is_consented = random.random() < 0.5  # a grant up to protected, and a consent for its purpose
        self.home = PLACES[other]
        self.reader = self._agency("reader", country)
        self.source = self._agency("source", other)
        self.others = [self._agency("third", self.reader.country), self._agency("fourth", self.source.country)]
        self.everybody = [self.reader, self.source, *self.others]

    def near(self, usual: T, *others: T, chance: float = 0.09) -> T:
        """`usual`, or with a small chance one of the others."""
        return self.random.choice(others) if others and self.random.random() < chance else usual

    def moment(self) -> datetime:
        """A day before, at, or after NOW, so that many a thing ends or begins at the same time."""
        return NOW + self.random.randint(-1, 1) * DAY

    def span(self, chance: float = 0.09) -> tuple[datetime, datetime]:
        """Mostly around NOW and wide, sometimes with an end close by."""
        begins = self.near(NOW - 9 * DAY, NOW - DAY, NOW, chance=chance)
        return begins, self.near(NOW + 9 * DAY, NOW + DAY, NOW + TICK, chance=chance)

    def made(self, questions: int) -> World:
        """The world, with so many questions at most."""
        grants = [self._grant(number) for number in range(self.random.randint(self.is_consented, 4))]
        consents = [self._consent(number) for number in range(self.random.randint(self.is_consented, 2))]
        rules = Rules(Directory.of(1, self.everybody), GrantSet(tuple(grants)), LIMITS_ASKED, by_subject(consents))
        principals = [self._principal() for _ in range(6)]
        events = [(self._facts(), self.near(SUBJECTS[0], SUBJECTS[1], chance=0.3)) for _ in range(8)]
        moments = [NOW, *self._edges(grants, consents)]
        asked = {
            Question(
                self.random.randrange(6),
                self.random.randrange(8),
                self.near(NOW, *moments, chance=0.5),
                self.random.random() < 0.2,
            )
            for _ in range(questions)
        }
        return World(rules, consents, principals, events, sorted(asked, key=repr))

    def _edges(self, grants: Sequence[Grant], consents: Sequence[Consent]) -> list[datetime]:
        spans = [(one.valid_from, one.valid_until) for one in grants]
        spans += [(one.signed_at, one.valid_until) for one in consents]
        spans += [(one.withdrawn_at, one.withdrawn_at) for one in consents if one.withdrawn_at is not None]
        ends = [owner.valid_until for grant in grants for owner in grant.owners or ()]
        spans += [(end, end) for end in ends if end is not None]
        spans += [(held.valid_from, held.valid_until) for one in self.everybody for held in one.attestations]
        return [edge + step for span in spans for edge in span for step in (-TICK, timedelta(0))]

    def _agency(self, name: str, country: str) -> Agency:
        kinds = [
            *Kind,
            *(Kind.NGO, Kind.NGO, Kind.NGO, Kind.SCHOOL, Kind.HEALTH, Kind.LAW_ENFORCEMENT, Kind.PUBLIC) * 2,
        ]
        held = [self._attestation() for kind in ATTESTATIONS for _ in range(self.random.choice([0, 1, 1, 2]))]
        live = {kind: [one for one in held if one.kind == kind][:2] for kind in ATTESTATIONS}
        return agency(
            f"{country.lower()}-{name}",
            self.random.choice(kinds),
            standing=self.near(Standing.ACTIVE, Standing.SUSPENDED, Standing.RETIRED, chance=0.05),
            attestations=tuple(one for several in live.values() for one in several),
        )

    def _attestation(self) -> Attestation:
        begins, ends = self.span()
        return Attestation(kind=self.random.choice(ATTESTATIONS), valid_from=begins, valid_until=ends)

    def _selector(self, who: Agency) -> Selector:
        """One that covers `who`, or nearly."""
        near = self.near(who, *self.everybody, chance=0.15)
        chosen = self.random.choice(["agency", "kind", "country", "both", "all"])
        if self.random.random() < 0.03:
            return Selector(agency=NOBODY)
        return Selector(
            agency=near.id if chosen in ("agency", "all") else None,
            kind=self.near(near.kind, who.kind, Kind.NGO) if chosen in ("kind", "both", "all") else None,
            country=self.near(near.country, who.country, "US", "MX") if chosen in ("country", "both", "all") else None,
        )

    def _places(self, usual: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.near(usual, *self.home, chance=0.3) for _ in range(self.random.choice([1, 2]))))

    def _pattern(self) -> str:
        kind, subkind, *_ = self.type.split(".")
        usual = self.random.choice(["*", f"{kind}.*", self.type])
        return self.near(usual, f"{kind}.{subkind}.*", "alert.*", "case.*", "ack.*", "note.*", "control.*", *TYPES)

    def _owners(self) -> tuple[Owner, ...] | None:
        if self.random.random() < 0.4:
            return None
        standing = [self.near(self.source, *self.everybody, chance=0.15), *self.others][: self.random.choice([0, 1, 3])]
        once = dict.fromkeys(one.id for one in standing or [self.source])
        return self.near(tuple(map(self._owner, once)), (), chance=0.05)

    def _owner(self, agency: str) -> Owner:
        return Owner(
            agency=agency,
            events_from=self.moment() - self.near(0, 9) * DAY,
            events_until=self.near(None, NOW - DAY, NOW, NOW + DAY, chance=0.3),
            valid_until=self.near(None, NOW, NOW + TICK, NOW + DAY, chance=0.3),
        )

    def _parties(self) -> tuple[Selector, ...] | None:
        if self.random.random() < 0.6:
            return None
        return self.near((self._selector(self.reader), self._selector(self.source)), (), (Selector(country="US"),))

    def _without(self, who: Agency) -> frozenset[str]:
        return frozenset(self.near((), (who.id,), (self.others[0].id, self.others[1].id), chance=0.2))

    def _grant(self, number: int) -> Grant:
        begins, ends = self.span()
        return Grant(
            id=f"grant-{number}",
            source=self._selector(self.source),
            reader=self._selector(self.reader),
            types=(self._pattern(),) + self.near((), ("case.*",), ("ack.*", "alert.warning.*")),
            jurisdictions=self._places(self.random.choice(self.home[:3])),
            purpose=self.near(*PURPOSES, chance=0.2 if self.is_consented else 0.4),
            max_tlp=self.near(self.tlp, *Tlp, chance=0.3),
            clearance=self.random.choice([*Sensitivity, *[Sensitivity.PROTECTED] * (9 if self.is_consented else 1)]),
            valid_from=begins,
            valid_until=ends,
            state=self.near(GrantState.IN_FORCE, *GrantState),
            requires=self.near((), ("nda",), ("28-cfr-23",), ATTESTATIONS, chance=0.3),
            parties=self._parties(),
            owners=self._owners(),
            version=self.near(1, 2),
            without_sources=self._without(self.source),
            without_readers=self._without(self.reader),
        )

    def _consent(self, number: int) -> Consent:
        begins, ends = self.span(chance=0.4)
        readers = [self.near(self.reader.id, *(one.id for one in self.others), chance=0.3), self.others[0].id]
        return Consent(
            id=f"consent-{number}",
            source=self.near(self.source.id, *(one.id for one in self.others), chance=0.2),
            subject=self.near(*SUBJECTS),
            fields=self.near(FIELDS, FIELDS[:1], FIELDS[1:], chance=0.5),
            recipients=frozenset(readers),
            purpose=self.near(*PURPOSES),
            signed_at=begins,
            valid_until=ends,
            withdrawn_at=self.near(None, NOW - DAY, NOW, NOW + TICK, NOW + 99 * DAY, chance=0.4),
        )

    def _principal(self) -> Principal:
        who = self.near(self.reader, *self.everybody)
        scopes = self.near(frozenset(SCOPES), frozenset({READ}), frozenset({PUBLISH}), frozenset())
        places = self.near(ANYWHERE, self._places(self.home[0]), (), chance=0.4)
        purpose = self.near(None, *PURPOSES, chance=0.4)
        return Principal(agency=who, client_id=who.id, scopes=scopes, jurisdictions=places, purpose=purpose)

    def _facts(self) -> Facts:
        ids = [one.id for one in self.everybody]
        kinds = [one.kind.value for one in self.everybody]
        audience = self.near((), (self.reader.id,), (self.random.choice(ids), self.random.choice(kinds)), chance=0.5)
        countries = (self.reader.country, self.source.country)
        about = self.near(self.type, *(name for name in TYPES if not is_control(name)))
        event_type = self.near(about, LABEL_CHANGED, RECALLED, chance=0.2)
        return Facts(
            source=self.near(self.source.id, self.reader.id, self.others[1].id, NOBODY, chance=0.2),
            type=event_type,
            about=about if event_type == LABEL_CHANGED else None,
            is_recalled=self.near(False, True, chance=0.05),
            status="actual",
            tlp=self.near(self.tlp, *Tlp, chance=0.3),
            jurisdictions=self._places(self.home[0]),
            rel_to=self.near(countries, (), countries[1:]),
            audience=self.near(audience, None, chance=0.05),
            purpose=self.near(None, *PURPOSES, chance=0.3),
            accepted_at=self.near(
                None, *(NOW + n * DAY + t for n in (-1, 0, 1) for t in (-TICK, 0 * TICK)), chance=0.7
            ),
            offers=frozenset(self.near((), ("grant-0",), ("grant-0@2",), ("grant-1", "grant-2"), chance=0.6)),
        )
