"""The files of grants and hard limits: what is written counts, what is doubtful is refused, all problems together."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError

from hub.directory import Kind
from hub.grant_rows import load_grants
from hub.grants import Grant, GrantSet, Selector, Tlp, covers_type
from hub.limits import Limits, load_limits
from schemas.flaws import flatten
from schemas.sensitivity import Sensitivity

CONFIG = Path(__file__).parents[2] / "config"
GRANT = """
[[grant]]
id = "sdpd-alerts-to-shelters"
source = { agency = "us-ca-sdpd" }
reader = { kind = "ngo", country = "US" }
types = ["alert.*", "case.trafficking.opened"]
jurisdictions = ["US-CA", "MX-BCN:02004"]
purpose = "locate-child"
max_tlp = "amber+strict"
clearance = "partner"
valid_from = 2026-01-01T00:00:00Z
valid_until = 2027-01-01T00:00:00-08:00
"""
CEILING = """
[[ceiling]]
kind = "ngo"
types = ["*"]
clearance = "partner"
basis = "28 CFR 23.20(e)"
"""


def grants(text: str) -> GrantSet:
    return load_grants(tomllib.loads(text), text.encode())


def limits(text: str) -> Limits:
    return load_limits(tomllib.loads(text), text.encode())


def problems(load: Callable[[str], Any], text: str) -> dict[str, str]:
    """Where a file is wrong, and how; each problem in both languages."""
    with pytest.raises(ValidationError) as refused:
        load(text)
    flaws = list(flatten(refused.value.messages))
    assert all(flaw.text.es not in ("", str(flaw.text)) for flaw in flaws)
    return {flaw.path: str(flaw.text) for flaw in flaws}


def test_a_grant_is_read_as_it_is_written() -> None:
    assert grants(GRANT).grants == (
        Grant(
            id="sdpd-alerts-to-shelters",
            source=Selector(agency="us-ca-sdpd"),
            reader=Selector(kind=Kind.NGO, country="US"),
            types=("alert.*", "case.trafficking.opened"),
            jurisdictions=("US-CA", "MX-BCN:02004"),
            purpose="locate-child",
            max_tlp=Tlp.AMBER_STRICT,
            clearance=Sensitivity.PARTNER,
            valid_from=datetime(2026, 1, 1, tzinfo=UTC),
            valid_until=datetime(2027, 1, 1, 8, tzinfo=UTC),
        ),
    )


def test_times_may_also_be_text() -> None:
    quoted = GRANT.replace("2026-01-01T00:00:00Z", '"2026-01-01T00:00:00Z"')

    assert grants(quoted).grants == grants(GRANT).grants


def test_a_file_without_grants_grants_nothing() -> None:
    assert grants("").grants == GrantSet().grants == ()
    assert grants("").digest == GrantSet().digest


def test_the_shipped_files_are_valid() -> None:
    assert grants((CONFIG / "grants.toml").read_text()).grants == ()
    assert len(limits((CONFIG / "limits.toml").read_text()).ceilings) > 10


def test_another_file_is_another_version_of_the_rules() -> None:
    assert len({grants(text).digest for text in ("", GRANT, GRANT + "#")}) == 3
    assert limits(CEILING).digest != limits(f"{CEILING}#").digest


@pytest.mark.parametrize(
    ("line", "instead", "where"),
    [
        ('id = "sdpd-alerts-to-shelters"', 'id = "No Spaces"', "/id"),
        ('id = "sdpd-alerts-to-shelters"', "", "/id"),
        ('{ agency = "us-ca-sdpd" }', "{}", "/source"),
        ('{ agency = "us-ca-sdpd" }', '{ agancy = "us-ca-sdpd" }', "/source/agancy"),
        ('{ agency = "us-ca-sdpd" }', '"us-ca-sdpd"', "/source"),
        ('kind = "ngo"', 'kind = "shelter"', "/reader/kind"),
        ('country = "US"', 'country = "CA"', "/reader/country"),
        ('"alert.*"', '"alert*"', "/types/0"),
        ('"alert.*"', '"*.issued"', "/types/0"),
        ('"alert.*"', '""', "/types/0"),
        ('["alert.*", "case.trafficking.opened"]', "[]", "/types"),
        ('["alert.*", "case.trafficking.opened"]', '"alert.*"', "/types"),
        ('["US-CA", "MX-BCN:02004"]', "[]", "/jurisdictions"),
        ('"MX-BCN:02004"', '"MX-BCN:06073"', "/jurisdictions/1"),
        ('"locate-child"', '"Locate child"', "/purpose"),
        ('"amber+strict"', '"amber_strict"', "/max_tlp"),
        ('"amber+strict"', "3", "/max_tlp"),
        ('clearance = "partner"', 'clearance = "everything"', "/clearance"),
        ("2027-01-01T00:00:00-08:00", "2026-01-01T00:00:00Z", "/valid_until"),
        ("2027-01-01T00:00:00-08:00", "2027-01-01T00:00:00", "/valid_until"),
        ("2027-01-01T00:00:00-08:00", "2027-01-01", "/valid_until"),
        ("valid_until = 2027-01-01T00:00:00-08:00", "", "/valid_until"),
        ("valid_from = 2026-01-01T00:00:00Z", "valid_form = 2026-01-01T00:00:00Z", "/valid_form"),
    ],
)
def test_a_doubtful_grant_is_refused_by_its_place_in_the_file(line: str, instead: str, where: str) -> None:
    assert line in GRANT

    assert f"/grant/0{where}" in problems(grants, GRANT.replace(line, instead))


def test_an_empty_selector_would_be_everybody() -> None:
    found = problems(grants, GRANT.replace('{ agency = "us-ca-sdpd" }', "{}"))

    assert found == {"/grant/0/source": "an empty selector is not allowed: name an agency, a kind or a country"}


def test_what_is_misspelt_or_missing_is_told_apart() -> None:
    found = problems(grants, GRANT.replace("max_tlp", "max_tpl"))

    assert found == {
        "/grant/0/max_tlp": "This member is required.",
        "/grant/0/max_tpl": "This member is not known.",
    }


def test_an_id_stands_for_one_grant() -> None:
    other = GRANT.replace("alerts-to-shelters", "other")

    assert problems(grants, GRANT + other + GRANT) == {"/grant": "the same id twice: sdpd-alerts-to-shelters"}


def test_all_problems_of_all_grants_are_told_together() -> None:
    first = GRANT.replace('"partner"', '"all"').replace('"amber+strict"', '"white"')
    second = GRANT.replace("2027-01-01", "2025-01-01").replace("sdpd", "")
    unknown = '[[grnat]]\nid = "typo"\n'

    assert problems(grants, first + second + unknown).keys() == {
        "/grant/0/clearance",
        "/grant/0/max_tlp",
        "/grant/1/id",
        "/grnat",
    }


@pytest.mark.parametrize("text", ["grant = 1\n", 'grant = "all"\n', "[grant]\nid = 1\n", "grant = [1]\n"])
def test_what_is_no_list_of_grants_is_refused(text: str) -> None:
    assert problems(grants, text)


@pytest.mark.parametrize(
    ("line", "instead", "where"),
    [
        ('kind = "ngo"', 'kind = "shelter"', "/kind"),
        ('kind = "ngo"', "", "/kind"),
        ('types = ["*"]', "types = []", "/types"),
        ('types = ["*"]', 'types = ["alert*"]', "/types/0"),
        ('clearance = "partner"', 'clearance = "protected"', "/clearance"),
        ('clearance = "partner"', "clearance = 3", "/clearance"),
        ('basis = "28 CFR 23.20(e)"', "", "/basis"),
        ('basis = "28 CFR 23.20(e)"', 'basis = ""', "/basis"),
        ('kind = "ngo"', 'kind = "ngo"\nadressed = true', "/adressed"),
    ],
)
def test_a_doubtful_limit_is_refused_by_its_place_in_the_file(line: str, instead: str, where: str) -> None:
    assert line in CEILING

    assert problems(limits, CEILING.replace(line, instead)).keys() == {f"/ceiling/0{where}"}


def test_a_node_without_limits_does_not_start() -> None:
    assert problems(limits, "").keys() == {"/ceiling"}
    assert problems(limits, "ceiling = []\n").keys() == {"/ceiling"}


def test_all_problems_of_the_limits_are_told_together() -> None:
    broken = CEILING.replace('"ngo"', '"x"').replace('"partner"', '"y"')

    assert problems(limits, broken + CEILING + broken).keys() == {
        f"/ceiling/{row}/{member}" for row in (0, 2) for member in ("kind", "clearance")
    }


@pytest.mark.parametrize(
    ("patterns", "event_type", "covered"),
    [
        (("*",), "alert.warning.issued", True),
        (("alert.*",), "alert.warning.issued", True),
        (("alert.warning.*",), "alert.warning.issued", True),
        (("alert.warning.issued",), "alert.warning.issued", True),
        (("case.*", "alert.*"), "alert.warning.issued", True),
        (("alert.*",), "alerts.warning.issued", False),
        (("alert.*",), "alert", False),
        (("alert",), "alert.warning.issued", False),
        (("alert.warn.*",), "alert.warning.issued", False),
        (("alert.warning.issued.*",), "alert.warning.issued", False),
        ((), "alert.warning.issued", False),
    ],
)
def test_types_are_selected_by_prefix_at_a_dot(patterns: tuple[str, ...], event_type: str, covered: bool) -> None:
    assert covers_type(patterns, event_type) is covered


def test_tlp_reads_and_prints_as_in_the_standard() -> None:
    codes = ["clear", "green", "amber", "amber+strict", "red"]

    assert [str(Tlp.of(code)) for code in codes] == [f"TLP:{code.upper()}" for code in codes]
    assert [Tlp.of(code) for code in codes] == sorted(Tlp)
