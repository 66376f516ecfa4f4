"""What a proof hands back, and the line it ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a proof is run. `quick`: a short version for those who work on it, and the verdict says so."""

    seed: int
    quick: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the promise held, with the figures that show it."""

    held: bool
    figures: Mapping[str, object]

    def line(self, name: str) -> str:
        """The proof's last line."""
        told = " ".join(f"{key}={value}" for key, value in self.figures.items())
        return f"proof {name} {'held' if self.held else 'broken'} {told}"


class NotRun(Exception):
    """The proof could not be run here, which proves nothing; its words say why."""


Proof = Callable[[Run], Verdict]
