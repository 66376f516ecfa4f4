"""Agreements and their parties."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from hub.agreement_rows import Agreement, AgreementState
from hub.store.rules import selector

if TYPE_CHECKING:
    from hub.directory import Agency
    from hub.grants import Selector
    from hub.store import Connection

_AGREEMENTS = """
SELECT id, title_en, title_es, legal_basis, document_sha256, valid_from, valid_until, state, drafted_by, approved_by,
       reason, version, suspended_by, suspended_at
  FROM agreement g
"""


def draft(conn: Connection, agreement: Agreement) -> bool:
    """Add a draft; False when the id is taken."""
    done = conn.execute(
        """
        INSERT INTO agreement (id, title_en, title_es, legal_basis, document_sha256, valid_from, valid_until, state,
                               drafted_by)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING
        """,
        (
            agreement.id,
            agreement.title_en,
            agreement.title_es,
            agreement.legal_basis,
            agreement.document_sha256,
            agreement.valid_from,
            agreement.valid_until,
            agreement.state.value,
            agreement.drafted_by,
        ),
    )
    if done.rowcount == 0:
        return False
    conn.cursor().executemany(
        "INSERT INTO agreement_party (agreement, agency, kind, country) VALUES (%s, %s, %s, %s)",
        [
            (agreement.id, party.agency, party.kind.value if party.kind else None, party.country)
            for party in agreement.parties or ()
        ],
    )
    return True


def locked(conn: Connection, agreement_id: str) -> Agreement | None:
    """One agreement as it is now; nobody changes it until the transaction ends."""
    return next(iter(_read(conn, " WHERE id = %(id)s FOR UPDATE", {"id": agreement_id})), None)


def shared(conn: Connection, agreement_id: str) -> Agreement | None:
    """The same for who relies on it without changing it: many may at once."""
    return next(iter(_read(conn, " WHERE id = %(id)s FOR SHARE", {"id": agreement_id})), None)


def one(conn: Connection, agreement_id: str) -> Agreement | None:
    """One agreement."""
    return next(iter(_read(conn, " WHERE id = %(id)s", {"id": agreement_id})), None)


def page(
    conn: Connection, *, after: str, limit: int, state: AgreementState | None, party: Agency | None
) -> list[Agreement]:
    """The next agreements in order of ids; with `party` those that bind this agency."""
    return _read(
        conn,
        """
         WHERE id > %(after)s AND (%(state)s::text IS NULL OR state = %(state)s)
           AND (%(agency)s::text IS NULL
                OR NOT EXISTS (SELECT FROM agreement_party p WHERE p.agreement = g.id)
                OR EXISTS (SELECT FROM agreement_party p
                            WHERE p.agreement = g.id AND coalesce(p.agency = %(agency)s, true)
                              AND coalesce(p.kind = %(kind)s, true) AND coalesce(p.country = %(country)s, true)))
         ORDER BY id LIMIT %(limit)s
        """,
        {
            "after": after,
            "limit": limit,
            "state": None if state is None else state.value,
            "agency": None if party is None else party.id,
            "kind": None if party is None else party.kind.value,
            "country": None if party is None else party.country,
        },
    )


def set_state(conn: Connection, agreement: Agreement, state: AgreementState, *, by: str, reason: str | None) -> None:
    """Move it to another state; `by` has approved it where it was a draft, or is who suspends it."""
    conn.execute(
        """
        UPDATE agreement
           SET (state, approved_by, reason, version, suspended_by, suspended_at)
             = (%(state)s, CASE WHEN state = 'draft' AND %(state)s = 'in_force' THEN %(by)s ELSE approved_by END,
                coalesce(%(reason)s, reason), version + 1,
                CASE WHEN %(state)s = 'suspended' THEN %(by)s END,
                CASE WHEN %(state)s = 'suspended' THEN clock_timestamp() END)
         WHERE id = %(id)s
        """,
        {"state": state.value, "by": by, "reason": reason, "id": agreement.id},
    )


def _read(conn: Connection, where: str, parameters: dict[str, Any]) -> list[Agreement]:
    cursor = conn.cursor(row_factory=dict_row)
    rows = cursor.execute(_AGREEMENTS + where, parameters).fetchall()
    parties: defaultdict[str, list[Selector]] = defaultdict(list)
    for row in cursor.execute(
        "SELECT agreement, agency, kind, country FROM agreement_party WHERE agreement = ANY(%s)",
        ([row["id"] for row in rows],),
    ):
        parties[row["agreement"]].append(selector(row))
    return [_agreement(row, parties.get(row["id"])) for row in rows]


def _agreement(row: dict[str, Any], parties: list[Selector] | None) -> Agreement:
    told = row | {"state": AgreementState(row["state"]), "document_sha256": bytes(row["document_sha256"])}
    return Agreement(**told, parties=None if parties is None else tuple(parties))
