"""A connector as an agency runs it: its own process, its own token endpoint, a sheet of its own, a real broker."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.net.sasl.oauth import AbstractTokenProvider

from schemas import wire
from tests.connectors.endpoints import Answer, Asked, Endpoint, endpoint, granted, write_key
from tests.support.kafka_clients import partitions_of, project
from tests.support.services import Broker

SDPD, LAPD, FGE = "us-ca-sdpd", "us-ca-lapd", "mx-bcn-fge"
COMMAND = "from connectors.cli import connector; connector()"
CONFIG = """
[connector]
name = "cases"
kind = "table"
agency = "us-ca-sdpd"
jurisdictions = ["US-CA"]
state_dir = "state"
poll_s = 0.2
[source]
path = "cases.csv"
[table]
type = "case.trafficking"
key = ["Case", "Row"]
subject = ["Case"]
[table.columns]
"Status" = {{ field = "/data/cas_Status", required = true }}
"Owner" = "/data/cas_CaseOwner"
[kafka]
bootstrap = ["{bootstrap}"]
topic_prefix = "{prefix}"
security = "sasl_plaintext"
delivery_timeout_s = 4
[oauth]
token_endpoint = "{token_endpoint}/oauth/token"
issuer = "https://us.issuer.example"
client_id = "us-ca-sdpd"
key_file = "agency.pem"
audience = "us/kafka"
"""


class GivenToken(AbstractTokenProvider):  # type: ignore[misc,unused-ignore]
    """One token, whatever it is worth."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self._value = value

    def token(self) -> str:
        return self._value


@contextmanager
def token_endpoint(broker: Broker) -> Iterator[Endpoint]:
    """Gives the agency tokens that the broker's US listener believes."""

    def answer(asked: Asked) -> Answer:
        assert asked.form["resource"] == "us/kafka"
        return granted(broker.issuers["us"].token(SDPD), 900)

    with endpoint() as served:
        served.answer = answer
        yield served


def prepare(broker: Broker, prefix: str) -> None:
    """Topics and rules for two agencies under a prefix."""
    with KafkaAdminClient(**broker.login_as("us-node")) as admin:
        project(admin, SDPD, LAPD, prefix=prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """One agency's folder with its connector."""

    folder: Path
    broker: Broker
    prefix: str
    tokens: Endpoint

    def write_rows(self, rows: Sequence[Sequence[object]]) -> None:
        """Save the sheet in one step, as spreadsheet programs do."""
        fresh = self.folder / "cases.tmp"
        with fresh.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("Case", "Row", "Status", "Owner"), *rows])
        fresh.replace(self.folder / "cases.csv")

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """The connector in a process of its own."""
        command = [sys.executable, "-c", COMMAND, "run", str(self.folder / "connector.toml"), *options]
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(command, stderr=log, stdout=log)

    def once(self) -> int:
        """One reading; its exit status."""
        return self.start("--once").wait(timeout=90)

    def log(self) -> str:
        """What the connector said so far."""
        return (self.folder / "log.txt").read_text()

    def status(self) -> dict[str, Any]:
        """The status file."""
        file = self.folder / "state" / "status.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def intended(self) -> int:
        """How many events the journal knows of."""
        file = self.folder / "state" / "journal.sqlite3"
        try:
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as journal:
                return int(journal.execute("SELECT count(*) FROM issued").fetchone()[0])
        except sqlite3.Error:
            return 0  # not there yet

    def received(self) -> list[dict[str, Any]]:
        """Everything in the agency's topic, in the order of its partitions."""
        return read_topic(self.broker, wire.in_topic(SDPD, self.prefix))


@contextmanager
def agency(folder: Path, broker: Broker, prefix: str) -> Iterator[Agency]:
    """An agency ready to publish under ``prefix``."""
    prepare(broker, prefix)
    write_key(folder)
    with token_endpoint(broker) as tokens:
        given = {"bootstrap": broker.bootstrap("us"), "prefix": prefix, "token_endpoint": tokens.url}
        (folder / "connector.toml").write_text(CONFIG.format(**given))
        yield Agency(folder=folder, broker=broker, prefix=prefix, tokens=tokens)


def read_topic(broker: Broker, topic: str) -> list[dict[str, Any]]:
    """Every record there is now."""
    consumer = KafkaConsumer(**broker.login_as("us-node"), enable_auto_commit=False, bootstrap_timeout_ms=15_000)
    try:
        consumer.assign(partitions := partitions_of(consumer, topic))
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        found: list[dict[str, Any]] = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                found += [json.loads(record.value) for record in records]
        return found
    finally:
        consumer.close()


def stop(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
    """Signal one process of ours and wait for its end."""
    os.kill(process.pid, number)
    return process.wait(timeout=60)


def cases(count: int, subjects: int = 100) -> list[tuple[str, int, str, str]]:
    """``count`` rows of ``subjects`` cases, interleaved."""
    return [(f"c{row % subjects}", row, "Active", f"Canary {row}") for row in range(count)]
