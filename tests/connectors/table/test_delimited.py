"""CSV as agencies really send it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.connectors.table import sheets
from tests.support.examples import examples

HEAD = "Case,Status,Owner\n"


def read(folder: Path, content: bytes, source: str = "") -> tuple[list[str], list[tuple[str, str]]]:
    """Owners published, and what was wrong."""
    (folder / "cases.csv").write_bytes(content)
    items = sheets.read(sheets.load(folder, source=source))
    return [event["data"].get("cas_CaseOwner", "") for event in sheets.events(items)], sheets.troubles(items)


@pytest.mark.parametrize(
    ("encoding", "source"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-8-sig", 'encoding = "utf-8-sig"'),
        ("cp1252", 'encoding = "cp1252"'),
        ("latin-1", 'encoding = "latin-1"'),
        ("utf-16", 'encoding = "utf-16"'),
    ],
)
def test_accents_survive_every_declared_encoding(tmp_path: Path, encoding: str, source: str) -> None:
    assert read(tmp_path, (HEAD + "1,Active,Peña Ibáñez\n").encode(encoding), source) == (["Peña Ibáñez"], [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_from_the_headings(tmp_path: Path, delimiter: str) -> None:
    content = (HEAD + "1,Active,Unit\n").replace(",", delimiter).encode()

    assert read(tmp_path, content) == (["Unit"], [])


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("nul", b"2,Active,Un\x00it\n"),
        ("bad-encoding", b"2,Active,Pe\xf1a\n"),
        ("too-many-cells", b"2,Active,Unit,more\n"),
        ("too-few-cells", b"2,Active\n"),
        ("bad-quotes", b'2,Active,"Unit"x\n'),
        ("required", b"2,,Unit\n"),
        ("empty-key", b",Active,Unit\n"),
        ("unknown-code", b"2,Canary,Unit\n"),
        ("duplicate-key", b"1,Active,Other\n"),
    ],
)
def test_a_bad_row_is_named_and_the_others_go(tmp_path: Path, code: str, row: bytes) -> None:
    owners, wrong = read(tmp_path, HEAD.encode() + b"1,Active,One\n" + row + b"3,Active,Three\n")

    assert owners == ["One", "Three"]
    assert wrong == [("row 3", code)]


@pytest.mark.parametrize(
    ("code", "content", "source"),
    [
        ("missing-column", b"Case,Owner\n1,Unit\n", ""),
        ("duplicate-heading", b"Case,Status,Status\n1,Active,Closed\n", ""),
        ("no-headings", b"", ""),
        ("no-headings", HEAD.encode(), "header_row = 3"),
        ("bad-encoding", HEAD.encode("utf-16"), ""),
        ("bad-encoding", HEAD.encode("utf-8-sig"), 'encoding = "cp1252"'),
        ("not-text", b"PK\x03\x04....", ""),
        ("too-many-rows", HEAD.encode() + b"1,Active,x\n2,Active,x\n", "max_rows = 1"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_unknown_and_not_empty(
    tmp_path: Path, code: str, content: bytes, source: str
) -> None:
    (tmp_path / "cases.csv").write_bytes(content)
    *_, last = sheets.read(sheets.load(tmp_path, source=source))

    assert [flaw.code for flaw in last.unknown] == [code]


def test_a_quote_that_is_never_closed_costs_its_own_lines_only(tmp_path: Path) -> None:
    owners, wrong = read(tmp_path, HEAD.encode() + b'1,Active,One\n2,Active,"never\n3,Active,Three\n')

    assert owners == ["One"]
    assert wrong == [("row 3", "bad-quotes")]


def test_headings_match_whatever_their_case_and_spacing(tmp_path: Path) -> None:
    assert read(tmp_path, b" CASE , status,Owner \n1,Active,Unit\n") == (["Unit"], [])


def test_no_message_repeats_what_a_cell_holds(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_bytes(HEAD.encode() + b"Canary,Canary,Canary\nCanary,Canary,Canary\n")
    items = sheets.read(sheets.load(tmp_path))

    assert len(items) == 2
    assert not any("Canary" in str(refusal) for item in items for refusal in item.refusals)


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from(["", 'encoding = "utf-16"', 'encoding = "cp1252"', "header_row = 2"]))
def test_no_bytes_end_the_reading_with_anything_but_a_reason(tmp_path: Path, content: bytes, source: str) -> None:
    read(tmp_path, content, source)
    read(tmp_path, HEAD.encode() + content, source)
