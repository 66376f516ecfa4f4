"""Small sheets and the connectors that read them; a test states only what matters to it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from connectors import config as configs
from connectors.config import Config
from connectors.source import Blank, Cursor, Issued, Item
from connectors.table.source import TableSource, open_source

CONFIG = """
[connector]
name = "test-cases"
kind = "table"
agency = "{agency}"
jurisdictions = ["{home}"]
state_dir = "state"
[source]
path = "{path}"
{source}
[table]
type = "case.trafficking"
key = ["Case"]
zone = "America/Los_Angeles"
{table}
[table.columns]
{standard}
{columns}
[label]
tlp = "amber"
"""
STANDARD = """
"Status" = { field = "/data/cas_Status", required = true }
"Owner" = { field = "/data/cas_CaseOwner", optional = true }
"""
HEADINGS = ("Case", "Status", "Owner")


@dataclass
class Memory(Blank):
    """A cursor whose every event was acknowledged."""

    issued: dict[str, list[Issued]] = field(default_factory=dict)

    def history(self, key: str) -> tuple[Issued, ...]:
        return tuple(self.issued.get(key, ()))

    def latest(self) -> Any:
        return iter([(key, events[-1]) for key, events in self.issued.items()])

    def remember(self, items: Sequence[Item]) -> None:
        """As the runner does once all is acknowledged."""
        for item in items:
            for event in item.events:
                told = {name: event[name] for name in ("id", "type", "subject", "time")}
                self.issued.setdefault(item.key, []).append(Issued(**told, digest=item.digest, acknowledged=True))


def load(folder: Path, path: str = "cases.csv", **parts: Any) -> Config:
    """A connector over ``path``; ``source``, ``table`` and ``columns`` are added to their sections."""
    given = {
        "source": "",
        "table": "",
        "columns": "",
        "standard": STANDARD,
        "agency": "us-ca-sdpd",
        "home": "US-CA:06073",
    } | parts
    file = folder / "connector.toml"
    file.write_text(CONFIG.format(path=path, **given), encoding="utf-8")
    return configs.load(file)


def write_csv(
    folder: Path, *rows: Sequence[object], headings: Sequence[str] = HEADINGS, name: str = "cases.csv"
) -> Path:
    """A CSV in UTF-8."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([headings, *rows])
    path = folder / name
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    return path


def write_xlsx(folder: Path, *rows: Sequence[Any], headings: Sequence[str] = HEADINGS) -> Path:
    """A workbook of one sheet."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (headings, *rows):
        sheet.append(list(row))
    path = folder / "cases.xlsx"
    book.save(path)
    return path


def read(config: Config, cursor: Cursor | None = None) -> list[Item]:
    """Everything the source has to say."""
    return [item for item in TableSource(config, ()).items(cursor or Memory()) if item.events or troubles([item])]


def source(config: Config) -> TableSource:
    """The source as the runner opens it."""
    return open_source(config)


def events(items: Sequence[Item]) -> list[Mapping[str, Any]]:
    """The events of some items."""
    return [event for item in items for event in item.events]


def troubles(items: Sequence[Item]) -> list[tuple[str, str]]:
    """Where and which: (position, code) of everything that was refused or could not be read."""
    found = [(refusal.position, flaw.code) for item in items for refusal in item.refusals for flaw in refusal.flaws]
    return found + [(item.position, flaw.code) for item in items for flaw in item.unknown]
