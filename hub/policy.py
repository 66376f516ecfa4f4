"""Who may do what: the one place where access is decided, without I/O and without a clock.

Effective right = token ∩ grants in force ∩ the event's label ∩ hard limits. Everything else denies.

- A token can only narrow: its scopes, jurisdictions and purpose.
- A grant opens events of a source to a reader up to a TLP and a clearance.
- The label is the originator's word: countries (`rel_to`), audience, purpose, TLP:RED to named agencies only.
- Hard limits come from `config/limits.toml`, each with its legal source; no grant lifts one (see `hub.borders`).
- `protected` content is for its owner alone, and for those whom a live consent names and a grant lets have it.
- A grant opens what its sources accepted from its approval on, and what was offered with it.
- Who once received an event is told when it closes or is changed, as a `notice`, even if its right has gone since.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hub.borders import NO_BORDERS, bound
from hub.consents import NO_CONSENTS
from hub.directory import why_none
from hub.grants import Grant, GrantSet, Tlp, covers_type, unattested
from hub.principal import ANYWHERE, PUBLISH, READ, Principal
from schemas.places import covers, touches
from schemas.registry import RECALLED, closes, is_answer, is_control
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from hub.borders import Border
    from hub.consents import Consent
    from hub.directory import Agency, Directory
    from hub.limits import Limits

NOTICE = "notice"
APPLIES = Text("applies", "se aplica")
FULL = "full"
TOLD_OF_END = Text(
    "told that it closed: an earlier event was received", "se avisa el cierre: recibió un evento anterior"
)
TOLD_OF_CHANGE = Text("told what became of an event it received", "se avisa qué fue de un evento que recibió")
# Most grants of a reader open something else; their answers are made once.
_OTHER_SOURCE = 0, Text("covers another source", "cubre otra fuente")
_OTHER_TYPE = 1, Text("does not cover this type", "no cubre este tipo")
_OTHER_PLACES = 2, Text("covers other jurisdictions", "cubre otras jurisdicciones")
_OF_ANOTHER_TIME = 7  # how far a grant came that opens no event accepted then


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the policy looks at in an event.

    `audience` None: unknown here, so it hides nothing yet. `accepted_at` None: of no event in particular, so taken to
    be a new one. `offers`: the grants under which it was offered although it is older than they are. `about`: the type
    of the event whose label this one changes, which is read as that one is.
    """

    source: str
    type: str
    status: str
    tlp: Tlp
    jurisdictions: tuple[str, ...]
    rel_to: tuple[str, ...] = ()
    audience: tuple[str, ...] | None = ()
    purpose: str | None = None
    accepted_at: datetime | None = None
    offers: frozenset[str] = frozenset()
    about: str | None = None
    is_recalled: bool = False

    @property
    def read_as(self) -> str:
        """The type that grants and limits have to cover."""
        return self.about or self.type


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything a decision rests on besides the question: participants, grants, hard limits."""

    directory: Directory
    grants: GrantSet
    limits: Limits
    consents: Mapping[tuple[str, str], tuple[Consent, ...]] = field(default_factory=lambda: NO_CONSENTS)
    borders: Mapping[str, Border] = field(default_factory=lambda: NO_BORDERS)

    @property
    def version(self) -> str:
        """Names the rules in audit entries: the digests of limits and grants, and the directory's version."""
        return f"{self.limits.digest[:8]}.{self.grants.digest[:8]}.{self.directory.version}"

    def for_reader(self, agency: Agency) -> Rules:
        """The same, with the grants alone that name this reader: nobody need look at the others for it again."""
        named = tuple(grant for grant in self.grants.grants if grant.reader.covers(agency))
        return replace(self, grants=GrantSet(named, self.grants.digest))


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, why, on which grant, and as which projection; `considered` is each grant with its answer.

    `holds_from`: for events accepted earlier the answer may be another, and each is decided by itself.
    `protected_for`: the purposes for which consents may open protected members too.
    """

    is_allowed: bool
    reason: Text
    projection: str | None = None
    grant: str | None = None
    considered: tuple[tuple[str, Text], ...] = field(default=(), compare=False)
    holds_from: datetime | None = None
    protected_for: frozenset[str] = frozenset()


def _no(en: str, es: str) -> Decision:
    return Decision(False, Text(en, es))


def may_read(principal: Principal, facts: Facts, rules: Rules, at: datetime, *, has_received: bool = False) -> Decision:
    """Whether it may be read, and as what; `has_received`: one of its subject, or that it changes, was disclosed."""
    decision = _may_read_now(principal, facts, rules, at)
    if decision.is_allowed or not has_received or facts.is_recalled or _may_ask(principal) is not None:
        return decision
    told = TOLD_OF_CHANGE if is_control(facts.type) else TOLD_OF_END if closes(facts.type) else None
    return decision if told is None else Decision(True, told, NOTICE)


def _may_read_now(principal: Principal, facts: Facts, rules: Rules, at: datetime) -> Decision:
    reader = principal.agency
    refusal = _may_ask(principal) or _outside_token(principal, facts)
    if refusal is not None:
        return refusal
    if facts.source == reader.id:
        return Decision(True, Text("own event", "evento propio"), FULL)
    if facts.is_recalled:
        return _no("recalled by its source", "retirado por su fuente")
    if facts.type == RECALLED:
        return _no("told to who had received the event", "se avisa a quien recibió el evento")
    source = rules.directory.agencies.get(facts.source)
    if source is None:
        return _no("the source is not enrolled here", "la fuente no está registrada aquí")
    addressed = facts.audience is None or reader.id in facts.audience
    refusal = _outside_label(reader, source, facts, addressed=addressed)
    if refusal is not None:
        return refusal
    law = bound(reader, source, facts.read_as, rules.limits, rules.borders, addressed=addressed)
    if isinstance(law, Text):
        return Decision(False, law)
    missing = unattested((row.attestation for row in law.requirements), reader, at)
    if missing is not None:
        return Decision(False, Text("hard limit: {why}", "límite legal: {why}").format(why=missing))
    if is_answer(facts.read_as) and addressed:
        return Decision(True, Text("answers your event", "responde a su evento"), _projection(law.row.clearance))
    return _by_grants(principal, source, facts, (rules, law.row.clearance), at)


def _may_ask(principal: Principal) -> Decision | None:
    if READ not in principal.scopes:
        return _no("the token lacks events:read", "el token no incluye events:read")
    if not principal.agency.is_active:
        return _no("the agency is not active", "la agencia no está activa")
    return None


def _outside_token(principal: Principal, facts: Facts) -> Decision | None:
    if principal.jurisdictions == ANYWHERE or _touch(principal.jurisdictions, facts.jurisdictions):
        return None
    return _no("outside the token's jurisdictions", "fuera de las jurisdicciones del token")


def _outside_label(reader: Agency, source: Agency, facts: Facts, *, addressed: bool) -> Decision | None:
    if reader.country != source.country and reader.country not in facts.rel_to:
        return _no("not released to this country", "no liberado para este país")
    if facts.tlp is Tlp.RED and not addressed:
        return _no("TLP:RED is for named agencies only", "TLP:RED es solo para agencias nombradas")
    if facts.audience and not addressed and reader.kind not in facts.audience:
        return _no("not in the audience of the label", "fuera de los destinatarios de la etiqueta")
    return None


def _by_grants(
    principal: Principal, source: Agency, facts: Facts, bounds: tuple[Rules, Sensitivity], at: datetime
) -> Decision:
    rules, ceiling = bounds
    applying: list[Grant] = []
    turns: list[datetime | None] = []
    nearest = (-1, Text("no grant covers it", "ningún permiso lo cubre"))
    considered = []
    for grant in rules.grants.grants:
        if not grant.reader.covers(principal.agency):
            continue
        refusal = _refusal(grant, principal, source, facts, at)
        considered.append((grant.id, APPLIES if refusal is None else refusal[1]))
        if refusal is None:
            applying.append(grant)
            continue
        nearest = max(nearest, refusal, key=lambda found: found[0])
        if facts.accepted_at is None and refusal[0] == _OF_ANOTHER_TIME:
            owner = grant.owner(source.id)  # it opens none that is new, and still those that came before its end
            turns.append(None if owner is None else owner.events_until)
    if not applying:
        return Decision(False, nearest[1], considered=tuple(considered), holds_from=_latest(turns))
    # Of two alike the older: what a later one offers is no news to who has it already.
    best = min(applying, key=lambda grant: (-grant.clearance, grant.since(source.id)))
    protecting = [grant for grant in applying if grant.clearance is Sensitivity.PROTECTED]
    turns += [owner.events_from for grant in (best, *protecting) if (owner := grant.owner(source.id)) is not None]
    return Decision(
        True,
        Text("granted for {purpose}", "permitido para {purpose}").format(purpose=best.purpose),
        _projection(min(best.clearance, ceiling)),
        best.id,
        tuple(considered),
        holds_from=_latest(turns),
        protected_for=frozenset(grant.purpose for grant in protecting),
    )


def _latest(turns: Iterable[datetime | None]) -> datetime | None:
    return max((turn for turn in turns if turn is not None), default=None)


def _refusal(grant: Grant, principal: Principal, source: Agency, facts: Facts, at: datetime) -> tuple[int, Text] | None:
    """Why `grant` does not open this event, or None if it does; the number tells how far it came."""
    if grant.peer != source.peer or not grant.source.covers(source):
        return _OTHER_SOURCE
    if not covers_type(grant.types, facts.read_as):
        return _OTHER_TYPE
    if not _touch(grant.jurisdictions, facts.jurisdictions):
        return _OTHER_PLACES
    if facts.tlp > grant.max_tlp:
        return 3, Text("covers up to {tlp}", "cubre hasta {tlp}").format(tlp=str(grant.max_tlp))
    refusal = grant.not_standing(principal.agency, source, at)
    if refusal is not None:
        return 4, refusal
    if facts.purpose is not None and facts.purpose != grant.purpose:
        return 5, Text("granted for another purpose", "permitido para otro fin")
    if principal.purpose is not None and principal.purpose != grant.purpose:
        return 6, Text("the token is for another purpose", "el token es para otro fin")
    refusal = grant.not_of_its_time(source.id, facts.accepted_at, facts.offers)
    return None if refusal is None else (_OF_ANOTHER_TIME, refusal)


def weigh(
    principal: Principal, facts: Facts, grants: Iterable[Grant], rules: Rules, at: datetime
) -> tuple[tuple[Grant, Text], ...]:
    """For explaining: every one of `grants` that names this reader, with its own answer, whatever else decides."""
    source = rules.directory.agencies[facts.source]
    naming = (grant for grant in grants if grant.reader.covers(principal.agency))
    answers = ((grant, _refusal(grant, principal, source, facts, at)) for grant in naming)
    return tuple((grant, APPLIES if refusal is None else refusal[1]) for grant, refusal in answers)


def _projection(clearance: Sensitivity) -> str:
    return clearance.name.lower()


def _touch(left: Iterable[str], right: tuple[str, ...]) -> bool:
    return any(touches(a, b) for a in left for b in right)


def may_publish(principal: Principal, facts: Facts, at: datetime) -> Decision:
    """Whether `principal` may publish this event: its own, of its types, for places where it has authority."""
    agency = principal.agency
    if PUBLISH not in principal.scopes:
        return _no("the token lacks events:publish", "el token no incluye events:publish")
    if not agency.is_active:
        return _no("the agency is not active", "la agencia no está activa")
    if facts.source != agency.id:
        return _no("source is not the publishing agency", "source no es la agencia que publica")
    if is_control(facts.type):  # of an own event, wherever that was: no right that ended keeps it from being taken back
        return _outside_token(principal, facts) or Decision(True, Text("own event", "evento propio"), FULL)
    answers = is_answer(facts.type)
    places = list(agency.jurisdictions)
    if not answers:
        rights = [right for right in agency.publishes if right.is_in_force(at) and covers_type(right.types, facts.type)]
        if not rights:
            asked = (right for right in agency.publishes + agency.withheld if covers_type(right.types, facts.type))
            return Decision(False, why_none(asked, at))
        places = [place for right in rights for place in right.jurisdictions]
    outside = _beyond(agency.jurisdictions, facts) or _beyond(places, facts)
    if outside:
        reason = Text(
            "outside the agency's authorised area: {codes}", "fuera del área autorizada de la agencia: {codes}"
        )
        return Decision(False, reason.format(codes=", ".join(outside[:5])))
    # An answer speaks for the whole agency; every other event only for places that the token covers whole.
    narrower = _outside_token(principal, facts) if answers else _beyond(principal.jurisdictions, facts)
    if narrower:
        return _no("outside the token's jurisdictions", "fuera de las jurisdicciones del token")
    return Decision(True, Text("own event", "evento propio"), FULL)


def _beyond(places: Iterable[str], facts: Facts) -> list[str]:
    """The event's jurisdictions that none of `places` covers whole."""
    return [code for code in facts.jurisdictions if not any(covers(place, code) for place in places)]
