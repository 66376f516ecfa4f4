"""`access`: from the commit that suspends an agency until the broker refuses what it writes on an open connection."""

from __future__ import annotations

import os
import re
import signal
import statistics
from collections.abc import Iterator
from contextlib import closing, contextmanager

from kafka import KafkaProducer
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from hub.directory import Standing
from hub.store import Connection, agencies
from schemas import wire
from tests.benchmark.node import NODE, Node, Stage, police, running, until
from tests.benchmark.report import Figure, Section, percentile
from tests.support.services import Tokens

SUSPENSIONS = 50
KILLS = 10
OTHERS = 200  # agencies that are enrolled beside the one that is suspended; each has three rules
SUSPECT = "us-ca-suspect"
RECONCILERS = ("reconciler", "reconciler.2")
PROCESSES = ("sequencer", *RECONCILERS, "relay")
LEADS = re.compile(r"leads with fence (\d+)")
AIM = "<= 2 s"


def measure(stage: Stage) -> Section:
    """Suspensions as an operator makes them, and some right after the leading reconciler was killed."""
    members = [police(SUSPECT), *(police(f"us-ca-other{number}") for number in range(OTHERS))]
    with running(stage, "access", PROCESSES, members=members) as node, node.database() as conn, writer(node) as send:
        until(lambda: _both_stand(node), what="both reconcilers run")
        cut = [suspended(node, conn, send) for _ in range(SUSPENSIONS)]
        killed = [suspended(node, conn, send, kill=True) for _ in range(KILLS)]
    conditions = [
        f"{SUSPENSIONS} suspensions of one of {OTHERS + 1} agencies ({3 * (OTHERS + 1)} rules), one at a time, "
        "the clock runs from the return of the committing UPDATE until the first produce request that the broker "
        "refuses, on a connection that stays open and writes one record after the other.",
        f"killed: {KILLS} more, each right after kill -9 of the leading reconciler; the one in waiting takes over, and "
        "the node starts another.",
        "Sequencer, relay and both reconcilers run; fsync on.",
    ]
    figures = [*_figures("access.cut", cut), *_figures("access.cut.killed", killed)]
    return Section(name="access", title="a suspension reaches the broker", conditions=conditions, figures=figures)


def _figures(name: str, seconds: list[float]) -> Iterator[Figure]:
    told = {"p50": statistics.median(seconds), "p99": percentile(seconds, 0.99), "max": max(seconds)}
    for part, value in told.items():
        yield Figure(name=f"{name}.{part}", unit="s", value=value, aim=AIM)


class Writer:
    """The suspended agency's own producer."""

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    def is_refused(self) -> bool:
        """Whether the broker refuses a record now."""
        try:
            self._producer.send(self._topic, b"{}").get(timeout=10)
        except TopicAuthorizationFailedError:
            return True
        except KafkaError as error:
            print(f"access: {type(error).__name__}", flush=True)
        return False


@contextmanager
def writer(node: Node) -> Iterator[Writer]:
    """A connection as the suspect, on which every record waits for its answer."""
    kafka = {
        "bootstrap_servers": node.told.kafka.bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_provider": Tokens(lambda: node.token(SUSPECT, f"{NODE}/kafka")),
    }
    with closing(KafkaProducer(**kafka, acks="all", enable_idempotence=False, retries=0, linger_ms=0)) as producer:
        yield Writer(producer, wire.in_topic(SUSPECT, node.told.kafka.topic_prefix))


def suspended(node: Node, conn: Connection, writes: Writer, *, kill: bool = False) -> float:
    """Seconds from the suspension to the refusal; the agency is reinstated afterwards."""
    until(lambda: not writes.is_refused(), what="the suspect may write")
    if kill:
        os.kill(_leader(node, conn), signal.SIGKILL)
    agencies.set_standing(conn, SUSPECT, Standing.SUSPENDED)
    took_s = until(writes.is_refused, what="the refusal", pause_s=0.001)
    agencies.set_standing(conn, SUSPECT, Standing.ACTIVE)
    if kill:
        until(lambda: _both_stand(node), what="another stands by")
    return took_s


def _leader(node: Node, conn: Connection) -> int:
    """The process id of the reconciler that leads."""
    row = conn.execute("SELECT fence FROM lease WHERE name = 'reconciler'").fetchone()
    for name, fence in _fences(node).items():
        if row is not None and fence == row[0]:
            return node.fleet.pids()[name]
    raise LookupError("no reconciler leads")


def _fences(node: Node) -> dict[str, int]:
    logs = {name: (node.fleet.folder / f"{name}.log").read_text("utf-8") for name in RECONCILERS}
    return {name: max(map(int, LEADS.findall(log)), default=0) for name, log in logs.items()}


def _both_stand(node: Node) -> bool:
    """Start again what was killed; whether both have come as far as the database."""
    node.fleet.watch()
    with node.database() as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'puente-reconciler'"
        ).fetchone()
    return len(node.fleet.pids()) == len(PROCESSES) and row is not None and row[0] == len(RECONCILERS)
