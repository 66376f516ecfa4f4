"""An agency's TOML file: what it may say, and how it learns what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.config import ConfigError
from connectors.table.mapping import TableSettings
from schemas.sensitivity import Sensitivity
from tests.connectors.table import sheets


def codes(folder: Path, **parts: str) -> set[str]:
    """The codes of everything wrong with a configuration."""
    with pytest.raises(ConfigError) as refused:
        sheets.source(sheets.load(folder, **parts))
    return {flaw.code for flaw in refused.value.flaws}


@pytest.mark.parametrize(
    ("code", "part", "lines"),
    [
        ("unknown-field", "columns", '"X" = "/data/no_such_member"'),
        ("unknown-field", "columns", '"X" = "/data/victims"'),
        ("unknown-field", "columns", '"X" = "/label/marks"'),
        ("field-twice", "columns", '"X" = "/data/cas_Status"'),
        ("unknown-code", "columns", '"X" = { field = "/data/victims/0/prs_Gender", codes = { F = "Female" } }'),
        ("personal-key", "columns", '"Case" = "/data/victims/0/prs_FirstName"'),
        ("unknown-zone", "table", 'time = { column = "T", zone = "Tijuana" }'),
        ("subject-not-in-key", "table", 'subject = ["Other"]'),
        ("required", "table", 'withdrawn = { column = "Status" }'),
        ("no-verb", "table", 'withdrawn = { column = "Status", located = ["Found"] }'),
        ("bad-constant", "table", 'fixed = { "/data/cas_Status" = "Nearly" }'),
        ("foreign-scheme", "table", 'jurisdiction = { column = "Place", scheme = "INEGI" }'),
        ("unknown-member", "table", 'colums = "misspelt"'),
        ("unknown-code", "source", 'encoding = "ebcdic"'),
    ],
)
def test_a_mapping_that_could_not_work_is_refused_before_any_row_is_read(
    tmp_path: Path, code: str, part: str, lines: str
) -> None:
    assert code in codes(tmp_path, **{part: lines})


def test_all_problems_are_told_together(tmp_path: Path) -> None:
    found = codes(tmp_path, columns='"X" = "/data/nowhere"\n"Y" = "/data/cas_Status"', agency="SDPD")

    assert found == {"wrong-form", "unknown-field", "field-twice"} or "wrong-form" in found


def test_a_column_of_a_preset_can_be_changed_and_taken_out(tmp_path: Path) -> None:
    table = 'preset = "htcds-2.0"'
    columns = '"Gender" = false\n"Birthdate" = { field = "/data/victims/0/prs_Birthdate", format = "%m/%d/%Y" }'
    settings: TableSettings = sheets.load(tmp_path, table=table, columns=columns, standard="").settings

    by_name = {column.name: column for column in settings.map.columns}
    assert "Gender" not in by_name
    assert by_name["Birthdate"].reading.form == "%m/%d/%Y"


def test_what_identifies_a_person_stays_at_the_agency_unless_it_says_otherwise(tmp_path: Path) -> None:
    settings: TableSettings = sheets.load(tmp_path).settings

    assert settings.map.highest is Sensitivity.ENFORCEMENT
