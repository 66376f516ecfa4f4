"""Agencies at the gateway: some publish alerts, one follows the feed, all of them through the real client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson

from connectors.client import Gateway, GatewayError, Refused
from connectors.config import Identity
from connectors.profile import Profile
from connectors.tokens import NoToken
from tests.proof.facts import Fact, Pace, closes, last_of_each
from tests.proof.stage import NODE, Stage
from tests.support import events

AGAIN_S = 0.2


def profile(stage: Stage, agency: str, key: Path, audience: str = f"{NODE}/api") -> Profile:
    """An agency at the stage's gateway."""
    identity = Identity(
        token_endpoint=f"{stage.gateway}/oauth/token",
        issuer=stage.told.node.issuer,
        client_id=agency,
        key_file=key,
        audience=audience,
    )
    return Profile(gateway=stage.gateway, agency=agency, identity=identity, ca_file=None)


class Poster(threading.Thread):
    """Publishes its share of the alerts over HTTP; the next of a subject only after the one before is acknowledged."""

    def __init__(self, who: Profile, share: Sequence[Fact], pace: Pace, stopping: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[Fact] = []
        self.refused: list[str] = []
        self.is_asking = False
        self.repeats = 0  # answered "it was there already": the first answer was lost on its way
        self.who = who
        self.share = share
        self._last = last_of_each(share)
        self._pace = pace
        self._stopping = stopping

    def run(self) -> None:
        """Publish everything, as often as it takes."""
        with Gateway(self.who) as gateway:
            for fact in self.share:
                while len(self.acknowledged) >= self._pace.due(len(self.share)) and not self._stopping():
                    time.sleep(0.02)
                if not self._publish(gateway, fact):
                    return

    def _publish(self, gateway: Gateway, fact: Fact) -> bool:
        raw = orjson.dumps(self._alert(fact))
        while not self._stopping():
            try:
                self.is_asking = True
                self.repeats += gateway.publish(raw).already
            except Refused as refusal:
                if refusal.status < 500:
                    self.refused.append(f"{refusal.status} {fact}")
                    return False
                time.sleep(AGAIN_S)
            except (GatewayError, NoToken):
                time.sleep(AGAIN_S)
            else:
                self.acknowledged.append(fact)
                return True
            finally:
                self.is_asking = False
        return False

    def _alert(self, fact: Fact) -> events.Wire:
        verb = "located" if closes(fact, self._last[fact.subject]) else "issued" if fact.number == 1 else "updated"
        return events.alert(
            verb,
            id=f"{fact.subject}/{fact.number:04d}",
            source=self.who.agency,
            subject=fact.subject,
            time=fact.time.isoformat(),
        )


class Reader(threading.Thread):
    """Follows the feed from its beginning, page by page, through every fault; `seen` is what it got, in order."""

    def __init__(self, who: Profile, expected: int, stopping: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self.seen: list[Fact] = []
        self.who = who
        self._expected = expected
        self._stopping = stopping

    def run(self) -> None:
        """Read until everything has come or it is told to stop."""
        after: str | None = None
        with Gateway(self.who) as gateway:
            while len(self.seen) < self._expected and not self._stopping():
                try:
                    page = gateway.feed(after)
                except (GatewayError, NoToken):
                    time.sleep(AGAIN_S)
                    continue
                self.seen += [Fact.of(entry["event"]["id"]) for entry in page.events]
                after = page.next
                if not page.more:
                    time.sleep(AGAIN_S)


def read_feed(who: Profile) -> Iterator[Fact]:
    """
    The whole feed, from its beginning to its end.

    Raises:
        GatewayError, NoToken: the gateway does not answer.
    """
    with Gateway(who) as gateway:
        after, more = None, True
        while more:
            page = gateway.feed(after, limit=500)
            yield from (Fact.of(entry["event"]["id"]) for entry in page.events)
            after, more = page.next, page.more
