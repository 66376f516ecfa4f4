"""The wish to stop, from SIGTERM or Ctrl-C: no more intake at once, and a grace period for what is on its way."""

from __future__ import annotations

import signal
import time

GRACE_S = 20.0
SLICE_S = 0.2


class Stop:
    """
    Set once, by a signal handler or a test; readers poll.

    A plain attribute on purpose: a handler that takes a lock (threading.Event does) can deadlock the thread it
    interrupts.
    """

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._since: float | None = None

    def on_signals(self) -> None:
        """Let SIGTERM and SIGINT set it; call from the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.set())

    def set(self) -> None:
        """Ask to stop."""
        if self._since is None:
            self._since = time.monotonic()

    def is_set(self) -> bool:
        """Whether to take in no more."""
        return self._since is not None

    def left_s(self, wanted_s: float = float("inf")) -> float:
        """How long one may still wait: ``wanted_s``, or less once the grace period runs; never negative."""
        if self._since is None:
            return wanted_s
        return max(0.0, min(wanted_s, self._since + self._grace_s - time.monotonic()))

    def sleep(self, seconds: float) -> None:
        """Sleep for ``seconds``, or until set."""
        end = time.monotonic() + seconds
        while not self.is_set() and (left := end - time.monotonic()) > 0:
            time.sleep(min(SLICE_S, left))
