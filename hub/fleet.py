"""The processes of a node: started together, started again when one dies, ended together."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub.embedded.process import Launch, claim, spawn, stop

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

logger = logging.getLogger(__name__)

# What follows a dot tells two of a kind apart. A rule must be gone from the broker in less time than a killed process
# takes to start, so a second reconciler stands by.
MEMBERS = (
    *("sequencer", "notary", "ingest", "reconciler", "reconciler.2", "relay", "keeper", "dispatcher", "sender"),
    *("outflow", "gateway", "stream", "management"),
)
AT_THE_BORDER = ("border", "checkpoint")  # where there is one
BY_MAIL = ("mailer",)  # where a relay is configured
WATCH_S = 0.2
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 10.0  # what dies after so long was not dying at its start, and comes back soon


@dataclass(slots=True)
class _Member:
    launch: Launch
    child: subprocess.Popen[bytes]
    started_s: float
    pause_s: float = FIRST_PAUSE_S
    again_at_s: float | None = None


@dataclass(slots=True)
class Fleet:
    """One node's processes. The lock on their folder keeps a second node off the same state."""

    folder: Path
    environment: Mapping[str, str]
    _lock: int = -1
    _members: dict[str, _Member] = field(default_factory=dict)

    def start(self, names: Sequence[str] = MEMBERS) -> None:
        """
        Start every process.

        Raises:
            hub.embedded.errors.FolderInUse: another running node has this folder.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = claim(self.folder)
        for name in names:
            launch = Launch(
                command=[sys.executable, "-m", "hub.cli", name.partition(".")[0]],
                log=self.folder / f"{name}.log",
                end_signal=signal.SIGTERM,
                environment=self.environment,
            )
            self._members[name] = _Member(launch, spawn(launch, lock=self._lock), time.monotonic())

    def pids(self) -> dict[str, int]:
        """The process ids that run now, by name."""
        return {name: member.child.pid for name, member in self._members.items() if member.child.poll() is None}

    def watch(self) -> None:
        """Start again what has died; waits longer each time while it keeps dying."""
        now_s = time.monotonic()
        for name, member in self._members.items():
            if member.child.poll() is None:
                continue
            if member.again_at_s is None:
                is_steady = now_s - member.started_s > STEADY_S
                member.pause_s = FIRST_PAUSE_S if is_steady else min(2 * member.pause_s, LONGEST_PAUSE_S)
                member.again_at_s = now_s + member.pause_s
                logger.error("%s ended with %s; again in %.1f s", name, member.child.returncode, member.pause_s)
            elif now_s >= member.again_at_s:
                member.child = spawn(member.launch, lock=self._lock)
                member.started_s, member.again_at_s = now_s, None

    def keep(self, stopping: Callable[[], bool]) -> None:
        """Watch until told to stop, then end everything."""
        while not stopping():
            self.watch()
            time.sleep(WATCH_S)
        self.stop()

    def stop(self) -> None:
        """End every process in order of its start: no new intake first, then what carries it."""
        for member in reversed(self._members.values()):
            if member.child.poll() is None:
                member.child.send_signal(signal.SIGTERM)
        for member in self._members.values():
            stop(member.child, signal.SIGTERM)
        self._members.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
