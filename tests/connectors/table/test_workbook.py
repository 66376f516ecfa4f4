"""XLSX: what is read, and what never gets to be opened."""

from __future__ import annotations

import io
import resource
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from connectors.table import workbook
from schemas.flaws import Malformed
from tests.connectors.table import sheets
from tests.support.examples import examples

LOLS = (
    b"""<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>"""
)


def refused(content: bytes) -> str:
    """The code with which a workbook is refused before it is opened."""
    with pytest.raises(Malformed) as problem:
        workbook.guard(content)
    return problem.value.flaws[0].code


def zipped(**entries: bytes) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def rewritten(path: Path, name: str, change: bytes, instead: bytes) -> None:
    """Replace some bytes of one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    assert change in parts[name]
    parts[name] = parts[name].replace(change, instead, 1)
    path.write_bytes(zipped(**parts))


def test_numbers_dates_and_text_keep_their_meaning(tmp_path: Path) -> None:
    columns = '"Day" = "/data/cas_IncomingReferralDate"\n"Age" = "/data/victims/0/vic_AgeWhenTrafficked"'
    headings = (*sheets.HEADINGS, "Day", "Age")
    sheets.write_xlsx(tmp_path, (17.0, "Active", "Peña", datetime(2026, 5, 4), 15), headings=headings)
    (event,) = sheets.events(sheets.read(sheets.load(tmp_path, "cases.xlsx", columns=columns)))

    assert event["subject"] == "17"
    assert event["data"]["cas_IncomingReferralDate"] == "2026-05-04"
    assert event["data"]["victims"] == [{"vic_AgeWhenTrafficked": 15}]


def test_a_formula_counts_as_its_stored_result_and_one_without_is_named(tmp_path: Path) -> None:
    sheets.write_xlsx(tmp_path, (1, "Active", "Unit"), (2, "Active", '="Un" & "it"'))
    items = sheets.read(sheets.load(tmp_path, "cases.xlsx"))

    assert len(sheets.events(items)) == 1
    assert sheets.troubles(items) == [("row 3", "formula-without-result")]


def test_a_spreadsheet_error_is_named_by_row_and_column(tmp_path: Path) -> None:
    sheets.write_xlsx(tmp_path, (1, "Active", "#REF!"), (2, "Active", "Unit"))
    items = sheets.read(sheets.load(tmp_path, "cases.xlsx"))

    assert sheets.troubles(items) == [("row 2", "cell-error")]
    assert 'Column "Owner"' in items[0].refusals[0].flaws[0].text


def test_the_declared_sheet_is_read_and_a_missing_one_is_unknown(tmp_path: Path) -> None:
    book = load_workbook(sheets.write_xlsx(tmp_path, (1, "Active", "First")))
    other = book.create_sheet("Other")
    other.append(["Case", "Status", "Owner"])
    other.append([2, "Active", "Second"])
    book.save(tmp_path / "cases.xlsx")

    found = sheets.read(sheets.load(tmp_path, "cases.xlsx", source='sheet = "Other"'))
    assert [event["data"]["cas_CaseOwner"] for event in sheets.events(found)] == ["Second"]
    assert sheets.troubles(sheets.read(sheets.load(tmp_path, "cases.xlsx", source='sheet = "No"'))) == [
        ("", "no-sheet")
    ]


def test_a_wrong_statement_of_its_own_size_hides_no_row(tmp_path: Path) -> None:
    path = sheets.write_xlsx(tmp_path, (1, "Active", "Unit"), (2, "Active", "Unit"))
    rewritten(path, "xl/worksheets/sheet1.xml", b'ref="A1:C3"', b'ref="A1:A1"')

    assert len(sheets.events(sheets.read(sheets.load(tmp_path, "cases.xlsx")))) == 2


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("zip-bomb", zipped(**{"xl/worksheets/sheet1.xml": bytes(40_000_000)})),
        ("zip-bomb", zipped(**{f"{number}.xml": b"" for number in range(workbook.MAX_ENTRIES + 1)})),
        ("zip-bomb", zipped(**{"xl/sharedStrings.xml": bytes(workbook.MAX_STRINGS_BYTES + 1)})),
        ("not-xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("not-xlsx", b"Case,Status\n1,Active\n"),
        ("not-xlsx", b""),
    ],
)
def test_bombs_and_strangers_are_refused_unopened(code: str, content: bytes) -> None:
    assert refused(content) == code


def test_entities_never_expand(tmp_path: Path) -> None:
    path = sheets.write_xlsx(tmp_path, (1, "Active", "Unit"))
    rewritten(path, "xl/worksheets/sheet1.xml", b"<worksheet", LOLS + b"<worksheet")

    assert sheets.troubles(sheets.read(sheets.load(tmp_path, "cases.xlsx"))) == [("", "bad-workbook")]


def test_a_row_that_claims_to_be_the_billionth_ends_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workbook.MAX_ROW == 2**20  # the format's; what lies before it is read, which takes seconds
    monkeypatch.setattr(workbook, "MAX_ROW", 10_000)
    path = sheets.write_xlsx(tmp_path, (1, "Active", "Unit"), (2, "Active", "Unit"))
    rewritten(path, "xl/worksheets/sheet1.xml", b'<row r="3"', b'<row r="1000000000"')
    items = sheets.read(sheets.load(tmp_path, "cases.xlsx"))

    assert sheets.troubles(items) == [("", "bad-workbook")]


@pytest.mark.parametrize("keep", [0, 1, 100, 1000, 4000])
def test_a_workbook_cut_short_is_unknown(tmp_path: Path, keep: int) -> None:
    path = sheets.write_xlsx(tmp_path, (1, "Active", "Unit"))
    path.write_bytes(path.read_bytes()[:keep])

    assert {code for _, code in sheets.troubles(sheets.read(sheets.load(tmp_path, "cases.xlsx")))} <= {
        "not-xlsx",
        "bad-workbook",
    }


def test_ten_thousand_rows_are_read_in_bounded_memory(tmp_path: Path) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["Case", "Status", "Owner"])
    for number in range(10_000):
        sheet.append([number, "Active", f"Unit {number} " + "x" * 150])
    book.save(tmp_path / "cases.xlsx")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    config = sheets.load(tmp_path, "cases.xlsx")
    count = sum(len(item.events) for item in sheets.source(config).items(sheets.Memory()))

    assert count == 10_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # KiB


def test_dates_of_the_1904_system_are_understood(tmp_path: Path) -> None:
    columns = '"Day" = "/data/cas_IncomingReferralDate"'
    path = sheets.write_xlsx(tmp_path, (1, "Active", "Unit", date(2026, 5, 4)), headings=(*sheets.HEADINGS, "Day"))
    rewritten(path, "xl/workbook.xml", b"<workbookPr", b'<workbookPr date1904="1"')
    (event,) = sheets.events(sheets.read(sheets.load(tmp_path, "cases.xlsx", columns=columns)))

    assert event["data"]["cas_IncomingReferralDate"] == "2030-05-05"  # 1,462 days later: the other epoch


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_ends_the_reading_with_anything_but_a_reason(tmp_path: Path, data: st.DataObject) -> None:
    path = sheets.write_xlsx(tmp_path, (1, "Active", "Unit"), (2, "Active", '="Un" & "it"'))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = data.draw(st.sampled_from(sorted(parts)))
    place = data.draw(st.integers(0, len(parts[name])))
    parts[name] = (
        parts[name][:place] + data.draw(st.binary(max_size=6)) + parts[name][place + data.draw(st.integers(0, 9)) :]
    )
    path.write_bytes(zipped(**parts))

    sheets.troubles(sheets.read(sheets.load(tmp_path, "cases.xlsx")))
