"""The memory of a connector: what survives, and who may read it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.journal import Journal, JournalError
from tests.connectors.doubles import event, item


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state", "test") as opened:
        yield opened


def test_what_was_intended_is_pending_until_acknowledged(journal: Journal) -> None:
    journal.intend([item(1), item(2)])
    assert [record.id for record in journal.pending()] == ["e1", "e2"]

    journal.settle(["e1"], {})
    assert [record.id for record in journal.pending()] == ["e2"]
    assert [issued.acknowledged for issued in journal.history("k1") + journal.history("k2")] == [True, False]


def test_it_all_survives_a_restart(tmp_path: Path) -> None:
    with Journal(tmp_path, "test") as first:
        first.intend([item(1), item(2)])
        first.settle(["e1"], {})
        first.finish([item(1, marks={"etag": "x"})])

    with Journal(tmp_path, "test") as second:
        assert [record.body for record in second.pending()]
        assert second.knows("k1", "d1")
        assert not second.knows("k1", "other")
        assert not second.knows("k2", "d2")
        assert second.mark("etag") == "x"


def test_an_event_is_intended_once_and_keeps_its_first_bytes(journal: Journal) -> None:
    assert journal.intend([item(1)]) == []
    assert journal.intend([item(1)]) == []
    assert journal.intend([item(1, events=(event(1, data={"n": "other"}),))]) == ["e1"]

    assert [record.body for record in journal.pending()] == [b'{"data":{"n":1},' + journal.pending()[0].body[16:]]


def test_what_the_broker_never_takes_is_set_aside_and_counted(journal: Journal) -> None:
    journal.intend([item(1), item(2)])
    journal.settle(["e1"], {"e2": "not-taken"})

    assert journal.pending() == []
    assert journal.counts() == {"acknowledged": 1, "pending": 0, "set_aside": 1}


def test_the_latest_event_of_each_key_is_told(journal: Journal) -> None:
    journal.intend([item(1), item(2), item(3, key="k1")])

    assert [(key, issued.id) for key, issued in journal.latest()] == [("k2", "e2"), ("k1", "e3")]


def test_an_unknown_item_is_never_remembered(journal: Journal) -> None:
    journal.finish([item(1, events=(), unknown=(object(),))])

    assert not journal.knows("k1", "d1")


def test_one_process_at_a_time_and_one_connector_per_folder(tmp_path: Path) -> None:
    with Journal(tmp_path, "test"), pytest.raises(JournalError) as in_use:
        Journal(tmp_path, "test")
    with pytest.raises(JournalError) as foreign:
        Journal(tmp_path, "other")

    assert (in_use.value.code, foreign.value.code) == ("already-running", "foreign-state")
    Journal(tmp_path, "test").close()


def test_a_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError) as unusable:
        Journal(tmp_path / "file", "test")

    assert unusable.value.code == "state-unusable"


def test_nobody_else_may_read_it_and_acknowledged_bodies_leave_no_trace(tmp_path: Path) -> None:
    canary = "Canary-of-a-name"
    with Journal(tmp_path / "state", "test") as journal:
        journal.intend([item(1, events=(event(1, data={"name": canary}),))])
        journal.settle(["e1"], {})
        journal.tidy()
        files = list((tmp_path / "state").iterdir())

        assert not any(canary.encode() in file.read_bytes() for file in files)
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    assert (tmp_path / "state" / "journal.sqlite3").stat().st_mode & 0o077 == 0


WRITER = """
import sys
from pathlib import Path
from connectors.journal import Journal
from tests.connectors.doubles import item
with Journal(Path(sys.argv[1]), "test") as journal:
    for number in range(100000):
        journal.intend([item(number)])
        journal.settle([f"e{number}"], {})
        journal.finish([item(number)])
        print(number, flush=True)
"""


def test_killed_at_any_moment_it_opens_again_with_all_it_had_confirmed(tmp_path: Path) -> None:
    for round_s in (0.02, 0.1, 0.25):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / str(round_s))], stdout=subprocess.PIPE, cwd=Path.cwd()
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(round_s)
        os.kill(process.pid, signal.SIGKILL)
        said = process.communicate()[0].split()
        confirmed = int(said[-1]) if said else 0

        with Journal(tmp_path / str(round_s), "test") as journal:
            assert all(journal.knows(f"k{number}", f"d{number}") for number in range(confirmed + 1))
