"""The loop: nothing is lost, nothing is remembered too early, and what is not known is called unknown."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.journal import Journal
from connectors.runner import BATCH_ITEMS, Runner
from connectors.source import Cursor, Item, Refusal, SourceFailed
from connectors.status import Status
from connectors.stopping import Stop
from schemas.flaws import flaw
from schemas.texts import Text
from tests.connectors.doubles import Listed, Shelf, config, event, item

WRONG = Text("This is wrong.", "Esto está mal.", code="wrong")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state", "test") as opened:
        yield opened


def once(tmp_path: Path, journal: Journal, items: Any, shelf: Shelf) -> Status:
    """One reading of ``items``, a list or a function of the cursor."""
    source = Listed(items if callable(items) else lambda _: items)
    return Runner(config(tmp_path), source, journal, shelf, "in.us-ca-sdpd.v1").once(Stop())


def test_everything_is_published_once(tmp_path: Path, journal: Journal) -> None:
    items = [item(number) for number in range(BATCH_ITEMS * 2 + 3)]
    shelf = Shelf()
    assert once(tmp_path, journal, items, shelf).state == "ok"
    assert once(tmp_path, journal, items, shelf).state == "ok"

    assert shelf.ids == [f"e{number}" for number in range(BATCH_ITEMS * 2 + 3)]


@pytest.mark.parametrize("takes", [0, 1, 5, BATCH_ITEMS, BATCH_ITEMS + 7])
def test_a_broker_that_goes_away_costs_time_and_no_event(tmp_path: Path, journal: Journal, takes: int) -> None:
    items = [item(number) for number in range(BATCH_ITEMS + 20)]
    shelf = Shelf(takes)
    away = once(tmp_path, journal, items, shelf)
    shelf.takes = float("inf")
    back = once(tmp_path, journal, items, shelf)

    assert (away.state, back.state) == ("unpublished", "ok")
    assert shelf.ids == [f"e{number}" for number in range(BATCH_ITEMS + 20)]


def test_while_the_broker_is_away_the_source_is_not_read_on(tmp_path: Path, journal: Journal) -> None:
    read = []

    def endless(_: Cursor) -> Iterable[Item]:
        for number in range(10**9):
            read.append(number)
            yield item(number)

    once(tmp_path, journal, endless, Shelf(0))
    once(tmp_path, journal, endless, Shelf(0))
    assert len(read) <= BATCH_ITEMS


def test_what_was_intended_is_sent_even_if_the_source_has_forgotten_it(tmp_path: Path, journal: Journal) -> None:
    shelf = Shelf(0)
    once(tmp_path, journal, [item(1)], shelf)
    shelf.takes = 1
    once(tmp_path, journal, [], shelf)

    assert shelf.ids == ["e1"]


def test_an_item_is_remembered_only_when_all_of_it_is_acknowledged(tmp_path: Path, journal: Journal) -> None:
    two = item(1, events=(event(1), event(2)), marks={"etag": "x"})
    once(tmp_path, journal, [two], Shelf(1))
    assert not journal.knows("k1", "d1")
    assert journal.mark("etag") is None

    once(tmp_path, journal, [two], Shelf())
    assert journal.knows("k1", "d1")
    assert journal.mark("etag") == "x"


def test_one_poison_record_stops_nothing(tmp_path: Path, journal: Journal) -> None:
    shelf = Shelf()
    shelf.never = {"e2"}
    status = once(tmp_path, journal, [item(1), item(2), item(3)], shelf)

    assert shelf.ids == ["e1", "e3"]
    assert (status.state, status.tally.set_aside, status.totals["set_aside"]) == ("ok", 1, 1)


def test_a_source_that_fails_half_way_is_unknown_and_what_it_gave_counts(tmp_path: Path, journal: Journal) -> None:
    def failing(_: Cursor) -> Iterable[Item]:
        yield item(1)
        raise SourceFailed("http-500", WRONG)

    shelf = Shelf()
    status = once(tmp_path, journal, failing, shelf)

    assert shelf.ids == ["e1"]
    assert (status.state, status.fault and status.fault.where, status.last_success) == ("unknown", "source", None)


def test_a_fault_of_ours_is_told_without_the_data_that_met_it(
    tmp_path: Path, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Cursor) -> Iterable[Item]:
        yield from map(int, ["Canary"])  # ValueError: invalid literal ... 'Canary'

    status = once(tmp_path, journal, broken, Shelf())

    assert status.fault is not None
    assert status.fault.code == "source-broken"
    assert "Canary" not in caplog.text + str(status)


def test_documents_that_could_not_be_read_are_counted_and_never_called_none(tmp_path: Path, journal: Journal) -> None:
    unread = [Item(document=f"d{number}", unknown=(flaw("", WRONG),)) for number in range(163)]
    status = once(tmp_path, journal, [*unread, item(1)], Shelf())

    assert (status.state, status.tally.unknown, status.tally.published) == ("unknown", 163, 1)
    assert status.fault is not None
    assert "163" in status.fault.text


def test_a_refusal_is_logged_once_and_counted_every_time(
    tmp_path: Path, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = Refusal(document="doc", position="row 7", flaws=(flaw("", WRONG),))
    refused = item(7, events=(), refusals=(refusal,))
    counts = [once(tmp_path, journal, [refused], Shelf()).tally.refused for _ in range(3)]

    assert counts == [1, 1, 1]
    assert caplog.text.count("doc row 7 [wrong] This is wrong.") == 1


def test_an_id_that_would_say_two_things_is_refused(tmp_path: Path, journal: Journal) -> None:
    shelf = Shelf()
    once(tmp_path, journal, [item(1)], shelf)
    other = item(1, digest="other", events=(event(1, data={"n": "other"}),))

    assert once(tmp_path, journal, [other], shelf).tally.refused == 1
    assert shelf.ids == ["e1"]


def test_an_urgent_alert_does_not_wait_for_the_next_item(tmp_path: Path, journal: Journal) -> None:
    shelf, seen = Shelf(), []

    def slow(_: Cursor) -> Iterable[Item]:
        yield item(1, events=(event(1, type="alert.missing_child.issued", data={"urgency": "Immediate"}),))
        seen.append(list(shelf.ids))
        yield item(2)

    once(tmp_path, journal, slow, shelf)
    assert seen == [["e1"]]


def test_asked_to_stop_it_takes_no_more_in(tmp_path: Path, journal: Journal) -> None:
    stop = Stop(grace_s=0)

    def stopping(_: Cursor) -> Iterable[Item]:
        for number in range(100):
            if number == 3:
                stop.set()
            yield item(number)

    shelf = Shelf()
    runner = Runner(config(tmp_path), Listed(stopping), journal, shelf, "t")
    runner.run(stop)
    assert shelf.ids == ["e0", "e1", "e2", "e3"]
    assert json.loads((tmp_path / "state" / "status.json").read_text())["state"] == "stopped"


def test_the_status_file_tells_lag_and_class_of_error_in_both_languages(tmp_path: Path, journal: Journal) -> None:
    once(tmp_path, journal, [item(1)], Shelf(0))
    said = json.loads((tmp_path / "state" / "status.json").read_text())

    assert said["fault"]["where"] == "broker"
    assert said["fault"]["text"].keys() == {"en", "es"}
    assert said["totals"] == {"acknowledged": 0, "pending": 1, "set_aside": 0}


def test_a_change_of_state_is_one_log_line(tmp_path: Path, journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    runner = Runner(config(tmp_path), Listed(lambda _: [item(1)]), journal, Shelf(), "t")
    for _ in range(3):
        runner.once(Stop())

    assert caplog.text.count("connector test: ok") == 1
