"""How many examples a property is tried with: a few of them in `make test`, all in `make proof ONLY=properties`."""

from __future__ import annotations

import os

ALL_VARIABLE = "PUENTE_ALL_EXAMPLES"
SHARE = 5  # one of so many
LEAST = 8


def examples(every: int) -> int:
    """So many of `every` example as this run is to try; each run tries others."""
    return every if os.environ.get(ALL_VARIABLE) else min(every, max(LEAST, every // SHARE))
