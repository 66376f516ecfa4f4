"""Which language an answer is in, by what the client accepts."""

from __future__ import annotations

import pytest

from hub.language import preferred


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("ES", "es"),
        ("en", "en"),
        ("fr", "en"),
        ("es,en", "en"),
        ("es-MX", "es"),
        ("es_MX", "es"),
        ("es-MX,en;q=0.5", "es"),
        ("en-US,es;q=0.9", "en"),
        ("es;q=0.5,en;q=0.9", "en"),
        ("en;q=0.5,es;q=0.9,fr", "es"),
        ("es;q=0.2,es-MX;q=0.9,en;q=0.5", "es"),
    ],
)
def test_the_greater_weight_wins_and_english_where_there_is_none(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("*", "en"), ("*;q=0", "en"), ("en;q=0.5,*", "es"), ("es;q=0.5,*", "en"), ("en;q=0,*;q=0.1", "es")],
)
def test_a_star_is_each_language_that_is_not_named(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("es;q=0", "en"), ("en;q=0", "en"), ("es;q=0.0,en;q=0", "en"), ("en;q=0,es;q=0.1", "es")],
)
def test_what_weighs_nothing_is_not_accepted(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


@pytest.mark.parametrize(
    "accepted", ["es; q=0.9, en; q=0.5", " es ;q=0.9 , en;q=0.5 ", "es\t;\tq = 0.9,en;q=0.5", "es;Q=0.9,en;q=0.5"]
)
def test_spaces_and_case_change_nothing(accepted: str) -> None:
    assert preferred(accepted) == "es"


@pytest.mark.parametrize(
    "garbage",
    ["es;q=x", "es;q=", "es;q=2", "es;q=1.1", "es;q=-1", "es;q=nan", "es;q=inf", "es;q=1e0", "es;q=١", "es;level=1"]
    + ["es q=1", "español", "esp", "-es", "es-", ";q=1", "q=1", "x" * 1000, "es;q=0.1;q=1", "\x00es"],
)
def test_garbage_is_passed_over(garbage: str) -> None:
    assert preferred(garbage) == "en"
    assert preferred(f"{garbage},es;q=0.2,en;q=0.1") == "es"
