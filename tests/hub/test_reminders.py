"""What ends soon, and when that is said: at 30, 7 and 1 days before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.directory import Attestation, Credential, PublishRight
from hub.reminders import THRESHOLDS_DAYS, Ending, due, endings, endings_of_grants, endings_of_keys, threshold
from tests.support.cast import DAY, FISCALIA, NOW, SHELTER, grant, rules

SECOND = timedelta(seconds=1)


def attestation(until: timedelta, since: timedelta = -DAY, kind: str = "nda") -> Attestation:
    return Attestation(kind=kind, valid_from=NOW + since, valid_until=NOW + until)


def warned(*held: Attestation, publishes: tuple[PublishRight, ...] = ()) -> list[tuple[str, str, int]]:
    found = due(endings([replace(SHELTER, attestations=held, publishes=publishes)]), NOW)
    return [(one.ending.what, one.ending.id, one.days) for one in found]


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (30 * DAY + SECOND, None),
        (30 * DAY, 30),
        (7 * DAY + SECOND, 30),
        (7 * DAY, 7),
        (DAY + SECOND, 7),
        (DAY, 1),
        (SECOND, 1),
        (0 * DAY, None),
        (-DAY, None),
    ],
)
def test_the_nearest_threshold_reached_counts(left: timedelta, days: int | None) -> None:
    assert threshold(NOW + left, NOW) == days


@given(st.timedeltas(timedelta(), timedelta(days=60)), st.timedeltas(timedelta(), timedelta(days=60)))
def test_time_only_ever_brings_a_nearer_threshold(one: timedelta, other: timedelta) -> None:
    early, late = sorted([one, other])
    end = NOW + 60 * DAY

    before, after = threshold(end, NOW + early), threshold(end, NOW + late)

    assert after is None or before is None or after <= before
    assert before is None or after in THRESHOLDS_DAYS or NOW + late >= end


def test_what_ends_first_comes_first() -> None:
    assert warned(attestation(20 * DAY), attestation(2 * DAY, kind="28-cfr-23")) == [
        ("attestation", "28-cfr-23", 7),
        ("attestation", "nda", 30),
    ]


def test_what_is_renewed_already_does_not_end() -> None:
    assert warned(attestation(2 * DAY), attestation(400 * DAY, since=DAY)) == []


@pytest.mark.parametrize(
    "other",
    [
        attestation(400 * DAY, since=3 * DAY),  # leaves a gap
        attestation(400 * DAY, kind="28-cfr-23"),
        attestation(DAY),
    ],
)
def test_what_begins_too_late_or_is_something_else_renews_nothing(other: Attestation) -> None:
    assert ("attestation", "nda", 7) in warned(attestation(2 * DAY), other)


def test_a_publish_right_without_an_end_is_never_warned_of() -> None:
    endless = PublishRight(types=("alert.*",), jurisdictions=("US-CA",))

    assert warned(publishes=(endless,)) == []


def test_a_publish_right_is_warned_of_unless_another_goes_on_with_as_much() -> None:
    right = PublishRight(types=("alert.*",), jurisdictions=("US-CA",), valid_until=NOW + DAY)
    narrower = replace(right, jurisdictions=("US-CA:06073",), valid_until=NOW + 400 * DAY)
    as_wide = replace(right, types=("alert.*", "case.*"), valid_until=NOW + 400 * DAY)

    assert warned(publishes=(right, narrower)) == [("publish_right", "alert.*", 1)]
    assert warned(publishes=(right, as_wide)) == []


def test_a_grant_ends_for_its_reader_and_for_nobody_else() -> None:
    held = rules(grant(valid_until=NOW + 3 * DAY))

    assert [one.id for one in endings_of_grants(held, reader=SHELTER)] == ["police-to-shelter"]
    assert endings_of_grants(held, reader=FISCALIA) == []
    assert endings_of_grants(held)[0].agency == SHELTER.id


def test_a_key_that_has_an_end_and_counts_is_warned_of() -> None:
    key = Credential(
        client_id=SHELTER.id,
        agency=SHELTER.id,
        public_key_pem="",
        scopes=frozenset(),
        jurisdictions=("US",),
        expires_at=NOW + DAY,
    )

    found = endings_of_keys([key, replace(key, expires_at=None), replace(key, is_enabled=False)])

    assert found == [Ending(what="key", id=SHELTER.id, agency=SHELTER.id, ends_at=NOW + DAY)]
