"""What opens protected members: a live consent that names the reader, and a grant that lets it have them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.consented import consent_for
from hub.consents import Consent, by_subject, joined
from hub.directory import Kind
from hub.grants import Grant, Owner, Selector
from hub.policy import Decision, may_read
from hub.principal import Principal
from schemas.sensitivity import Sensitivity
from tests.support.cast import DAY, FISCALIA, NOW, POLICE, SHELTER, agency, facts, grant, principal, rules

TICK = DAY / 86_400_000_000
SUBJECT = (POLICE.id, "case-17")
CLINIC = agency("us-ca-clinic", Kind.HEALTH, "US-CA")
CONSENT = Consent(
    id="consent-1",
    source=POLICE.id,
    subject="case-17",
    fields=("/data/child/medical",),
    recipients=frozenset({SHELTER.id}),
    purpose="locate-child",
    signed_at=NOW - DAY,
    valid_until=NOW + DAY,
)
PROTECTED = grant(clearance=Sensitivity.PROTECTED)


def opened(
    *consents: Consent,
    held: tuple[Grant, ...] = (PROTECTED,),
    asking: Principal | None = None,
    subject: tuple[str, str] = SUBJECT,
    at: Any = NOW,
) -> tuple[str, ...]:
    """The ids of the consents that open something to the shelter."""
    who = asking or principal()
    known = replace(rules(*held, enrolled=(who.agency,)), consents=by_subject(consents))
    decision = may_read(who, facts(), known, at)
    found = consent_for(who, subject, decision, known, at)
    return () if found is None else tuple(found.id.split("+"))


def test_a_consent_opens_protected_members_to_a_reader_whom_a_grant_lets_have_them() -> None:
    assert opened(CONSENT) == ("consent-1",)


def test_protected_is_never_a_projection_of_its_own() -> None:
    decision = may_read(principal(), facts(), rules(PROTECTED), NOW)

    assert (decision.projection, decision.protected_for) == ("partner", frozenset({"locate-child"}))


@pytest.mark.parametrize("clearance", [level for level in Sensitivity if level < Sensitivity.PROTECTED])
def test_a_lesser_grant_lets_no_consent_open_anything(clearance: Sensitivity) -> None:
    assert opened(CONSENT, held=(grant(clearance=clearance),)) == ()


def test_a_consent_is_no_right_to_read() -> None:
    assert opened(CONSENT, held=()) == ()
    assert opened(CONSENT, held=(replace(PROTECTED, valid_until=NOW),)) == ()
    assert opened(CONSENT, held=(replace(PROTECTED, reader=Selector(agency=CLINIC.id)),)) == ()


@pytest.mark.parametrize(
    "differs",
    [
        {"recipients": frozenset({FISCALIA.id})},
        {"recipients": frozenset()},
        {"purpose": "statistics"},
        {"source": FISCALIA.id},
        {"subject": "case-18"},
        {"signed_at": NOW + TICK},
        {"valid_until": NOW},
        {"withdrawn_at": NOW},
        {"withdrawn_at": NOW - TICK},
        {"withdrawn_at": NOW + DAY},
    ],
)
def test_a_consent_opens_nothing_to_others_for_another_purpose_or_at_another_time(differs: dict[str, Any]) -> None:
    assert opened(replace(CONSENT, **differs)) == ()


@pytest.mark.parametrize("differs", [{"signed_at": NOW}, {"valid_until": NOW + TICK}])
def test_a_consent_holds_from_its_signature_to_just_before_its_end(differs: dict[str, Any]) -> None:
    assert opened(replace(CONSENT, **differs)) == ("consent-1",)


def test_a_consent_is_found_by_source_and_subject_together() -> None:
    assert opened(CONSENT, subject=(FISCALIA.id, "case-17")) == ()
    assert opened(CONSENT, subject=(POLICE.id, "case-18")) == ()


def test_all_consents_that_name_the_reader_open_what_they_state() -> None:
    other = replace(CONSENT, id="consent-2", fields=("/data/child/birth_date",))
    over = replace(CONSENT, id="consent-3", valid_until=NOW)

    assert opened(CONSENT, over, other) == ("consent-1", "consent-2")


def test_several_consents_count_as_one_that_opens_all_they_open_once() -> None:
    fields = ("/data/child/medical", "/data/child/birth_date")
    both = joined([replace(CONSENT, fields=fields[:1]), replace(CONSENT, id="consent-2", fields=fields)])

    assert both == replace(CONSENT, id="consent-1+consent-2", fields=fields)
    assert (joined([]), joined([CONSENT])) == (None, CONSENT)


def test_of_several_consents_the_first_says_until_when() -> None:
    both = joined([CONSENT, replace(CONSENT, id="consent-2", valid_until=NOW + 2 * DAY)])

    assert both is not None
    assert both.valid_until == CONSENT.valid_until


@pytest.mark.parametrize("turn", [1, -1])
def test_each_grant_up_to_protected_counts_with_its_purpose(turn: int) -> None:
    held = (replace(PROTECTED, id="one", purpose="rescue"), replace(PROTECTED, id="two"))[::turn]

    assert opened(CONSENT, replace(CONSENT, id="consent-2", purpose="rescue"), held=held) == ("consent-1", "consent-2")


def test_a_token_for_one_purpose_leaves_the_consents_of_the_other() -> None:
    held = (replace(PROTECTED, id="one", purpose="rescue"), PROTECTED)
    asking = principal(purpose="rescue")

    assert opened(CONSENT, replace(CONSENT, id="consent-2", purpose="rescue"), held=held, asking=asking) == (
        "consent-2",
    )


def test_the_ceiling_of_the_law_bounds_the_projection_that_a_consent_widens() -> None:
    to_clinic = replace(PROTECTED, reader=Selector(agency=CLINIC.id), types=("*",))
    known = rules(to_clinic, enrolled=(CLINIC,))

    decision = may_read(principal(CLINIC), facts(type="case.trafficking.opened"), known, NOW)

    assert (decision.projection, decision.protected_for) == ("public", frozenset({"locate-child"}))


def test_the_owner_and_who_is_owed_a_notice_need_no_consent_and_get_none() -> None:
    closing = facts(type="alert.missing_child.located")
    known = replace(rules(), consents=by_subject([CONSENT]))

    own = may_read(principal(POLICE), closing, known, NOW)
    owed = may_read(principal(), closing, known, NOW, has_received=True)

    assert [consent_for(principal(), SUBJECT, each, known, NOW) for each in (own, owed)] == [None, None]


def test_an_answer_holds_no_protected_members_for_who_is_answered() -> None:
    answer = facts(type="ack.read", source=POLICE.id, audience=(SHELTER.id,))

    assert may_read(principal(), answer, rules(PROTECTED), NOW).protected_for == frozenset()


@pytest.mark.parametrize("turn", [1, -1])
def test_a_decision_holds_only_from_where_all_its_grants_up_to_protected_do(turn: int) -> None:
    early = replace(PROTECTED, id="early", owners=(Owner(agency=POLICE.id, events_from=NOW - DAY),))
    late = replace(PROTECTED, id="late", purpose="rescue", owners=(Owner(agency=POLICE.id, events_from=NOW),))

    def decide(accepted_at: Any) -> Decision:
        return may_read(principal(), facts(accepted_at=accepted_at), rules(*(early, late)[::turn]), NOW)

    assert (decide(None).holds_from, decide(None).protected_for) == (NOW, frozenset({"locate-child", "rescue"}))
    assert (decide(NOW - TICK).holds_from, decide(NOW - TICK).protected_for) == (NOW - DAY, frozenset({"locate-child"}))
