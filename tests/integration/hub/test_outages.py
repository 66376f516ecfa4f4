"""The database and the broker go away and come back: the workers wait, go on, and nothing is lost or doubled."""

from __future__ import annotations

import gc
import json
import logging
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.embedded import postgres
from hub.errors import Unavailable
from hub.store import connect
from hub.store.migrate import migrate
from tests.support.cast import POLICE, agency
from tests.support.node import Node, missing_child
from tests.support.services import Broker, new_issuer, start_broker, state_folder
from tests.support.waiting import until
from tests.support.working import Working

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Services of this module's own: the shared ones must stay up."""
    with state_folder() as path:
        yield path


class Island:
    """A node with services of its own, all of which run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.issuers = {"us": new_issuer("us")}
        self.server = postgres.start(folder, fsync=False)
        self.broker = start_broker(folder, self.issuers)
        migrate(url := self.server.create_database("node"))
        self.node = Node(url)
        self.working = Working(self.node, self.broker, "")
        self.working.start()
        self.working.admitted(POLICE)

    def kill_database(self) -> None:
        """At once, as when the machine loses power."""
        self.server.child.send_signal(signal.SIGQUIT)
        self.server.child.wait()

    def start_database(self) -> None:
        """On the data that is there."""
        self.server = postgres.start(self.folder, fsync=False)

    def kill_broker(self) -> None:
        """The same."""
        self.broker.running.child.kill()
        self.broker.running.child.wait()

    def start_broker(self) -> None:
        """At the same address."""
        again: Broker = start_broker(self.folder, self.issuers, ports=self.broker.running.ports)
        self.broker = self.working.broker = replace(self.broker, running=again.running)

    def stop(self) -> None:
        """Everything."""
        self.working.stop()
        self.node.close()
        self.broker.running.stop()
        self.server.stop()


@pytest.fixture(scope="module")
def island(folder: Path) -> Iterator[Island]:
    # What pytest keeps of a log line keeps the socket that it is about.
    kafka = logging.getLogger("kafka")
    level = kafka.level
    kafka.setLevel(logging.CRITICAL + 1)
    running = Island(folder)
    yield running
    running.stop()
    kafka.setLevel(level)
    gc.collect()  # while the dropped sockets are still forgiven


def relayed(island: Island, subject: str, *, least: int) -> list[str]:
    """The ids of a subject's events in `alert.v1`."""
    found: list[Any] = []

    def have_come() -> bool:
        found[:] = [record for record in island.working.held("alert.v1") if record.key == subject.encode()]
        return len(found) >= least

    until(have_come, within_s=30, what=f"{least} of {subject}")
    return [json.loads(record.value)["id"] for record in found]


def test_a_database_restart_is_survived(island: Island) -> None:
    events = [missing_child(subject="database") for _ in range(20)]
    island.working.deal_with(POLICE, *events[:10])
    island.kill_database()
    sent = island.working.send(POLICE, *events[10:])
    with pytest.raises(Unavailable), connect(island.node.url, name="test"):
        pass

    island.start_database()
    island.working.ingested(POLICE, sent, within_s=30)

    assert relayed(island, "database", least=20) == [event["id"] for event in events]


def test_a_broker_restart_is_survived(island: Island) -> None:
    events = [missing_child(subject="broker") for _ in range(15)]
    island.working.deal_with(POLICE, *events[:5])
    island.kill_broker()
    for event in events[5:10]:
        island.node.desk(POLICE).publish(event)  # HTTP goes on

    island.start_broker()
    island.working.ingested(POLICE, island.working.send(POLICE, *events[10:]), within_s=40)

    assert relayed(island, "broker", least=15) == [event["id"] for event in events]


def test_rules_follow_the_table_after_both(island: Island) -> None:
    late = agency("us-ca-late", POLICE.kind, "US-CA")

    island.node.enrol(late)

    island.working.admitted(late, within_s=30)
