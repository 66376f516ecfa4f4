"""Agencies of one node at their own gateway while the border is mistreated: some publish, one follows the feed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors.client import Gateway, GatewayError, Refused
from connectors.tokens import NoToken
from schemas.places import from_geocode
from tests.proof.border_post import Post
from tests.proof.facts import FACT, Fact, Pace, closes, facts, last_of_each
from tests.support import events

AGAIN_S = 0.2
HIDDEN_SHARE = 5  # every fifth event stays in its country
POSTERS = 2


@dataclass(slots=True)
class Timings:
    """How long calls took, in order, with when each ended; and how many were refused or unanswered."""

    took: list[tuple[float, float]] = field(default_factory=list)
    failed: int = 0

    def between(self, began_s: float, ended_s: float) -> list[float]:
        """The durations of calls that ended in this time, shortest first."""
        return sorted(took_s for at_s, took_s in list(self.took) if began_s <= at_s <= ended_s)


def told(sorted_s: Sequence[float]) -> str:
    """p50, p99 and the longest, in ms."""
    if not sorted_s:
        return "none"
    points = (sorted_s[len(sorted_s) // 2], sorted_s[min(len(sorted_s) - 1, len(sorted_s) * 99 // 100)], sorted_s[-1])
    return "/".join(str(round(1000 * each)) for each in points)


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes the alerts of one node's posting agency. `canary` is in a member that never leaves the node."""

    post: Post
    canary: str
    marker: str  # in a member that does leave

    def alert(self, verb: str, fact: Fact, *, is_released: bool) -> events.Wire:
        """One event; what is not released holds the canary as well."""
        post, scheme = self.post, "SAME" if self.post.id == "us" else "INEGI"
        value = f"0{post.place[-5:]}" if scheme == "SAME" else post.place[-5:]
        assert from_geocode(scheme, value, country=post.country) == post.place
        there = ["US", "MX"] if is_released else [post.country]
        marks = {"/data/child/name": "resident", "/data/child/medical": "resident", "/data/suspects": "resident"}
        body = events.missing_child()
        return events.alert(
            verb,
            id=f"{fact.subject}/{fact.number:04d}",
            source=post.poster,
            subject=fact.subject,
            time=fact.time.isoformat(),
            jurisdictions=[post.place],
            label={"tlp": "amber", "rel_to": there, "marks": marks},
            data={
                "programme": f"AMBER_{post.country}",
                "headline": events.bilingual(self.marker, f"{self.marker} es"),
                "areas": [{"geocodes": [{"scheme": scheme, "value": value}]}],
                "child": body["child"]
                | {
                    "name": {"given": self.canary, "paternal_surname": "Ñáñez"},
                    "medical": events.bilingual(self.canary, self.canary),
                },
                "suspects": [{"name": {"given": self.canary, "paternal_surname": "Doe"}}],
                "last_seen": body["last_seen"] | {"jurisdiction": post.place},
            },
        )

    def warning(self, subject: str) -> events.Wire:
        """Under the grant that ends."""
        post = self.post
        return events.warning(
            id=f"{subject}/0001",
            source=post.poster,
            subject=subject,
            jurisdictions=[post.place],
            label={"tlp": "green", "rel_to": ["US", "MX"]},
            data={"areas": [{"description": events.bilingual("River", "Río")}], "expires": "2039-05-05T01:00:00-07:00"},
        )


class Poster(threading.Thread):
    """Publishes its share over HTTP at a pace; the next of a subject only after the one before is acknowledged."""

    def __init__(self, load: Load, share: Sequence[Fact]) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[Fact] = []
        self._load = load
        self._share = share
        self._last = last_of_each(share)

    def run(self) -> None:
        """Publish everything, as often as it takes."""
        self._load.writer.post.enter()
        with Gateway(self._load.writer.post.profile(self._load.writer.post.poster)) as gateway:
            for fact in self._share:
                while len(self.acknowledged) >= self._load.pace.due(len(self._share)) and not self._load.is_stopped:
                    time.sleep(0.02)
                if not self._publish(gateway, fact):
                    return

    def _publish(self, gateway: Gateway, fact: Fact) -> bool:
        verb = "located" if closes(fact, self._last[fact.subject]) else "issued" if fact.number == 1 else "updated"
        raw = orjson.dumps(self._load.writer.alert(verb, fact, is_released=is_released(fact)))
        began_s = time.monotonic()
        while not self._load.is_stopped:
            try:
                gateway.publish(raw)
            except Refused as refusal:
                self._load.timings.failed += 1
                if refusal.status < 500:
                    self._load.refused.append(f"{refusal.status} {fact} {refusal.errors}")
                    return False
                time.sleep(AGAIN_S)
            except (GatewayError, NoToken):
                self._load.timings.failed += 1
                time.sleep(AGAIN_S)
            else:
                ended_s = time.monotonic()
                self._load.timings.took.append((ended_s, ended_s - began_s))
                self.acknowledged.append(fact)
                return True
        return False


def is_released(fact: Fact) -> bool:
    """Whether it may cross."""
    return "-hid-" not in fact.subject


@dataclass(slots=True, kw_only=True)
class Load:
    """What one node publishes during one fault; `pace` spreads it over the fault's length."""

    writer: Writer
    name: str
    count: int
    pace: Pace
    timings: Timings = field(default_factory=Timings)
    refused: list[str] = field(default_factory=list)
    is_stopped: bool = False
    posters: list[Poster] = field(default_factory=list)

    def begin(self) -> None:
        """Publish from now on."""
        prefix, hidden = f"{self.name}-{self.writer.post.id}", self.count // HIDDEN_SHARE
        for number in range(POSTERS):
            released = facts(f"{prefix}-{number}", (self.count - hidden) // POSTERS, 6)
            kept = facts(f"{prefix}-hid-{number}", hidden // POSTERS, 3)
            self.posters.append(Poster(self, _mixed(released, kept)))
        for poster in self.posters:
            poster.start()

    def join(self, within_s: float) -> bool:
        """Wait until everything is published; whether it was."""
        until_s = time.monotonic() + within_s
        for poster in self.posters:
            poster.join(max(0.1, until_s - time.monotonic()))
        return not any(poster.is_alive() for poster in self.posters) and not self.refused

    @property
    def acknowledged(self) -> list[Fact]:
        """What was."""
        return [fact for poster in self.posters for fact in list(poster.acknowledged)]

    @property
    def released(self) -> list[Fact]:
        """Of that what the other side is to have."""
        return [fact for fact in self.acknowledged if is_released(fact)]


def _mixed(released: Sequence[Fact], kept: Sequence[Fact]) -> list[Fact]:
    """The kept ones between the released ones."""
    step = max(1, len(released) // max(1, len(kept)))
    made: list[Fact] = []
    rest = list(kept)
    for number, fact in enumerate(released):
        made.append(fact)
        if rest and number % step == 0:
            made.append(rest.pop(0))
    return made + rest


class Reader(threading.Thread):
    """Follows its node's feed from the beginning, through everything; keeps what came, by source, in order."""

    def __init__(self, post: Post) -> None:
        super().__init__(daemon=True)
        self.post = post
        self.timings = Timings()
        self.seen: dict[str, list[Fact]] = {}
        self.others = 0  # entries that are no facts: acknowledgements, notices, warnings
        self.is_stopped = False

    def run(self) -> None:
        """Read until told to stop."""
        self.post.enter()
        after: str | None = None
        with Gateway(self.post.profile(self.post.reader)) as gateway:
            while not self.is_stopped:
                began_s = time.monotonic()
                try:
                    page = gateway.feed(after)
                except (GatewayError, NoToken):
                    self.timings.failed += 1
                    time.sleep(AGAIN_S)
                    continue
                ended_s = time.monotonic()
                self.timings.took.append((ended_s, ended_s - began_s))
                self._keep(page.events)
                after = page.next
                if not page.more:
                    time.sleep(AGAIN_S)

    def _keep(self, entries: Iterable[Any]) -> None:
        for entry in entries:
            event = entry["event"]
            if FACT.match(event["id"]) and event["type"].startswith("alert.missing_child."):
                self.seen.setdefault(event["source"], []).append(Fact.of(event["id"]))
            else:
                self.others += 1

    def of(self, source: str, name: str) -> list[Fact]:
        """What came of a source of one fault's events."""
        return [fact for fact in list(self.seen.get(source, ())) if fact.subject.startswith(f"{name}-")]


def read_again(post: Post) -> dict[str, list[Fact]]:
    """The whole feed from its beginning, as somebody who comes only now gets it."""

    def read() -> dict[str, list[Fact]]:
        found: dict[str, list[Fact]] = {}
        with Gateway(post.profile(post.reader)) as gateway:
            after, more = None, True
            while more:
                page = gateway.feed(after, limit=500)
                for entry in page.events:
                    event = entry["event"]
                    if FACT.match(event["id"]) and event["type"].startswith("alert.missing_child."):
                        found.setdefault(event["source"], []).append(Fact.of(event["id"]))
                after, more = page.next, page.more
        return found

    return post.inside(read)


def at_gateway(post: Post, agency: str, act: Callable[[Gateway], Any]) -> Any:
    """What an agency does at its node's gateway."""

    def do() -> Any:
        with Gateway(post.profile(agency)) as gateway:
            return act(gateway)

    return post.inside(do)


def readable(post: Post, hub_id: str) -> bool | None:
    """Whether the reader of a node gets the body of an event now; None without an answer."""
    with suppress(GatewayError, NoToken):
        try:
            answer = at_gateway(post, post.reader, lambda gateway: gateway.ask("GET", f"/v1/events/{hub_id}"))
        except Refused as refusal:
            return False if refusal.status == 404 else None
        return "data" in answer.body.get("event", {})
    return None
