"""The preset for HTCDS 2.0, and the sample sheets with the connectors that read them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from connectors import config as configs
from connectors.source import Blank
from connectors.table.mapping import TableSettings
from connectors.table.source import TableSource
from schemas.case import CODES
from tests.connectors.table import samples, sheets

CONFIGS = Path(__file__).resolve().parents[3] / "config" / "connectors"


def published(name: str) -> list[Any]:
    """What the connector of a sample publishes."""
    config = configs.load(CONFIGS / f"table-{name}.toml")
    items = list(TableSource(config, ()).items(Blank()))
    assert sheets.troubles(items) == []
    return [event for item in items for event in item.events]


@pytest.mark.parametrize(
    ("name", "verbs"),
    [("us-ca-sdpd", {"opened": 3, "closed": 1}), ("mx-bcn-fge", {"opened": 2, "closed": 1})],
)
def test_every_row_of_the_samples_becomes_an_event(name: str, verbs: dict[str, int]) -> None:
    assert Counter(event["type"].rpartition(".")[2] for event in published(name)) == verbs


def test_labels_of_picklists_become_codes() -> None:
    victims = [event["data"]["victims"][0] for event in published("us-ca-sdpd")]

    assert victims[0]["vic_MethodsOfControl"] == ["DebtBondage", "ThreatensChildrenFamily", "TakesEarnings"]
    assert victims[1]["vic_ForcedLabourIndustry"] == "A_AgricultureForestryAndFishing"
    assert victims[2]["vic_MethodsOfControl"] == ["ThreatsLawEnforcement"]
    assert victims[3]["vic_ForcedLabourIndustry"] == "T_ActivitiesOfHouseholdsAsEmployers"


def test_a_sheet_in_spanish_needs_no_code() -> None:
    first, second, _ = published("mx-bcn-fge")

    assert first["time"] == "2026-05-04T13:30:00-07:00"
    assert second["jurisdictions"] == ["MX-BCN:02002"]
    assert second["data"]["victims"][0]["prs_Citizenship"] == ["GT", "MX"]


def test_the_shipped_samples_are_what_their_script_writes() -> None:
    assert samples.SHEET.read_bytes() == samples.casos()
    shipped = load_workbook(samples.WORKBOOK).worksheets[0].iter_rows(values_only=True)
    assert [row[0] for row in shipped] == [None, "Case Number", *(case[0] for case in samples.CASES)]


def test_every_code_of_the_preset_is_one_of_the_standard() -> None:
    settings: TableSettings = configs.load(CONFIGS / "table-us-ca-sdpd.toml").settings
    for column in settings.map.columns:
        field = column.target.pointer.rpartition("/")[2]
        if field in CODES:
            assert set(column.reading.codes.values()) <= set(CODES[field])


def test_a_sheet_headed_by_field_names_is_understood_as_well(tmp_path: Path) -> None:
    config = sheets.load(tmp_path, source="header_row = 1", table='preset = "htcds-2.0"', standard="")
    sheets.write_csv(tmp_path, ("1", "Active", "Feminine"), headings=("Case", "cas_Status", "prs_Gender"))
    (event,) = sheets.events(sheets.read(config))

    assert event["data"] == {"cas_Status": "Active", "victims": [{"prs_Gender": "Feminine"}]}
