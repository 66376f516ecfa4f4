"""The second barrier: what the database by itself shows a reader follows its grants, and every change of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.directory import Kind
from hub.grants import Grant, Selector
from hub.policy import Facts
from hub.principal import Principal
from hub.reading import Asking
from hub.store import Connection
from schemas.registry import tells_state
from tests.hub import strategies
from tests.integration.hub.barrier import is_covered, is_open_at_all, visible
from tests.integration.hub.published import allowed, stored
from tests.support import cast
from tests.support.cast import POLICE
from tests.support.examples import examples
from tests.support.node import grant

few = settings(max_examples=examples(60))
fewer = settings(max_examples=examples(25))


@few
@given(published=strategies.events, held=strategies.grant_lists, who=strategies.principals, at=strategies.moments)
def test_the_database_shows_what_the_policy_allows_and_only_what_a_grant_covers(
    everybody: Connection, published: list[Facts], held: list[Grant], who: Principal, at: datetime
) -> None:
    by_id = {one.id: one for one in strategies.EVERYBODY}
    later = datetime.now(UTC) - at  # the database has a clock of its own
    held = [replace(one, valid_from=one.valid_from + later, valid_until=one.valid_until + later) for one in held]
    with stored(everybody, published, held) as picture:
        asking = Asking(who, picture, picture.view, at + later)
        shown = visible(everybody, who.agency.id)
        covered = {
            str(number)
            for number, facts in enumerate(published)
            if is_covered(who.agency, by_id[facts.source], facts, held)
        }
        stateless = {str(number) for number, facts in enumerate(published) if not tells_state(facts.type)}

        assert allowed(asking, published).keys() <= shown["event"] <= covered
        assert shown["log"] == shown["event"]
        assert shown["state"] == shown["event"] - stateless


SUSPEND = "UPDATE access_grant SET state = 'suspended' WHERE id = %(grant)s AND state = 'in_force'"
RESUME = "UPDATE access_grant SET state = 'in_force' WHERE id = %(grant)s AND state = 'suspended'"
REVOKE = "UPDATE access_grant SET state = 'revoked' WHERE id = %(grant)s"
EXPIRE = "UPDATE access_grant SET valid_until = now() - interval '3 days' WHERE id = %(grant)s"
LAPSE = "UPDATE access_grant SET confirm_until = now() - interval '3 days' WHERE id = %(grant)s"
OWNED = "UPDATE access_grant SET is_imported = false WHERE id = %(grant)s"
MOVE = "UPDATE access_grant SET agreement = 'other' WHERE id = %(grant)s"
REMOVE = "DELETE FROM access_grant WHERE id = %(grant)s AND id NOT IN (SELECT grant_id FROM grant_owner)"
APPROVE = """
INSERT INTO grant_owner (grant_id, version, agency, events_from)
SELECT id, version, %(agency)s, '1970-01-01Z' FROM access_grant WHERE id = %(grant)s ON CONFLICT DO NOTHING
"""
WITHDRAW = "DELETE FROM grant_owner WHERE grant_id = %(grant)s"
HALT = "UPDATE agreement SET state = 'suspended' WHERE id = 'other'"
GO_ON = "UPDATE agreement SET state = 'in_force' WHERE id = 'other'"
END = "UPDATE agreement SET valid_until = now() - interval '3 days' WHERE id = 'other'"
BIND = "INSERT INTO agreement_party (agreement, agency) VALUES ('other', %(agency)s) ON CONFLICT DO NOTHING"
BIND_KIND = "INSERT INTO agreement_party (agreement, kind) VALUES ('imported', %(kind)s) ON CONFLICT DO NOTHING"
AMEND = """
WITH was AS (
    UPDATE access_grant SET state = 'superseded' WHERE id = %(grant)s AND state IN ('in_force', 'suspended') RETURNING *
)
INSERT INTO access_grant (id, version, agreement, source_agency, source_kind, source_country, reader_agency,
                          reader_kind, reader_country, types, jurisdictions, purpose, max_tlp, clearance, valid_from,
                          valid_until, state)
SELECT id, (SELECT max(v.version) + 1 FROM access_grant v WHERE v.id = %(grant)s), agreement, source_agency,
       source_kind, source_country, reader_agency, reader_kind, reader_country, ARRAY['alert.warning.*'], jurisdictions,
       purpose, max_tlp, clearance, valid_from, valid_until, 'in_force'
  FROM was
"""
PART = """
INSERT INTO grant_part (grant_id, agency, side, state, person, reason)
VALUES (%(grant)s, %(agency)s, '{}', 'suspended', 'us-ca-sdpd.p1', 'r') ON CONFLICT DO NOTHING
"""
WITHHOLD, DO_WITHOUT = PART.format("source"), PART.format("reader")
RESUME_PART = "DELETE FROM grant_part WHERE grant_id = %(grant)s"
LEAVE = "DELETE FROM agreement_party WHERE agency = %(agency)s"
BECOME = "UPDATE agency SET kind = %(kind)s WHERE id = %(agency)s"
CHANGES = (
    *(SUSPEND, RESUME, REVOKE, EXPIRE, LAPSE, OWNED, MOVE, REMOVE, APPROVE, WITHDRAW),
    *(HALT, GO_ON, END, BIND, BIND_KIND, LEAVE, BECOME, AMEND, WITHHOLD, DO_WITHOUT, RESUME_PART),
)
SOMEBODY = """
INSERT INTO person (id, agency, name, roles, state) VALUES ('us-ca-sdpd.p1', 'us-ca-sdpd', 'n', '{officer}', 'active')
"""
OTHER = """
INSERT INTO agreement (id, title_en, title_es, legal_basis, document_sha256, valid_from, valid_until, state)
VALUES ('other', 'e', 's', 'l', %s, '2020-01-01Z', '2100-01-01Z', 'in_force')
"""
KINDS = tuple(one.kind.value for one in strategies.EVERYBODY)


DUE = "SELECT d::text FROM due_reader_way d UNION ALL SELECT d::text FROM due_way_lane d ORDER BY 1"
KEPT = (("due_reader_way", "reader_way"), ("due_way_lane", "way_lane"))


def assert_traced(conn: Connection) -> None:
    """What is kept for the policies is what grants, agreements, agencies and lanes say."""
    for due, kept in KEPT:
        for one, other in ((due, kept), (kept, due)):
            assert conn.execute(f"TABLE {one} EXCEPT ALL TABLE {other}").fetchall() == []


# One change after others, each of which opens or shuts something to somebody.
STEPS = [
    *([SUSPEND], [SUSPEND, RESUME], [REVOKE], [EXPIRE], [LAPSE], [REMOVE], [OWNED], [OWNED, APPROVE]),
    *([OWNED, APPROVE, WITHDRAW], [MOVE, HALT], [MOVE, HALT, GO_ON], [MOVE, END], [MOVE, BIND], [MOVE, BIND, LEAVE]),
    *([BIND_KIND], [BECOME], [OWNED, APPROVE, AMEND, APPROVE], [AMEND, SUSPEND], [WITHHOLD], [DO_WITHOUT]),
    *([WITHHOLD, RESUME_PART], [AMEND, REVOKE]),
]


@pytest.mark.parametrize("steps", STEPS)
def test_a_change_of_the_rules_is_in_force_with_its_commit(everybody: Connection, steps: list[str]) -> None:
    to_police = grant(id="grant-one", reader=Selector(kind=Kind.LAW_ENFORCEMENT), source=Selector(country="US"))
    named = {"grant": to_police.id, "agency": POLICE.id, "kind": "ngo"}
    with stored(everybody, [cast.facts()], [to_police]):
        everybody.execute(OTHER, (bytes(32),))
        everybody.execute(SOMEBODY)
        for step in steps[:-1]:
            everybody.execute(step, named)
        before = everybody.execute(DUE).fetchall()
        everybody.execute(steps[-1], named)
        after = everybody.execute(DUE).fetchall()

        assert before != after
        assert_traced(everybody)


@fewer
@given(
    published=strategies.events,
    held=strategies.grant_lists,
    changes=st.lists(
        st.tuples(st.sampled_from(CHANGES), st.integers(0, 2), st.sampled_from(strategies.IDS), st.sampled_from(KINDS)),
        max_size=12,
    ),
)
def test_after_any_changes_of_the_rules_what_is_shown_follows_the_grants_in_use(
    everybody: Connection, published: list[Facts], held: list[Grant], changes: list[tuple[str, int, str, str]]
) -> None:
    begins, ends = cast.NOW.replace(year=2000), cast.NOW.replace(year=2100)
    always = [replace(one, valid_from=begins, valid_until=ends) for one in held]
    with stored(everybody, published, always) as picture:
        everybody.execute(OTHER, (bytes(32),))
        everybody.execute(SOMEBODY)
        for statement, number, agency, kind in changes:
            named = always[number % len(always)].id if always else "none"
            everybody.execute(statement, {"grant": named, "agency": agency, "kind": kind})
        view = picture.refresh(everybody)

        assert_traced(everybody)
        for reader in view.rules.directory.agencies.values():
            asking = Asking(cast.principal(reader), picture, view, datetime.now(UTC))
            standing = {str(n) for n, facts in enumerate(published) if is_open_at_all(reader, facts, view.rules)}
            assert allowed(asking, published).keys() <= visible(everybody, reader.id)["event"] <= standing
