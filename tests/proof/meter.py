"""How far everything has come, second by second, and the longest time each stood still while it still had work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.errors import Unavailable
from hub.store import connect

SAMPLE_S = 0.5
COUNTERS = """
SELECT (SELECT coalesce(sum(next_offset), 0) FROM kafka_offset),
       (SELECT position FROM lease WHERE name = 'sequencer'),
       (SELECT position FROM lease WHERE name = 'relay')
"""


@dataclass(slots=True)
class _Track:
    total: int
    count: int = 0
    moved_s: float = field(default_factory=time.monotonic)
    longest_s: float = 0.0

    def move(self, count: int) -> None:
        now_s = time.monotonic()
        if self.count < self.total:
            self.longest_s = max(self.longest_s, now_s - self.moved_s)
        if count > self.count:
            self.count, self.moved_s = count, now_s


class Meter(threading.Thread):
    """Samples the database and what it is given (`others`: name -> a count that only grows)."""

    def __init__(self, database_url: str, totals: Mapping[str, int], others: Mapping[str, Callable[[], int]]) -> None:
        super().__init__(daemon=True)
        self._database_url = database_url
        self._tracks = {name: _Track(total) for name, total in totals.items()}
        self._others = others
        self._stopped = threading.Event()

    def run(self) -> None:
        """Sample until stopped; the database may be away."""
        while not self._stopped.is_set():
            try:
                with connect(self._database_url, name="proof-meter") as conn:
                    while not self._stopped.wait(SAMPLE_S):
                        self._sample_others()
                        row = conn.execute(COUNTERS).fetchone()
                        for name, count in zip(("kafka", "log", "relay"), row or (), strict=False):
                            self._tracks[name].move(int(str(count)))
            except Unavailable:
                self._sample_others()
                self._stopped.wait(SAMPLE_S)

    def _sample_others(self) -> None:
        for name, count in self._others.items():
            self._tracks[name].move(count())

    def stop(self) -> None:
        """Sample no more."""
        self._stopped.set()
        self.join(60)

    def counts(self) -> str:
        """How far each is."""
        return " ".join(f"{name} {track.count}/{track.total}" for name, track in self._tracks.items())

    def has_begun(self) -> bool:
        """Whether each has moved."""
        return all(track.count for track in self._tracks.values())

    def is_through(self, *names: str) -> bool:
        """Whether these have come to their end."""
        return all(self._tracks[name].count >= self._tracks[name].total for name in names)

    def stalls(self) -> dict[str, float]:
        """The longest time without progress of each, in seconds."""
        return {name: round(track.longest_s, 1) for name, track in self._tracks.items()}
