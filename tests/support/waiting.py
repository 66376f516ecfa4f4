"""Waiting in tests: for a condition, up to a deadline, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_S = 0.02
PATIENCE_S = 60.0  # costs nothing where it comes; a loaded machine is slow


def until(found: Callable[[], T], *, within_s: float = PATIENCE_S, what: str = "what was waited for") -> T:
    """
    The first true answer of `found`.

    Raises:
        AssertionError: there was none within `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    while not (answer := found()):
        assert time.monotonic() < deadline, f"{what} did not come within {within_s} s"
        time.sleep(POLL_S)
    return answer
