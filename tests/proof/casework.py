"""An agency's case sheets, and the real connector that publishes them."""

from __future__ import annotations

import csv
import io
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.proof.facts import Fact, Pace, closes, last_of_each
from tests.proof.keeper import Keeper
from tests.proof.stage import Stage

ROWS_PER_SHEET = 100
CONNECTOR_TOML = """
[connector]
name = "{agency}-cases"
kind = "table"
agency = "{agency}"
jurisdictions = ["US-CA:06073"]
state_dir = "state"
poll_s = 0.5

[source]
path = "sheets"

[table]
type = "case.trafficking"
key = ["Case", "Entry"]
subject = ["Case"]
zone = "UTC"

[table.time]
column = "When"

[table.withdrawn]
column = "Status"
values = ["Closed"]

[table.fixed]
"/data/lead_agency" = "{agency}"

[table.columns."Status"]
field = "/data/cas_Status"
required = true
codes = {{ Active = "Active", Closed = "Closed" }}

[label]
tlp = "amber"
purpose = "trafficking-investigation"

[kafka]
bootstrap = ["{bootstrap}"]
security = "sasl_plaintext"

[oauth]
token_endpoint = "{token_endpoint}"
issuer = "{issuer}"
client_id = "{agency}"
key_file = "{key}"
audience = "us/kafka"
"""


class Sheets:
    """A folder of case sheets that grows with the pace; sheets whose rows were all published are taken away."""

    def __init__(self, folder: Path, share: Sequence[Fact], pace: Pace) -> None:
        self._folder = folder
        self._share = share
        self._last = last_of_each(share)
        self._pace = pace
        self._written = 0
        folder.mkdir(parents=True)

    @property
    def written(self) -> int:
        """How many rows there were so far."""
        return self._written

    def grow(self, published: int) -> None:
        """Write the rows that are due; of sheets written before, the first `published` rows need not stay."""
        due = self._pace.due(len(self._share))
        if due > self._written:
            for sheet in range(self._written // ROWS_PER_SHEET, (due - 1) // ROWS_PER_SHEET + 1):
                rows = self._share[sheet * ROWS_PER_SHEET : min(due, (sheet + 1) * ROWS_PER_SHEET)]
                self._write(self._path(sheet), rows)
            self._written = due
        for sheet in range(min(published, due - 1) // ROWS_PER_SHEET):  # the newest stays: no sheets would be a fault
            self._path(sheet).unlink(missing_ok=True)

    def _path(self, sheet: int) -> Path:
        return self._folder / f"sheet-{sheet:05d}.csv"

    def _write(self, path: Path, rows: Sequence[Fact]) -> None:
        text = io.StringIO()
        out = csv.writer(text)
        out.writerow(("Case", "Entry", "When", "Status"))
        for fact in rows:
            status = "Closed" if closes(fact, self._last[fact.subject]) else "Active"
            out.writerow((fact.subject, f"{fact.number:04d}", fact.time.isoformat(), status))
        scratch = path.with_suffix(".part")
        scratch.write_text(text.getvalue(), "utf-8")
        scratch.replace(path)


class Desk:
    """An agency with its sheets and the process that publishes them."""

    def __init__(self, stage: Stage, agency: str, share: Sequence[Fact], pace: Pace, token_endpoint: str) -> None:
        """Enrol it and write its settings; `token_endpoint` is where its connector asks for tokens."""
        self.agency = agency
        self.share = share
        self._folder = stage.folder / "desks" / agency
        self.sheets = Sheets(self._folder / "sheets", share, pace)
        told = {"agency": agency, "bootstrap": stage.bootstrap, "issuer": stage.told.node.issuer}
        key = stage.enrol(agency)
        config = self._folder / "connector.toml"
        config.write_text(CONNECTOR_TOML.format(token_endpoint=token_endpoint, key=key, **told))
        self.connector = Keeper(
            command=[sys.executable, "-m", "hub.cli", "connector", "run", str(config)],
            folder=self._folder / "run",
            environment=stage.environment,
        )

    def watch(self) -> None:
        """Add the rows that are due, and start the connector again if it has ended."""
        self.sheets.grow(self.count("issued"))
        self.connector.watch()

    def count(self, table: str, where: str = "true") -> int:
        """Rows of the connector's journal."""
        rows = self._ask(f"SELECT count(*) FROM {table} WHERE {where}")  # noqa: S608 - constants only
        return int(str(rows[0][0])) if rows else 0

    def acknowledged(self) -> list[Fact]:
        """What the broker has acknowledged, says the journal."""
        rows = self._ask("SELECT id FROM issued WHERE body IS NULL AND id NOT IN (SELECT id FROM aside) ORDER BY seq")
        return [Fact.of(str(row[0])) for row in rows]

    def is_sending(self) -> bool:
        """Whether the journal holds rows that the broker has not acknowledged."""
        return self.count("issued", "body IS NOT NULL") > 0

    def is_done(self) -> bool:
        """Whether every row was published and acknowledged."""
        return self.count("issued", "body IS NULL") == len(self.share)

    def _ask(self, query: str) -> list[tuple[object, ...]]:
        journal = self._folder / "state" / "journal.sqlite3"
        if not journal.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=5)) as db:
                return db.execute(query).fetchall()
        except sqlite3.OperationalError:  # it is only being made
            return []
