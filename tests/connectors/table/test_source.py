"""A sheet over time: what is new, what changed, what is over, and what its events are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.config import Config
from connectors.source import SourceFailed
from schemas import envelope
from tests.connectors.table import sheets
from tests.connectors.table.sheets import Memory
from tests.support.examples import examples

words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)


def told(config: Config, memory: Memory) -> list[tuple[str, str]]:
    """(subject, verb) of what one reading publishes; then it is remembered."""
    items = sheets.read(config, memory)
    memory.remember(items)
    return [(event["subject"], event["type"].rpartition(".")[2]) for event in sheets.events(items)]


def test_a_row_opens_once_and_is_updated_when_it_changes(tmp_path: Path) -> None:
    config, memory = sheets.load(tmp_path), Memory()
    sheets.write_csv(tmp_path, ("1", "Active", "Ann"), ("2", "Active", "Bo"))
    assert told(config, memory) == [("1", "opened"), ("2", "opened")]

    sheets.write_csv(tmp_path, ("2", "Active", "Bo"), ("1", "FollowUp", "Ann"))
    assert told(config, memory) == [("1", "updated")]
    assert told(config, memory) == []


def test_a_withdrawn_row_is_closed_and_can_open_again(tmp_path: Path) -> None:
    config = sheets.load(tmp_path, table='withdrawn = { column = "Status", values = ["Closed"] }')
    memory = Memory()
    for status, verb in (("Active", "opened"), ("Closed", "closed"), ("Active", "opened")):
        sheets.write_csv(tmp_path, ("1", status, "Ann"))
        assert told(config, memory) == [("1", verb)]


def test_a_row_that_returns_to_an_earlier_state_is_a_new_fact(tmp_path: Path) -> None:
    config, memory = sheets.load(tmp_path), Memory()
    for owner in ("Ann", "Bo", "Ann", "Bo"):
        sheets.write_csv(tmp_path, ("1", "Active", owner))
        told(config, memory)

    ids = [issued.id for issued in memory.history("1")]
    assert len(set(ids)) == 4
    assert ids[2] == f"{ids[0]}.2"


@pytest.mark.parametrize(("missing", "second"), [("keep", []), ("close", [("2", "closed")])])
def test_a_row_that_is_gone_is_closed_only_if_declared_so(
    tmp_path: Path, missing: str, second: list[tuple[str, str]]
) -> None:
    config, memory = sheets.load(tmp_path, table=f'withdrawn = {{ missing = "{missing}" }}'), Memory()
    sheets.write_csv(tmp_path, ("1", "Active", "Ann"), ("2", "Active", "Bo"))
    told(config, memory)

    sheets.write_csv(tmp_path, ("1", "Active", "Ann"))
    assert told(config, memory) == second
    assert told(config, memory) == []


@pytest.mark.parametrize("damage", ["1,Active,Ann\n2,Canary,Bo\n", "1,Active,Ann\n2,Active\n", ""])
def test_what_could_not_be_read_is_never_taken_for_gone(tmp_path: Path, damage: str) -> None:
    config, memory = sheets.load(tmp_path, table='withdrawn = { missing = "close" }'), Memory()
    sheets.write_csv(tmp_path, ("1", "Active", "Ann"), ("2", "Active", "Bo"), ("3", "Active", "Cy"))
    told(config, memory)

    (tmp_path / "cases.csv").write_text("Case,Status,Owner\n" + damage)
    assert told(config, memory) == []


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(words, words), max_size=6, unique_by=lambda row: row[0].strip()), order=st.randoms())
def test_the_same_row_always_has_the_same_id(tmp_path: Path, rows: list[tuple[str, str]], order: object) -> None:
    config = sheets.load(tmp_path)
    sheets.write_csv(tmp_path, *((f"k{key}", "Active", owner) for key, owner in rows))
    first = {event["id"]: event["data"] for event in sheets.events(sheets.read(config))}

    order.shuffle(rows)  # type: ignore[attr-defined]
    more = [*rows, ("\u00e9" * 30, "one more")]
    headings = ("Unread", "Owner", "Status", "Case")
    sheets.write_csv(tmp_path, *(("x", owner, "Active", f"k{key}") for key, owner in more), headings=headings)
    second = {event["id"]: event["data"] for event in sheets.events(sheets.read(config))}
    assert first.items() <= second.items()


def test_an_id_tells_nothing_about_the_row_but_its_key(tmp_path: Path) -> None:
    sheets.write_csv(tmp_path, ("1", "Active", "Ann"))
    ids = []
    for agency in ("a", "b"):
        folder = tmp_path / agency
        folder.mkdir()
        (folder / "cases.csv").write_bytes((tmp_path / "cases.csv").read_bytes())
        ids.append(sheets.events(sheets.read(sheets.load(folder)))[0]["id"])

    assert ids[0] != ids[1]  # keyed: nobody can test a guess about a row against its id


def test_the_key_of_the_ids_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    sheets.write_csv(tmp_path, ("1", "Active", "Ann"))
    sheets.read(sheets.load(tmp_path))

    assert (tmp_path / "state" / "id.key").stat().st_mode & 0o777 == 0o600


def test_several_key_columns_name_a_row_and_one_of_them_its_case(tmp_path: Path) -> None:
    config = sheets.load(tmp_path, table='subject = ["Case"]\nkey_prefix = "ht-"').folder / "connector.toml"
    config.write_text(config.read_text().replace('key = ["Case"]', 'key = ["Case", "Person"]'))
    headings = ("Case", "Person", "Status", "Owner")
    sheets.write_csv(tmp_path, ("7", "a/b", "Active", ""), ("7", "c", "Active", ""), headings=headings)
    from connectors import config as configs

    items = sheets.read(configs.load(config))
    assert [item.key for item in items] == ["ht-7/a//b", "ht-7/c"]
    assert {event["subject"] for event in sheets.events(items)} == {"ht-7"}


def test_a_time_column_sets_the_time_and_without_one_it_is_when_the_row_was_first_seen(tmp_path: Path) -> None:
    config = sheets.load(tmp_path, table='time = { column = "Seen", format = "%d/%m/%Y %H:%M" }')
    headings = (*sheets.HEADINGS, "Seen")
    sheets.write_csv(tmp_path, ("1", "Active", "", "04/05/2026 13:30"), ("2", "Active", "", ""), headings=headings)
    said, seen = sheets.events(sheets.read(config))

    assert said["time"] == "2026-05-04T13:30:00-07:00"
    assert envelope.load(seen).time.tzinfo is not None


@pytest.mark.parametrize(
    ("cell", "places", "defects"),
    [
        ("06073", ["US-CA:06073"], []),
        ("6073", ["US-CA:06073"], []),
        ("06073; 06025", ["US-CA:06073", "US-CA:06025"], []),
        ("99999", ["US-CA:06073"], ["place-assumed"]),
        ("", ["US-CA:06073"], ["place-assumed"]),
        ("06025;99999", ["US-CA:06025"], ["place-assumed"]),
    ],
)
def test_a_place_that_cannot_be_made_out_never_costs_the_event(
    tmp_path: Path, cell: str, places: list[str], defects: list[str]
) -> None:
    config = sheets.load(tmp_path, table='jurisdiction = { column = "County", scheme = "FIPS", digits = 5 }')
    sheets.write_csv(tmp_path, ("1", "Active", "", cell), headings=(*sheets.HEADINGS, "County"))
    (event,) = sheets.events(sheets.read(config))

    assert event["jurisdictions"] == places
    assert [defect["code"] for defect in event.get("defects", ())] == defects


def test_rows_that_are_only_numbered_are_not_cases_yet(tmp_path: Path) -> None:
    sheets.write_csv(tmp_path, ("1", "Active", "Ann"), ("2", "", ""), ("3", "", "Bo"))
    items = sheets.read(sheets.load(tmp_path))

    assert [event["subject"] for event in sheets.events(items)] == ["1"]
    assert sheets.troubles(items) == [("row 4", "required")]


def test_a_folder_is_read_file_by_file_and_lock_files_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    sheets.write_csv(folder, ("1", "Active", "Ann"), name="a.csv")
    sheets.write_csv(folder, ("1", "Active", "Bo"), ("2", "Active", "Bo"), name="b.csv")
    (folder / "~$b.xlsx").write_bytes(b"lock")
    items = sheets.read(sheets.load(tmp_path, "in"))

    assert [event["subject"] for event in sheets.events(items)] == ["1", "2"]
    assert sheets.troubles(items) == [("row 2", "duplicate-key")]


@pytest.mark.parametrize(("path", "code"), [("gone.csv", "unreadable"), ("empty", "no-files")])
def test_a_source_that_is_not_there_is_unknown(tmp_path: Path, path: str, code: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceFailed) as failure:
        sheets.read(sheets.load(tmp_path, path))

    assert failure.value.code == code


def test_an_unchanged_file_is_not_read_again_but_its_refusals_stand(tmp_path: Path) -> None:
    path = sheets.write_csv(tmp_path, ("1", "Canary", "Ann"))
    source = sheets.source(sheets.load(tmp_path))
    first = [item for item in source.items(Memory()) if item.refusals]
    told = path.stat()
    path.write_bytes(b"x" * told.st_size)  # what a second reading would choke on
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))

    assert list(source.items(Memory())) == first


def test_protected_columns_stay_at_home_until_declared(tmp_path: Path) -> None:
    columns = '"Name" = { field = "/data/victims/0/prs_FirstName" }'
    sheets.write_csv(tmp_path, ("1", "Active", "", "Canary"), headings=(*sheets.HEADINGS, "Name"))
    kept = sheets.events(sheets.read(sheets.load(tmp_path, columns=columns)))
    sent = sheets.events(sheets.read(sheets.load(tmp_path, columns=columns, table='highest = "protected"')))

    assert "Canary" not in str(kept)
    assert sent[0]["data"]["victims"] == [{"prs_FirstName": "Canary"}]
