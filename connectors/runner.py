"""The loop of a connector: read the source, write down what it means, publish, remember; then again."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from connectors import status as statuses
from connectors.config import Config
from connectors.journal import Journal
from connectors.publisher import NotPublished, Outcome
from connectors.source import Item, Record, Source, SourceFailed
from connectors.status import Status, Tally
from connectors.stopping import Stop
from schemas.texts import Text

BATCH_ITEMS = 500
BATCH_EVENTS = 1_000
FAST_S = 0.02  # an item that took longer than this to read does not wait for company
OLDEST_S = 0.1  # nor does any longer than this
LONGEST_BACKOFF_S = 10.0  # what an alert may lose after an outage, at most

IN_PART = Text(
    "{count} documents could not be read; whether they hold alerts is unknown.",
    "No se pudieron leer {count} documentos; se desconoce si contienen alertas.",
    code="documents-unknown",
)
CLASH = Text(
    "An event with this id was issued before with another content; it is not sent.",
    "Ya se emitió un evento con este id y otro contenido; no se envía.",
    code="conflict",
)

BROKEN = Text(
    "Reading the source met a fault in this program ({place}); please report it.",
    "La lectura de la fuente tropezó con una falla de este programa ({place}); por favor repórtela.",
    code="source-broken",
)

log = logging.getLogger(__name__)


class _Batch:
    """Items that are written down and published together."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._events = 0
        self._urgent = False
        self._slow = False
        self._since = self._last = time.monotonic()

    def add(self, item: Item) -> None:
        self._slow = time.monotonic() - self._last > FAST_S
        self._items.append(item)
        self._events += len(item.events)
        self._urgent = self._urgent or any(map(_is_urgent, item.events))
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Full, or holding something that should not wait for the source's next item."""
        full = len(self._items) >= BATCH_ITEMS or self._events >= BATCH_EVENTS
        return full or self._slow or self._urgent or self._last - self._since > OLDEST_S

    def taken(self) -> list[Item]:
        """The items; the next batch begins."""
        items, self._items, self._events, self._urgent = self._items, [], 0, False
        self._since = self._last = time.monotonic()
        return items


class Outlet(Protocol):
    """Where records go: the Kafka publisher."""

    def publish(self, records: Iterable[Record]) -> Outcome:
        """See ``Publisher.publish``."""


class Runner:
    """One connector at work; holds nothing that the journal does not."""

    def __init__(self, config: Config, source: Source, journal: Journal, outlet: Outlet, topic: str) -> None:
        self.status = Status(connector=config.name, agency=config.agency, topic=topic)
        self._config = config
        self._source = source
        self._journal = journal
        self._outlet = outlet

    def run(self, stop: Stop) -> None:
        """Read and publish until asked to stop; failures are reported and tried again, ever less often."""
        failures = 0
        while not stop.is_set():
            self.once(stop)
            failures = failures + 1 if self.status.state == "unpublished" else 0
            backoff = min(2.0 ** (failures - 1), LONGEST_BACKOFF_S)
            stop.sleep(backoff if failures else self._config.poll_s)
        self._report(replace(self.status, state="stopped"))

    def once(self, stop: Stop) -> Status:
        """Read the source once and publish what is new; the outcome is the status."""
        self._report(replace(self.status, last_attempt=_now(), tally=Tally()))
        after = self._outcome(stop)
        self._journal.tidy()
        self._report(replace(after, totals=self._journal.counts()))
        return self.status

    def _outcome(self, stop: Stop) -> Status:
        try:
            self._deliver()  # what the last run intended comes first, in its order
            self._read(stop)
        except NotPublished as failure:
            return self.status.troubled("unpublished", "broker", failure.text, _now())
        except SourceFailed as failure:
            return self.status.troubled("unknown", "source", failure.text, _now())
        if self.status.tally.unknown:
            text = IN_PART.format(count=self.status.tally.unknown)
            return self.status.troubled("unknown", "documents", text, _now())
        return self.status if stop.is_set() else self.status.healthy(_now())

    def _read(self, stop: Stop) -> None:
        batch = _Batch()
        try:
            for item in self._items():
                batch.add(item)
                self._count(item)
                if stop.is_set():
                    break
                if batch.is_due():
                    self._commit(batch.taken())
        except SourceFailed:
            self._commit(batch.taken())  # what it gave before it failed still counts
            raise
        self._commit(batch.taken())

    def _items(self) -> Iterator[Item]:
        try:
            yield from self._source.items(self._journal)
        except SourceFailed:
            raise
        except Exception as error:  # foreign input met a mistake of ours: this source is unknown, others go on
            raise SourceFailed("source-broken", BROKEN.format(place=place_of(error))) from None

    def _commit(self, batch: list[Item]) -> None:
        clashes = self._journal.intend(batch)
        for id_ in clashes:
            log.warning("connector %s: %s %s", self._config.name, CLASH.code, id_)
        self._tally(refused=len(clashes))
        self._deliver()
        self._journal.finish(batch)

    def _deliver(self) -> None:
        records = self._journal.pending()
        if not records:
            return
        outcome = self._outlet.publish(records)
        self._journal.settle(outcome.acknowledged, outcome.aside)
        self._tally(published=len(outcome.acknowledged), set_aside=len(outcome.aside))
        for id_, code in outcome.aside.items():
            log.error("connector %s: set aside %s: %s", self._config.name, id_, code)
        outcome.require()

    def _count(self, item: Item) -> None:
        self._tally(items=1, events=len(item.events), refused=len(item.refusals), unknown=bool(item.unknown))
        if not self._journal.knows(item.identity, item.digest):
            for line in described(item):
                log.warning("connector %s: %s", self._config.name, line)

    def _tally(self, **more: int) -> None:
        tally = self.status.tally
        counted = {name: getattr(tally, name) + count for name, count in more.items()}
        self.status = replace(self.status, tally=replace(tally, **counted))

    def _report(self, after: Status) -> None:
        statuses.tell(self.status, after)
        self.status = after
        statuses.write(self._config.state_dir, after)


def place_of(error: Exception) -> str:
    """Where a fault of ours is; not its own words, which may hold values."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} {Path(at.filename).name}:{at.lineno}"


def described(item: Item, language: str = "en") -> list[str]:
    """One line for each thing that is wrong with an item: document, place, rule; never its content."""
    pairs = [(refusal.position, flaw) for refusal in item.refusals for flaw in refusal.flaws]
    pairs += [(item.position, flaw) for flaw in item.unknown]
    return [
        " ".join(filter(None, (item.document, position, flaw.path, f"[{flaw.code}]", flaw.text.in_(language))))
        for position, flaw in pairs
    ]


def _is_urgent(event: Mapping[str, Any]) -> bool:
    return str(event["type"]).startswith("alert.") and event["data"].get("urgency") == "Immediate"


def _now() -> datetime:
    return datetime.now(UTC)
