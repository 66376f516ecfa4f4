"""Ends a worker that stands still, so that its supervisor starts another: some states only a new process leaves."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

STUCK_S = 60.0  # kafka-python waits for its own thread without a limit, and that thread can stop working (KP-1, KP-7)
ENDING_S = 4.0  # everything that counts is committed in PostgreSQL, so nothing is lost by not waiting longer
TICK_S = 0.5
DEAD = 70  # EX_SOFTWARE of sysexits(3)


def watched(
    stopping: Callable[[], bool], *, stuck_s: float = STUCK_S, ending_s: float = ENDING_S
) -> Callable[[], bool]:
    """
    `stopping`, to be asked at each turn of a worker's loop.

    Not asked for `stuck_s` seconds, or still here `ending_s` seconds after it became true, the process is ended. Time
    during which the whole process was paused does not count.
    """
    silent_s = 0.0

    def ask() -> bool:
        nonlocal silent_s
        silent_s = 0.0
        return stopping()

    def watch() -> None:
        nonlocal silent_s
        since_told_s = 0.0
        while silent_s < stuck_s and since_told_s < ending_s:
            time.sleep(TICK_S)
            silent_s += TICK_S
            since_told_s += TICK_S if stopping() else 0.0
        logger.critical("stands still; ended")
        os._exit(DEAD)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
    return ask
