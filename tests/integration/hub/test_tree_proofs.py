"""`/v1/audit`: entries, heads and proofs, for those whose entries they are."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from hub.authority import READ_AUDIT
from hub.directory import Role
from hub.merkle import is_consistent, is_included, leaf_hash
from hub.principal import SCOPES
from hub.tokens import read_head
from tests.support.cast import POLICE, SHELTER
from tests.support.node import ISSUER, OPERATOR, SHERIFF, Desk, Node, missing_child

AUDITED = frozenset({*SCOPES, READ_AUDIT})


def audited(node: Node, agency: Any = POLICE) -> Desk:
    """Somebody at an agency whose client may read the audit."""
    node.enrol(agency, scopes=AUDITED)
    return node.desk(agency)


def test_the_head_is_signed_by_the_node_and_stands_for_all_entries(node: Node) -> None:
    police = audited(node)
    node.notarize()

    told = police.get("/v1/audit/head").get_json()

    key = node.hub.grantor.issuer.key
    head = read_head(told["signed"], ISSUER, {key.kid: key.public})
    assert (head.size, head.root.hex(), head.at.isoformat()) == (told["size"], told["root"], told["at"])
    assert head.size == node.rows("SELECT count(*) FROM audit")[0][0]


def test_before_the_first_head_there_is_none(node: Node) -> None:
    assert audited(node).get("/v1/audit/head").status_code == 503


def grown(node: Node, *sizes: int) -> dict[int, bytes]:
    """Entries up to each size, signed there; the roots by size."""
    for size in sizes:
        node.note("us-x" if size % 2 else POLICE.id, size - node.rows("SELECT count(*) FROM audit")[0][0])
        node.notarize()
    return dict(node.rows("SELECT size, root FROM tree_head"))


def test_every_own_entry_is_proved_in_every_tree_that_has_it(node: Node) -> None:
    police = audited(node)
    roots = grown(node, 9, 300, 777, 778)
    own = node.rows("SELECT no, index FROM audit_leaf WHERE agency = %s", POLICE.id)
    chance = random.Random(1)  # noqa: S311 - a draw that can be repeated

    for no, index in chance.sample(own, 20):
        for size, root in roots.items():
            answer = police.get("/v1/audit/proofs/inclusion", entry=no, size=size)
            if index >= size:
                assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, "not-yet-in")
                continue
            proof = answer.get_json()
            path = [bytes.fromhex(step) for step in proof["path"]]
            assert (proof["entry"], proof["index"], proof["size"]) == (no, index, size)
            assert is_included(bytes.fromhex(proof["leaf"]), index, (size, root), path)


def test_every_tree_is_proved_to_begin_with_every_earlier_one(node: Node) -> None:
    police = audited(node)
    roots = grown(node, 9, 256, 300, 777, 778)

    for old, old_root in roots.items():
        for new, new_root in roots.items():
            answer = police.get("/v1/audit/proofs/consistency", None, **{"from": old, "to": new})
            if old > new:
                assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, "backwards")
                continue
            proof = answer.get_json()
            assert (proof["from"], proof["to"]) == (old, new)
            assert is_consistent((old, old_root), (new, new_root), [bytes.fromhex(step) for step in proof["path"]])


def test_proofs_are_of_the_newest_tree_unless_another_is_named(node: Node) -> None:
    police = audited(node)
    grown(node, 20)
    own = node.rows("SELECT max(no) FROM audit_leaf WHERE agency = %s", POLICE.id)[0][0]

    assert police.get("/v1/audit/proofs/inclusion", entry=own).get_json()["size"] == 20
    assert police.get("/v1/audit/proofs/consistency", None, **{"from": 3}).get_json()["to"] == 20


@pytest.mark.parametrize(
    ("path", "query"),
    [("inclusion", {"entry": 1, "size": 21}), ("consistency", {"from": 1, "to": 21})],
)
def test_there_is_no_proof_beyond_the_newest_tree(node: Node, path: str, query: dict[str, int]) -> None:
    police = audited(node)
    grown(node, 20)

    answer = police.get(f"/v1/audit/proofs/{path}", None, **query)

    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, "beyond-the-tree")


def test_anothers_entry_looks_exactly_like_one_that_is_not_there(node: Node) -> None:
    police = audited(node)
    node.note(SHELTER.id)
    node.notarize()
    (others,) = node.rows("SELECT min(no) FROM audit WHERE agency = %s", SHELTER.id)[0]

    found, missing = (police.get("/v1/audit/proofs/inclusion", entry=no) for no in (others, 2**40))

    assert found.status_code == missing.status_code == 404
    assert (found.data, dict(found.headers)) == (missing.data, dict(missing.headers))
    refused = node.rows("SELECT reason, object FROM audit WHERE action = 'audit.prove' ORDER BY no")
    assert refused == [("no such entry", str(others)), ("no such entry", str(2**40))]


def test_entries_are_ones_own_page_by_page_and_hash_to_their_leaves(node: Node, shelter: Desk) -> None:
    police = audited(node)
    shelter.feed()
    police.publish(missing_child())
    node.note(POLICE.id, 3)
    node.notarize()
    own = node.rows("SELECT index, hash FROM audit_leaf WHERE agency = %s ORDER BY index", POLICE.id)

    found, after = [], -1
    while page := (answer := police.get("/v1/audit/entries", after=after, limit=2).get_json())["entries"]:
        assert len(page) <= 2
        found += page
        after = answer["next"]

    assert [(one["index"], leaf_hash(one["line"].encode())) for one in found] == own
    assert {orjson.loads(one["line"])["agency"] for one in found} == {POLICE.id}


def agencies_shown(desk: Desk) -> set[str]:
    found = desk.get("/v1/audit/entries", limit=500).get_json()["entries"]
    return {orjson.loads(one["line"])["agency"] for one in found}


def test_the_nodes_own_auditor_sees_everybodys_entries(node: Node) -> None:
    node.enrol(OPERATOR)
    auditor = node.office(OPERATOR, "aurora", Role.AUDITOR)
    node.note(POLICE.id)
    node.notarize()
    (no,) = node.rows("SELECT min(no) FROM audit WHERE agency = %s", POLICE.id)[0]

    assert agencies_shown(auditor) == {OPERATOR.id, POLICE.id}
    assert auditor.get("/v1/audit/proofs/inclusion", entry=no).status_code == 200


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR, Role.ADMIN, Role.OFFICER])
def test_nobody_else_does(node: Node, role: Role) -> None:
    node.enrol(OPERATOR)
    agency = POLICE if role is not Role.OPERATOR else OPERATOR
    somebody = node.office(agency, "ana", role)
    node.note(SHELTER.id)
    node.notarize()

    answer = somebody.get("/v1/audit/entries", limit=500)

    if role is Role.AUDITOR:
        assert agencies_shown(somebody) == {POLICE.id}
    else:
        assert answer.status_code == 403


def test_entries_that_are_under_no_head_yet_are_not_shown(node: Node) -> None:
    police = audited(node)

    assert police.get("/v1/audit/entries").get_json() == {"entries": [], "next": -1}


PATHS = {"head": {}, "entries": {}, "proofs/inclusion": {"entry": 1}, "proofs/consistency": {"from": 1}}


@pytest.mark.parametrize(("path", "query"), PATHS.items())
def test_who_has_not_the_scope_is_refused_on_record(sheriff: Desk, path: str, query: dict[str, int]) -> None:
    sheriff.node.notarize()

    assert sheriff.get(f"/v1/audit/{path}", None, **query).status_code == 403
    assert sheriff.node.rows("SELECT agency, is_allowed FROM audit WHERE action = %s", READ_AUDIT) == [
        (SHERIFF.id, False)
    ]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"entry": 0},
        {"entry": "x"},
        {"entry": [1, 1]},
        {"entry": 1, "size": 0},
        {"entry": 1, "x": 1},
        {"entry": 2**63},
    ],
)
def test_senseless_questions_are_refused(node: Node, query: dict[str, Any]) -> None:
    assert audited(node).get("/v1/audit/proofs/inclusion", None, **query).status_code == 422
