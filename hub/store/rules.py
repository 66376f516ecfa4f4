"""Everything a decision rests on, read at one version: agencies, people, grants, attestations, consents."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from hub.consents import Consent, by_subject
from hub.directory import Agency, Attestation, Directory, Kind, PublishRight, RightState, Standing
from hub.grants import Grant, GrantSet, GrantState, Owner, Selector, Tlp
from hub.limits import Limits
from hub.policy import Rules
from hub.store import agencies, borders, persons
from hub.versions import in_use
from schemas.sensitivity import Sensitivity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.store import Connection

Row = dict[str, Any]

_AGENCIES = """
SELECT id, name, kind, country, jurisdictions, languages, standing, epoch, identifiers, duty_phone, duty_email, version,
       peer, is_shown
  FROM agency
"""
_RIGHTS = """
SELECT agency, types, jurisdictions, valid_from, valid_until, state FROM publish_right ORDER BY id
"""
_ATTESTATIONS = """
(SELECT agency, kind, valid_from, valid_until FROM attestation WHERE withdrawn_at IS NULL ORDER BY id)
 UNION ALL
(SELECT agency, kind, valid_from, valid_until FROM shown_attestation ORDER BY agency, kind, valid_from)
"""
_PERSONS = f"SELECT {persons.COLUMNS} FROM person"  # noqa: S608 - a constant list of columns
_CONSENTS = """
SELECT id::text, source, subject, fields, recipients, purpose, signed_at, valid_until, withdrawn_at
  FROM consent ORDER BY id
"""
_PARTIES = "SELECT agreement, agency, kind, country FROM agreement_party"
_OWNERS = """
SELECT grant_id, version, agency, events_from, approved_at, confirm_until AS valid_until FROM grant_owner
 ORDER BY agency
"""
_PARTS = "SELECT grant_id, agency, side FROM grant_part ORDER BY agency"
_BESIDE = (_PARTIES, _OWNERS, _PARTS)
_ACROSS = (borders.PEERS, borders.KNOWN, borders.PROTECTED, borders.RELEASED)

GRANTS = """
SELECT g.id, g.version, g.agreement, g.source_agency, g.source_kind, g.source_country, g.reader_agency, g.reader_kind,
       g.reader_country, g.types, g.jurisdictions, g.purpose, g.max_tlp, g.clearance, g.requires, g.is_imported,
       CASE WHEN g.state = 'in_force' AND a.state <> 'in_force' THEN 'suspended' ELSE g.state END AS state,
       greatest(g.valid_from, a.valid_from) AS valid_from,
       least(g.valid_until, a.valid_until, coalesce(g.confirm_until, g.valid_until)) AS valid_until
  FROM access_grant g JOIN agreement a ON a.id = g.agreement
"""
_CURRENT = """
 EXISTS (SELECT FROM access_grant c WHERE c.id = g.id AND c.state IN ('in_force', 'suspended'))
   AND g.state IN ('in_force', 'suspended', 'superseded')
"""


def read(conn: Connection, known: Rules) -> Rules:
    """
    The rules as they are now; `known` itself where they have not moved.

    The version is read first: what changes while the rest is read makes the rest newer than its version, and every
    statement that relies on it then finds that out.
    """
    version = agencies.version_of(conn)
    if version == known.directory.version:
        return known
    with conn.pipeline():
        fetched = [
            conn.cursor(row_factory=dict_row).execute(statement)
            for statement in (_AGENCIES, _RIGHTS, _ATTESTATIONS, _PERSONS, _CONSENTS, *_ACROSS, *_BESIDE)
        ]
        held = conn.cursor(row_factory=dict_row).execute(f"{GRANTS} WHERE {_CURRENT} ORDER BY g.id, g.version")
        rows = [cursor.fetchall() for cursor in fetched]
        granted = held.fetchall()
    enrolled, rights, attestations, people, consents, peers, confirmed, protected, released, *beside = rows
    directory = Directory.of(version, _agencies(enrolled, rights, attestations), [persons.of_row(**p) for p in people])
    digest = hashlib.sha256(repr((granted, beside, released)).encode()).hexdigest()
    grants = in_use(grants_of(granted, *beside)) + borders.released(released)
    return Rules(
        directory,
        GrantSet(grants, digest),
        known.limits,
        by_subject(map(_consent, consents)),
        borders.borders_of(peers, confirmed, protected),
    )


def directory(conn: Connection) -> Directory:
    """Everyone enrolled, without the grants."""
    return read(conn, Rules(Directory(0), GrantSet(), Limits((), ""))).directory


def all_grants(conn: Connection) -> tuple[Grant, ...]:
    """
    Every version of every grant, whatever its state, for explaining; decisions rest on `read` alone.

    An earlier version stands there twice where it still speaks for something. Of another node's what stands.
    """
    versions = _versions(conn, GRANTS + " ORDER BY g.id, g.version")
    across = conn.cursor(row_factory=dict_row).execute(borders.RELEASED).fetchall()
    return versions + tuple(grant for grant in in_use(versions) if grant.is_replaced) + borders.released(across)


def versions_of(conn: Connection, grant_id: str) -> tuple[Grant, ...]:
    """Every version of one grant as this transaction sees it, in order."""
    return _versions(conn, GRANTS + " WHERE g.id = %s ORDER BY g.version", grant_id)


def _versions(conn: Connection, statement: str, *parameters: str) -> tuple[Grant, ...]:
    cursor = conn.cursor(row_factory=dict_row)
    rows = cursor.execute(statement, parameters).fetchall()
    return grants_of(rows, *(cursor.execute(beside).fetchall() for beside in _BESIDE))


def _agencies(rows: Iterable[Row], rights: Iterable[Row], attestations: Iterable[Row]) -> Iterable[Agency]:
    publishes: defaultdict[str, list[PublishRight]] = defaultdict(list)
    withheld: defaultdict[str, list[PublishRight]] = defaultdict(list)
    for row in rights:
        state = RightState(row.pop("state"))
        those = publishes if state is RightState.IN_FORCE else withheld
        those[row.pop("agency")].append(PublishRight(**row | _tuples(row, "types", "jurisdictions"), state=state))
    attested: defaultdict[str, list[Attestation]] = defaultdict(list)
    for row in attestations:
        attested[row.pop("agency")].append(Attestation(**row))
    for row in rows:
        yield Agency(
            **row
            | _tuples(row, "jurisdictions", "languages", "identifiers")
            | {"kind": Kind(row["kind"]), "standing": Standing(row["standing"])},
            publishes=tuple(publishes[row["id"]]),
            withheld=tuple(withheld[row["id"]]),
            attestations=tuple(attested[row["id"]]),
        )


def _consent(row: Row) -> Consent:
    return Consent(**row | _tuples(row, "fields") | {"recipients": frozenset(row["recipients"])})


def _tuples(row: Mapping[str, Any], *names: str) -> Row:
    return {name: tuple(row[name]) for name in names}


def grants_of(
    rows: Iterable[Row], parties: Iterable[Row], owners: Iterable[Row], parts: Iterable[Row]
) -> tuple[Grant, ...]:
    """Rows of `GRANTS` with the parties of their agreements, the sources behind them, and whose part has ended."""
    bound: defaultdict[str, list[Selector]] = defaultdict(list)
    for row in parties:
        bound[row["agreement"]].append(selector(row))
    standing: defaultdict[tuple[str, int], list[Owner]] = defaultdict(list)
    for row in owners:
        standing[row.pop("grant_id"), row.pop("version")].append(Owner(**row))
    ended: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in parts:
        ended[row["grant_id"], row["side"]].add(row["agency"])
    return tuple(
        replace(
            _grant(row, bound, standing),
            without_sources=frozenset(ended.get((row["id"], "source"), ())),
            without_readers=frozenset(ended.get((row["id"], "reader"), ())),
        )
        for row in rows
    )


def _grant(row: Row, bound: Mapping[str, list[Selector]], standing: Mapping[tuple[str, int], list[Owner]]) -> Grant:
    parties = bound.get(row["agreement"])
    owners = None if row["is_imported"] else tuple(standing.get((row["id"], row["version"]), ()))
    return Grant(
        id=row["id"],
        version=row["version"],
        agreement=row["agreement"],
        source=selector(row, "source_"),
        reader=selector(row, "reader_"),
        purpose=row["purpose"],
        max_tlp=Tlp(row["max_tlp"]),
        clearance=Sensitivity(row["clearance"]),
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        state=GrantState(row["state"]),
        parties=None if parties is None else tuple(parties),
        owners=owners,
        **_tuples(row, "types", "jurisdictions", "requires"),
    )


def selector(row: Row, prefix: str = "") -> Selector:
    """A selector from its three columns."""
    kind = row[f"{prefix}kind"]
    return Selector(
        agency=row[f"{prefix}agency"], kind=None if kind is None else Kind(kind), country=row[f"{prefix}country"]
    )
