"""The audit as a Merkle log: every entry gets one leaf, whenever it commits, and a head is signed over all of them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from hub.errors import NotAuthenticated
from hub.merkle import leaf_hash
from hub.store import connect, log, open_pool, tree
from hub.tokens import read_head
from hub.tree import Forked
from hub.web.management import create_management_app
from tests.support.cast import POLICE, SHELTER
from tests.support.node import ENTRIES, ISSUER, Desk, Node, missing_child
from tests.support.waiting import until


def publish(police: Desk, count: int) -> list[str]:
    return [police.publish(missing_child()) for _ in range(count)]


def numbers(node: Node) -> list[int]:
    """Entries in the order of their leaves."""
    return [no for (no,) in node.rows("SELECT no FROM audit_leaf ORDER BY index")]


def entries(node: Node) -> list[int]:
    return [no for (no,) in node.rows("SELECT no FROM audit ORDER BY no")]


# The line that is hashed.


def lines(node: Node) -> list[dict[str, Any]]:
    """Every entry as it is hashed, parsed."""
    with connect(node.url, name="test") as conn:
        found = tree.lines(conn, 0, 10_000)
    for line in found:
        assert line.text is not None
        assert leaf_hash(line.text.encode()) == line.hash
        # RFC 8785 for what an entry is made of: sorted members, no white space, shortest escapes.
        assert orjson.dumps(orjson.loads(line.text), option=orjson.OPT_SORT_KEYS).decode() == line.text
    return [orjson.loads(line.text or "") for line in found]


def test_the_line_of_an_entry_has_every_column(node: Node) -> None:
    node.rows(
        r"""
        INSERT INTO audit (agency, client, action, is_allowed, reason, policy, purpose, object, events, projections,
                           grants, readers, person, detail, at)
        VALUES ('us-a', 'c"1\', 'x', false, E'ñ \t \u0001 "q" \\ \u2028', 'p', 'find', 'o',
                '{019ec1f0-7c3a-7e55-8c1b-0242ac120002}', '{partner}', '{"g,1"}', '{us-b}', 'someone', '{"before": 1}',
                '2026-11-25 18:04:05.000120-06')
        """
    )
    node.notarize()

    found = lines(node)[-1]
    columns = {
        name
        for (name,) in node.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'audit'::regclass AND attnum > 0 AND NOT attisdropped"
        )
    }
    assert found.keys() == columns | {"salt"}
    assert found["at"] == "2026-11-26T00:04:05.000120Z"
    assert (found["client"], found["reason"]) == ('c"1\\', 'ñ \t \x01 "q" \\ \u2028')
    assert (found["is_allowed"], found["grants"], found["detail"]) == (False, ["g,1"], '{"before": 1}')
    assert found["events"] == ["019ec1f0-7c3a-7e55-8c1b-0242ac120002"]


def test_what_an_entry_does_not_have_is_not_in_its_line(police: Desk) -> None:
    police.node.notarize()

    (found, *_) = lines(police.node)
    assert found["action"] == "token"
    assert not {"events", "grants", "person", "detail"} & found.keys()


def test_the_line_is_the_same_in_any_session(police: Desk) -> None:
    police.node.notarize()
    line = "SELECT audit_line(a, l.salt) FROM audit_leaf l JOIN audit a USING (no) ORDER BY index"
    usual = police.node.rows(line)

    with psycopg.connect(police.node.url) as conn:
        conn.execute("SET timezone = 'America/Tijuana'; SET datestyle = 'German, DMY'; SET bytea_output = 'escape'")
        assert conn.execute(line).fetchall() == usual


def test_who_knows_a_neighbours_entry_cannot_recognise_its_hash(police: Desk) -> None:
    police.node.notarize()

    salts = [salt for (salt,) in police.node.rows("SELECT salt FROM audit_leaf")]
    assert len(set(salts)) == len(salts) > 0


# Leaves.


def test_every_entry_gets_one_leaf_in_order(police: Desk) -> None:
    publish(police, 5)
    node = police.node

    added = node.notarize()

    assert added == len(entries(node)) > 5
    assert numbers(node) == entries(node)
    assert node.notarize() == 0


def test_leaves_come_bit_by_bit_when_there_are_many(police: Desk) -> None:
    publish(police, 5)
    node = police.node

    while node.notarize(most=2) == 2:
        pass

    assert numbers(node) == entries(node)
    sizes = [size for (size,) in node.rows("SELECT size FROM tree_head ORDER BY size")]
    assert sizes == [*range(2, len(entries(node)), 2), len(entries(node))]


def test_an_entry_that_commits_late_still_gets_its_leaf_and_only_one(police: Desk) -> None:
    node = police.node
    with psycopg.connect(node.url) as slow:
        slow.execute(ENTRIES, ("us-late", 1))
        for _ in range(3):
            publish(police, 2)
            node.notarize(settled_ms=0)
        assert "us-late" not in {agency for (agency,) in node.rows("SELECT agency FROM audit_leaf")}
        slow.commit()
    node.notarize(settled_ms=0)
    publish(police, 1)
    node.notarize(settled_ms=0)

    assert sorted(numbers(node)) == entries(node)
    (late,) = node.rows("SELECT index, no FROM audit_leaf WHERE agency = 'us-late'")
    assert late[0] > late[1] - entries(node)[0]  # it stands behind those that were numbered after it
    assert node.rows("SELECT count(*) FROM audit_gap") == [(0,)]


def test_a_number_that_nobody_used_is_forgotten_only_when_nobody_can(police: Desk) -> None:
    node = police.node
    node.notarize()
    with psycopg.connect(node.url) as other:
        other.execute(ENTRIES, ("us-gone", 1))
        other.rollback()
    with psycopg.connect(node.url) as unrelated:
        unrelated.execute("SELECT pg_current_xact_id()")
        publish(police, 1)
        node.notarize(settled_ms=0)
        node.notarize(settled_ms=0)
        assert node.rows("SELECT last - first FROM audit_gap") == [(0,)]
    node.notarize(settled_ms=60_000)
    assert node.rows("SELECT count(*) FROM audit_gap") == [(1,)]

    node.notarize(settled_ms=0)

    assert node.rows("SELECT count(*) FROM audit_gap") == [(0,)]
    assert numbers(node) == entries(node)


def test_entries_in_any_order_of_commit_get_exactly_one_leaf_each(node: Node) -> None:
    chance = random.Random(6962)  # noqa: S311 - a draw that can be repeated
    open_ones: list[psycopg.Connection[Any]] = []
    for _ in range(60):
        conn = psycopg.connect(node.url)
        conn.execute(ENTRIES, ("us-x", 1))
        open_ones.append(conn)
        while open_ones and chance.random() < 0.5:
            ended = open_ones.pop(chance.randrange(len(open_ones)))
            if chance.random() < 0.8:
                ended.commit()
            ended.close()
        if chance.random() < 0.5:
            node.notarize(settled_ms=0, most=chance.choice([1, 3, 2000]))
    for conn in open_ones:
        conn.commit()
        conn.close()
    until(lambda: node.notarize(settled_ms=0) == 0)

    assert sorted(numbers(node)) == entries(node)
    assert [index for (index,) in node.rows("SELECT index FROM audit_leaf ORDER BY 1")] == list(
        range(len(entries(node)))
    )


@pytest.mark.parametrize("table", ["audit_leaf", "audit_node", "tree_head"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET hash = hash", "TRUNCATE {}"])
def test_what_was_signed_takes_no_change(police: Desk, table: str, change: str) -> None:
    node = police.node
    node.note("us-x", 256)
    node.notarize()
    statement = change.format(table).replace("hash = hash", "root = root" if table == "tree_head" else "hash = hash")

    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        node.rows(statement)


# Who is told what by whom.


def test_whose_events_an_answer_named_is_an_indexed_question(police: Desk, shelter: Desk) -> None:
    publish(police, 3)
    police.node.sequence()
    shelter.feed()
    police.node.notarize()

    found = police.node.rows("SELECT d.source, a.agency, a.object FROM disclosed d JOIN audit a USING (no)")
    assert found == [(POLICE.id, SHELTER.id, "feed")]


# Heads.


def test_a_head_is_no_token_and_a_token_no_head(node: Node, police: Desk) -> None:
    node.notarize()
    key = node.hub.grantor.issuer.key
    with connect(node.url, name="test") as conn:
        newest = tree.newest_head(conn)
    assert newest is not None

    with pytest.raises(NotAuthenticated):
        node.hub.tokens.verify(newest[1], node.clock())
    with pytest.raises(NotAuthenticated):
        read_head(police.token, ISSUER, {key.kid: key.public})


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_leaf SET hash = sha256('x') WHERE index = 0",
        "DELETE FROM audit_leaf WHERE index = 0",
        "DELETE FROM audit_leaf WHERE index = (SELECT max(index) FROM audit_leaf)",
        "UPDATE tree_head SET root = sha256('x')",
    ],
)
def test_nothing_is_signed_that_contradicts_what_was_signed(police: Desk, change: str) -> None:
    node = police.node
    node.notarize()
    node.rows(f"SET session_replication_role = replica; {change}")
    publish(police, 1)

    with pytest.raises(Forked):
        node.notarize()
    assert node.rows("SELECT count(*) FROM tree_head") == [(1,)]


# Health.


def test_health_tells_how_long_the_oldest_entry_has_waited(police: Desk, tmp_path: Any) -> None:
    with open_pool(police.node.url, name="test-management", most=1) as pool:
        health = create_management_app(pool, str(tmp_path)).test_client()
        waiting = health.get("/health/ready").get_json()["oldest_leafless_s"]
        police.node.notarize()

        assert waiting > 0
        assert health.get("/health/ready").get_json()["oldest_leafless_s"] == 0


def test_who_does_not_lead_adds_nothing(police: Desk) -> None:
    with connect(police.node.url, name="test") as conn:
        led = log.take_lease(conn, "notary", uuid4(), lease_ms=60_000)
        assert led is not None
        with pytest.raises(log.Deposed):
            tree.add_leaves(conn, replace(led[0], holder=uuid4()), most=10, lease_ms=1000)

    assert numbers(police.node) == []
