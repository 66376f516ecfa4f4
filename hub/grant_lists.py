"""Which grants there are, for their two sides; operators and auditors see all, and others' look like missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import acts, matrix
from hub.authority import READ_GRANTS, may_use
from hub.errors import Invalid
from hub.grant_access import Held, held, joined
from hub.granting import sees_all
from hub.matrix import Row
from hub.store import grants
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.grants import GrantState
    from hub.reading import Asking
    from hub.store import Connection

TOO_MANY = Text(
    "more than {most} rows: name a reader or a source", "más de {most} filas: indique lector o fuente", code="too-many"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Of which grants; `source` and `reader` are agencies that the selector covers."""

    state: GrantState | None = None
    agreement: str | None = None
    source: str | None = None
    reader: str | None = None


def list_grants(conn: Connection, asking: Asking, filters: Filters, *, after: str, limit: int) -> list[Held]:
    """Grants in order of ids behind `after`; filtered by an agency that nobody knows, none."""
    acts.require_reading(conn, asking, may_use(asking.principal, READ_GRANTS), READ_GRANTS)
    agencies = asking.view.rules.directory.agencies
    named = {side: getattr(filters, side) for side in ("source", "reader")}
    if any(one is not None and one not in agencies for one in named.values()):
        return []
    wanted = grants.Wanted(
        after=after,
        limit=limit,
        me=None if sees_all(asking.principal) else asking.principal.agency,
        state=None if filters.state is None else filters.state.value,
        agreement=filters.agreement,
        **{side: None if one is None else agencies[one] for side, one in named.items()},
    )
    return joined(conn, grants.page(conn, wanted))


def read_grant(conn: Connection, asking: Asking, grant_id: str) -> Held:
    """
    One grant with all its versions.

    Raises:
        NotVisible: there is none, or it is none of the caller's business.
    """
    acts.require_reading(conn, asking, may_use(asking.principal, READ_GRANTS), READ_GRANTS)
    return held(conn, asking, grant_id, "grant.read", for_update=False)


def read_matrix(conn: Connection, asking: Asking, *, reader: str | None, source: str | None) -> list[Row]:
    """
    The permission matrix as far as it concerns the caller's agency; operators and auditors see all of it.

    Raises:
        Invalid: it has more rows than anybody reads.
    """
    acts.require_reading(conn, asking, may_use(asking.principal, READ_GRANTS), READ_GRANTS)
    party = None if sees_all(asking.principal) else asking.principal.agency.id
    found = matrix.rows(asking.view.rules, asking.at, party=party, reader=reader, source=source)
    if len(found) > matrix.MOST_ROWS:
        raise Invalid((flaw("/reader", TOO_MANY.format(most=matrix.MOST_ROWS)),))
    return found
