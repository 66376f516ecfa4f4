"""Ladders: what a file may say, who is called when, and what is missing on the way."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from hub import main_rules
from hub.directory import Kind
from hub.ladder_rows import load_ladders
from hub.ladders import Ladder, Ladders, Step, Urgency, calls, turn, ways_to, weak
from hub.settings import SettingsError, load_settings
from schemas.flaws import flatten
from tests.support.cast import LADDERS

POLICE_ONLY = frozenset({Kind.LAW_ENFORCEMENT})
BY_HOOK, BY_MAIL = frozenset({"webhook"}), frozenset({"email"})
LADDER = """
[[ladder]]
name = "urgent"
types = ["alert.*"]
urgency = "urgent"
kinds = ["law_enforcement"]
step = [{ after_s = 0, desk = "supervisor" }, { after_s = 600, desk = "duty", to = "issuer" }]
"""


def loaded(text: str) -> Ladders:
    return load_ladders(tomllib.loads(text))


def ladder(*steps: tuple[int, str]) -> Ladder:
    """Due after 100 s; the last step is the issuer's."""
    last = len(steps) - 1
    return Ladder(
        name="ladder",
        types=("*",),
        urgency=Urgency.URGENT,
        kinds=POLICE_ONLY,
        ack_within_s=100,
        steps=tuple(
            Step(after_s=after_s, desk=desk, is_issuers=number == last) for number, (after_s, desk) in enumerate(steps)
        ),
    )


THREE = ladder((0, "supervisor"), (60, "command"), (90, "duty"))


def test_every_kind_of_traffic_that_the_shipped_file_names_has_a_ladder_that_ends_with_the_issuer() -> None:
    found = [
        LADDERS.of(event_type, urgency)
        for event_type, urgency in (
            ("alert.missing_child.issued", Urgency.URGENT),
            ("alert.warning.issued", Urgency.ROUTINE),
            ("case.trafficking.opened", Urgency.ROUTINE),
        )
    ]

    assert [one is not None and (one.ack_within_s, one.steps[-1].is_issuers) for one in found] == [
        (600, True),
        (3600, True),
        (3600, True),
    ]


@pytest.mark.parametrize(("urgency", "within_s"), [("urgent", 600), ("routine", 3600)])
def test_how_soon_follows_from_the_urgency_unless_said(urgency: str, within_s: int) -> None:
    (row,) = loaded(LADDER.replace('urgency = "urgent"', f'urgency = "{urgency}"')).rows

    assert row.ack_within_s == within_s


def test_the_first_ladder_that_fits_counts() -> None:
    narrow = LADDER.replace("alert.*", "alert.missing_child.*").replace('"urgent"\ntypes', '"narrow"\ntypes')
    found = loaded(narrow + LADDER)

    names = [
        one and one.name
        for one in (
            found.of("alert.missing_child.issued", Urgency.URGENT),
            found.of("alert.warning.issued", Urgency.URGENT),
            found.of("alert.warning.issued", Urgency.ROUTINE),
            found.of("case.trafficking.opened", Urgency.URGENT),
        )
    ]
    assert names == ["narrow", "urgent", None, None]


def test_a_file_without_ladders_requires_nothing() -> None:
    assert loaded("").of("alert.missing_child.issued", Urgency.URGENT) is None


def problems(text: str) -> dict[str, str]:
    with pytest.raises(ValidationError) as refused:
        loaded(text)
    flaws = list(flatten(refused.value.messages))
    assert all(flaw.text.es not in ("", str(flaw.text)) for flaw in flaws)
    return {flaw.path: str(flaw.text) for flaw in flaws}


def test_the_public_cannot_be_asked_to_acknowledge() -> None:
    found = problems(LADDER.replace('["law_enforcement"]', '["law_enforcement", "public"]'))

    assert found == {"/ladder/0/kinds/1": "the public acknowledges nothing"}


NO_END = 'the last step, and no other, is the issuer\'s: to = "issuer"'


@pytest.mark.parametrize(
    ("taken", "put", "said"),
    [
        (', to = "issuer"', "", NO_END),
        ('desk = "supervisor"', 'desk = "supervisor", to = "issuer"', NO_END),
        ("after_s = 600", "after_s = 0", "each step comes later than the one before"),
    ],
)
def test_a_ladder_that_does_not_rise_to_its_issuer_is_refused(taken: str, put: str, said: str) -> None:
    assert problems(LADDER.replace(taken, put)) == {"/ladder/0/step": said}


def test_every_problem_is_told_at_once() -> None:
    text = (
        LADDER.replace('"urgent"\ntypes', '"Not A Name"\ntypes')
        .replace('["law_enforcement"]', '["sheriffs"]')
        .replace("after_s = 600", "after_s = -1")
        .replace("types =", "ack_within_s = 5\nother = 1\ntypes =")
    )

    assert sorted(problems(text)) == [
        "/ladder/0/ack_within_s",
        "/ladder/0/kinds/0",
        "/ladder/0/name",
        "/ladder/0/other",
        "/ladder/0/step/1/after_s",
    ]


def test_two_ladders_of_one_name_are_refused() -> None:
    assert problems(LADDER + LADDER) == {"/ladder": "the same name twice: urgent"}


def test_desks_are_called_here_and_the_issuer_where_it_is() -> None:
    shares = {
        (here, ours): list(THREE.share(of_recipient=here, of_issuer=ours))
        for here in (True, False)
        for ours in (True, False)
    }

    assert shares == {(True, True): [0, 1, 2], (True, False): [0, 1], (False, True): [2], (False, False): []}


def test_a_desk_that_is_not_there_is_passed_over_and_the_issuer_never_is() -> None:
    def taken(*desks: str) -> list[int | None]:
        return [turn(THREE, range(start, 3), desks.__contains__).step for start in range(3)]

    assert (taken("supervisor", "command"), taken("command"), taken()) == ([0, 1, 2], [1, 1, 2], [2, 2, 2])


def planned(*desks: str) -> list[tuple[int, str]]:
    return [(call.at_s, call.desk) for call in calls(THREE, dict.fromkeys(desks, BY_HOOK), {"duty": BY_MAIL}, {})]


def test_calls_come_when_they_are_due() -> None:
    assert planned("supervisor", "command") == [(100, "supervisor"), (160, "command"), (190, "duty")]


def test_a_missing_desk_brings_the_next_call_at_once_and_the_waits_after_it_stay() -> None:
    assert planned("command") == [(100, "supervisor"), (100, "command"), (130, "duty")]
    assert planned("supervisor") == [(100, "supervisor"), (160, "command"), (160, "duty")]
    assert planned() == [(100, "supervisor"), (100, "command"), (100, "duty")]


def told(desks: dict[str, frozenset[str]], issuers: dict[str, frozenset[str]], first: frozenset[str]) -> list[str]:
    return [str(text) for text in weak(calls(THREE, {"duty": first} | desks, issuers, {"duty": first}))]


def test_nothing_is_missing_where_each_desk_is_reached_by_another_way() -> None:
    assert told({"supervisor": BY_MAIL, "command": BY_HOOK}, {"duty": BY_HOOK}, BY_HOOK) == []


def test_what_is_missing_or_reached_by_the_same_way_is_said() -> None:
    assert told({"supervisor": BY_HOOK}, {}, BY_HOOK) == [
        "step 1: desk supervisor is reached by webhook alone, as is who is told before",
        "step 2: there is no desk command, so the next step is taken at once",
        "step 3: the issuer has no desk duty and no other, so nobody is told",
    ]


@pytest.mark.parametrize(
    ("desks", "told_before", "ways"),
    [
        ({"supervisor": BY_MAIL, "duty": BY_HOOK}, {"duty": BY_HOOK}, (BY_MAIL, False)),
        ({"supervisor": BY_MAIL | BY_HOOK, "duty": BY_HOOK}, {"duty": BY_HOOK}, (BY_MAIL | BY_HOOK, False)),
        ({"supervisor": BY_HOOK, "duty": BY_HOOK}, {"duty": BY_HOOK}, (BY_HOOK, True)),
        ({"supervisor": BY_HOOK, "duty": BY_HOOK, "night": BY_MAIL}, {"duty": BY_HOOK}, (BY_HOOK | BY_MAIL, False)),
        ({"supervisor": BY_HOOK, "night": BY_MAIL}, {}, (BY_HOOK, False)),
        ({"supervisor": BY_HOOK, "night": BY_MAIL}, {"supervisor": BY_HOOK}, (BY_HOOK, False)),
        ({"night": BY_MAIL}, {}, (BY_MAIL, False)),
    ],
    ids=[
        "by its own way, which is another",
        "by all its ways, if one is another",
        "by the same way, if the agency has no other",
        "by the agency's other way beside",
        "by its own, if nobody was told",
        "by its own, if it alone was told",
        "by all of the agency's, if there is no such desk",
    ],
)
def test_a_desk_is_called(
    desks: dict[str, frozenset[str]], told_before: dict[str, frozenset[str]], ways: tuple[frozenset[str], bool]
) -> None:
    assert ways_to("supervisor", desks, told_before) == ways


def test_what_an_earlier_call_has_used_is_no_other_way_for_the_next() -> None:
    desks = {"duty": BY_HOOK, "supervisor": BY_MAIL, "command": BY_MAIL}

    assert [call.ways for call in calls(THREE, desks, {"duty": BY_HOOK}, {"duty": BY_HOOK})] == [
        BY_MAIL,
        BY_MAIL | BY_HOOK,
        BY_HOOK,
    ]


LADDERS_OF = st.lists(st.integers(0, 1000), min_size=1, max_size=6, unique=True).map(
    lambda times: ladder(*((time, f"desk-{number}") for number, time in enumerate(sorted(times))))
)


@given(LADDERS_OF, st.sets(st.sampled_from([f"desk-{number}" for number in range(6)])))
def test_every_step_has_its_call_in_order_and_the_last_is_the_issuers(one: Ladder, desks: set[str]) -> None:
    found: list[Any] = calls(one, dict.fromkeys(desks, BY_HOOK), {}, {})

    assert [call.number for call in found] == list(range(len(one.steps)))
    assert all(earlier.at_s <= later.at_s for earlier, later in pairwise(found))
    assert found[0].at_s >= one.ack_within_s
    assert [call.is_issuers for call in found] == [False] * (len(found) - 1) + [True]


def test_a_node_whose_ladders_are_wrong_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("")
    (tmp_path / "escalation.toml").write_text(LADDER.replace(', to = "issuer"', ""))

    with pytest.raises(SettingsError) as refused:
        main_rules.ladders(load_settings(tmp_path / "hub.toml", {}))

    assert [str(text) for text in refused.value.problems] == [f"{tmp_path / 'escalation.toml'}/ladder/0/step: {NO_END}"]


def test_a_node_without_the_file_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("")

    with pytest.raises(SettingsError):
        main_rules.ladders(load_settings(tmp_path / "hub.toml", {}))
