"""
One cell to one value of the published language: codes, dates, numbers, units, lists.

Pure, and no message repeats a value.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from schemas.fields import Code, Day, Flag, Instant, Leaf, Line, Number, Prose, Whole
from schemas.texts import Text


class Broken(Enum):
    """A cell whose content is lost before anybody could read it."""

    ERROR = Text("The cell holds a spreadsheet error.", "La celda contiene un error de la hoja.", code="cell-error")
    NO_RESULT = Text(
        "The cell holds a formula without a stored result; open the workbook and save it once.",
        "La celda contiene una fórmula sin resultado guardado; abra el libro y guárdelo una vez.",
        code="formula-without-result",
    )
    NUL = Text("The cell holds a NUL character.", "La celda contiene un carácter NUL.", code="nul")
    ENCODING = Text(
        "The cell holds bytes that are not valid in the declared encoding.",
        "La celda contiene bytes que no son válidos en la codificación declarada.",
        code="bad-encoding",
    )


Cell = str | int | float | bool | datetime | date | time | timedelta | Broken | None

NOT_LISTED = Text(
    "This is none of the codes or of the values the configuration translates into codes.",
    "No es ninguno de los códigos ni de los valores que la configuración traduce a códigos.",
    code="unknown-code",
)
NOT_A_NUMBER = Text("This is not a number.", "No es un número.", code="not-a-number")
NOT_WHOLE = Text("This is not a whole number.", "No es un número entero.", code="not-whole")
NOT_A_FLAG = Text("This is not yes or no.", "No es sí o no.", code="not-a-flag")
NOT_A_DATE = Text("This is not a date of the form {form}.", "No es una fecha de la forma {form}.", code="not-a-date")
NO_SUCH_TIME = Text(
    "This local time does not exist in {zone} (the clocks were put forward).",
    "Esta hora local no existe en {zone} (se adelantó el reloj).",
    code="no-such-time",
)
TOO_LONG = Text("This has more than {max} characters.", "Tiene más de {max} caracteres.", code="too-long")
NOT_FEET = Text("This is not of the form 5'10\".", "No es de la forma 5'10\".", code="not-feet")
UNFIT = Text(
    "A date or a time is not expected here.", "Aquí no se espera una fecha ni una hora.", code="unexpected-date"
)

UNITS = {  # to the unit the schemas use; exact by definition (NIST SP 811)
    "in": 2.54,  # -> cm
    "ft": 30.48,  # -> cm
    "m": 100.0,  # -> cm
    "cm": 1.0,
    "lb": 0.45359237,  # -> kg
    "oz": 0.028349523125,  # -> kg
    "g": 0.001,  # -> kg
    "kg": 1.0,
    "mi": 1.609344,  # -> km
    "km": 1.0,
}
FEET = "ft-in"  # 5'10", 5 ft 10 in
_FEET = re.compile(r"(\d{1,2})\s*(?:'|′|ft|pies?)\s*(?:(\d{1,2})\s*(?:\"|″|''|in|pulgadas?)?)?", re.IGNORECASE)
_YES = frozenset({"yes", "y", "true", "t", "1", "x", "si", "s", "verdadero"})
_NO = frozenset({"no", "n", "false", "f", "0", "falso"})
ISO = "YYYY-MM-DD"


class Unfit(Exception):
    """A cell that does not become a value; ``text`` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the cells of one column are to be read."""

    codes: Mapping[str, str] = field(default_factory=dict)  # folded value -> code
    separator: str = ";"  # between the values of one cell
    unit: str | None = None
    decimal: str = "."
    form: str | None = None  # of dates in text cells (strptime); None = ISO 8601
    zone: ZoneInfo | None = None  # of times without an offset
    digits: int = 0  # codes that a spreadsheet took for numbers get their leading zeros back


def folded(value: str) -> str:
    """What two spellings of one code have in common: letters and digits, without case or accents."""
    plain = unicodedata.normalize("NFKD", value).casefold()
    return "".join(character for character in plain if character.isalnum())


def as_text(cell: Cell, digits: int = 0) -> str:
    """
    The cell as text, trimmed; empty for an empty one. ``digits``: pad a number with zeros to that width.

    Raises:
        Unfit: a broken cell.
    """
    if isinstance(cell, Broken):
        raise Unfit(cell.value)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        text = "true" if cell else "false"
    elif isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        text = str(int(cell))
    elif isinstance(cell, (datetime, date, time)):
        text = cell.isoformat()
    else:
        text = unicodedata.normalize("NFC", str(cell)).strip()
    return text.zfill(digits) if digits and text.isdigit() else text


def to_value(cell: Cell, leaf: Leaf, reading: Reading) -> object | None:
    """
    The value that ``leaf`` expects; None for an empty cell.

    Raises:
        Unfit: the cell does not hold such a value.
    """
    text = as_text(cell, reading.digits)
    if not text:
        return None
    if isinstance(leaf, Code):
        return to_code(text, leaf.codes, reading.codes)
    if isinstance(leaf, Flag):
        return to_flag(text, reading.codes)
    if isinstance(leaf, Number):
        return to_number(cell, text, reading, whole=isinstance(leaf, Whole))
    if isinstance(leaf, Day):
        return to_day(cell, text, reading)
    if isinstance(leaf, Instant):
        return to_instant(cell, text, reading)
    if isinstance(cell, (datetime, date, time, timedelta)):
        raise Unfit(UNFIT)
    if isinstance(leaf, Line):
        text = " ".join(text.split())  # a line break in a cell is layout, where the schema has one line
    if isinstance(leaf, Prose) and len(text) > leaf.max_chars:
        raise Unfit(TOO_LONG.format(max=leaf.max_chars))
    return reading.codes.get(folded(text), text)


def to_values(cell: Cell, leaf: Leaf, reading: Reading) -> list[object]:
    """
    The values of a cell that holds several, each once and in their order.

    Raises:
        Unfit: one of them is not such a value.
    """
    parts = as_text(cell).split(reading.separator) if isinstance(cell, str) else [cell]
    found = (to_value(part, leaf, reading) for part in parts)
    return list(dict.fromkeys(value for value in found if value is not None))


def to_code(text: str, codes: tuple[str, ...], translated: Mapping[str, str]) -> str:
    """The code that ``text`` is, is spelt like, or is translated into."""
    key = folded(text)
    if key in translated:
        return translated[key]
    for code in codes:
        if folded(code) == key:
            return code
    raise Unfit(NOT_LISTED)


def to_flag(text: str, translated: Mapping[str, str]) -> bool:
    """Yes or no, in English, Spanish, or as the configuration says."""
    key = folded(translated.get(folded(text), text))
    if key in _YES or key in _NO:
        return key in _YES
    raise Unfit(NOT_A_FLAG)


def to_number(cell: Cell, text: str, reading: Reading, *, whole: bool) -> int | float:
    """A number, converted to the unit of the schemas; with a unit, a whole number is rounded to the nearest."""
    if reading.unit == FEET:
        number = _inches(text) * UNITS["in"]
    else:
        number = _plain_number(cell, text, reading.decimal) * UNITS.get(reading.unit or "", 1.0)
    if not whole:
        return int(number) if number.is_integer() else number
    if reading.unit is None and not number.is_integer():
        raise Unfit(NOT_WHOLE)
    return math.floor(number + 0.5)


def to_day(cell: Cell, text: str, reading: Reading) -> str:
    """A calendar date in ISO 8601."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return _parsed(text, reading).date().isoformat()


def to_instant(cell: Cell, text: str, reading: Reading) -> str:
    """A time with its offset (RFC 3339); a local time that occurs twice means the earlier one."""
    if isinstance(cell, datetime):
        local = cell
    elif isinstance(cell, date):
        local = datetime.combine(cell, time())
    else:
        local = _parsed(text, reading)
    if local.tzinfo is None:
        local = local.replace(tzinfo=reading.zone or UTC)
        if local.astimezone(UTC).astimezone(local.tzinfo).replace(fold=0) != local.replace(fold=0):
            raise Unfit(NO_SUCH_TIME.format(zone=reading.zone))
    return local.isoformat(timespec="seconds")


def _parsed(text: str, reading: Reading) -> datetime:
    try:
        return datetime.strptime(text, reading.form) if reading.form else datetime.fromisoformat(text)
    except ValueError:
        raise Unfit(NOT_A_DATE.format(form=reading.form or ISO)) from None


def _plain_number(cell: Cell, text: str, decimal: str) -> float:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        number = float(cell)
    elif re.fullmatch(rf"[+-]?\d{{1,15}}(?:{re.escape(decimal)}\d{{1,15}})?", text, re.ASCII):
        number = float(text.replace(decimal, "."))
    else:
        raise Unfit(NOT_A_NUMBER)
    if not math.isfinite(number):
        raise Unfit(NOT_A_NUMBER)
    return number


def _inches(text: str) -> float:
    match = _FEET.fullmatch(text)
    if match is None or int(match[2] or 0) > 11:
        raise Unfit(NOT_FEET)
    return float(int(match[1]) * 12 + int(match[2] or 0))
