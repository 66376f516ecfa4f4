"""What an agency declared about its spreadsheet: which column leads where, what names a row, when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.table.cells import Reading
from connectors.table.targets import Target
from schemas.sensitivity import Sensitivity


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the sheet and the place in the event that it fills."""

    name: str  # its heading
    also: tuple[str, ...] = ()  # other headings it may have
    target: Target
    reading: Reading
    required: bool = False  # an empty cell refuses the row
    optional: bool = False  # the sheet may lack the column
    default: Any = None  # for an empty cell


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeColumn:
    """The column that says when a row's state came about."""

    name: str
    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """When a row is over: by the value of a column, or because it is gone from the sheet."""

    column: str | None = None
    verbs: Mapping[str, str] = field(default_factory=dict)  # folded value -> closed, cancelled, located
    close_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a row belongs: a column of codes of one scheme, a translation of names into codes, or always the same."""

    column: str | None = None
    scheme: str | None = None  # of schemas.places.from_geocode; None = our own codes
    codes: Mapping[str, str] = field(default_factory=dict)  # folded value -> our code
    separator: str = ";"
    digits: int = 0
    fixed: tuple[str, ...] = ()  # empty = the source's own


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMap:
    """Everything that turns a row into an event."""

    family: str  # case.trafficking
    status: str
    columns: tuple[Column, ...]
    fixed: tuple[tuple[Target, Any], ...]
    key: tuple[str, ...]  # headings of the columns that name a row; nothing in them may be personal
    key_prefix: str
    subject: tuple[str, ...]  # of those, the ones that name its case
    time: TimeColumn | None
    withdrawn: Withdrawn
    places: Places
    label: Mapping[str, Any]
    highest: Sensitivity  # fields above it stay at the agency

    def needed(self) -> dict[str, bool]:
        """Headings that are read for more than a field -> whether the sheet must have them."""
        others = (self.time.name if self.time else None, self.withdrawn.column, self.places.column)
        return {name: True for name in (*self.key, *others) if name}


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSettings:
    """Where the sheet is and how its bytes are to be read."""

    path: str
    pattern: str | None  # files of a folder; None = every .csv, .xlsx and .xlsm
    sheet: str | None  # None = the first
    encoding: str
    delimiter: str | None  # None = found from the headings
    header_row: int  # 1 = the first
    max_rows: int
    max_mb: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """A table connector's own sections."""

    sheet: SheetSettings
    map: TableMap
    id_key_file: str | None
