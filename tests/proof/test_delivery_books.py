"""What the proof `delivery` concludes from what it saw breaks it where it is there to break it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.proof.delivery_books import ARRIVES_S, STREAMS, Beside, Cut, Finding, Round, books, cut, isolation, timed
from tests.proof.delivery_cast import Got, Receiver

A, B = Got("m1", "a", 1, 10.0), Got("m2", "b", 2, 11.0)
ALONE = Round(beside=Beside.NOBODY, began_quiet=True, took_s=[0.1] * 4, never=0, calls=[0, 0])
CALM = replace(ALONE, beside=Beside.GOOD, calls=[3, 1])
BESIDE = replace(CALM, beside=Beside.BAD)
GOOD = Cut(streams=STREAMS, ends_before={}, waiting=7, ends_s=[0.3, 1.9], left_open=0, others=3)


def receiver(*got: Got) -> Receiver:
    made = Receiver("one")
    for each in got:
        made.keep(each)
    return made


def unmet(finding: Finding) -> list[str]:
    return [name for name, is_kept in finding.kept.items() if not is_kept]


@pytest.mark.parametrize(
    ("got", "stream", "defects"),
    [
        ([A, B], ["a", "b"], {}),
        ([A, B, B], ["b", "a"], {}),
        ([A], ["a", "b"], {"lost": 1, "holes": 1}),
        ([], ["a", "b"], {"lost": 2, "holes": 2}),
        ([A, B, Got("m3", "c", 2, 12.0)], ["a", "b"], {"foreign": 1}),
        ([A, B, Got("m3", "b", 2, 12.0)], ["a", "b"], {"told_twice": 1}),
        ([A, Got("m1", "b", 2, 12.0)], ["a", "b"], {"two_events_under_one_id": 1}),
        ([A, Got("m2", "b", 3, 12.0)], ["a", "b"], {"holes": 2}),
        ([A, B], ["a"], {"stream_lost": 1}),
        ([A, B], ["a", "b", "a"], {"stream_doubled": 1}),
    ],
)
def test_every_defect_of_the_books_breaks_the_proof(
    got: Sequence[Got], stream: Sequence[str], defects: dict[str, int]
) -> None:
    found = books([receiver(*got)], {"one": 2}, stream, ["a", "b"])
    wrong = {"lost", "foreign", "two_events_under_one_id", "told_twice", "holes", "stream_lost", "stream_doubled"}
    assert {name: found.figures[name] for name in wrong if found.figures[name]} == defects
    assert unmet(found) == (["clean-books"] if defects else [])


def test_a_message_that_comes_again_is_counted_and_its_event_came_when_it_came_first() -> None:
    found = receiver(A, B, replace(A, at_s=40.0))
    assert books([found], {"one": 2}, ["a", "b"], ["a", "b"]).figures["doubled"] == 1
    assert timed({"a": 9.0, "b": 9.0}, [found]) == ([1.0, 2.0], 0)


@pytest.mark.parametrize("at_s", [None, 9.0 + ARRIVES_S + 0.1, 8.0])
def test_what_never_came_in_time_takes_the_longest_time(at_s: float | None) -> None:
    there = [] if at_s is None else [replace(A, at_s=at_s)]
    assert timed({"a": 9.0, "b": 9.0}, [receiver(B, *there)]) == ([ARRIVES_S, 2.0], 1)


@pytest.mark.parametrize(
    ("rounds", "broken"),
    [
        ([ALONE, CALM, BESIDE], []),
        ([ALONE, CALM, replace(BESIDE, never=1)], ["everything-arrived-in-time"]),
        ([ALONE, replace(CALM, took_s=[0.1] * 3), BESIDE], ["everything-arrived-in-time"]),
        ([ALONE, CALM, replace(BESIDE, calls=[3, 0])], ["others-only-beside"]),
        ([ALONE, replace(CALM, calls=[3, 0]), BESIDE], ["others-only-beside"]),
        ([replace(ALONE, calls=[0, 1]), CALM, BESIDE], ["others-only-beside"]),
        ([ALONE, replace(CALM, began_quiet=False), BESIDE], ["others-only-beside"]),
        ([ALONE, CALM, replace(BESIDE, took_s=[0.1, 0.1, 0.1, 0.13])], ["bad-ones-isolated"]),
        ([ALONE, CALM, CALM, CALM, BESIDE, BESIDE, replace(BESIDE, took_s=[0.1, 0.1, 0.1, 3.0])], []),
    ],
)
def test_bad_receivers_that_are_felt_or_that_were_not_bad_break_the_proof(
    rounds: Sequence[Round], broken: Sequence[str]
) -> None:
    assert unmet(isolation(rounds, timings=4)) == broken


@pytest.mark.parametrize(
    ("worse", "broken"),
    [
        (GOOD, []),
        (replace(GOOD, ends_s=[]), []),
        (replace(GOOD, ends_before={"late": 200}), []),
        (replace(GOOD, ends_s=[0.3, 2.001]), ["cut-within-2-s"]),
        (replace(GOOD, streams=STREAMS - 1), ["all-streams-open-at-the-cut"]),
        (replace(GOOD, waiting=0), ["webhooks-waiting-at-the-cut"]),
        (replace(GOOD, left_open=1), ["streams-ended"]),
        (replace(GOOD, others=0), ["others-told-after-the-cut"]),
    ],
)
def test_one_cut_that_shows_nothing_or_comes_late_breaks_the_proof(worse: Cut, broken: Sequence[str]) -> None:
    assert unmet(cut([GOOD, worse])) == broken
