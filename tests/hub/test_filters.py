"""What a subscriber is told of: each part of a filter, and that it looks at nothing its reader does not see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from hub.filter_rows import FILTER, written
from hub.filters import Change, Filter, Seen, change_of, seen_in
from schemas import projection
from schemas.alert import SEVERITIES
from schemas.registry import BODIES
from tests.support import events

READER = "us-ca-shelter"
SEEN = Seen(
    source="us-ca-sdpd",
    type="alert.missing_child.issued",
    status="actual",
    subject="ximena",
    jurisdictions=("US-CA:06073",),
    severity="Severe",
    urgency="Immediate",
)


@pytest.mark.parametrize(
    ("wanted", "is_told"),
    [
        ({}, True),
        ({"types": ("alert.*",)}, True),
        ({"types": ("case.*",)}, False),
        ({"jurisdictions": ("US-CA",)}, True),
        ({"jurisdictions": ("US-TX", "MX-BCN")}, False),
        ({"subject": "ximena"}, True),
        ({"subject": "other"}, False),
        ({"severity": "Severe"}, True),
        ({"severity": "Extreme"}, False),
        ({"urgency": "Expected"}, True),
        ({"changes": frozenset({Change.NEW})}, True),
        ({"changes": frozenset({Change.LOCATED})}, False),
        ({"status": "test"}, False),
    ],
)
def test_a_filter_takes_away_what_it_does_not_name(wanted: dict[str, Any], is_told: bool) -> None:
    assert Filter(**wanted).wants(SEEN, READER) is is_told


def test_nobody_is_told_of_their_own_events_unless_they_ask() -> None:
    assert not Filter().wants(SEEN, SEEN.source)
    assert Filter(own=True).wants(SEEN, SEEN.source)


@pytest.mark.parametrize("least", SEVERITIES[:-1])
def test_what_does_not_say_how_severe_it_is_comes_whatever_is_wanted(least: str) -> None:
    notice = replace(SEEN, type="alert.missing_child.located", severity=None, urgency=None)

    assert Filter(severity=least).wants(notice, READER)


@pytest.mark.parametrize(
    ("event_type", "change"),
    [
        ("alert.missing_child.issued", Change.NEW),
        ("case.trafficking.opened", Change.NEW),
        ("alert.warning.updated", Change.UPDATED),
        ("alert.missing_child.cancelled", Change.CANCELLED),
        ("case.trafficking.closed", Change.CANCELLED),
        ("alert.missing_child.located", Change.LOCATED),
        ("control.recalled", Change.CANCELLED),
        ("control.label_changed", Change.UPDATED),
        ("ack.declined", Change.NEW),
        ("note.sighting", Change.NEW),
    ],
)
def test_every_type_is_a_change(event_type: str, change: Change) -> None:
    assert event_type in BODIES
    assert change_of(event_type) is change


def test_a_filter_sees_no_more_than_its_reader() -> None:
    cut = projection.project(
        events.alert(label={"marks": {"/data/severity": "enforcement"}}), "alert.missing_child.issued"
    )

    seen = {name: seen_in(projection.render(cut.text, cut.cuts[name])) for name in ("notice", "partner", "enforcement")}

    assert {name: one.severity for name, one in seen.items()} == {
        "notice": None,
        "partner": None,
        "enforcement": "Severe",
    }


@pytest.mark.parametrize(
    ("differs", "is_urgent"),
    [
        ({}, True),
        ({"urgency": "Expected"}, False),
        ({"urgency": None, "type": "alert.missing_child.located"}, True),
        ({"type": "case.trafficking.closed"}, False),
    ],
)
def test_an_alert_for_immediate_action_and_the_end_of_any_alert_may_not_wait(
    differs: dict[str, Any], is_urgent: bool
) -> None:
    assert replace(SEEN, **differs).is_urgent is is_urgent


filters = st.builds(
    Filter,
    types=st.lists(st.sampled_from(["*", "alert.*", "case.trafficking.opened"]), min_size=1, max_size=3).map(tuple),
    jurisdictions=st.lists(st.sampled_from(["US", "US-CA:06073", "MX-BCN"]), max_size=3).map(tuple),
    subject=st.none() | st.text("abc", min_size=1, max_size=5),
    severity=st.none() | st.sampled_from(SEVERITIES[:-1]),
    changes=st.frozensets(st.sampled_from(Change), min_size=1),
    own=st.booleans(),
)


@given(filters)
def test_a_filter_is_read_back_as_it_was_written(wanted: Filter) -> None:
    assert FILTER.load(written(wanted)) == wanted


@pytest.mark.parametrize(
    "told",
    [
        {"types": []},
        {"types": ["alert"] * 33},
        {"types": ["ALERT.*"]},
        {"jurisdictions": ["XX"]},
        {"jurisdictions": ["US-CA"] * 257},
        {"changes": []},
        {"changes": ["gone"]},
        {"severity": "Unknown"},
        {"status": "draft"},
        {"subject": ""},
        {"own": "yes"},
        {"colour": "red"},
    ],
)
def test_a_filter_that_says_nothing_sensible_is_refused_by_name(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        FILTER.load(told)

    assert set(refusal.value.messages_dict) == set(told)
