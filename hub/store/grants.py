"""Grants as rows: one per version, never changed in what they open, only in where they stand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from hub.directory import BEGINNING, NEVER
from hub.granting import Approval, Opens, Proposal, Version
from hub.grants import Grant, GrantState, Tlp
from hub.store.rules import selector
from schemas.sensitivity import Sensitivity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.directory import Agency
    from hub.store import Connection

IMPORTED = "imported"

_INSERT = """
INSERT INTO access_grant (id, version, agreement, source_agency, source_kind, source_country, reader_agency,
                          reader_kind, reader_country, types, jurisdictions, purpose, max_tlp, clearance, requires,
                          valid_from, valid_until, state, is_imported, proposed_by, opens, opens_since)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""


def _parameters(proposal: Proposal, *, is_imported: bool, proposed_by: str | None) -> tuple[object, ...]:
    grant = proposal.grant
    source, reader = grant.source, grant.reader
    return (
        grant.id,
        grant.version,
        grant.agreement,
        source.agency,
        source.kind.value if source.kind else None,
        source.country,
        reader.agency,
        reader.kind.value if reader.kind else None,
        reader.country,
        list(grant.types),
        list(grant.jurisdictions),
        grant.purpose,
        int(grant.max_tlp),
        int(grant.clearance),
        list(grant.requires),
        grant.valid_from,
        grant.valid_until,
        grant.state.value,
        is_imported,
        proposed_by,
        proposal.opens.value,
        proposal.opens_since,
    )


def propose(conn: Connection, proposal: Proposal, proposed_by: str) -> bool:
    """Add a proposed version; False when there is one of this number already, or another one waits."""
    return conn.execute(_INSERT, _parameters(proposal, is_imported=False, proposed_by=proposed_by)).rowcount == 1


_VERSIONS = """
SELECT g.id, g.version, g.agreement, g.source_agency, g.source_kind, g.source_country, g.reader_agency, g.reader_kind,
       g.reader_country, g.types, g.jurisdictions, g.purpose, g.max_tlp, g.clearance, g.requires, g.valid_from,
       g.valid_until, g.state, g.opens, g.opens_since, g.is_imported, g.proposed_by, g.proposed_at, g.ended_by,
       g.ended_at, g.reason, g.confirmed_at, g.confirm_until, g.revision
  FROM access_grant g
"""


def locked(conn: Connection, grant_id: str) -> list[Version]:
    """All versions of a grant in order, held until the transaction ends; none when there is no such grant."""
    return _built(conn, _VERSIONS + " WHERE g.id = %(id)s ORDER BY g.version FOR UPDATE", {"id": grant_id})


def of_id(conn: Connection, grant_id: str) -> list[Version]:
    """All versions of a grant, in order."""
    return _built(conn, _VERSIONS + " WHERE g.id = %(id)s ORDER BY g.version", {"id": grant_id})


def standing_on(conn: Connection, agreement_id: str) -> list[Version]:
    """The versions in force that hang on this agreement."""
    return _built(conn, _VERSIONS + " WHERE g.agreement = %(id)s AND g.state = 'in_force'", {"id": agreement_id})


_COVERS = """
    (g.{side}_agency IS NULL OR g.{side}_agency = %({of}_id)s)
    AND (g.{side}_kind IS NULL OR g.{side}_kind = %({of}_kind)s)
    AND (g.{side}_country IS NULL OR g.{side}_country = %({of}_country)s)
"""
_PAGE = f"""
 WHERE g.id IN (
     SELECT g.id FROM access_grant g
      WHERE g.id > %(after)s
        AND (%(all)s OR ({_COVERS.format(side="source", of="me")}) OR ({_COVERS.format(side="reader", of="me")}))
        AND (%(state)s::text IS NULL OR g.state = %(state)s)
        AND (%(agreement)s::text IS NULL OR g.agreement = %(agreement)s)
        AND (%(source_id)s::text IS NULL OR ({_COVERS.format(side="source", of="source")}))
        AND (%(reader_id)s::text IS NULL OR ({_COVERS.format(side="reader", of="reader")}))
      GROUP BY g.id ORDER BY g.id LIMIT %(limit)s)
 ORDER BY g.id, g.version
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which grants a page is to hold: behind an id, of these; `me` None: whoever's."""

    after: str
    limit: int
    me: Agency | None = None
    state: str | None = None
    agreement: str | None = None
    source: Agency | None = None
    reader: Agency | None = None


def page(conn: Connection, wanted: Wanted) -> list[Version]:
    """All versions of the next grants in order of ids, at most `limit` grants."""
    parameters: dict[str, Any] = {"all": wanted.me is None}
    for name in ("me", "source", "reader"):
        agency: Agency | None = getattr(wanted, name)
        parameters |= {
            f"{name}_id": None if agency is None else agency.id,
            f"{name}_kind": None if agency is None else agency.kind.value,
            f"{name}_country": None if agency is None else agency.country,
        }
    for name in ("after", "limit", "state", "agreement"):
        parameters[name] = getattr(wanted, name)
    return _built(conn, _VERSIONS + _PAGE, parameters)


def _built(conn: Connection, statement: str, parameters: dict[str, Any]) -> list[Version]:
    rows = conn.cursor(row_factory=dict_row).execute(statement, parameters).fetchall()
    ids = list({row["id"] for row in rows})
    approvals: defaultdict[tuple[str, int], list[Approval]] = defaultdict(list)
    for row in conn.cursor(row_factory=dict_row).execute(
        "SELECT grant_id, version, agency, person, at FROM grant_approval WHERE grant_id = ANY(%s) ORDER BY at", (ids,)
    ):
        approvals[row.pop("grant_id"), row.pop("version")].append(Approval(**row))
    return [_version(row, approvals[row["id"], row["version"]]) for row in rows]


def _version(row: dict[str, Any], approvals: list[Approval]) -> Version:
    lists: dict[str, Any] = {name: tuple(row[name]) for name in ("types", "jurisdictions", "requires")}
    plain = {name: row[name] for name in ("id", "version", "agreement", "purpose", "valid_from", "valid_until")}
    grant = Grant(
        source=selector(row, "source_"),
        reader=selector(row, "reader_"),
        max_tlp=Tlp(row["max_tlp"]),
        clearance=Sensitivity(row["clearance"]),
        state=GrantState(row["state"]),
        **lists | plain,
    )
    told = ("is_imported", "proposed_by", "proposed_at", "ended_by", "ended_at", "reason", "revision")
    asked = ("confirmed_at", "confirm_until")
    return Version(
        proposal=Proposal(grant=grant, opens=Opens(row["opens"]), opens_since=row["opens_since"]),
        approvals=tuple(approvals),
        **{name: row[name] for name in told + asked},
    )


def set_state(conn: Connection, grant: Grant, state: GrantState, *, by: str, reason: str | None) -> None:
    """Move one version to another state, and say who did it and why."""
    conn.execute(
        """
        UPDATE access_grant
           SET (state, ended_by, ended_at, reason, revision)
             = (%(state)s, CASE WHEN %(state)s <> 'in_force' THEN %(by)s END,
                CASE WHEN %(state)s <> 'in_force' THEN clock_timestamp() END, %(reason)s, revision + 1)
         WHERE id = %(id)s AND version = %(version)s
        """,
        {"state": state.value, "by": by, "reason": reason, "id": grant.id, "version": grant.version},
    )


def touch(conn: Connection, grant: Grant) -> None:
    """Something about this version has changed that stands elsewhere: whoever looked before has to look again."""
    conn.execute(
        "UPDATE access_grant SET revision = revision + 1 WHERE id = %s AND version = %s", (grant.id, grant.version)
    )


def hold(conn: Connection) -> None:
    """Let nobody propose or change a grant until this transaction ends."""
    conn.execute("LOCK TABLE access_grant IN SHARE ROW EXCLUSIVE MODE")


def any_proposed(conn: Connection) -> bool:
    """Whether people decide about grants already."""
    row = conn.execute("SELECT EXISTS (SELECT FROM access_grant WHERE proposed_by IS NOT NULL)").fetchone()
    return row is not None and bool(row[0])


def imported(conn: Connection) -> list[Grant]:
    """The grants that a file has brought."""
    return [version.grant for version in _built(conn, _VERSIONS + " WHERE g.is_imported ORDER BY g.id", {})]


def replace_imported(conn: Connection, grants: Iterable[Grant], document_sha256: bytes) -> None:
    """
    Put the grants of a file in the place of those that an earlier file brought, under an agreement of that name.

    They stand for every source they cover, as they did while they were a file.
    """
    with conn.transaction():
        conn.execute(
            """
            INSERT INTO agreement (id, title_en, title_es, legal_basis, document_sha256, valid_from, valid_until, state)
            VALUES (%s, 'Grants of the former file', 'Permisos del archivo anterior', 'as stated in the file', %s, %s,
                    %s, 'in_force')
            ON CONFLICT (id) DO UPDATE
               SET (document_sha256, version) = (excluded.document_sha256, agreement.version + 1)
            """,
            (IMPORTED, document_sha256, BEGINNING, NEVER),
        )
        conn.execute("DELETE FROM grant_part p USING access_grant g WHERE g.id = p.grant_id AND g.is_imported")
        conn.execute("DELETE FROM access_grant WHERE is_imported")
        conn.cursor().executemany(
            _INSERT,
            [
                _parameters(Proposal(grant=replace(grant, agreement=IMPORTED)), is_imported=True, proposed_by=None)
                for grant in grants
            ],
        )
