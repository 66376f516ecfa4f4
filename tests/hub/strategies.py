"""
Random questions to the policy.

Each part is drawn from a pool made once: an example is then a few small numbers, which is quick enough for hundreds
of them, and the pools hold few enough different values that grants, labels and tokens often meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from hub.consents import Consent, by_subject
from hub.directory import Agency, Attestation, Kind, Standing
from hub.grants import Grant, GrantState, Owner, Selector, Tlp
from hub.policy import Facts, Rules
from hub.principal import ANYWHERE, SCOPES, Principal
from schemas.places import covers
from schemas.sensitivity import Sensitivity
from tests.support.cast import DAY, FISCALIA, NOW, POLICE, agency, grant, principal, rules

PLACES = (
    *("US", "US-CA", "US-CA:06073", "US-CA:06075", "US-TX", "US-TX:48141", "US-AZ", "US-NM"),
    *("MX", "MX-BCN", "MX-BCN:02004", "MX-BCN:02003", "MX-SON"),
)
OF_ITSELF = ("alert.missing_child.issued", "alert.warning.cancelled", "case.trafficking.opened")
TYPES = (*OF_ITSELF * 2, "ack.read", "note.sighting", "control.recalled", "control.label_changed")
PATTERNS = ("*", "*", "alert.*", "case.*", "alert.missing_child.issued", "ack.*", "note.*", "control.*")
PURPOSES = ("locate-child", "rescue")
ATTESTATIONS = ("28-cfr-23", "nda")
SUBJECTS = ("subject-1", "subject-2")
TIMES = (NOW - 2 * DAY, NOW - DAY, NOW, NOW + DAY, NOW + 2 * DAY)
_random = Random(20260504)  # noqa: S311 - test data


def _attestations() -> tuple[Attestation, ...]:
    """Some of what a grant may require, most of it live."""
    kinds = _random.sample(ATTESTATIONS, _random.randint(0, len(ATTESTATIONS)))
    return tuple(Attestation(kind=kind, valid_from=TIMES[0], valid_until=_random.choice(TIMES[1:])) for kind in kinds)


def _one_of_each_kind(country: str) -> list[Agency]:
    return [
        agency(
            f"{country}-{kind.replace('_', '-')}", kind, publishes=("alert.*", "case.*"), attestations=_attestations()
        )
        for kind in Kind
    ]


EVERYBODY = (POLICE, FISCALIA, *_one_of_each_kind("us"), *_one_of_each_kind("mx"))
IDS = tuple(one.id for one in EVERYBODY)
GRANT_IDS = tuple(f"grant-{number}" for number in range(60))


def _some(of: tuple[str, ...], least: int, most: int) -> tuple[str, ...]:
    """A sorted choice, as `hub.ingest` sorts what it finds in an event."""
    return tuple(sorted(_random.sample(of, _random.randint(least, most))))


def _facts() -> Facts:
    # Mostly no audience, sometimes one that is longer than a lane keeps exactly.
    audience = _some((*IDS, *(kind.value for kind in Kind)), 0, _random.choice([0, 0, 0, 0, 0, 0, 4, 20]))
    event_type = _random.choice(TYPES)
    return Facts(
        source=_random.choice([POLICE.id, POLICE.id, FISCALIA.id, *IDS]),
        type=event_type,
        about=_random.choice([*OF_ITSELF, "note.question"]) if event_type == "control.label_changed" else None,
        is_recalled=_random.random() < 0.06,
        status="actual",
        tlp=_random.choice([*Tlp, *(Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT) * 2]),
        jurisdictions=_some(PLACES, 1, _random.choice([1, 3, 8])),
        rel_to=_random.choice([(), ("MX",), *[("MX", "US")] * 6]),
        audience=audience,
        purpose=_random.choice([None, None, *PURPOSES]),
        accepted_at=_random.choice([None, *TIMES]),
        offers=frozenset(_random.sample(GRANT_IDS, _random.choice([0, 0, 5]))),
    )


def _selector() -> Selector:
    country = _random.choice([None, "US", "MX"])
    kind = _random.choice([None] * 20 + list(Kind))
    wide = Selector(country=country, kind=kind) if country or kind else Selector(country="US")
    return _random.choice([Selector(agency=_random.choice([POLICE.id, *IDS])), wide, wide, wide])


def _owners(source: Selector) -> tuple[Owner, ...] | None:
    """None as for a grant of a file; else most of the sources it covers, each from its own moment on."""
    if _random.random() < 0.4:
        return None
    covered = [one.id for one in EVERYBODY if source.covers(one) and _random.random() < 0.8]
    return tuple(
        Owner(
            agency=one,
            events_from=_random.choice(TIMES),
            events_until=_random.choice([None, None, None, None, *TIMES]),
            valid_until=_random.choice([None, None, None, None, *TIMES]),
        )
        for one in covered
    )


def _without() -> frozenset[str]:
    """Mostly nobody has suspended or ended its part."""
    return frozenset(_random.choice([(), (), (), _some(IDS, 1, 6)]))


def _parties() -> tuple[Selector, ...] | None:
    """Mostly both countries; sometimes one of them, or a few agencies by name."""
    few = tuple(Selector(agency=one) for one in _some(IDS, 1, 8))
    both = (Selector(country="US"), Selector(country="MX"))
    return _random.choice([None, None, None, both, both[:1], both[1:], few])


def _grant() -> Grant:
    begins, ends = _random.choice([(TIMES[0], TIMES[-1]), tuple(sorted(_random.sample(TIMES, 2)))])
    source = _selector()
    return grant(
        id=_random.choice(GRANT_IDS),
        source=source,
        state=_random.choice([GrantState.IN_FORCE] * 12 + [GrantState.SUSPENDED, GrantState.REVOKED]),
        owners=_owners(source),
        parties=_parties(),
        without_sources=_without(),
        without_readers=_without(),
        requires=_random.choice([(), (), (), ATTESTATIONS[:1], ATTESTATIONS]),
        reader=_selector(),
        types=(_random.choice(PATTERNS),),
        jurisdictions=_some(PLACES, 1, 6),
        purpose=_random.choice(PURPOSES),
        max_tlp=_random.choice([Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED]),
        clearance=_random.choice(list(Sensitivity)),
        valid_from=begins,
        valid_until=ends,
    )


def _grants(most: int) -> list[Grant]:
    """So many grants at most, each with an id of its own."""
    return list({one.id: one for one in (_grant() for _ in range(_random.randint(0, most)))}.values())


def _consent() -> Consent:
    begins, ends = _random.choice([(TIMES[0], TIMES[-1]), tuple(sorted(_random.sample(TIMES, 2)))])
    return Consent(
        id=f"consent-{_random.randrange(10**9)}",
        source=_random.choice([POLICE.id, POLICE.id, *IDS]),
        subject=_random.choice(SUBJECTS),
        fields=("/data/child/name",),
        recipients=frozenset(_some(IDS, 1, len(IDS))),
        purpose=_random.choice(PURPOSES),
        signed_at=begins,
        valid_until=ends,
        withdrawn_at=_random.choice([None, None, None, *TIMES]),
    )


def _principal() -> Principal:
    standing = _random.choice([Standing.ACTIVE] * 15 + [Standing.SUSPENDED])
    scopes = _random.choice([SCOPES] * 8 + [_some(SCOPES, 0, 4)])
    return principal(
        replace(_random.choice(EVERYBODY), standing=standing),
        scopes=frozenset(scopes),
        jurisdictions=_random.choice([ANYWHERE, ANYWHERE, ANYWHERE, _some(PLACES, 1, 3)]),
        purpose=_random.choice([None, None, None, *PURPOSES]),
    )


def _narrowed(wide: Principal) -> Principal:
    """The same agency with a token that has less of one thing, or of several."""
    inner = tuple(code for code in PLACES if any(covers(own, code) for own in wide.jurisdictions))
    return replace(
        wide,
        scopes=wide.scopes - {_random.choice(["nothing", "nothing", *SCOPES])},
        jurisdictions=_random.choice([wide.jurisdictions, _some(inner, 1, min(2, len(inner)))]),
        purpose=wide.purpose or _random.choice([None, *PURPOSES]),
    )


events = st.sampled_from([[_facts() for _ in range(20)] for _ in range(100)])
grants = st.sampled_from([_grant() for _ in range(400)])
grant_lists = st.sampled_from([_grants(25) for _ in range(200)])
consents = st.sampled_from([_consent() for _ in range(200)])
consent_lists = st.sampled_from([[_consent() for _ in range(_random.randrange(12))] for _ in range(100)])
principals = st.sampled_from([_principal() for _ in range(400)])
narrowings = st.sampled_from([(wide, _narrowed(wide)) for wide in [_principal() for _ in range(400)]])
moments = st.sampled_from(TIMES)


def rules_of(held: Sequence[Grant], consented: Sequence[Consent] = (), *, version: int = 1) -> Rules:
    """Everybody enrolled, and these grants and consents."""
    return replace(rules(*held, enrolled=EVERYBODY, version=version), consents=by_subject(consented))
