"""A pause that ends early when its worker is to stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_S = 0.1


def nap(seconds: float, stopping: Callable[[], bool]) -> None:
    """Sleep so long, or until `stopping`."""
    until_s = time.monotonic() + seconds
    while not stopping() and (left_s := until_s - time.monotonic()) > 0:
        time.sleep(min(left_s, LOOK_S))
