"""
The way to Kafka: acknowledged by all in-sync replicas, or it did not happen.

kafka-python never blocks and never forgets (300,000 records in 12 s cost 555 MiB while a broker was away), so the
bound on what is in flight is ours. Two events of one subject are never in flight together: a batch that expires could
otherwise be overtaken by a younger one, and an update arrive before what it updates.
"""

from __future__ import annotations

import gc
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaProducer
from kafka import errors as kafka_errors
from kafka.net.sasl.oauth import AbstractTokenProvider

from connectors.config import KafkaSettings
from connectors.source import Record
from connectors.stopping import SLICE_S, Stop
from connectors.tokens import NoToken, trust
from schemas.texts import Text

MAX_IN_FLIGHT = 2_000  # events
MAX_IN_FLIGHT_BYTES = 8 * 1024 * 1024
REQUEST_TIMEOUT_S = 10
# A future still open so long after its delivery timeout means a dead sender thread, which only a new process cures.
STUCK_AFTER_S = 30
CLOSE_TIMEOUT_S = 20

# Why each: security review of kafka-python 3.0.12. With idempotence on, one expired batch can leave the producer
# dead for good (KP-1); transactions are unsafe (KP-3 to KP-5).
SETTINGS: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": False,
    "max_in_flight_requests_per_connection": 1,  # keeps order through retries
    "retries": float("inf"),
    "linger_ms": 5,
    "batch_size": 256 * 1024,
    "compression_type": None,
    "bootstrap_timeout_ms": REQUEST_TIMEOUT_S * 1000,
    "max_block_ms": REQUEST_TIMEOUT_S * 1000,
    "reconnect_backoff_max_ms": 5_000,
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}

AWAY = Text("The broker did not acknowledge ({why}).", "El broker no confirmó ({why}).", code="broker-away")
NOT_AUTHORISED = Text(
    "The broker does not let this agency write to {topic} ({why}).",
    "El broker no permite a esta agencia escribir en {topic} ({why}).",
    code="not-authorised",
)
NO_CREDENTIAL = Text("No token for the broker: {why}", "Sin token para el broker: {why}", code="no-token")
NOT_TAKEN = Text(
    "The broker will never take this record ({why}).",
    "El broker nunca aceptará este registro ({why}).",
    code="not-taken",
)
STOPPING = Text(
    "Stopped before the broker acknowledged; it is sent again at the next start.",
    "Se detuvo antes de la confirmación del broker; se enviará de nuevo en el próximo arranque.",
    code="stopping",
)
STUCK = Text(
    "The Kafka client stopped working; restart this connector, nothing is lost.",
    "El cliente de Kafka dejó de funcionar; reinicie este conector, nada se ha perdido.",
    code="client-stuck",
)

_NEVER = (
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.InvalidRecordError,
)
_FORBIDDEN = (
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.ClusterAuthorizationFailedError,
    kafka_errors.SaslAuthenticationFailedError,
)


class NotPublished(Exception):
    """No acknowledgement. ``permanent``: this record will never be taken; else try again, the hub knows its id."""

    def __init__(self, text: Text, *, permanent: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.code = text.code
        self.permanent = permanent


class Stuck(Exception):
    """The Kafka client is dead in a way that only a new process cures; exit and let the supervisor start one."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a batch; records in none of the three were not tried, because of ``failure``."""

    acknowledged: list[str] = field(default_factory=list)  # ids
    aside: dict[str, str] = field(default_factory=dict)  # id -> code: the broker will never take these
    failure: NotPublished | None = None

    def require(self) -> None:
        """Raise the failure, if there is one."""
        if self.failure:
            raise self.failure


class Publisher:
    """Publishes to one topic as one agency; connects at the first record, and again by itself after an outage."""

    def __init__(
        self, settings: KafkaSettings, topic: str, credential: AbstractTokenProvider, *, stop: Stop | None = None
    ) -> None:
        quiet_kafka_logs()
        self.topic = topic
        self._settings = settings
        self._credential = credential
        self._stop = stop or Stop()
        self._producer: KafkaProducer | None = None

    def publish(self, records: Iterable[Record]) -> Outcome:
        """
        Send ``records`` in order, many at a time, and wait until each is acknowledged or known not to be.

        A broker that is away is no exception but ``Outcome.failure``; the same records may then be given again, since
        the hub knows their ids.

        Raises:
            Stuck: the client itself is dead.
        """
        flight = _Flight(self._stop, self.topic, patience_s=self._settings.delivery_timeout_s + STUCK_AFTER_S)
        try:
            for record in records:
                if flight.has_subject(record.subject):
                    self._hurry()
                    flight.settle()
                flight.make_room(len(record.body))
                flight.outcome.require()
                flight.add(record, self._send)
        except NotPublished as failure:
            flight.outcome.failure = failure
        flight.settle()
        return flight.outcome

    def close(self) -> None:
        """Flush for as long as the grace period allows and stop; what is not acknowledged by then is not published."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=self._stop.left_s(CLOSE_TIMEOUT_S))
        except kafka_errors.KafkaTimeoutError:
            # close() raises before it stops its thread (KP-11): fail what is left, then it can stop.
            producer._sender.force_close()
            with suppress(kafka_errors.KafkaTimeoutError):
                producer.close(timeout=1)

    def _send(self, record: Record) -> Any:
        if self._stop.left_s() == 0:
            raise NotPublished(STOPPING)
        try:
            if self._producer is None:
                self._credential.token()  # here, because kafka-python would only say that it could not connect
                self._producer = _producer(self._settings, self._credential)
            return self._producer.send(self.topic, value=record.body, key=record.subject.encode())
        except NoToken as error:
            raise NotPublished(NO_CREDENTIAL.format(why=error.text)) from error
        except kafka_errors.KafkaError as error:
            if self._producer is None:
                gc.collect()  # a producer whose constructor failed holds its sockets in a cycle
            raise refusal(error, self.topic) from error

    def _hurry(self) -> None:
        """Send now what waits for company: otherwise each event of a busy subject would wait out the linger."""
        if self._producer is not None:
            with suppress(kafka_errors.KafkaTimeoutError):  # whoever settles decides
                self._producer.flush(timeout=self._stop.left_s(REQUEST_TIMEOUT_S))


class _Flight:
    """The records of one batch that are on their way, bounded in number and bytes."""

    def __init__(self, stop: Stop, topic: str, *, patience_s: float) -> None:
        self._patience_s = patience_s
        self.outcome = Outcome()
        self._stop = stop
        self._topic = topic
        self._sent: deque[tuple[Record, Any, float]] = deque()  # with its future and its deadline
        self._subjects: set[str] = set()
        self._bytes = 0

    def has_subject(self, subject: str) -> bool:
        return subject in self._subjects

    def add(self, record: Record, send: Callable[[Record], Any]) -> None:
        try:
            future = send(record)
        except NotPublished as failure:
            if not failure.permanent:
                raise
            self.outcome.aside[record.id] = failure.code
            return
        self._sent.append((record, future, time.monotonic() + self._patience_s))
        self._subjects.add(record.subject)
        self._bytes += len(record.body)

    def make_room(self, size: int) -> None:
        while self._sent and (len(self._sent) >= MAX_IN_FLIGHT or self._bytes + size > MAX_IN_FLIGHT_BYTES):
            self._settle_oldest()

    def settle(self) -> None:
        while self._sent:
            self._settle_oldest()

    def _settle_oldest(self) -> None:
        record, future, deadline = self._sent.popleft()
        self._subjects.discard(record.subject)
        self._bytes -= len(record.body)
        try:
            self._wait(future, deadline)
        except NotPublished as failure:
            if failure.permanent:
                self.outcome.aside[record.id] = failure.code
            else:
                self.outcome.failure = self.outcome.failure or failure
        else:
            self.outcome.acknowledged.append(record.id)

    def _wait(self, future: Any, deadline: float) -> None:
        while not future.is_done:
            left = self._stop.left_s(deadline - time.monotonic())
            if left <= 0:
                if self._stop.is_set():
                    raise NotPublished(STOPPING)
                raise Stuck(STUCK)
            with suppress(kafka_errors.KafkaError):  # our own timeout, or the delivery's end: is_done tells
                future.get(timeout=min(left, SLICE_S))
        if future.failed():
            raise refusal(future.exception, self._topic)


def refusal(error: BaseException, topic: str) -> NotPublished:
    """What a failure of the Kafka client means; only its class is kept, since its own words may hold values."""
    why = type(error).__name__
    if isinstance(error, _NEVER):
        return NotPublished(NOT_TAKEN.format(why=why), permanent=True)
    if isinstance(error, _FORBIDDEN):
        return NotPublished(NOT_AUTHORISED.format(topic=topic, why=why))
    return NotPublished(AWAY.format(why=why))


def quiet_kafka_logs() -> None:
    """At DEBUG kafka-python logs record values and tokens (KP-10): no level below INFO, whatever was configured."""
    root = logging.getLogger("kafka")
    known = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("kafka.")]
    for logger in (root, *known):
        if logger is root or logger.level:
            logger.setLevel(max(logging.INFO, logger.level))


def _producer(settings: KafkaSettings, credential: AbstractTokenProvider) -> KafkaProducer:
    encrypted = settings.security == "sasl_ssl"
    producer = KafkaProducer(
        bootstrap_servers=list(settings.bootstrap),
        client_id="puente-connector",
        security_protocol=settings.security.upper(),
        ssl_context=trust(settings.ca_file) if encrypted else None,
        sasl_mechanism="OAUTHBEARER",
        sasl_oauth_token_provider=credential,
        delivery_timeout_ms=int(settings.delivery_timeout_s * 1000),
        request_timeout_ms=int(min(REQUEST_TIMEOUT_S, settings.delivery_timeout_s / 2) * 1000),
        **SETTINGS,
    )
    # A contradiction among options silently switches idempotence or acks (KP-12): look at what it really uses.
    effective = producer.config
    if effective["acks"] != -1 or effective["enable_idempotence"] or effective["allow_auto_create_topics"]:
        raise AssertionError("kafka-python changed the producer's settings")
    return producer
