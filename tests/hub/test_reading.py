"""From a lane's decision to an event's: what holds for all of a lane, and what each event is asked for itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.consents import Consent
from hub.grants import Grant, Owner
from hub.lanes import Lane, LaneMap, coarsen
from hub.picture import Picture, Stale, View
from hub.policy import Decision, Facts, may_read
from hub.principal import Principal
from hub.reading import Asking, Shown, choose, decide
from hub.stored import Stored
from schemas.sensitivity import Sensitivity
from tests.hub import strategies
from tests.hub.strategies import rules_of
from tests.hub.test_rendering import TIMING, stored
from tests.support import events
from tests.support.cast import DAY, LIMITS, NOW, POLICE, facts, grant, principal, rules
from tests.support.examples import examples

TICK = DAY / 86_400_000_000
OWNED = grant(owners=(Owner(agency=POLICE.id, events_from=NOW),))
CONSENT = Consent(
    id="consent-1",
    source=POLICE.id,
    subject=events.alert()["subject"],
    fields=("/data/child/medical",),
    recipients=frozenset({"us-ca-shelter"}),
    purpose="locate-child",
    signed_at=NOW - DAY,
    valid_until=NOW + DAY,
)


def asking(event: Facts, *held: Grant, who: Principal | None = None, consents: Any = None) -> Asking:
    """The shelter asking where this event's lane is the only one."""
    known = replace(rules(*held), consents=consents or {})
    lane_facts, is_coarse = coarsen(event)
    lanes = LaneMap.of([Lane(1, lane_facts, is_coarse)])
    return Asking(who or principal(), Picture.unread(LIMITS), View(known, lanes), NOW)


def row(event: Facts, **differs: Any) -> Stored:
    """It as a row of the log."""
    told = {"source": event.source, "jurisdictions": event.jurisdictions, "audience": event.audience or ()}
    return stored(events.alert(), **told | differs)


def of_row(asked: Asking, one: Stored) -> Decision:
    """What is decided for a row."""
    return decide(asked, one, asked.reach())


@pytest.mark.parametrize(("accepted_at", "allowed"), [(NOW - TICK, False), (NOW, True), (NOW + TICK, True)])
def test_an_event_that_is_older_than_its_grant_is_asked_for_itself(accepted_at: datetime, allowed: bool) -> None:
    asked = asking(facts(), OWNED)

    assert of_row(asked, row(facts(), accepted_at=accepted_at)).is_allowed is allowed


def test_what_was_offered_is_open_although_it_is_older() -> None:
    asked = asking(facts(), OWNED)
    early = row(facts(), accepted_at=NOW - DAY)

    assert of_row(asked, replace(early, offers=frozenset({OWNED.id}))).grant == OWNED.id
    assert not of_row(asked, replace(early, offers=frozenset({"other"}))).is_allowed


def test_an_event_of_a_coarse_lane_is_asked_for_itself() -> None:
    others = ("us-a", "us-b", "us-c", "us-d", "us-e")
    many = facts(audience=others)
    asked = asking(many, grant())

    assert asked.reach().lanes == (1,)
    assert not of_row(asked, row(many)).is_allowed
    assert of_row(asked, row(replace(many, audience=(*others, "us-ca-shelter")))).is_allowed


def test_an_owed_closing_is_a_notice_where_no_grant_opens_it() -> None:
    closing = facts(type="alert.missing_child.located")

    assert of_row(asking(closing), row(closing, is_owed=True)).projection == "notice"
    assert of_row(asking(closing, grant()), row(closing, is_owed=True)).projection == "partner"
    assert not of_row(asking(closing), row(closing)).is_allowed


def test_an_owed_closing_that_is_older_than_its_grant_is_a_notice() -> None:
    closing = facts(type="alert.missing_child.located")

    decision = of_row(asking(closing, OWNED), row(closing, is_owed=True, accepted_at=NOW - DAY))

    assert decision.projection == "notice"


def test_a_row_of_a_lane_that_is_not_known_yet_makes_the_picture_stale() -> None:
    with pytest.raises(Stale):
        of_row(asking(facts(), grant()), row(facts(), lane=2))


def test_what_is_offered_again_is_no_news_to_who_has_it_on_an_older_grant() -> None:
    again = row(facts(), accepted_at=NOW - DAY, offers=frozenset({OWNED.id}), offered_by=OWNED.id)

    def shown(clearance: Sensitivity) -> list[str | None]:
        asked = asking(facts(), OWNED, grant(id="older", clearance=clearance))
        return [item.decision.grant for item in choose(asked, [again])]

    assert shown(Sensitivity.PUBLIC) == [OWNED.id]
    assert shown(Sensitivity.PARTNER) == []


def test_what_is_shown_names_the_consents_that_widened_it() -> None:
    protected = grant(clearance=Sensitivity.PROTECTED)
    also = replace(CONSENT, id="consent-2", fields=("/data/child/birth_date",))
    asked = asking(facts(), protected, consents={(POLICE.id, CONSENT.subject): (CONSENT, also)})

    (shown,) = choose(asked, [row(facts())])

    child = orjson.loads(shown.text)["data"]["child"]
    assert (shown.name, shown.projection) == ("partner+consent-1+consent-2", "partner")
    assert (child["birth_date"], child["medical"]["en"]) == ("2016-09-01", "Needs insulin")


def test_without_a_consent_what_is_shown_is_the_projection() -> None:
    asked = asking(facts(), grant(clearance=Sensitivity.PROTECTED))

    (shown,) = choose(asked, [row(facts())])

    assert (shown.name, shown.consent) == ("partner", None)
    assert "medical" not in shown.text


def test_a_consent_opens_its_members_after_the_alert_as_well() -> None:
    protected = grant(clearance=Sensitivity.PROTECTED)
    asked = asking(facts(), protected, consents={(POLICE.id, CONSENT.subject): (CONSENT,)})

    (shown,) = choose(asked, [row(facts(), timing=replace(TIMING, lapsed_at=NOW))])

    assert shown.name == "partner~+consent-1"
    assert orjson.loads(shown.text)["data"]["child"].keys() == {"medical", "age_band"}


def test_the_row_alone_says_what_nothing_widened() -> None:
    shown = Shown(row(facts()), Decision(True, "own event", "full"), "full")  # type: ignore[arg-type]

    assert orjson.loads(shown.text) == events.alert()


@given(
    strategies.principals, strategies.events, strategies.grant_lists, st.sampled_from(strategies.TIMES), st.booleans()
)
@settings(max_examples=examples(150))
def test_the_lane_and_the_event_are_of_one_mind(
    who: Principal, published: list[Facts], held: list[Grant], accepted_at: datetime, is_owed: bool
) -> None:
    known = rules_of(held)
    for event in published:
        lane_facts, is_coarse = coarsen(replace(event, accepted_at=None, offers=frozenset()))
        view = View(known, LaneMap.of([Lane(1, lane_facts, is_coarse)]))
        asked = Asking(who, Picture.unread(LIMITS), view, NOW)
        one = row(event, accepted_at=accepted_at, offers=event.offers, is_owed=is_owed)

        exact = replace(event, accepted_at=accepted_at)
        decided = may_read(who, exact, known, NOW, has_received=is_owed)
        assert replace(of_row(asked, one), holds_from=None) == replace(decided, holds_from=None)
        assert asked.reach().lanes == (1,) or not may_read(who, exact, known, NOW).is_allowed
