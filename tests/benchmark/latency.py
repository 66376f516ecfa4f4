"""`latency`: from the moment an agency hands an event over until a reader's feed shows it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from kafka import KafkaProducer

from schemas import wire
from tests.benchmark import samples
from tests.benchmark.load import Connection, request
from tests.benchmark.node import NODE, READER, Node, Stage, running
from tests.benchmark.report import Figure, Section, of_rounds, percentile
from tests.support.services import Tokens

ROUNDS = 3
EVENTS = 80  # a round and way
WARM = 15
POLL_S = 0.002
LOST_S = 20.0


class Reader:
    """One agency that follows its feed on one connection."""

    def __init__(self, node: Node, agency: str = READER) -> None:
        self._connection = Connection(node.port)
        self._headers = node.headers(agency)
        self._after = ""
        while self._page()["more"]:
            pass

    def _page(self) -> dict[str, object]:
        asked = request("GET", f"/v1/feed?after={self._after}&limit=100", self._headers)
        page: dict[str, object] = json.loads(self._connection.ask(asked).body)
        self._after = str(page["next"])
        return page

    def wait_for(self, name: str) -> None:
        """
        Ask every `POLL_S` seconds until the event of this name is there.

        Raises:
            TimeoutError: it was not within `LOST_S` seconds.
        """
        deadline = time.perf_counter() + LOST_S
        while time.perf_counter() < deadline:
            page = self._page()["events"]
            assert isinstance(page, list)
            if any(item["event"]["id"] == name for item in page):
                return
            time.sleep(POLL_S)
        raise TimeoutError(f"an event was not seen within {LOST_S} s")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def producer(node: Node, **settings: object) -> KafkaProducer:
    """A producer that is the publishing agency, set up as the connectors' is."""
    return KafkaProducer(
        bootstrap_servers=node.told.kafka.bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="OAUTHBEARER",
        sasl_oauth_token_provider=Tokens(lambda: node.token(samples.PUBLISHER, f"{NODE}/kafka")),
        acks="all",
        enable_idempotence=False,
        max_in_flight_requests_per_connection=1,
        **settings,
    )


def measure(stage: Stage) -> Section:
    """Both ways in, taking turns."""
    with running(stage, "latency", ("sequencer", "relay", "ingest", "gateway")) as node:
        took = _both_ways(node)
    conditions = [
        f"one event at a time, {ROUNDS} rounds of {EVENTS} a way; a reader polls every {POLL_S * 1000:.0f} ms on a "
        "connection of its own; the clock runs from before the send to the answer that holds the event.",
        "kafka: the agency's own token and ACL, acks=all, linger 0, acknowledged before the reader looks. Sequencer, "
        "relay and ingest run; policy, validation, audit and disclosure entries on, fsync on, token cache on.",
    ]
    figures = [figure for way, rounds in took.items() for figure in _figures(way, rounds)]
    title = "publish to visible in a reader's feed"
    return Section(name="latency", title=title, conditions=conditions, figures=figures)


def _both_ways(node: Node) -> dict[str, list[list[float]]]:
    """Milliseconds of each event, by way and round."""
    events = samples.bodies()
    topic = wire.in_topic(samples.PUBLISHER, node.told.kafka.topic_prefix)
    headers = node.headers(samples.PUBLISHER)
    with closing(Reader(node)) as reader, closing(Connection(node.port)) as http, closing(producer(node)) as kafka:

        def through_kafka(name: str, body: bytes) -> None:
            kafka.send(topic, body, key=name.encode()).get(timeout=LOST_S)

        def through_http(_name: str, body: bytes) -> None:
            assert http.ask(request("POST", "/v1/events", headers, body)).status == 201

        ways = {"kafka": through_kafka, "http": through_http}
        took: dict[str, list[list[float]]] = {way: [] for way in ways}
        for publish in ways.values():
            _times(events, publish, reader, WARM)
        for _ in range(ROUNDS):
            for way, publish in ways.items():
                took[way].append(_times(events, publish, reader, EVENTS))
    return took


def _times(
    events: Iterator[tuple[str, bytes]], publish: Callable[[str, bytes], None], reader: Reader, count: int
) -> list[float]:
    """Milliseconds from before each publish until the reader has seen the event."""
    took = []
    for _ in range(count):
        name, body = next(events)
        began = time.perf_counter()
        publish(name, body)
        reader.wait_for(name)
        took.append((time.perf_counter() - began) * 1000)
    return took


def _figures(way: str, rounds: list[list[float]]) -> Iterator[Figure]:
    for share in (0.5, 0.99):
        yield of_rounds(f"latency.{way}.p{share * 100:.0f}", "ms", [percentile(one, share) for one in rounds])
