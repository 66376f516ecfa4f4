"""A label is only ever changed to a tighter one: who could not read the event before cannot after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.directory import Kind
from hub.grants import Grant, Tlp
from hub.policy import Facts, may_read
from hub.principal import Principal
from hub.tightening import loosened, raised, refusal
from schemas.label import TLPS, Label
from schemas.registry import is_control
from schemas.visible import LEVELS, members
from tests.hub import strategies
from tests.support.cast import NOW, POLICE
from tests.support.events import alert
from tests.support.examples import examples

POINTERS = ("/data/child/name", "/data/child/age_years", "/data/lookout/vehicles/0/plate", "/data/headline")
HEIGHTS = {None: -1, "notice": 0, "public": 1, "partner": 2, "enforcement": 3, "full": 4}
RULES = strategies.rules_of([])
MARKS = {POINTERS[0]: "enforcement", POINTERS[1]: "resident"}
PRESENT = Label(
    tlp="amber",
    rel_to=("US",),
    audience=("ngo", "us-ca-sheriff"),
    purpose="rescue",
    marks=MARKS,
    public_until=NOW,
    active_until=NOW,
    review_by=NOW,
)
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a lower tlp": ({"tlp": "green"}, "a lower tlp", "un tlp más bajo"),
    "another country": ({"rel_to": ("MX",)}, "more countries in rel_to", "más países en rel_to"),
    "another agency": ({"audience": ("ngo", "school")}, "a wider audience", "más destinatarios"),
    "nobody named": ({"audience": ()}, "a wider audience", "más destinatarios"),
    "no purpose": ({"purpose": None}, "another purpose", "otro fin"),
    "another purpose": ({"purpose": "training"}, "another purpose", "otro fin"),
    "a laxer mark": (
        {"marks": MARKS | {POINTERS[0]: "partner"}},
        "no mark at /data/child/name, or a laxer one",
        "ninguna marca en /data/child/name, o una más laxa",
    ),
    "no mark": (
        {"marks": {POINTERS[1]: "resident"}},
        "no mark at /data/child/name, or a laxer one",
        "ninguna marca en /data/child/name, o una más laxa",
    ),
    "resident no more": (
        {"marks": MARKS | {POINTERS[1]: "protected"}},
        "no mark at /data/child/age_years, or a laxer one",
        "ninguna marca en /data/child/age_years, o una más laxa",
    ),
    "resident in the place of a level": (
        {"marks": MARKS | {POINTERS[0]: "resident"}},
        "no mark at /data/child/name, or a laxer one",
        "ninguna marca en /data/child/name, o una más laxa",
    ),
    "later": (
        {"active_until": NOW + timedelta(1)},
        "active_until later, or without an end",
        "active_until más tarde, o sin fin",
    ),
    "without an end": ({"review_by": None}, "review_by later, or without an end", "review_by más tarde, o sin fin"),
}


@pytest.mark.parametrize(("differs", "en", "es"), REFUSED.values(), ids=REFUSED.keys())
def test_what_it_would_loosen_is_said_in_both_languages(differs: dict[str, Any], en: str, es: str) -> None:
    (reason,) = loosened(PRESENT, replace(PRESENT, **differs))

    assert reason.as_dict() == {"en": en, "es": es}


TIGHTER: dict[str, dict[str, Any]] = {
    "the same": {},
    "a higher tlp": {"tlp": "red"},
    "no country": {"rel_to": ()},
    "one of those named": {"audience": ("ngo",)},
    "a stricter mark": {"marks": MARKS | {POINTERS[0]: "protected"}},
    "one more mark": {"marks": MARKS | {POINTERS[3]: "resident"}},
    "earlier": {"active_until": NOW - timedelta(1)},
    "another caveat": {"caveat": {"en": "Ask first."}},
}


@pytest.mark.parametrize("differs", TIGHTER.values(), ids=TIGHTER.keys())
def test_a_tighter_one_is_taken(differs: dict[str, Any]) -> None:
    assert loosened(PRESENT, replace(PRESENT, **differs)) == ()


def test_what_is_red_and_names_nobody_is_nobodys_and_stays_so() -> None:
    red = Label(tlp="red")

    assert loosened(red, replace(red, audience=("us-ca-sheriff",))) == ("a wider audience",)
    assert loosened(red, red) == ()


def test_an_open_label_may_name_an_audience_a_purpose_and_an_end() -> None:
    assert loosened(Label(), replace(PRESENT, tlp="amber+strict", rel_to=())) == ()


def test_all_that_is_wrong_is_said_at_once() -> None:
    told = refusal(loosened(PRESENT, replace(PRESENT, tlp="clear", purpose=None)))

    assert told == "the new label would loosen the old one (a lower tlp, another purpose); publish a new event"
    assert told.es == "la nueva etiqueta relajaría la anterior (un tlp más bajo, otro fin); publique un evento nuevo"


def test_whom_the_law_lets_see_more_once_named_is_not_named_by_a_change() -> None:
    school = next(one for one in strategies.EVERYBODY if one.kind is Kind.SCHOOL and one.country == "US")
    named = Label(audience=(school.id,))

    (reason,) = raised(Label(), named, POLICE.id, "case.trafficking.opened", RULES)

    assert school.id in reason
    assert raised(named, named, POLICE.id, "case.trafficking.opened", RULES) == ()
    assert raised(Label(), named, POLICE.id, "alert.warning.issued", RULES) == ()


# --- For any labels.

_names = st.lists(st.sampled_from([*strategies.IDS[:6], "ngo", "school"]), max_size=2, unique=True).map(tuple)
_moments = st.none() | st.sampled_from(strategies.TIMES)
labels = st.builds(
    Label,
    tlp=st.sampled_from(TLPS),
    rel_to=st.sampled_from([(), ("US",), ("MX",), ("MX", "US")]),
    audience=_names,
    purpose=st.sampled_from([None, *strategies.PURPOSES]),
    marks=st.dictionaries(
        st.sampled_from(POINTERS), st.sampled_from(["partner", "enforcement", "protected", "resident"])
    ),
    public_until=_moments,
    active_until=_moments,
)


@st.composite
def tightened(draw: st.DrawFn) -> tuple[Label, Label]:
    """Two labels of which the second is the tighter one, but that it may name somebody whom the law lets see more."""
    present, drawn = draw(labels), draw(labels)
    names = ("tlp", "rel_to", "audience", "purpose", "public_until", "active_until")
    one_by_one = [(replace(present, **{name: getattr(drawn, name)}), name) for name in names]
    taken = {name: getattr(drawn, name) for each, name in one_by_one if not loosened(present, each)}
    proposed = replace(present, **taken, marks={**drawn.marks, **present.marks})
    assert loosened(present, proposed) == ()
    return present, proposed


def with_label(facts: Facts, label: Label) -> Facts:
    return replace(
        facts,
        tlp=Tlp.of(label.tlp),
        rel_to=tuple(sorted(label.rel_to)),
        audience=tuple(sorted(label.audience)),
        purpose=label.purpose,
    )


@given(
    pair=tightened(),
    events=strategies.events,
    held=strategies.grant_lists,
    who=strategies.principals,
    at=strategies.moments,
)
@settings(max_examples=examples(200))
def test_nobody_reads_more_of_an_event_whose_label_was_tightened(
    pair: tuple[Label, Label], events: list[Facts], held: list[Grant], who: Principal, at: Any
) -> None:
    present, proposed = pair
    rules = strategies.rules_of(held)
    for facts in events:
        if is_control(facts.type) or raised(present, proposed, facts.source, facts.type, rules):
            continue
        before = may_read(who, with_label(facts, present), rules, at)
        after = may_read(who, with_label(facts, proposed), rules, at)
        assert HEIGHTS[after.projection] <= HEIGHTS[before.projection]
        assert after.protected_for <= before.protected_for
        told = replace(with_label(facts, proposed), type="control.label_changed", about=facts.type)
        assert may_read(who, told, rules, at).projection == after.projection


@given(pair=tightened())
@settings(max_examples=examples(150))
def test_no_projection_shows_more_of_an_event_whose_label_was_tightened(pair: tuple[Label, Label]) -> None:
    before, after = (alert(label={"tlp": "green", "marks": dict(label.marks)}) for label in pair)
    for name in LEVELS:
        shown = set(members(after, after["type"], name).shown)
        assert shown <= set(members(before, before["type"], name).shown)


def test_the_source_may_read_it_whatever_its_label() -> None:
    facts = strategies._facts()
    mine = replace(facts, source=POLICE.id, is_recalled=True)
    asking = Principal(agency=POLICE, client_id="c", scopes=frozenset({"events:read"}))

    assert may_read(asking, mine, strategies.rules_of([]), NOW).projection == "full"
