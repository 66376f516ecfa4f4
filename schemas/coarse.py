"""Coarser values that may be seen where the exact one may not; each is a pure function of the event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from schemas import places

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


def area(_place: Members, siblings: Members, _event: Members) -> str | None:
    """The municipality or state around a place, by the name of its jurisdiction; None where none narrower is given."""
    code = siblings.get("jurisdiction", "")
    around = [code, *places.ancestors(code)] if code else []
    return ", ".join(places.name_of(one) for one in around if one not in places.COUNTRIES) or None


def state_of_address(written: str, siblings: Members, _event: Members) -> str | None:
    """The code of the state an address is in; None where what stands there is not the name or code of one."""
    return places.state_named(written, siblings.get("prs_MailingCountry"))


FUNCTIONS: Mapping[str, Callable[[Any, Members, Members], str | None]] = MappingProxyType(
    {function.__name__: function for function in (age_band, age_band_of_birth, area, day, state_of_address)}
)
