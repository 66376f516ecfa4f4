"""Coarser values that may be seen where the exact one may not; each is a pure function of the event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

Members = Mapping[str, Any]
_BANDS = ((6, "0-5"), (12, "6-11"), (18, "12-17"), (25, "18-24"), (60, "25-59"))


def age_band(age_years: int, _siblings: Members, _event: Members) -> str:
    """The band of an age; 18 is the border that the law draws on both sides."""
    return next((band for end, band in _BANDS if age_years < end), "60+")


def age_band_of_birth(born: str, siblings: Members, event: Members) -> str | None:
    """The band of the age at the time of the event; None where an age is given or the birth lies after it."""
    if "age_years" in siblings:
        return None
    birth, then = date.fromisoformat(born), date.fromisoformat(event["time"][:10])
    age_years = then.year - birth.year - ((then.month, then.day) < (birth.month, birth.day))
    return age_band(age_years, siblings, event) if age_years >= 0 else None


def day(instant: str, _siblings: Members, _event: Members) -> str:
    """The local calendar day of a time."""
    return instant[:10]


FUNCTIONS: Mapping[str, Callable[[Any, Members, Members], str | None]] = MappingProxyType(
    {function.__name__: function for function in (age_band, age_band_of_birth, day)}
)
