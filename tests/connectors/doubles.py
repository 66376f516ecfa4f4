"""A source and an outlet that do as a test says, beside the real ones that other tests use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from connectors.config import Config
from connectors.publisher import AWAY, NotPublished, Outcome
from connectors.source import Cursor, Item, Record


def event(number: int, subject: str = "", **members: Any) -> dict[str, Any]:
    """A small wire object."""
    told = {"id": f"e{number}", "subject": subject or f"s{number}", "type": "case.trafficking.opened"}
    return {**told, "time": "2026-05-04T13:30:00Z", "data": {"n": number}, **members}


def item(number: int, **members: Any) -> Item:
    """An item of one event."""
    given: dict[str, Any] = {
        "document": "doc",
        "position": f"row {number}",
        "key": f"k{number}",
        "digest": f"d{number}",
    }
    return Item(**{**given, "events": (event(number),), **members})


class Listed:
    """A source that gives what it is told to."""

    def __init__(self, give: Callable[[Cursor], Iterable[Item]]) -> None:
        self._give = give

    def items(self, cursor: Cursor) -> Iterator[Item]:
        yield from self._give(cursor)


class Shelf:
    """An outlet that keeps what it takes; ``takes`` says how many more it will."""

    def __init__(self, takes: float = float("inf")) -> None:
        self.takes = takes
        self.kept: list[Record] = []
        self.never: set[str] = set()

    def publish(self, records: Iterable[Record]) -> Outcome:
        outcome = Outcome()
        for record in records:
            if record.id in self.never:
                outcome.aside[record.id] = "not-taken"
            elif self.takes <= 0:
                outcome.failure = NotPublished(AWAY.format(why="test"))
                break
            else:
                self.takes -= 1
                self.kept.append(record)
                outcome.acknowledged.append(record.id)
        return outcome

    @property
    def ids(self) -> list[str]:
        return [record.id for record in self.kept]


def config(folder: Path) -> Config:
    """A connector that only its name and its state matter of."""
    return Config(
        name="test",
        kind="table",
        agency="us-ca-sdpd",
        jurisdictions=("US-CA",),
        folder=folder,
        state_dir=folder / "state",
        poll_s=0.01,
        kafka=None,
        oauth=None,
        label={},
        settings=None,
        digest="",
    )
