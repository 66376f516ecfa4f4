"""The permission matrix: what each reader may get of each source, for those whom it concerns."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from hub import matrix
from hub.directory import Role
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.granting import Office, done, halt
from tests.support.node import OPERATOR, SHERIFF, Node


@pytest.fixture
def office(node: Node) -> Office:
    """SHERIFF reads POLICE's alerts and SHELTER some of them."""
    node.regrant()
    office = Office(node, OPERATOR)
    office.agree()
    office.grant(types=["alert.missing_child.*", "alert.warning.*"], jurisdictions=["US-CA", "US-AZ"])
    office.grant(id="us-ca-sheriff-not", opens="now", purpose="statistics")
    done(halt(office.ana, "us-ca-sheriff-not", "suspend"))
    return office


def test_it_has_a_row_for_each_type_and_place_of_what_is_in_force(office: Office) -> None:
    rows = done(office.ana.get("/v1/grants/matrix"))["rows"]

    assert {(row["type"], row["jurisdiction"]) for row in rows} == {
        (kind, place) for kind in ("alert.missing_child.*", "alert.warning.*") for place in ("US-CA", "US-AZ")
    }
    assert {(row["reader"], row["source"], row["clearance"], row["max_tlp"], row["grant"]) for row in rows} == {
        (SHERIFF.id, POLICE.id, "enforcement", "amber+strict", "us-ca-sheriff-from-sdpd")
    }


def test_each_sees_its_own_rows_and_operators_and_auditors_all(office: Office) -> None:
    auditor = office.node.office(STRANGER, "augusto", Role.AUDITOR)
    admin = office.node.office(STRANGER, "stella", Role.ADMIN)

    found = [len(done(desk.get("/v1/grants/matrix"))["rows"]) for desk in (office.saul, office.olga, auditor, admin)]

    assert found == [4, 4, 4, 0]


def test_it_is_narrowed_by_reader_and_source(office: Office) -> None:
    narrowed: list[dict[str, Any]] = [
        {"reader": SHERIFF.id},
        {"source": POLICE.id},
        {"reader": SHELTER.id},
        {"source": "us-ca-nobody"},
    ]

    assert [len(done(office.ana.get("/v1/grants/matrix", **one))["rows"]) for one in narrowed] == [4, 4, 0, 0]


def test_the_csv_says_the_same(office: Office) -> None:
    answer = office.ana.get("/v1/grants/matrix", format="csv")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.content_type.startswith("text/csv")
    assert rows == done(office.ana.get("/v1/grants/matrix"))["rows"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_run_by_a_spreadsheet(cell: str) -> None:
    row = matrix.Row(**dict.fromkeys(matrix.COLUMNS, cell))

    written = list(csv.reader(io.StringIO(matrix.as_csv([row]), newline="")))

    assert written[1] == [f"'{cell}"] * len(matrix.COLUMNS)


def test_more_than_anybody_reads_is_refused_in_words(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.matrix.MOST_ROWS", 3)

    answer = office.ana.get("/v1/grants/matrix")

    assert [one["code"] for one in done(answer, 422)["errors"]] == ["too-many"]
