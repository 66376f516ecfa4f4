"""CSV to raw rows: declared encoding, declared or found delimiter; a fault in one row leaves the others readable."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from connectors.table.cells import Broken, Cell
from connectors.table.grid import RawRow, match_headings
from connectors.table.mapping import SheetSettings, TableMap
from schemas.flaws import Malformed, flaw
from schemas.texts import Text

MAX_CELL_CHARS = 131_072
DELIMITERS = (",", ";", "\t", "|")

UTF16 = Text(
    "The file is UTF-16, but {encoding} is declared.",
    "El archivo está en UTF-16, pero se declara {encoding}.",
    code="bad-encoding",
)
UTF8_MARK = Text(
    "The file begins with the mark of UTF-8, but {encoding} is declared.",
    "El archivo empieza con la marca de UTF-8, pero se declara {encoding}.",
    code="bad-encoding",
)
NOT_TEXT = Text("The file is not text but a {what}.", "El archivo no es texto, sino {what}.", code="not-text")
WORKBOOK = Text("workbook", "un libro de cálculo")
BAD_QUOTES = Text(
    "From line {first} to line {last} the quotation marks do not match.",
    "De la línea {first} a la línea {last} las comillas no corresponden.",
    code="bad-quotes",
)


def raw_rows(content: bytes, sheet: SheetSettings, wanted: TableMap) -> Iterator[RawRow]:
    """
    Cut a CSV file into rows (RFC 4180, with the delimiter that was declared or that makes the headings fit).

    Raises:
        Malformed: not text, or not in the declared encoding at all.
    """
    text = _decoded(content, sheet.encoding)
    delimiter = sheet.delimiter or _delimiter(text, wanted, sheet.header_row)
    return _rows(text, delimiter)


def _decoded(content: bytes, encoding: str) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and encoding != "utf-16":
        raise Malformed(flaw("", UTF16.format(encoding=encoding)))
    if content.startswith(codecs.BOM_UTF8):
        if not encoding.startswith("utf-8"):
            raise Malformed(flaw("", UTF8_MARK.format(encoding=encoding)))
        encoding = "utf-8-sig"
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Malformed(flaw("", NOT_TEXT.format(what=WORKBOOK)))
    # A byte that does not belong becomes a lone surrogate, which names its cell later, instead of ending the file.
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    return content.decode(encoding, errors)


def _delimiter(text: str, wanted: TableMap, header_row: int) -> str:
    """The one with which the headings fit best; what then still misfits is told as such."""
    return min(DELIMITERS, key=lambda delimiter: _misfits(text, delimiter, wanted, header_row))


def _misfits(text: str, delimiter: str, wanted: TableMap, header_row: int) -> int:
    head = [row for row, _ in zip(_rows(text, delimiter), range(header_row), strict=False)]
    try:
        match_headings([str(cell) for cell in head[-1].cells] if head else [], wanted)
    except Malformed as problem:
        return len(problem.flaws)
    return 0


def _rows(text: str, delimiter: str) -> Iterator[RawRow]:
    csv.field_size_limit(MAX_CELL_CHARS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number, last = 0, 0
    while True:
        number += 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            wrong = flaw("", BAD_QUOTES.format(first=last + 1, last=reader.line_num))
            yield RawRow(number=number, flaws=(wrong,))
        else:
            yield RawRow(number=number, cells=[_cell(field) for field in fields])
        last = reader.line_num


def _cell(field: str) -> Cell:
    if "\0" in field:
        return Broken.NUL
    if not field.isascii() and any("\ud800" <= character <= "\udfff" or character == "\ufffd" for character in field):
        return Broken.ENCODING
    return field
