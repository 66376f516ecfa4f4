"""One cell, one value."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.table.cells import Broken, Reading, Unfit, as_text, folded, to_value, to_values
from schemas.fields import Code, Day, Flag, Instant, Leaf, Line, Number, Prose, Whole
from schemas.sensitivity import PUBLIC

LINE, PROSE, FLAG, DAY, INSTANT = Line(PUBLIC, 20), Prose(PUBLIC, 20), Flag(PUBLIC), Day(PUBLIC), Instant(PUBLIC)
WHOLE, NUMBER = Whole(PUBLIC, 0, 300), Number(PUBLIC, 0, 300)
CODE = Code(PUBLIC, ["ForcedLabour", "Other"])
TIJUANA = ZoneInfo("America/Tijuana")


@pytest.mark.parametrize(
    ("cell", "leaf", "reading", "value"),
    [
        ("  José  Núñez ", LINE, Reading(), "José Núñez"),
        ("two\nlines", LINE, Reading(), "two lines"),
        ("two\nlines", PROSE, Reading(), "two\nlines"),
        (6073.0, LINE, Reading(digits=5), "06073"),
        ("Forced labour", CODE, Reading(), "ForcedLabour"),
        ("Trabajo forzado", CODE, Reading(codes={folded("Trabajo Forzado"): "ForcedLabour"}), "ForcedLabour"),
        ("sí", FLAG, Reading(), True),
        (False, FLAG, Reading(), False),
        ("17", WHOLE, Reading(), 17),
        (17.0, WHOLE, Reading(), 17),
        ("5'10\"", WHOLE, Reading(unit="ft-in"), 178),
        ("5 ft", WHOLE, Reading(unit="ft-in"), 152),
        ("150", WHOLE, Reading(unit="lb"), 68),
        ("1,5", NUMBER, Reading(decimal=","), 1.5),
        (date(2026, 5, 4), DAY, Reading(), "2026-05-04"),
        (datetime(2026, 5, 4, 13, 30), DAY, Reading(), "2026-05-04"),
        ("04/05/2026", DAY, Reading(form="%d/%m/%Y"), "2026-05-04"),
        (datetime(2026, 5, 4, 13, 30), INSTANT, Reading(zone=TIJUANA), "2026-05-04T13:30:00-07:00"),
        ("2026-05-04T13:30:00+01:00", INSTANT, Reading(zone=TIJUANA), "2026-05-04T13:30:00+01:00"),
        ("2026-11-01 01:30", INSTANT, Reading(zone=TIJUANA), "2026-11-01T01:30:00-07:00"),
        ("   ", LINE, Reading(), None),
        (None, WHOLE, Reading(), None),
    ],
)
def test_a_cell_becomes_the_value_its_field_expects(cell: Any, leaf: Leaf, reading: Reading, value: Any) -> None:
    assert to_value(cell, leaf, reading) == value


@pytest.mark.parametrize(
    ("code", "cell", "leaf", "reading"),
    [
        ("unknown-code", "Canary", CODE, Reading()),
        ("not-a-flag", "Canary", FLAG, Reading()),
        ("not-a-number", "12 Canary", WHOLE, Reading()),
        ("not-a-number", float("nan"), NUMBER, Reading()),
        ("not-a-number", "NaN", NUMBER, Reading()),
        ("not-whole", "12.5", WHOLE, Reading()),
        ("not-feet", "5'13\"", WHOLE, Reading(unit="ft-in")),
        ("not-a-date", "Canary", DAY, Reading()),
        ("not-a-date", "05/31/2026", DAY, Reading(form="%d/%m/%Y")),
        ("no-such-time", "2026-03-08 02:30", INSTANT, Reading(zone=TIJUANA)),
        ("too-long", "Canary" * 4, LINE, Reading()),
        ("unexpected-date", date(2026, 5, 4), LINE, Reading()),
        ("cell-error", Broken.ERROR, LINE, Reading()),
        ("formula-without-result", Broken.NO_RESULT, LINE, Reading()),
        ("nul", Broken.NUL, LINE, Reading()),
        ("bad-encoding", Broken.ENCODING, LINE, Reading()),
    ],
)
def test_a_misfit_says_which_rule_it_breaks_and_never_what_it_holds(
    code: str, cell: Any, leaf: Leaf, reading: Reading
) -> None:
    with pytest.raises(Unfit) as refused:
        to_value(cell, leaf, reading)

    assert refused.value.text.code == code
    assert "Canary" not in refused.value.text + refused.value.text.es


def test_a_cell_of_several_values_gives_each_once_in_its_order() -> None:
    assert to_values("Other; Forced labour;Other;", CODE, Reading()) == ["Other", "ForcedLabour"]


@given(st.text(max_size=30) | st.floats() | st.integers() | st.datetimes() | st.booleans() | st.none())
def test_any_cell_becomes_text_or_nothing(cell: Any) -> None:
    assert isinstance(as_text(cell), str)


@given(
    st.text(max_size=30) | st.floats() | st.integers() | st.datetimes() | st.dates(),
    st.sampled_from([LINE, FLAG, DAY, INSTANT, WHOLE, NUMBER, CODE]),
)
def test_no_cell_breaks_the_reading(cell: Any, leaf: Leaf) -> None:
    with suppress(Unfit):
        to_value(cell, leaf, Reading(zone=TIJUANA))
