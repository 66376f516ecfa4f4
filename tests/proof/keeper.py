"""Keeps one command running, as an agency's own supervisor would: started again at once when it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.embedded.process import Launch, claim, spawn

PAUSE_S = 0.5


@dataclass(slots=True, kw_only=True)
class Keeper:
    """One command with its log; call `watch` often, and from the main thread."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    starts: int = 0
    _child: subprocess.Popen[bytes] | None = None
    _lock: int = -1
    _again_at_s: float = field(default=0.0)

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self.folder / "process.log"

    def start(self) -> None:
        """Start it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = claim(self.folder)
        self._spawn()

    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def watch(self) -> None:
        """Start it again if it has ended."""
        if self._child is None or self._child.poll() is None:
            return
        if self._again_at_s == 0.0:
            self._again_at_s = time.monotonic() + PAUSE_S
        elif time.monotonic() >= self._again_at_s:
            self._spawn()

    def ended(self) -> bool:
        """Whether it is not running; true before the start and after the end."""
        return self._child is None or self._child.poll() is not None

    def stop(self) -> None:
        """End it for good, by force if it is still there."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGCONT)
            self._child.kill()
            self._child.wait()
        self._child = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _spawn(self) -> None:
        launch = Launch(command=self.command, log=self.log, end_signal=signal.SIGKILL, environment=self.environment)
        self._child = spawn(launch, lock=self._lock)
        self._again_at_s = 0.0
        self.starts += 1
