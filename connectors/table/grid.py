"""A sheet as rows of cells under headings, whatever file it came from; what is wrong with a row stays in that row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.table.cells import Broken, Cell, as_text
from connectors.table.mapping import TableMap
from schemas.flaws import Flaw, Malformed, flaw
from schemas.texts import Text

EMPTY_SHEET = Text(
    "Row {row} should hold the headings, but there is none.",
    "La fila {row} debería tener los encabezados, pero no existe.",
    code="no-headings",
)
MISSING = Text('The column "{column}" is missing.', 'Falta la columna "{column}".', code="missing-column")
DOUBLE = Text(
    'The heading "{column}" stands on more than one column ({letters}).',
    'El encabezado "{column}" está en más de una columna ({letters}).',
    code="duplicate-heading",
)
TOO_MANY_CELLS = Text(
    "This row has {found} cells, but there are {expected} headings.",
    "Esta fila tiene {found} celdas, pero hay {expected} encabezados.",
    code="too-many-cells",
)
TOO_FEW_CELLS = Text(
    "This row has only {found} cells, but there are {expected} headings.",
    "Esta fila tiene solo {found} celdas, pero hay {expected} encabezados.",
    code="too-few-cells",
)
TOO_MANY_ROWS = Text(
    "The sheet has more than {max} rows; the rest was not read.",
    "La hoja tiene más de {max} filas; el resto no se leyó.",
    code="too-many-rows",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row as its file holds it; ``flaws`` when it could not even be cut into cells."""

    number: int  # as a spreadsheet program shows it, the first row being 1
    cells: Sequence[Cell] = ()
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The cells that the mapping reads, by the heading it knows them by."""

    number: int
    cells: Mapping[str, Cell]
    flaws: tuple[Flaw, ...] = ()

    def is_blank_but(self, key: tuple[str, ...]) -> bool:
        """Whether it is only prepared: the published templates have a thousand rows with nothing but a number."""
        return not self.flaws and all(cell in (None, "") for name, cell in self.cells.items() if name not in key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headings:
    """Where the mapping's columns stand in one sheet."""

    places: Mapping[str, int]  # heading the mapping uses -> index
    width: int
    unread: tuple[str, ...]  # headings that lead nowhere


def rows(raw: Iterator[RawRow], headings: Headings, *, max_rows: int, ragged: bool) -> Iterator[Row]:
    """
    The rows below the headings, empty ones left out.

    Args:
        ragged: whether a row that is longer or shorter than the headings is a fault (CSV) or layout (a workbook).

    Raises:
        Malformed: after the last row read: there are too many.
    """
    for count, row in enumerate(row for row in raw if not _is_empty(row)):
        if count >= max_rows:
            raise Malformed(flaw("", TOO_MANY_ROWS.format(max=max_rows)))
        yield _row(row, headings, ragged=ragged)


def find_headings(raw: Iterator[RawRow], wanted: TableMap, header_row: int) -> Headings:
    """
    Read down to the headings and match them.

    Raises:
        Malformed: none there, one missing, or one that the mapping reads standing twice.
    """
    for row in raw:
        if row.number >= header_row:
            break
    else:
        raise Malformed(flaw("", EMPTY_SHEET.format(row=header_row)))
    if row.number > header_row or _is_empty(row):
        raise Malformed(flaw("", EMPTY_SHEET.format(row=header_row)))
    return match_headings([_heading(cell) for cell in row.cells], wanted)


def match_headings(names: Sequence[str], wanted: TableMap) -> Headings:
    """
    Find the mapping's columns among ``names``; case and spacing do not matter.

    Raises:
        Malformed: with every column that is missing or stands twice.
    """
    at: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        at.setdefault(_plain(name), []).append(index)
    flaws: list[Flaw] = []
    places: dict[str, int] = {}
    for column, (spellings, needed) in _columns(wanted).items():
        found = [index for spelling in spellings for index in at.get(_plain(spelling), ())]
        if len(found) > 1:
            letters = ", ".join(map(letter, sorted(found)))
            flaws.append(flaw("", DOUBLE.format(column=column, letters=letters)))
        elif found:
            places[column] = found[0]
        elif needed:
            flaws.append(flaw("", MISSING.format(column=column)))
    if flaws:
        raise Malformed(*flaws)
    width = max((index + 1 for index, name in enumerate(names) if name), default=0)
    read = set(places.values())
    unread = tuple(name for index, name in enumerate(names) if name and index not in read)
    return Headings(places=places, width=width, unread=unread)


def letter(index: int) -> str:
    """The name of a column in a spreadsheet: 0 -> A, 26 -> AA."""
    high, low = divmod(index, 26)
    return (letter(high - 1) if high else "") + chr(ord("A") + low)


def _columns(wanted: TableMap) -> dict[str, tuple[tuple[str, ...], bool]]:
    columns = {one.name: ((one.name, *one.also), not one.optional) for one in wanted.columns}
    for name, needed in wanted.needed().items():
        spellings, already = columns.get(name, ((name,), False))
        columns[name] = (spellings, needed or already)
    return columns


def _row(raw: RawRow, headings: Headings, *, ragged: bool) -> Row:
    if raw.flaws:
        return Row(number=raw.number, cells={}, flaws=raw.flaws)
    found = len(raw.cells)
    if ragged and found != headings.width and _reach(raw.cells) != headings.width:
        too = TOO_MANY_CELLS if found > headings.width else TOO_FEW_CELLS
        wrong = flaw("", too.format(found=found, expected=headings.width))
        return Row(number=raw.number, cells={}, flaws=(wrong,))
    cells = {name: raw.cells[index] if index < found else None for name, index in headings.places.items()}
    return Row(number=raw.number, cells=cells)


def _reach(cells: Iterable[Cell]) -> int:
    return max((index + 1 for index, cell in enumerate(cells) if cell not in (None, "")), default=0)


def _is_empty(row: RawRow) -> bool:
    return not row.flaws and all(cell is None or cell == "" for cell in row.cells)


def _heading(cell: Cell) -> str:
    return "" if isinstance(cell, Broken) else as_text(cell)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
