"""One decision for all that the policy cannot tell apart is the decision of each of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.broadcast import decide_for
from hub.consents import Consent
from hub.grants import Grant
from hub.lanes import Lane, LaneMap, coarsen
from hub.picture import View
from hub.policy import Facts, may_read
from hub.principal import Principal
from hub.reading import as_shown
from hub.store.coming import Coming
from tests.hub import strategies
from tests.hub.strategies import rules_of
from tests.hub.test_reading import row
from tests.support.examples import examples


@given(
    st.lists(strategies.principals, min_size=2, max_size=30),
    strategies.grant_lists,
    strategies.consent_lists,
    strategies.events,
    st.frozensets(st.sampled_from(strategies.IDS), max_size=3),
    strategies.moments,
)
@settings(max_examples=examples(300))
def test_who_is_told_together_is_told_what_each_would_be_told_alone(
    principals: list[Principal],
    held: list[Grant],
    consented: list[Consent],
    events: list[Facts],
    owed: frozenset[str],
    at: datetime,
) -> None:
    rules = rules_of(held, consented)
    for facts in events:
        lane_facts, is_coarse = coarsen(facts)
        view = View(rules, LaneMap.of([Lane(1, lane_facts, is_coarse)]))
        one = row(facts, lane=1, subject=strategies.SUBJECTS[0], accepted_at=facts.accepted_at or at)
        exact = replace(facts, audience=one.audience, accepted_at=one.accepted_at, offers=one.offers)
        alone = []
        for principal in principals:
            decision = may_read(principal, exact, rules, at, has_received=principal.agency.id in owed)
            shown = as_shown(principal, one, decision, rules, at)
            if shown is not None:
                alone.append((principal, shown))

        together = list(decide_for(view, Coming(row=one, is_offer=False, offered_to=None, owed=owed), principals, at))

        assert together == alone
