"""CAP times (CAP 1.2 section 3.3.2): read strictly first, then leniently with the reason why it was not strict."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from schemas.texts import Text

_STRICT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", re.ASCII)
_LENIENT = re.compile(
    r"(?P<day>(?:19|20|21)\d\d-\d\d-\d\d)[Tt ](?P<clock>\d\d:\d\d(?::\d\d)?)(?P<fraction>\.\d{1,9})?"
    r"(?P<offset>[Zz]|[-+](?:0\d|1[0-4]):?[0-5]\d)?",
    re.ASCII,
)

ZULU = Text(
    "The time ends in Z; CAP wants an offset in digits, such as -00:00.",
    "La hora termina en Z; CAP pide un desfase en dígitos, como -00:00.",
    code="time-zulu",
)
FRACTION = Text(
    "The time has fractions of a second, which CAP does not allow.",
    "La hora tiene fracciones de segundo, que CAP no permite.",
    code="time-fraction",
)
NO_OFFSET = Text(
    "The time has no offset; that of sent is assumed.",
    "La hora no tiene desfase; se supone el de sent.",
    code="time-offset-assumed",
)
FORM = Text(
    "The time is not written as CAP wants it, such as 2026-05-04T13:30:00-07:00.",
    "La hora no está escrita como pide CAP, por ejemplo 2026-05-04T13:30:00-07:00.",
    code="time-form",
)
UNREADABLE = Text(
    "The time cannot be read; CAP wants it like 2026-05-04T13:30:00-07:00.",
    "La hora no se puede leer; CAP la pide como 2026-05-04T13:30:00-07:00.",
    code="time-unreadable",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapTime:
    """A time as far as it could be read; ``instant`` is None only if it could not be."""

    instant: datetime | None  # aware
    complaint: Text | None  # None means: written exactly as the standard wants


def read(written: str, *, assumed: tzinfo | None = None) -> CapTime:
    """
    Read one time.

    Args:
        written: as in the document, not empty.
        assumed: offset to assume where none is written; None means such a time cannot be read.
    """
    match = _LENIENT.fullmatch(written)
    if match is None or (match["offset"] is None and assumed is None):
        return CapTime(instant=None, complaint=UNREADABLE)
    fraction = (match["fraction"] or "")[:7]  # microseconds are the most that can be kept
    offset = (match["offset"] or "").upper()
    try:
        instant = datetime.fromisoformat(f"{match['day']}T{match['clock']}{fraction}{offset}")
    except ValueError:
        return CapTime(instant=None, complaint=UNREADABLE)
    if instant.tzinfo is None:
        return CapTime(instant=instant.replace(tzinfo=assumed), complaint=NO_OFFSET)
    if _STRICT.fullmatch(written):
        return CapTime(instant=instant, complaint=None)
    return CapTime(instant=instant, complaint=FRACTION if fraction else ZULU if offset == "Z" else FORM)


def key(instant: datetime) -> str:
    """One spelling for one instant: in UTC with ``Z``, to compare and to name."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def wire(instant: datetime) -> str:
    """RFC 3339 with the sender's own offset."""
    return instant.isoformat()
