"""Proof `restore`: a copy made under load is the node of one moment, and a node put back from it loses nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaProducer
from kafka.errors import KafkaError

from connectors.client import Gateway, GatewayError
from connectors.profile import Profile
from connectors.tokens import NoToken
from hub import main
from hub.principal import ANYWHERE, SCOPES
from hub.store.copies import Place
from schemas import wire
from tests.proof import ledger
from tests.proof.facts import Fact, Pace, closes, facts, last_of_each
from tests.proof.posting import Poster, profile
from tests.proof.premises import keep_logs, require_kafka
from tests.proof.stage import NODE, Stage, stage
from tests.proof.verdict import Run, Verdict
from tests.support import events
from tests.support.services import Tokens, state_folder
from tests.support.waiting import until

POSTING, SENDING, READING = "us-dc-desk", "us-ca-sdpd", "us-ca-chp"
FULL, QUICK = 4000, 600
SUBJECTS = 40
PER_S = 100
LONG_S = 180.0
LOGS = Path(".puente/proof/restore")


def restore(run: Run) -> Verdict:
    """
    Alerts over HTTP and Kafka, a backup in their midst, the rest of them, and a restore.

    Raises:
        NotRun: this machine lacks what it takes.
    """
    require_kafka()
    count = QUICK if run.quick else FULL
    with state_folder() as folder, stage(folder) as node:
        try:
            verdict = _prove(node, count)
        finally:
            keep_logs(folder, LOGS)
    return Verdict(held=verdict.held, figures={**verdict.figures} | ({"length": "SHORT"} if run.quick else {}))


class Sender(threading.Thread):
    """An agency that writes its share of the alerts to its topic, each after the one before is acknowledged."""

    def __init__(self, node: Stage, share: Sequence[Fact], pace: Pace) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[Fact] = []
        self._node = node
        self._share = share
        self._last = last_of_each(share)
        self._pace = pace

    def run(self) -> None:
        """Send everything."""
        with closing(self._producer()) as producer:
            for fact in self._share:
                while len(self.acknowledged) >= self._pace.due(len(self._share)):
                    time.sleep(0.02)
                self._send(producer, fact)

    def _send(self, producer: KafkaProducer, fact: Fact) -> None:
        record = wire.encode(_alert(SENDING, fact, self._last[fact.subject]))
        while True:
            try:
                producer.send(wire.in_topic(SENDING, ""), record, key=fact.subject.encode()).get(timeout=10)
            except KafkaError:  # the right to write comes in a moment
                time.sleep(0.2)
            else:
                self.acknowledged.append(fact)
                return

    def _producer(self) -> KafkaProducer:
        issuer, audience = main.issuer(self._node.told), f"{NODE}/kafka"
        claims = {"client_id": SENDING, "agency": SENDING, "jurisdictions": list(ANYWHERE), "epoch": 1}
        claims |= {"scope": " ".join(SCOPES)}
        return KafkaProducer(
            bootstrap_servers=self._node.bootstrap,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="OAUTHBEARER",
            sasl_oauth_token_provider=Tokens(
                lambda: issuer.issue(claims, audience=audience, ttl_s=900, at=datetime.now(UTC))
            ),
            acks="all",
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,
            linger_ms=0,
        )


def _alert(agency: str, fact: Fact, last: int) -> events.Wire:
    verb = "located" if closes(fact, last) else "issued" if fact.number == 1 else "updated"
    told = {"source": agency, "subject": fact.subject, "time": fact.time.isoformat()}
    return events.alert(verb, id=f"{fact.subject}/{fact.number:04d}", **told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """The copy, what a reader had read before it was made, and how long making it took."""

    folder: Path
    manifest: dict[str, Any]
    read: Sequence[Fact]
    cursor: str
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Equal:
    """How the restored database compares with the copy's manifest and with the database it took the place of."""

    facts: frozenset[Fact]  # the events it holds
    tables: Sequence[str]  # those whose rows are not as many as the manifest says
    rows: int  # events and audit entries that are not, to the letter, what the former database holds
    is_head_equal: bool


@dataclass(slots=True, kw_only=True)
class Drill:
    """What is published, by whom, and what the reader got."""

    node: Stage
    shares: dict[str, list[Fact]]
    who: Profile
    posting: Profile

    @property
    def planned(self) -> list[Fact]:
        """Everything that is to be published."""
        return [fact for share in self.shares.values() for fact in share]

    def publish_and_back_up(self) -> Copied:
        """Both ways in at once; the copy is made when half has been acknowledged."""
        pace = Pace(len(self.planned) / PER_S)
        poster = Poster(self.posting, self.shares[POSTING], pace, lambda: False)
        sender = Sender(self.node, self.shares[SENDING], pace)
        threads = (poster, sender)
        for thread in threads:
            thread.start()
        half = len(self.planned) // 2
        until(lambda: len(poster.acknowledged) + len(sender.acknowledged) > half, within_s=LONG_S, what="half of it")
        read, cursor = follow(self.who, None)
        folder = self.node.folder / "copy"
        took_s = command(self.node, "backup", str(folder))
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        for thread in threads:
            thread.join(LONG_S)
        until(lambda: placed(self.node) == len(self.planned), within_s=LONG_S, what="everything has its place")
        return Copied(folder=folder, manifest=manifest, read=read, cursor=cursor, took_s=took_s)

    def restore(self, copied: Copied) -> tuple[Equal, float]:
        """With the node stopped, and started again behind it."""
        self.node.fleet.stop()
        self.node.standby.stop()
        until(lambda: not Place(url=self.node.database_url).users(), within_s=LONG_S, what="nobody is connected")
        took_s = command(self.node, "restore", str(copied.folder), "--replace")
        equal = compared(self.node, copied)
        self.node.fleet.start()
        self.node.standby.start()
        return equal, took_s

    def send_again(self) -> int:
        """What HTTP publishers do after a restore: everything once more; how much of it was there."""
        poster = Poster(self.posting, self.shares[POSTING], Pace(1.0), lambda: False)
        poster.start()
        poster.join(LONG_S)
        until(lambda: placed(self.node) >= len(self.planned), within_s=LONG_S, what="everything is there again")
        return poster.repeats


def _prove(node: Stage, count: int) -> Verdict:
    who, posting = (profile(node, agency, node.enrol(agency)) for agency in (READING, POSTING))
    node.enrol(SENDING)
    shares = {agency: facts(agency, count // 2, SUBJECTS) for agency in (POSTING, SENDING)}
    drill = Drill(node=node, shares=shares, who=who, posting=posting)
    copied = drill.publish_and_back_up()
    read_after, cursor_after = follow(who, copied.cursor)
    equal, took_s = drill.restore(copied)
    there = drill.send_again()
    from_before, _ = follow(who, copied.cursor)
    from_after, _ = follow(who, cursor_after)
    planned = set(drill.planned)
    entries = [
        ledger.compare("cursor-before", planned - set(copied.read), from_before),
        ledger.compare("cursor-after", planned - equal.facts, from_after),
    ]
    with node.database() as conn:
        entries += ledger.in_database(conn, planned)
        left = sum(ledger.unfinished(conn).values())
    for entry in entries:
        print(entry, flush=True)
    missed = planned - {*copied.read, *read_after, *from_after}
    done = {
        "taken-under-load": 0 < len(equal.facts) < len(planned),
        "equal": not equal.tables and not equal.rows and equal.is_head_equal,
        "clean-ledger": all(entry.is_clean for entry in entries) and not left,
        "nothing-missed": not missed,
    }
    unmet = [name for name, is_met in done.items() if not is_met]
    figures: dict[str, object] = {
        "events": len(planned),
        "in_copy": len(equal.facts),
        "audit_in_copy": copied.manifest["tables"]["audit"],
        "tree_head": (copied.manifest["tree_head"] or {}).get("size", "none"),
        "differing_tables": ",".join(equal.tables) or 0,
        "differing_rows": equal.rows,
        "kafka_read_again": sum(fact not in equal.facts for fact in shares[SENDING]),
        "http_sent_again": len(shares[POSTING]) - there,
        "lost": sum(entry.lost for entry in entries),
        "doubled": sum(entry.doubled + entry.foreign for entry in entries),
        "missed_by_reader": len(missed),
        "backup_s": round(copied.took_s, 1),
        "restore_s": round(took_s, 1),
    }
    return Verdict(held=not unmet, figures=figures | ({"unmet": ",".join(unmet)} if unmet else {}))


def follow(who: Profile, after: str | None) -> tuple[list[Fact], str]:
    """The feed behind a cursor, to its end, and the cursor there; a gateway that is only starting is waited for."""
    seen: list[Fact] = []
    deadline = time.monotonic() + LONG_S
    with Gateway(who) as gateway:
        while True:
            try:
                page = gateway.feed(after, limit=200)
            except (GatewayError, NoToken):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
                continue
            seen += [Fact.of(entry["event"]["id"]) for entry in page.events]
            after = page.next
            if not page.more:
                return seen, after


def command(node: Stage, *words: str) -> float:
    """
    Run `puente`, as an operator does; seconds it took.

    Raises:
        RuntimeError: it failed.
    """
    began_s = time.monotonic()
    told = [sys.executable, "-m", "hub.cli", *words]
    done = subprocess.run(told, env=dict(node.environment), capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr, end="", flush=True)
    if done.returncode:
        raise RuntimeError(f"puente {words[0]} ended with {done.returncode}")
    return time.monotonic() - began_s


def placed(node: Stage) -> int:
    """How many events have their place in the log."""
    with node.database() as conn:
        row = conn.execute("SELECT count(*) FROM log").fetchone()
    return int(str(row[0])) if row else 0


ROWS = {
    "event": "SELECT hub_id::text, md5(e::text) FROM event e",
    "audit": "SELECT no::text, md5(a::text) FROM audit a",
}


def compared(node: Stage, copied: Copied) -> Equal:
    """Look at the database that was just restored, before anything works on it."""
    place = Place(url=node.database_url)
    (former,) = (name for name in node.server.databases() if name.startswith(f"{place.name}_before_"))
    with psycopg.connect(place.url) as now, psycopg.connect(place.beside(former).url) as then:
        counts = {table: _value(now, f'SELECT count(*) FROM "{table}"') for table in copied.manifest["tables"]}  # noqa: S608
        held = frozenset(Fact.of(row[0]) for row in now.execute("SELECT id FROM event"))
        differing = 0
        for query in ROWS.values():
            before: dict[str, str] = dict(then.execute(query).fetchall())
            differing += sum(before.get(key) != digest for key, digest in now.execute(query))
        head = copied.manifest["tree_head"]
        newest = head and _value(now, "SELECT encode(root, 'hex') FROM tree_head ORDER BY size DESC LIMIT 1")
    return Equal(
        facts=held,
        tables=[table for table, rows in copied.manifest["tables"].items() if counts[table] != rows],
        rows=differing,
        is_head_equal=not head or newest == head["root"],
    )


def _value(conn: psycopg.Connection[Any], query: str) -> Any:
    row = conn.execute(query.encode()).fetchone()
    return row[0] if row else None
