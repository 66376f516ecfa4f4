"""The most that each kind of agency may ever read, as the shipped limits state it, whatever a grant says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.directory import Attestation, Kind
from hub.grants import Selector, Tlp
from hub.limits import Limits, Requirement
from hub.policy import Decision, may_read
from schemas.masks import NAMES
from schemas.sensitivity import Sensitivity
from tests.support.cast import DAY, LIMITS, NOW, POLICE, SHELTER, agency, facts, grant, principal, rules

ALERT, CASE = "alert.missing_child.issued", "case.trafficking.opened"
TYPES = [ALERT, "alert.warning.cancelled", CASE, "case.trafficking.closed", "referral.shelter.opened", "tip.web.sent"]


def most(kind: Kind, event_type: str, *, addressed: bool) -> Decision:
    """What an agency of `kind` gets under a grant without any bound of its own."""
    reader = agency(f"us-ca-{kind.replace('_', '-')}", kind)
    everything = grant(
        reader=Selector(agency=reader.id),
        types=("*",),
        jurisdictions=("US", "MX"),
        max_tlp=Tlp.RED,
        clearance=Sensitivity.PROTECTED,
    )
    event = facts(type=event_type, audience=(reader.id,) if addressed else ())
    return may_read(principal(reader), event, rules(everything, enrolled=(reader,)), NOW)


# design.md section 4: kind, an alert, an alert that names the reader, anything else, anything else that names it.
CEILINGS = [
    (Kind.LAW_ENFORCEMENT, "enforcement", "enforcement", "enforcement", "enforcement"),
    (Kind.PROSECUTOR, "enforcement", "enforcement", "enforcement", "enforcement"),
    (Kind.SEARCH_COMMISSION, "enforcement", "enforcement", "partner", "partner"),
    (Kind.CHILD_PROTECTION, "partner", "partner", "partner", "partner"),
    (Kind.CONSULAR, "partner", "partner", "partner", "partner"),
    (Kind.NGO, "partner", "partner", "partner", "partner"),
    (Kind.HEALTH, "partner", "partner", "public", "partner"),
    (Kind.SCHOOL, "partner", "partner", "public", "partner"),
    (Kind.PUBLIC, "public", "public", "public", "public"),
    (Kind.OPERATOR, None, None, None, None),
]


@pytest.mark.parametrize(("kind", "alert", "named_alert", "other", "named_other"), CEILINGS)
def test_a_grant_lifts_no_ceiling(
    kind: Kind, alert: str | None, named_alert: str | None, other: str | None, named_other: str | None
) -> None:
    assert most(kind, ALERT, addressed=False).projection == alert
    assert most(kind, ALERT, addressed=True).projection == named_alert
    assert most(kind, CASE, addressed=False).projection == other
    assert most(kind, CASE, addressed=True).projection == named_other


def test_the_table_above_names_every_kind() -> None:
    assert {row[0] for row in CEILINGS} == set(Kind)


def test_an_operator_is_told_that_it_reads_nothing() -> None:
    decision = most(Kind.OPERATOR, ALERT, addressed=True)

    assert (decision.is_allowed, decision.reason) == (False, "hard limit: nothing for this kind of agency")
    assert decision.reason.es == "límite legal: nada para este tipo de agencia"


def test_an_operator_does_not_read_even_an_answer_to_it() -> None:
    operator = agency("us-operator", Kind.OPERATOR)
    answer = facts(type="ack.read", source=SHELTER.id, audience=(operator.id,))

    assert not may_read(principal(operator), answer, rules(enrolled=(operator,)), NOW).is_allowed


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("event_type", TYPES)
@pytest.mark.parametrize("addressed", [True, False])
def test_protected_content_is_for_its_owner_alone(kind: Kind, event_type: str, addressed: bool) -> None:
    given = most(kind, event_type, addressed=addressed).projection

    assert given in {None, "public", "partner", "enforcement"} <= {None, *NAMES}


def test_a_grant_below_the_ceiling_is_not_raised_to_it() -> None:
    for_police = grant(reader=Selector(agency="us-ca-sheriff"), clearance=Sensitivity.PUBLIC)
    reader = agency("us-ca-sheriff", Kind.LAW_ENFORCEMENT)

    decision = may_read(principal(reader), facts(), rules(for_police, enrolled=(reader,)), NOW)

    assert decision.projection == "public"


def test_being_named_by_kind_is_not_being_named() -> None:
    school = agency("us-ca-school", Kind.SCHOOL)
    held = grant(reader=Selector(kind=Kind.SCHOOL), types=("*",), clearance=Sensitivity.ENFORCEMENT)
    event = facts(type=CASE, audience=("school",))

    assert may_read(principal(school), event, rules(held, enrolled=(school,)), NOW).projection == "public"


def test_without_limits_nobody_reads_anything_of_others() -> None:
    nothing = replace(LIMITS, ceilings=())

    assert not may_read(principal(), facts(), rules(grant(), limits=nothing), NOW).is_allowed
    assert may_read(principal(POLICE), facts(), rules(limits=nothing), NOW).is_allowed


def test_the_first_ceiling_that_fits_counts() -> None:
    reversed_order = replace(LIMITS, ceilings=tuple(reversed(LIMITS.ceilings)))

    assert LIMITS.ceiling(Kind.SEARCH_COMMISSION, ALERT, addressed=False) == LIMITS.ceilings[2]
    found = reversed_order.ceiling(Kind.SEARCH_COMMISSION, ALERT, addressed=False)
    assert found is not None
    assert found.clearance is Sensitivity.PARTNER


def test_every_shipped_ceiling_states_its_legal_source() -> None:
    assert [ceiling.kind for ceiling in LIMITS.ceilings if len(ceiling.basis) < 10] == []


NDA = Attestation(kind="nda", valid_from=NOW - DAY, valid_until=NOW + DAY)
ATTESTED = replace(SHELTER, attestations=(NDA,))


def requiring(*types: str, kind: Kind = Kind.NGO) -> Limits:
    """The shipped limits, and an attestation that the law is said to ask of `kind`."""
    row = Requirement(kind=kind, types=types, attestation="nda", basis="34 USC 12291(b)(2)")
    return replace(LIMITS, requirements=(row,))


def test_a_hard_limit_asks_for_a_live_attestation() -> None:
    missing = may_read(principal(), facts(), rules(grant(), limits=requiring("alert.*")), NOW)
    held = may_read(principal(ATTESTED), facts(), rules(grant(), limits=requiring("alert.*")), NOW)
    lapsed = may_read(principal(ATTESTED), facts(), rules(grant(), limits=requiring("alert.*")), NOW + DAY)

    assert (missing.is_allowed, missing.reason) == (False, "hard limit: needs a live attestation: nda")
    assert missing.reason.es == "límite legal: requiere una acreditación vigente: nda"
    assert [held.is_allowed, lapsed.is_allowed] == [True, False]


@pytest.mark.parametrize("limits", [requiring("case.*"), requiring("alert.*", kind=Kind.SCHOOL)])
def test_it_is_asked_of_the_kind_and_types_it_names_alone(limits: Limits) -> None:
    assert may_read(principal(), facts(), rules(grant(), limits=limits), NOW).is_allowed


def test_not_even_an_answer_is_read_without_what_the_law_asks_for() -> None:
    answer = facts(type="ack.read", audience=(SHELTER.id,))

    assert not may_read(principal(), answer, rules(limits=requiring("*")), NOW).is_allowed
    assert may_read(principal(), answer, rules(limits=requiring("alert.*")), NOW).is_allowed


def test_ones_own_events_need_no_attestation() -> None:
    own = facts(source=SHELTER.id)

    assert may_read(principal(), own, rules(limits=requiring("*")), NOW).projection == "full"


def test_every_requirement_that_fits_is_asked() -> None:
    rows = (*requiring("*").requirements, *requiring("case.*").requirements, *requiring("alert.*").requirements)
    named = tuple(replace(row, attestation=f"a{number}") for number, row in enumerate(rows))

    assert replace(LIMITS, requirements=named).attestations(Kind.NGO, ALERT) == ("a0", "a2")
