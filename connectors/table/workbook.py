"""XLSX to raw rows: judged by what it would unpack to before it is opened; of formulas, the stored results are read."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from typing import Any

import openpyxl
from defusedxml import DefusedXmlException
from openpyxl.utils.exceptions import InvalidFileException

from connectors.table.cells import Broken, Cell
from connectors.table.grid import RawRow
from connectors.table.mapping import SheetSettings
from schemas.flaws import Malformed, flaw
from schemas.texts import Text

MAX_ENTRIES = 2_000
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_STRINGS_BYTES = 64 * 1024 * 1024  # the shared strings, which openpyxl keeps in memory
MAX_RATIO = 200  # unpacked to packed, of entries above 1 MB; text in real workbooks stays below 40
LARGE_BYTES = 1024 * 1024
MAX_WIDTH = 1_024  # columns
MAX_ROW = 1_048_576  # of the format; a row that claims a higher number would be padded without end

ENCRYPTED = Text(
    "The workbook is protected with a password, or is an old .xls file; save it as .xlsx without a password.",
    "El libro está protegido con contraseña o es un archivo .xls antiguo; guárdelo como .xlsx sin contraseña.",
    code="not-xlsx",
)
NOT_XLSX = Text("This is not an XLSX workbook.", "No es un libro XLSX.", code="not-xlsx")
BOMB = Text(
    "The workbook would unpack to more than is accepted ({what}).",
    "El libro ocuparía al descomprimirse más de lo que se acepta ({what}).",
    code="zip-bomb",
)
ENTRIES = Text("number of parts", "número de partes")
SIZE = Text("total size", "tamaño total")
STRINGS = Text("size of its strings", "tamaño de sus textos")
RATIO = Text("compression ratio", "razón de compresión")
NO_SHEET = Text(
    "There is no sheet of the declared name.", "No hay ninguna hoja con el nombre declarado.", code="no-sheet"
)
BROKEN = Text(
    "The workbook is damaged or holds what is not accepted ({what}).",
    "El libro está dañado o contiene algo que no se acepta ({what}).",
    code="bad-workbook",
)

# What a damaged or hostile workbook makes zipfile and openpyxl raise (found by mutation, see the tests).
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, InvalidFileException, DefusedXmlException, SyntaxError, LookupError,
    ValueError, TypeError, AttributeError, ArithmeticError, EOFError, OSError, NotImplementedError, RuntimeError,
)  # fmt: skip


def raw_rows(content: bytes, sheet: SheetSettings) -> Iterator[RawRow]:
    """
    The rows of one sheet.

    Raises:
        Malformed: not an XLSX workbook, a bomb, damaged, or without that sheet; also while rows are being read.
    """
    guard(content)
    try:
        yield from _sheet_rows(content, sheet)
    except _DAMAGE as error:
        raise Malformed(flaw("", BROKEN.format(what=type(error).__name__))) from None


def guard(content: bytes) -> None:
    """
    Judge a workbook by its table of contents alone; zipfile never unpacks more of an entry than that declares.

    Raises:
        Malformed: not a zip archive, or one that unpacks to too much.
    """
    if content.startswith(b"\xd0\xcf\x11\xe0"):  # OLE: [MS-CFB] 2.2
        raise Malformed(flaw("", ENCRYPTED))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise Malformed(flaw("", NOT_XLSX)) from None
    what = _excess(entries)
    if what is not None:
        raise Malformed(flaw("", BOMB.format(what=what)))


def _excess(entries: list[zipfile.ZipInfo]) -> Text | None:
    if len(entries) > MAX_ENTRIES:
        return ENTRIES
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        return SIZE
    if any(e.filename.lower().endswith("sharedstrings.xml") and e.file_size > MAX_STRINGS_BYTES for e in entries):
        return STRINGS
    if any(e.file_size > LARGE_BYTES and e.file_size > MAX_RATIO * max(e.compress_size, 1) for e in entries):
        return RATIO
    return None


def _sheet_rows(content: bytes, sheet: SheetSettings) -> Iterator[RawRow]:
    with closing(_opened(content, results=True)) as book:
        grid = _grid(book, sheet)
        if not _has_formulas(content):
            yield from _numbered(grid, iter(()))
            return
        # A formula whose result was never stored reads as empty: only a second look tells it from an empty cell.
        with closing(_opened(content, results=False)) as formulas:
            yield from _numbered(grid, _grid(formulas, sheet))


def _opened(content: bytes, *, results: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about layout that this reader does not need
        return openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=results, keep_links=False)


def _grid(book: Any, sheet: SheetSettings) -> Iterator[tuple[Any, ...]]:
    if sheet.sheet is not None and sheet.sheet not in book.sheetnames:
        raise Malformed(flaw("", NO_SHEET))
    found = book[sheet.sheet] if sheet.sheet is not None else book.worksheets[0]
    found.reset_dimensions()  # what a workbook says of its own size is often wrong, and then rows are missing
    head = max(_quietly(found.iter_rows(max_row=sheet.header_row, max_col=MAX_WIDTH)), key=_width, default=())
    return _quietly(found.iter_rows(max_col=max(_width(head), 1)))  # a row may claim 16,384 cells


def _quietly(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The same rows; the filter of warnings is global, so it may not outlast a step."""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row = next(rows, None)
        if row is None:
            return
        yield row


def _width(row: tuple[Any, ...]) -> int:
    return max((index + 1 for index, cell in enumerate(row) if cell.value is not None), default=0)


def _numbered(results: Iterator[tuple[Any, ...]], formulas: Iterator[tuple[Any, ...]]) -> Iterator[RawRow]:
    for number, (row, source) in enumerate(zip_longest(results, formulas, fillvalue=()), start=1):
        cells = [_cell(cell) for cell in row]
        for index, cell in enumerate(source[: len(cells)]):
            if cells[index] is None and cell.value is not None:
                cells[index] = Broken.NO_RESULT
        if number > MAX_ROW:
            raise Malformed(flaw("", BROKEN.format(what="row number")))
        yield RawRow(number=number, cells=cells)


def _cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return None
    if cell.data_type == "e":
        return Broken.ERROR
    if isinstance(value, str):
        return Broken.NUL if "\0" in value else value
    if isinstance(value, (bool, int, float, datetime, date, time, timedelta)):
        return value
    return str(value)


def _has_formulas(content: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [name for name in archive.namelist() if "worksheets/" in name]
        return any(_mentions(archive, name, (b"<f>", b"<f ")) for name in sheets)


def _mentions(archive: zipfile.ZipFile, name: str, marks: tuple[bytes, ...]) -> bool:
    tail = b""
    with archive.open(name) as part:
        while chunk := part.read(1 << 20):
            window = tail + chunk
            if any(mark in window for mark in marks):
                return True
            tail = window[-8:]
    return False
