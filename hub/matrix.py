"""The permission matrix: reader × source × type × jurisdiction, as the grants in force have it. Pure."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from itertools import islice
from typing import TYPE_CHECKING

from hub import sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from hub.directory import Agency
    from hub.grants import Grant
    from hub.policy import Rules

MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a grant gives one reader of one source; hard limits and each event's label still apply."""

    reader: str
    source: str
    type: str
    jurisdiction: str
    clearance: str
    max_tlp: str
    purpose: str
    grant: str
    until: str


COLUMNS = tuple(field.name for field in fields(Row))


def rows(rules: Rules, at: datetime, *, party: str | None, reader: str | None, source: str | None) -> list[Row]:
    """At most one row more than `MOST_ROWS`; `party`: only what this agency reads or is read of."""
    return list(islice(_rows(rules, at, party, reader, source), MOST_ROWS + 1))


def _rows(rules: Rules, at: datetime, party: str | None, reader: str | None, source: str | None) -> Iterator[Row]:
    agencies = [agency for _, agency in sorted(rules.directory.agencies.items()) if agency.is_active]
    for grant in rules.grants.grants:
        readers = [one for one in agencies if grant.reader.covers(one) and reader in (None, one.id)]
        sources = [one for one in agencies if grant.source.covers(one) and source in (None, one.id)]
        for of in sources:
            if grant.not_of_its_time(of.id, None, frozenset()) is not None:
                continue
            for to in readers:
                is_asked = party is None or party in (of.id, to.id)
                if of is not to and is_asked and grant.not_standing(to, of, at) is None:
                    yield from _of(grant, to, of)


def _of(grant: Grant, reader: Agency, source: Agency) -> Iterator[Row]:
    owner = grant.owner(source.id)
    ends = [grant.valid_until] + ([owner.valid_until] if owner is not None and owner.valid_until is not None else [])
    for type_ in grant.types:
        for place in grant.jurisdictions:
            yield Row(
                reader=reader.id,
                source=source.id,
                type=type_,
                jurisdiction=place,
                clearance=grant.clearance.name.lower(),
                max_tlp=grant.max_tlp.name.lower().replace("_", "+"),
                purpose=grant.purpose,
                grant=grant.id,
                until=min(ends).isoformat(),
            )


def as_csv(found: Iterable[Row]) -> str:
    """The rows for a spreadsheet."""
    return sheet.as_csv(COLUMNS, map(astuple, found))
