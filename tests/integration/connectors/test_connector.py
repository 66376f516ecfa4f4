"""A whole connector against a real broker: killed, stopped, cut off, and every row arrives."""

from __future__ import annotations

import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.connectors.stage import Agency, agency, cases, stop
from tests.support.services import Broker, new_issuer, start_broker, state_folder


@pytest.fixture
def sdpd(tmp_path: Path, kafka: Broker) -> Iterator[Agency]:
    with agency(tmp_path, kafka, f"{tmp_path.name[-40:].replace('_', '-')}.") as ready:
        yield ready


def by_key(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Events by the row they came from."""
    found = defaultdict(list)
    for event in events:
        found[event["id"].rpartition(":")[0]].append(event)
    return found


def assert_complete(events: list[dict[str, Any]], rows: list[tuple[str, int, str, str]]) -> None:
    """Every row arrived, whatever arrived twice is the same, and each case is in the order of the sheet."""
    found = by_key(events)
    assert set(found) == {f"{case}/{row}" for case, row, *_ in rows}
    assert all(copies.count(copies[0]) == len(copies) for copies in found.values())
    order = defaultdict(list)
    for event in {event["id"]: event for event in reversed(events)}.values():
        order[event["subject"]].append(int(event["data"]["cas_CaseOwner"].split()[1]))
    assert all(numbers == sorted(numbers, reverse=True) for numbers in order.values())


def wait_for(condition: Any, seconds: float = 30) -> None:
    """Until it holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def test_one_reading_publishes_the_sheet_and_the_next_one_nothing(sdpd: Agency) -> None:
    sdpd.write_rows(cases(50))

    assert (sdpd.once(), sdpd.once()) == (0, 0)
    assert len(sdpd.received()) == 50
    assert sdpd.status()["totals"] == {"acknowledged": 50, "pending": 0, "set_aside": 0}
    assert "Canary" not in sdpd.log()


def test_a_running_connector_publishes_what_changes_and_ends_when_told(sdpd: Agency) -> None:
    rows = cases(3)
    sdpd.write_rows(rows)
    process = sdpd.start()
    wait_for(lambda: sdpd.status().get("state") == "ok")
    sdpd.write_rows([*rows[:2], (*rows[2][:2], "FollowUp", "Canary 2")])
    wait_for(lambda: sdpd.status()["totals"].get("acknowledged") == 4)

    assert stop(process) == 0
    assert sdpd.received()[-1]["type"] == "case.trafficking.updated"
    assert sdpd.status()["state"] == "stopped"


def test_without_a_token_nothing_is_published_and_the_reason_is_told(sdpd: Agency) -> None:
    sdpd.write_rows(cases(5))
    given, sdpd.tokens.answer = sdpd.tokens.answer, lambda _: (503, {})
    assert sdpd.once() == 4
    assert sdpd.status()["fault"]["code"] == "no-token"

    sdpd.tokens.answer = given
    assert sdpd.once() == 0
    assert len(sdpd.received()) == 5


@pytest.mark.timeout(300)
def test_killed_at_random_moments_every_row_arrives_and_every_copy_is_the_same(sdpd: Agency) -> None:
    rows = cases(2000)
    sdpd.write_rows(rows)
    chance = random.Random(20260504)  # noqa: S311  (a reproducible schedule, not a secret)
    kills = 0
    for reached in sorted(chance.sample(range(1900), 8)):
        process = sdpd.start("--once")
        wait_for(lambda reached=reached: sdpd.intended() > reached)
        time.sleep(chance.random() / 20)
        kills += stop(process, signal.SIGKILL) == -signal.SIGKILL

    assert sdpd.once() == 0
    assert kills >= 4
    assert_complete(sdpd.received(), rows)


@pytest.fixture(scope="module")
def own_folder() -> Iterator[Path]:
    with state_folder() as folder:
        yield folder


@pytest.mark.timeout(300)
def test_with_the_broker_away_it_waits_in_bounded_memory_and_nothing_is_lost(tmp_path: Path, own_folder: Path) -> None:
    issuers = {"us": new_issuer("us")}
    broker = start_broker(own_folder, issuers)
    rows = cases(3000)
    try:
        with agency(tmp_path, broker, "away.") as sdpd:
            sdpd.write_rows(rows[:1000])
            process = sdpd.start()
            wait_for(lambda: sdpd.status().get("totals", {}).get("acknowledged") == 1000)
            broker.running.stop()
            sdpd.write_rows(rows)
            wait_for(lambda: sdpd.status()["state"] == "unpublished", 60)
            assert sdpd.status()["fault"]["where"] == "broker"
            assert sdpd.status()["totals"]["pending"] <= 1000
            assert resident_kib(process.pid) < 200_000
            broker = start_broker(own_folder, issuers, ports=broker.running.ports)
            wait_for(lambda: sdpd.status()["totals"].get("acknowledged") == 3000, 120)
            assert stop(process) == 0
            assert_complete(replace(sdpd, broker=broker).received(), rows)
    finally:
        broker.running.stop()


def resident_kib(pid: int) -> int:
    """Memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
