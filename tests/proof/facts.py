"""
What is published during a proof, as countable facts.

Each event is one fact: the `number`-th of its subject. Its id begins with `<subject>/<number>`, whichever way it went,
so a ledger can tell every fact from every other wherever it turns up.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FACT = re.compile(r"(?P<subject>[a-z0-9-]+)/(?P<number>\d+)(?::|$)")
BEGAN = datetime(2026, 5, 4, 13, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """The `number`-th event of a subject, from 1."""

    subject: str
    number: int

    @classmethod
    def of(cls, event_id: str) -> Fact:
        """The fact behind an event id."""
        found = FACT.match(event_id)
        if found is None:
            raise ValueError("an event that nobody published")
        return cls(found["subject"], int(found["number"]))

    @property
    def time(self) -> datetime:
        """When it is said to have happened; later facts of a subject are later."""
        return BEGAN + timedelta(seconds=self.number)


def facts(prefix: str, total: int, subjects: int) -> list[Fact]:
    """`total` facts spread over `subjects`, in the order in which they happen."""
    made = []
    for index in range(total):
        number, subject = divmod(index, subjects)
        made.append(Fact(f"{prefix}-{subject:03d}", number + 1))
    return made


def last_of_each(published: Sequence[Fact]) -> dict[str, int]:
    """The newest number of each subject."""
    return {fact.subject: fact.number for fact in sorted(published)}


def closes(fact: Fact, last: int) -> bool:
    """Every other subject ends with its last event."""
    return fact.number == last and int(fact.subject.rpartition("-")[2]) % 2 == 0


@dataclass(slots=True)
class Pace:
    """How much of the work is due by now: all of it after `length_s`."""

    length_s: float
    began_s: float = field(default_factory=time.monotonic)

    def due(self, total: int) -> int:
        """How many of `total` are due."""
        return min(total, int(total * (time.monotonic() - self.began_s) / self.length_s) + 1)
