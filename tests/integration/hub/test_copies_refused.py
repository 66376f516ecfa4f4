"""Copies that are not put in place, folders and keys that are left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hub import launch
from hub.copies import DUMP, MANIFEST, SUMS, sha256_of
from hub.embedded import postgres as embedded_postgres
from hub.store import connect
from hub.store.migrate import migrate
from tests.integration.hub.copies import Operator, at_work, publish, read, stored
from tests.support.cast import POLICE
from tests.support.node import missing_child
from tests.support.services import Broker, Databases, state_folder
from tests.support.waiting import until
from tests.support.working import Working


@pytest.fixture
def operator(postgres: str, tmp_path: Path) -> Operator:
    return Operator(postgres, tmp_path)


@pytest.fixture
def published(operator: Operator) -> list[str]:
    """The ids of three alerts, in the log of a node that has stopped again."""
    with at_work(operator) as node:
        return publish(node, 3)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (lambda copy: flip(copy / DUMP), DUMP),
        (lambda copy: (copy / DUMP).unlink(), DUMP),
        (lambda copy: flip(copy / MANIFEST), MANIFEST),
        (lambda copy: (copy / MANIFEST).unlink(), MANIFEST),
        (lambda copy: (copy / SUMS).write_bytes(b"\xff"), SUMS),
        (lambda copy: (copy / SUMS).write_text(f"{sha256_of(copy / MANIFEST)}  {MANIFEST}\n"), SUMS),
        (lambda copy: (copy / SUMS).unlink(), "copy"),
    ],
    ids=["a bit", "no dump", "a bit of the manifest", "no manifest", "sums of nothing", "fewer sums", "no sums"],
)
@pytest.mark.usefixtures("published")
def test_a_damaged_copy_is_refused_by_name(operator: Operator, harm: Callable[[Path], None], named: str) -> None:
    operator.backs_up()
    harm(operator.copy)

    assert named in operator.is_refused("--replace")


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize(
    "told",
    [{"node": "mx"}, {"hub_version": "99.0"}, {"migrations": ["0001_hub", "9999_of_tomorrow"]}, {"format": 2}],
    ids=["another node's", "a newer hub's", "a newer layout's", "another format"],
)
@pytest.mark.usefixtures("published")
def test_a_copy_that_is_not_for_this_node_is_refused(operator: Operator, told: dict[str, object]) -> None:
    operator.backs_up()
    operator.rewrites(**told)

    operator.is_refused("--replace")


@pytest.mark.parametrize("table", ["event", "audit", "kafka_offset"])
def test_what_differs_from_its_manifest_is_not_put_in_place(
    operator: Operator, published: list[str], databases: Databases, table: str
) -> None:
    manifest = operator.backs_up()
    operator.rewrites(tables=manifest["tables"] | {table: manifest["tables"][table] + 1})
    with at_work(operator) as node:
        later = publish(node, 1)

    assert table in operator.is_refused("--replace")

    assert stored(operator) == published + later
    assert not [name for name in databases.server.databases() if name.endswith("_restoring")]


def test_a_database_with_data_is_not_replaced_unasked(operator: Operator, published: list[str]) -> None:
    operator.backs_up()

    assert "--replace" in operator.is_refused()
    assert stored(operator) == published


@pytest.mark.usefixtures("published")
def test_a_database_in_use_is_not_replaced(operator: Operator) -> None:
    operator.backs_up()

    with connect(operator.url, name="puente-gateway"):
        assert "puente-gateway" in operator.is_refused("--replace")


def test_a_new_server_needs_no_replace(
    operator: Operator, published: list[str], databases: Databases, tmp_path: Path
) -> None:
    operator.backs_up()
    elsewhere = Operator(databases.server.url("never_made"), tmp_path)

    elsewhere.restores()

    assert stored(elsewhere) == published
    databases.server.drop_database("never_made")


def test_an_embedded_server_that_is_not_up_is_started_for_it() -> None:
    with state_folder() as folder:
        server = embedded_postgres.start(folder / "us", fsync=False)
        migrate(url := launch.database(server, "us"))
        with at_work(Operator(url, folder)) as node:
            publish(node, 2)
        server.stop()
        operator = Operator("", folder)

        assert operator.backs_up()["tables"]["event"] == 2
        operator.restores("--replace")

        assert not server.answers()


def test_a_folder_that_is_there_is_left_alone(operator: Operator) -> None:
    operator.copy.mkdir()

    done = operator.types("backup")

    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert list(operator.copy.iterdir()) == []


def test_nobody_else_may_read_a_copy(operator: Operator) -> None:
    operator.state.mkdir()
    (operator.state / "issuer.pem").write_bytes(b"a key")

    operator.backs_up("--with-keys")

    held = [operator.copy / DUMP, operator.copy / "keys" / "issuer.pem"]
    assert operator.copy.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in held] == [0o600, 0o600]


def test_keys_are_copied_and_put_back_only_if_asked_for(operator: Operator) -> None:
    operator.state.mkdir()
    key = operator.state / "cursor.key"
    key.write_bytes(b"a key")
    operator.backs_up("--with-keys")
    key.unlink()

    operator.restores()
    assert not key.exists()
    operator.restores("--with-keys")

    assert (key.read_bytes(), key.stat().st_mode & 0o777) == (b"a key", 0o600)


def test_a_copy_has_no_keys_unless_asked(operator: Operator) -> None:
    operator.state.mkdir()
    (operator.state / "cursor.key").write_bytes(b"a key")

    assert operator.backs_up()["files"].keys() == {DUMP}
    operator.is_refused("--with-keys")


def test_another_key_is_not_overwritten(operator: Operator) -> None:
    operator.state.mkdir()
    (operator.state / "cursor.key").write_bytes(b"a key")
    operator.backs_up("--with-keys")
    (operator.state / "cursor.key").write_bytes(b"another")

    assert "cursor.key" in operator.is_refused("--with-keys")
    assert (operator.state / "cursor.key").read_bytes() == b"another"


HEAD_TABLE = """
CREATE TABLE IF NOT EXISTS tree_head (size bigint PRIMARY KEY, root bytea NOT NULL, at timestamptz NOT NULL,
                                      signed text NOT NULL)
"""


def test_the_newest_signed_tree_head_is_part_of_the_copy(operator: Operator) -> None:
    with connect(operator.url, name="test") as conn:
        conn.execute(HEAD_TABLE)
        conn.execute(
            "INSERT INTO tree_head VALUES (7, %s, now(), 'signed 7'), (9, %s, now(), 'signed 9')", [bytes(32)] * 2
        )

    head = operator.backs_up()["tree_head"]
    operator.rewrites(tree_head=head | {"root": "11" * 32})

    assert (head["size"], head["root"], head["signed"]) == (9, "00" * 32, "signed 9")
    assert "tree_head" in operator.is_refused("--replace")


def test_what_was_sent_over_kafka_after_the_backup_is_read_again(operator: Operator, kafka: Broker) -> None:
    with at_work(operator) as node:
        works = Working(node, kafka, "restored.")
        works.start()
        works.admitted(POLICE)
        before, after = ([missing_child() for _ in range(4)] for _ in range(2))
        works.deal_with(POLICE, *before)
        operator.backs_up()
        last = works.deal_with(POLICE, *after)
        works.stop()
    operator.restores("--replace")

    with at_work(operator) as node:
        works = Working(node, kafka, "restored.")
        works.start()
        works.ingested(POLICE, last)
        everything = sorted(event["id"] for event in before + after)
        until(lambda: len(read(node)[0]) >= len(everything), what="everything has its place")
        works.deal_with(POLICE, new := missing_child())
        until(lambda: new["id"] in relayed(works), what="what is new reaches the topic too")
        works.stop()
        assert sorted(read(node)[0]) == sorted([*everything, new["id"]])


def relayed(works: Working) -> list[str]:
    return [json.loads(record.value)["id"] for record in works.held("alert.v1")]
