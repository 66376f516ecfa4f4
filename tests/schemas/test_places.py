"""Places: hierarchy, codes of other standards, and digits that mean different places on each side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import places, reference
from schemas.places import UnknownPlace, ancestors, covers, from_geocode, is_jurisdiction, name_of, to_geocode, touches

CODES = [code for code, *_ in reference.rows("states.csv")] + [c for c, _ in reference.rows("municipalities.csv")]
ANY_CODE = st.sampled_from([*places.COUNTRIES, *CODES])
COLLIDING = sorted(
    {code[-5:] for code in CODES if code.startswith("US") and ":" in code}
    & {code[-5:] for code in CODES if code.startswith("MX") and ":" in code}
)


def refusal(scheme: str, value: str, country: str) -> str:
    """The code of the reason why a geocode names no place."""
    with pytest.raises(UnknownPlace) as refused:
        from_geocode(scheme, value, country=country)
    assert value not in refused.value.text
    return refused.value.text.code


@pytest.mark.parametrize(
    ("scheme", "value", "country", "place"),
    [
        ("SAME", "006073", "US", "US-CA:06073"),
        ("SAME", "106073", "US", "US-CA:06073"),  # a part of the county
        ("SAME", "006000", "US", "US-CA"),
        ("SAME", "000000", "US", "US"),
        ("FIPS6", "006025", "US", "US-CA:06025"),
        ("same", " 072127 ", "US", "US-PR:72127"),
        ("FIPS", "06001", "US", "US-CA:06001"),
        ("FIPS", "09001", "US", "US-CT:09001"),  # retired in 2022, still broadcast
        ("FIPS", "09110", "US", "US-CT:09110"),  # what took its place
        ("UGC", "CAC073", "US", "US-CA:06073"),
        ("UGC", "CAZ552", "US", "US-CA"),
        ("INEGI", "06001", "MX", "MX-COL:06001"),
        ("INEGI", "02", "MX", "MX-BCN"),
        ("CVEGEO", "020040001", "MX", "MX-BCN:02004"),
        ("INEGI", "09015", "MX", "MX-CMX:09015"),
        ("ISO3166-2", "MX-BCN", "US", "MX-BCN"),
        ("ISO3166-2", "us-ca", "US", "US-CA"),
    ],
)
def test_a_geocode_names_a_place(scheme: str, value: str, country: str, place: str) -> None:
    assert from_geocode(scheme, value, country=country) == place


@pytest.mark.parametrize("country", ["US", "MX"])
@pytest.mark.parametrize(
    ("scheme", "value"),
    [("ISO3166-2", "MX-XXX"), ("ISO3166-2", "US-CA:06073"), ("ISO3166-2", "CA-BC"), ("ISO3166-2", "06073")],
)
def test_an_unknown_code_is_refused(scheme: str, value: str, country: str) -> None:
    assert refusal(scheme, value, country) == "unknown-geocode"


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("SAME", "06073"),
        ("SAME", "099999"),
        ("SAME", "00607٣"),
        ("FIPS", "006073"),
        ("UGC", "PZZ750"),
        ("UGC", "CAC999"),
    ],
)
def test_an_unknown_us_code_is_refused(scheme: str, value: str) -> None:
    assert refusal(scheme, value, "US") == "unknown-geocode"


def test_a_scheme_that_nobody_here_knows_is_refused() -> None:
    assert refusal("CLC", "048011", "US") == "unknown-scheme"


@pytest.mark.parametrize("scheme", ["SAME", "FIPS6", "FIPS", "UGC"])
def test_a_us_code_from_a_mexican_source_is_refused(scheme: str) -> None:
    assert refusal(scheme, "006073", "MX") == "foreign-scheme"


@pytest.mark.parametrize("scheme", ["INEGI", "CVEGEO"])
def test_a_mexican_code_from_a_us_source_is_refused(scheme: str) -> None:
    assert refusal(scheme, "02004", "US") == "foreign-scheme"


def test_at_least_747_codes_mean_a_place_on_each_side() -> None:
    assert len(COLLIDING) >= 747
    assert "06001" in COLLIDING


@given(st.sampled_from(COLLIDING))
def test_equal_digits_never_name_the_same_or_touching_places(digits: str) -> None:
    here, there = from_geocode("FIPS", digits, country="US"), from_geocode("INEGI", digits, country="MX")

    assert (here[:2], there[:2]) == ("US", "MX")
    assert not touches(here, there)


@given(st.from_regex(r"\d{1,9}", fullmatch=True))
def test_digits_alone_are_no_place(digits: str) -> None:
    assert not is_jurisdiction(digits)
    for country in ("US", "MX"):
        with pytest.raises(UnknownPlace):
            from_geocode(digits, digits, country=country)
        with pytest.raises(UnknownPlace):
            from_geocode("", digits, country=country)


@given(ANY_CODE)
def test_every_place_lies_in_its_ancestors_and_has_a_name(code: str) -> None:
    assert name_of(code)
    assert all(is_jurisdiction(outer) and covers(outer, code) and not covers(code, outer) for outer in ancestors(code))
    assert covers(code, code)


@given(ANY_CODE, ANY_CODE)
def test_places_touch_only_along_one_line_of_ancestors(one: str, other: str) -> None:
    assert touches(one, other) == (one == other or one in ancestors(other) or other in ancestors(one))


def test_ancestors_come_nearest_first() -> None:
    assert ancestors("US-CA:06073") == ("US-CA", "US")
    assert ancestors("MX") == ()


@pytest.mark.parametrize(
    ("code", "geocode"),
    [
        ("US-CA:06073", ("SAME", "006073")),
        ("US-CA", ("SAME", "006000")),
        ("US", ("SAME", "000000")),
        ("MX-BCN:02004", ("INEGI", "02004")),
        ("MX-BCN", ("INEGI", "02")),
        ("MX", ("ISO3166-2", "MX")),
    ],
)
def test_a_place_has_its_countrys_code(code: str, geocode: tuple[str, str]) -> None:
    assert to_geocode(code) == geocode


@given(ANY_CODE)
def test_the_code_of_a_place_leads_back_to_it(code: str) -> None:
    assert from_geocode(*to_geocode(code), country=code[:2]) == code
