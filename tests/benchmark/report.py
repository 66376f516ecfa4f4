"""A figure, the line it prints, and its place in `docs/figures.md`, which nothing else writes."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = Path("docs/figures.md")
HEAD = """# Figures

Written by `make bench`; never by hand. Every rate is the median of interleaved rounds of one run, with the lowest and
the highest round beside it; ratios compare rounds of the same run. PostgreSQL commits durably (`fsync` on) wherever
something is stored. Times move with the machine and its neighbours; ratios move less.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """
    One measured number.

    `ratio` is value over reference (or the other way round where less is better and `reference` says so); `aim` is
    what it should be. `why` says why the reference was not run.
    """

    name: str
    unit: str
    value: float
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    reference: str = ""
    aim: str = ""
    why: str = ""

    def lines(self) -> list[str]:
        """`bench NAME value unit [xN of REFERENCE]`; a reference that was not there has a line of its own."""
        against = f" [x{_short(self.ratio)} of {self.reference}]" if self.ratio is not None else ""
        missing = [f"bench {self.name} not-run {self.reference}: {self.why}"] if self.why else []
        return [f"bench {self.name} {_short(self.value)} {self.unit}{against}", *missing]

    def row(self) -> str:
        """The same as a row of the table."""
        spread = f"{_short(self.low)}..{_short(self.high)}" if self.low is not None else ""
        against = f"x{_short(self.ratio)} of {self.reference}" if self.ratio is not None else ""
        against = f"not run: {self.reference} ({self.why})" if self.why else against
        return f"| {self.name} | {_short(self.value)} {self.unit} | {spread} | {against} | {self.aim} |"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Figures that were measured together, and what was on while they were."""

    name: str
    title: str
    conditions: Sequence[str]
    figures: Sequence[Figure]

    def text(self, machine: str) -> str:
        """The section as it stands in the file."""
        lines = [f"## {self.name}: {self.title}", "", "| figure | value | rounds | against | aim |"]
        lines += ["|---|---|---|---|---|", *(figure.row() for figure in self.figures), ""]
        lines += [*(f"- {condition}" for condition in self.conditions), f"- Machine: {machine}.", ""]
        return "\n".join(lines)


def of_rounds(name: str, unit: str, values: Sequence[float], **more: object) -> Figure:
    """The median of some rounds with their spread."""
    return Figure(
        name=name,
        unit=unit,
        value=statistics.median(values),
        low=min(values),
        high=max(values),
        **more,  # type: ignore[arg-type]
    )


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """The ratio of two medians of interleaved rounds."""
    return statistics.median(of) / statistics.median(to)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def write(section: Section, machine: str, file: Path = FILE) -> None:
    """Put a section into the file in place of its former self; sections stay in order of their first appearance."""
    known = re.split(r"(?m)^(?=## )", file.read_text("utf-8"))[1:] if file.exists() else []
    sections = {part[3:].partition(":")[0]: part.rstrip() + "\n" for part in known}
    sections[section.name] = section.text(machine)
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join([HEAD, *sections.values()]), "utf-8")


def _short(value: float | None) -> str:
    """Three significant digits, whole numbers from 100 on."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
