"""Who may publish and who may answer, and why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.answering import may_answer
from hub.directory import Agency, PublishRight, Standing, publishing
from hub.policy import Facts, may_publish, may_read
from hub.principal import ACKNOWLEDGE, PUBLISH, READ, Principal, of_agency
from tests.support.cast import DAY, FISCALIA, NOW, POLICE, SHELTER, STRANGER, facts, grant, principal, rules


def test_an_agency_publishes_its_own_types_where_it_has_authority() -> None:
    decision = may_publish(principal(POLICE), facts(), NOW)

    assert (decision.is_allowed, decision.projection, decision.reason) == (True, "full", "own event")


@pytest.mark.parametrize("event_type", ["alert.warning.updated", "case.trafficking.closed", "ack.received"])
def test_prefixes_say_what_it_publishes_and_anyone_may_answer(event_type: str) -> None:
    assert may_publish(principal(POLICE), facts(type=event_type), NOW).is_allowed


@pytest.mark.parametrize(
    ("because", "who", "event"),
    [
        ("source is not the publishing agency", POLICE, facts(source=FISCALIA.id)),
        ("source is not the publishing agency", STRANGER, facts()),
        ("the agency does not publish this type", POLICE, facts(type="bulletin.be_on_lookout.issued")),
        ("the agency does not publish this type", POLICE, facts(type="case.smuggling.opened")),
        ("the agency does not publish this type", SHELTER, facts(source=SHELTER.id)),
        ("the agency is not active", replace(POLICE, standing=Standing.SUSPENDED), facts()),
        ("the agency is not active", replace(POLICE, standing=Standing.RETIRED), facts()),
        ("outside the agency's authorised area: US-CA", POLICE, facts(jurisdictions=("US-CA", "US-CA:06073"))),
        ("outside the agency's authorised area: US-TX", POLICE, facts(jurisdictions=("US-CA:06073", "US-TX"))),
        ("outside the agency's authorised area: MX-BCN:02004", POLICE, facts(jurisdictions=("MX-BCN:02004",))),
    ],
)
def test_it_says_why_it_may_not_be_published(because: str, who: Agency, event: Facts) -> None:
    decision = may_publish(principal(who), event, NOW)

    assert (decision.is_allowed, decision.reason) == (False, because)
    assert decision.reason.es not in ("", because)


@pytest.mark.parametrize(
    ("since", "until", "because"),
    [
        (0, 1, "own event"),
        (-1, 1, "own event"),
        (1, 2, "the right to publish this has not begun"),
        (-1, 0, "the right to publish this has expired"),
    ],
)
def test_a_publish_right_holds_from_its_first_instant_to_just_before_its_last(
    since: int, until: int, because: str
) -> None:
    right = PublishRight(
        types=("alert.*",), jurisdictions=("US-CA",), valid_from=NOW + since * DAY, valid_until=NOW + until * DAY
    )

    decision = may_publish(principal(replace(POLICE, publishes=(right,))), facts(), NOW)

    assert (decision.is_allowed, decision.reason) == (because == "own event", because)


def test_a_type_is_published_only_in_the_places_of_its_right() -> None:
    state = replace(
        POLICE,
        jurisdictions=("US-CA", "US-AZ"),
        publishes=publishing(["alert.missing_child.*"], ["US-CA"]) + publishing(["alert.warning.*"], ["US-AZ"]),
    )

    def publishes(event_type: str, *places: str) -> str:
        return str(may_publish(principal(state), facts(type=event_type, jurisdictions=places), NOW).reason)

    assert publishes("alert.missing_child.issued", "US-CA:06073") == "own event"
    assert publishes("alert.warning.issued", "US-AZ") == "own event"
    assert publishes("alert.missing_child.issued", "US-AZ") == "outside the agency's authorised area: US-AZ"
    assert publishes("alert.warning.issued", "US-AZ", "US-CA") == "outside the agency's authorised area: US-CA"


def test_rights_for_one_type_add_up() -> None:
    both = publishing(["alert.*"], ["US-CA"]) + publishing(["alert.warning.*"], ["US-AZ"])
    state = replace(POLICE, jurisdictions=("US",), publishes=both)

    event = facts(type="alert.warning.issued", jurisdictions=("US-AZ", "US-CA"))

    assert may_publish(principal(state), event, NOW).is_allowed


def test_a_right_reaches_no_further_than_the_agencys_own_places() -> None:
    eager = replace(POLICE, jurisdictions=("US-CA",), publishes=publishing(["alert.*"], ["US"]))

    decision = may_publish(principal(eager), facts(jurisdictions=("US-AZ",)), NOW)

    assert decision.reason == "outside the agency's authorised area: US-AZ"


def test_an_answer_needs_no_right_to_publish_but_stays_in_the_agencys_places() -> None:
    answers = facts(source=SHELTER.id, type="ack.read", jurisdictions=("US-CA",))

    assert may_publish(principal(SHELTER), answers, NOW).is_allowed
    assert not may_publish(principal(SHELTER), replace(answers, jurisdictions=("US-AZ",)), NOW).is_allowed


def test_at_most_five_places_are_named_in_a_refusal() -> None:
    states = ("US-AL", "US-AZ", "US-NM", "US-NV", "US-OR", "US-TX", "US-WA")

    reason = may_publish(principal(POLICE), facts(jurisdictions=states), NOW).reason

    assert reason == "outside the agency's authorised area: US-AL, US-AZ, US-NM, US-NV, US-OR"


@pytest.mark.parametrize(
    ("because", "narrowed"),
    [
        ("the token lacks events:publish", {"scopes": frozenset({READ, ACKNOWLEDGE})}),
        ("outside the token's jurisdictions", {"jurisdictions": ("US-CA:06075",)}),
        ("outside the token's jurisdictions", {"jurisdictions": ("MX",)}),
    ],
)
def test_a_token_narrows_what_may_be_published(because: str, narrowed: dict[str, Any]) -> None:
    assert may_publish(principal(POLICE, **narrowed), facts(), NOW).reason == because


def test_a_token_for_one_county_publishes_for_no_wider_or_further_place() -> None:
    state = replace(POLICE, jurisdictions=("US-CA",), publishes=publishing(("alert.*",), ("US-CA",)))
    county = principal(state, jurisdictions=("US-CA:06073",))
    wider, further = facts(jurisdictions=("US-CA",)), facts(jurisdictions=("US-CA:06073", "US-CA:06075"))

    assert may_publish(county, facts(), NOW).is_allowed
    assert all(may_publish(principal(state), event, NOW).is_allowed for event in (wider, further))
    assert not any(may_publish(county, event, NOW).is_allowed for event in (wider, further))


def test_a_token_for_one_county_still_answers_for_its_agency() -> None:
    state = replace(POLICE, jurisdictions=("US-CA",))
    answer = facts(type="ack.read", jurisdictions=("US-CA",))

    assert may_publish(principal(state, jurisdictions=("US-CA:06073",)), answer, NOW).is_allowed
    assert not may_publish(principal(state, jurisdictions=("US-TX",)), answer, NOW).is_allowed


def test_a_kafka_topic_proves_the_agency_with_nothing_to_narrow_it() -> None:
    decision = may_publish(of_agency(POLICE), facts(), NOW)

    assert decision.is_allowed
    assert of_agency(POLICE).client_id == "kafka:us-ca-sdpd"


def acknowledging(asking: Principal, event: Facts) -> tuple[bool, str]:
    """Whether it may answer, and why, given what it may read."""
    held = rules(grant(types=("*",)))
    decision = may_answer(asking, "ack.read", event, may_read(asking, event, held, NOW))
    return decision.is_allowed, str(decision.reason)


def test_who_may_read_an_event_may_answer_it() -> None:
    asking = principal(SHELTER)
    reading = may_read(asking, facts(), rules(grant()), NOW)

    decision = may_answer(asking, "ack.read", facts(), reading)

    assert (decision.is_allowed, decision.grant, decision.projection) == (True, reading.grant, None)


def test_who_was_only_told_that_it_closed_may_answer_that() -> None:
    closing = facts(type="alert.missing_child.cancelled")
    reading = may_read(principal(STRANGER), closing, rules(), NOW, has_received=True)

    assert may_answer(principal(STRANGER), "ack.read", closing, reading).is_allowed


@pytest.mark.parametrize(
    ("because", "asking", "event"),
    [
        ("the token lacks acks:write", principal(SHELTER, scopes=frozenset({READ, PUBLISH})), facts()),
        ("no grant covers it", principal(STRANGER), facts()),
        ("the token lacks events:read", principal(SHELTER, scopes=frozenset({ACKNOWLEDGE})), facts()),
        ("an agency does not answer its own event", principal(POLICE), facts()),
        (
            "an acknowledgement is not answered",
            principal(POLICE),
            facts(type="ack.read", source=SHELTER.id, audience=(POLICE.id,)),
        ),
    ],
)
def test_it_says_why_it_may_not_be_answered(because: str, asking: Principal, event: Facts) -> None:
    assert acknowledging(asking, event) == (False, because)
