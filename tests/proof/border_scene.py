"""Who takes part while the border is mistreated, and what is looked at after each fault."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.proof import border_ledger, ledger
from tests.proof.border_load import Load, Reader, Writer, told
from tests.proof.border_post import Post
from tests.proof.border_stage import Stage
from tests.proof.border_wire import WHOLE
from tests.proof.facts import Pace

AT_THE_BORDER = ("border", "checkpoint")
SAMPLE_S = 1.0
ARRIVES_S = 240.0
FLAT_MB = 48.0  # a window of envelopes, kept in memory, would be more
LONGEST_STALL_S = 10.0
STEP_S = 0.1


@dataclass(slots=True, kw_only=True)
class Part:
    """What one part of the proof has shown: figures, and what was not as promised."""

    figures: dict[str, object] = field(default_factory=dict)
    unmet: list[str] = field(default_factory=list)

    def require(self, name: str, is_met: bool) -> None:
        """One promise."""
        if not is_met:
            self.unmet.append(name)


class Memory(threading.Thread):
    """Samples what the two border processes of each node hold, children included."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(daemon=True)
        self.samples: dict[str, list[tuple[float, float]]] = {}
        self._stage = stage
        self._stopped = threading.Event()

    def run(self) -> None:
        """Sample until stopped."""
        while not self._stopped.wait(SAMPLE_S):
            for post in self._stage.both:
                for name in AT_THE_BORDER:
                    held = sum(_resident_mb(pid) for pid in post.family(name))
                    if held:
                        self.samples.setdefault(f"{post.id}-{name}", []).append((time.monotonic(), held))

    def stop(self) -> None:
        """Sample no more."""
        self._stopped.set()
        self.join(60)

    def between(self, began_s: float, ended_s: float) -> dict[str, tuple[float, float, float]]:
        """Of each process in MB: the last before, the most during, the last after."""
        found = {}
        for name, samples in self.samples.items():
            before = [mb for at_s, mb in samples if at_s < began_s][-1:]
            during = [mb for at_s, mb in samples if began_s <= at_s <= ended_s]
            if before and during:
                found[name] = before[0], max(during), samples[-1][1]
        return found


def _resident_mb(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


@dataclass(slots=True, kw_only=True)
class Scene:
    """The cast, and the ledger as far as it has been kept."""

    stage: Stage
    writers: Mapping[str, Writer]
    readers: Mapping[str, Reader]
    memory: Memory
    loads: list[Load] = field(default_factory=list)
    entries: list[ledger.Entry] = field(default_factory=list)
    books: Counter[str] = field(default_factory=Counter)  # sums of what should be nothing

    def publish(self, name: str, per_side: int, length_s: float) -> list[Load]:
        """Both sides publish from now on, spread over this time."""
        loads = [
            Load(writer=writer, name=name, count=per_side, pace=Pace(length_s)) for writer in self.writers.values()
        ]
        for load in loads:
            load.begin()
        self.loads += loads
        return loads

    def fault(
        self,
        name: str,
        per_side: int,
        length_s: float,
        act: Callable[[], None],
        healing: Callable[[], None] | None = None,
        *,
        is_gentle: bool = True,
    ) -> Part:
        """Both sides publish while `act` does its harm; then the wire is whole, and everything is looked at."""
        print(f"{name}: {per_side} events a side in {length_s:.0f} s", flush=True)
        began_s = time.monotonic()
        loads = self.publish(name, per_side, length_s)
        act()
        are_published = all([load.join(60 + length_s) for load in loads])
        self.stage.wire.become(WHOLE)
        healed_s = time.monotonic()
        if healing is not None:
            healing()
        caught_up_s = self._arrived(name, loads) - healed_s
        part = self.look(name, loads)
        part.require(f"{name}-published", are_published)
        part.figures[f"{name}_caught_up_s"] = round(caught_up_s, 1)
        self._service(part, name, loads, began_s, healed_s, is_gentle=is_gentle)
        if is_gentle:
            self._memory(part, name, began_s, healed_s)
        print(f"  {part.figures} {part.unmet}", flush=True)
        return part

    def _arrived(self, name: str, loads: Sequence[Load]) -> float:
        """When everything that was released had come to the reader over there, or the time for it was over."""
        until_s = time.monotonic() + ARRIVES_S
        wanted = {load.writer.post.id: len(load.released) for load in loads}
        while time.monotonic() < until_s:
            if all(len(set(self.readers[there.id].of(own.poster, name))) >= wanted[own.id] for own, there in self.ways):
                break
            self.stage.watch()
            time.sleep(STEP_S)
        return time.monotonic()

    @property
    def ways(self) -> tuple[tuple[Post, Post], tuple[Post, Post]]:
        """The directions."""
        return self.stage.ways

    def look(self, name: str, loads: Sequence[Load]) -> Part:
        """What each side's readers and tables hold, and both sides' books."""
        part = Part()
        found: list[ledger.Entry] = []
        for own, there in self.ways:
            (load,) = [load for load in loads if load.writer.post is own]
            local = self.readers[own.id].of(own.poster, name)
            found.append(ledger.compare(f"feed-{own.id}", load.acknowledged, local))
            over_there = self.readers[there.id].of(own.poster, name)
            found.append(ledger.compare(f"feed-{own.id}-at-{there.id}", load.released, over_there))
            found += border_ledger.in_database(own, there, name, load.released)
        self.entries += found
        for entry in found:
            if not entry.is_clean:
                print(" ", entry, flush=True)
        books = border_ledger.reconciled(self.stage)
        self.books.update(books)
        if books["refused"]:
            print("  refused:", [border_ledger.refusals(own, there) for own, there in self.ways], flush=True)
        part.figures[f"{name}_books"] = sum(books.values())
        part.require(f"{name}-ledger", all(entry.is_clean for entry in found))
        part.require(f"{name}-books:{[key for key, value in books.items() if value]}", not any(books.values()))
        part.require(f"{name}-holes", not any(border_ledger.holes(post) for post in self.stage.both))
        part.require(f"{name}-refused:{[load.refused[:2] for load in loads]}", not any(load.refused for load in loads))
        return part

    def _service(
        self, part: Part, name: str, loads: Sequence[Load], began_s: float, ended_s: float, *, is_gentle: bool
    ) -> None:
        """Whether the agencies of either side have noticed anything; where their own node is killed, they may."""
        for load in loads:
            node = load.writer.post.id
            published = load.timings.between(began_s, ended_s)
            read = self.readers[node].timings.between(began_s, ended_s)
            part.figures[f"{name}_{node}_published"] = f"{len(published)}:failed-{load.timings.failed}"
            part.figures[f"{name}_{node}_publish_ms"] = told(published)
            part.figures[f"{name}_{node}_feed_ms"] = told(read)
            if is_gentle:
                part.require(f"{name}-{node}-failures", not load.timings.failed)
                part.require(f"{name}-{node}-stall", max([*published, *read], default=99.0) < LONGEST_STALL_S)

    def _memory(self, part: Part, name: str, began_s: float, ended_s: float) -> None:
        held = self.memory.between(began_s, ended_s)
        for process, (before, during, after) in held.items():
            part.figures[f"{name}_{process}_mb"] = f"{before:.0f}/{during:.0f}/{after:.0f}"
            part.require(f"{name}-{process}-flat", max(during, after) - before < FLAT_MB)
        part.require(f"{name}-memory", len(held) == len(AT_THE_BORDER) * len(self.stage.both))

    def stop(self) -> None:
        """End every thread."""
        for load in self.loads:
            load.is_stopped = True
        for reader in self.readers.values():
            reader.is_stopped = True
        self.memory.stop()


@contextmanager
def scene(stage: Stage, seed: int) -> Iterator[Scene]:
    """Readers that follow their feeds from the beginning, and somebody who watches the memory."""
    writers = {
        post.id: Writer(post, canary=f"canary-{post.id}-{seed}-stays", marker=f"marker-{post.id}-{seed}-goes")
        for post in stage.both
    }
    made = Scene(
        stage=stage,
        writers=writers,
        readers={post.id: Reader(post) for post in stage.both},
        memory=Memory(stage),
    )
    try:
        for reader in made.readers.values():
            reader.start()
        made.memory.start()
        yield made
    finally:
        made.stop()
