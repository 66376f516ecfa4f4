"""A copy of a node is whole or refused; what is put back is what was copied, and goes on where nothing was before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from hub import launch
from hub.cli import cli
from hub.copies import DUMP, MANIFEST, SUMS, sha256_of
from hub.embedded import postgres as embedded_postgres
from hub.store import connect
from hub.store.migrate import migrate
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Node, missing_child
from tests.support.services import Broker, Databases, state_folder
from tests.support.waiting import until
from tests.support.working import Working

CONFIG = '[node]\nstate_dir = "{state}"\n'


class Operator:
    """Somebody at the node's machine who types `puente backup` and `puente restore`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.copy = folder / "copy"
        self.state = folder / "us"
        self.config = folder / "hub.toml"
        self.config.write_text(CONFIG.format(state=folder))

    def types(self, command: str, *words: str) -> Result:
        """One command on the copy."""
        arguments = [command, str(self.copy), "--config", str(self.config), *words]
        return CliRunner().invoke(cli, arguments, env={"PUENTE_DATABASE_URL": self.url})

    def backs_up(self, *words: str) -> dict[str, Any]:
        """Makes a copy; its manifest."""
        done = self.types("backup", *words)
        assert done.exit_code == 0, done.output
        return self.manifest()

    def restores(self, *words: str) -> str:
        """Puts it back; what was said."""
        done = self.types("restore", *words)
        assert done.exit_code == 0, done.output
        return done.output

    def is_refused(self, *words: str) -> str:
        """Tries to put it back; why not."""
        done = self.types("restore", *words)
        assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output  # told, not fallen over
        return done.output

    def manifest(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.copy / MANIFEST).read_text())
        return told

    def rewrites(self, **told: object) -> None:
        """Change the manifest and its sum, as only its maker would."""
        (self.copy / MANIFEST).write_text(json.dumps(self.manifest() | told))
        sums = {**self.manifest()["files"], MANIFEST: sha256_of(self.copy / MANIFEST)}
        (self.copy / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))


@pytest.fixture
def operator(postgres: str, tmp_path: Path) -> Operator:
    return Operator(postgres, tmp_path)


@contextmanager
def at_work(operator: Operator) -> Iterator[Node]:
    """The node's gateway, up for so long: nothing is restored under a running one."""
    node = Node(operator.url)
    try:
        yield node
    finally:
        node.close()


def test_a_copy_is_whole_where_row_security_binds_the_owner_too(plain_database: str, tmp_path: Path) -> None:
    operator = Operator(plain_database, tmp_path)
    with at_work(operator) as node:
        node.desk(POLICE).publish(missing_child())

    assert operator.backs_up()["tables"]["event"] == 1


@pytest.fixture
def published(operator: Operator) -> list[str]:
    """The ids of three alerts, in the log of a node that has stopped again."""
    with at_work(operator) as node:
        return publish(node, 3)


def publish(node: Node, count: int) -> list[str]:
    alerts = [missing_child() for _ in range(count)]
    for alert in alerts:
        node.desk(POLICE).publish(alert)
    node.sequence()
    return [alert["id"] for alert in alerts]


def stored(operator: Operator) -> list[str]:
    """The events that the database holds."""
    with psycopg.connect(operator.url) as conn:
        return [row[0] for row in conn.execute("SELECT id FROM event ORDER BY hub_id")]


def read(node: Node, after: str = "") -> tuple[list[str], str]:
    """The ids behind a cursor in the shelter's feed, and the cursor behind them."""
    query: dict[str, Any] = {"after": after} if after else {}
    page = node.desk(SHELTER).get("/v1/feed", **query).get_json()
    return [entry["event"]["id"] for entry in page["events"]], page["next"]


def test_what_is_restored_is_what_was_copied(operator: Operator, published: list[str]) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        publish(node, 2)

    operator.restores("--replace")

    assert stored(operator) == published


def test_a_copy_is_of_one_moment_while_the_node_works(operator: Operator) -> None:
    with at_work(operator) as node:
        publish(node, 2)

        manifest = operator.backs_up()

        assert manifest["tables"]["event"] == 2
        assert manifest["tables"]["audit"] == node.rows("SELECT count(*) FROM audit")[0][0]


def test_the_former_database_is_kept_under_another_name(
    operator: Operator, published: list[str], databases: Databases
) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        later = publish(node, 1)

    said = operator.restores("--replace")

    (aside,) = (name for name in databases.server.databases() if "_before_" in name and name in said)
    with psycopg.connect(databases.server.url(aside)) as conn:
        assert [row[0] for row in conn.execute("SELECT id FROM event ORDER BY hub_id")] == published + later


@pytest.mark.usefixtures("published")
def test_a_cursor_given_out_before_the_backup_goes_on(operator: Operator) -> None:
    with at_work(operator) as node:
        _, cursor = read(node)
    operator.backs_up()

    operator.restores("--replace")

    with at_work(operator) as node:
        later = publish(node, 1)
        assert read(node, cursor)[0] == later


@pytest.mark.usefixtures("published")
def test_a_cursor_given_out_after_the_backup_misses_nothing_that_comes_after_the_restore(operator: Operator) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        publish(node, 5)
        _, cursor = read(node)

    operator.restores("--replace")

    with at_work(operator) as node:
        later = publish(node, 1)
        assert read(node, cursor)[0] == later


@pytest.mark.usefixtures("published")
def test_a_token_issued_before_the_restore_is_void(operator: Operator) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        desk = node.desk(SHELTER)
    operator.restores("--replace")

    with at_work(operator) as node:
        desk.node = node
        assert desk.get("/v1/feed").status_code == 401


@pytest.mark.usefixtures("published")
def test_nobody_leads_and_kafka_goes_on_where_it_was(operator: Operator) -> None:
    with at_work(operator) as node:
        node.rows("UPDATE lease SET holder = gen_random_uuid(), until = 'infinity'")
        node.rows("INSERT INTO kafka_offset VALUES ('in.us-ca-sdpd.v1', 0, 42)")
    operator.backs_up()

    operator.restores("--replace")

    with connect(operator.url, name="test") as conn:
        assert conn.execute("SELECT count(*) FROM lease WHERE until > '-infinity'").fetchone() == (0,)
        assert conn.execute("SELECT next_offset FROM kafka_offset").fetchone() == (42,)


@pytest.mark.usefixtures("published")
def test_numbers_shown_to_agencies_are_not_given_again(operator: Operator) -> None:
    operator.backs_up()
    with at_work(operator) as node:
        node.desk(POLICE).post("/v1/events", b"{")
        shown = node.rows("SELECT (SELECT max(no) FROM audit), (SELECT max(no) FROM rejection)")[0]

    operator.restores("--replace")

    with at_work(operator) as node:
        node.desk(POLICE).post("/v1/events", b"{")
        now = node.rows("SELECT (SELECT max(no) FROM audit), (SELECT max(no) FROM rejection)")[0]
    assert all(later > before for later, before in zip(now, shown, strict=True))


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
        works.ingested(POLICE, last, within_s=60)
        everything = sorted(event["id"] for event in before + after)
        until(lambda: len(read(node)[0]) >= len(everything), what="everything has its place")
        works.deal_with(POLICE, new := missing_child())
        until(lambda: new["id"] in relayed(works), what="what is new reaches the topic too")
        works.stop()
        assert sorted(read(node)[0]) == sorted([*everything, new["id"]])


def relayed(works: Working) -> list[str]:
    return [json.loads(record.value)["id"] for record in works.held("alert.v1")]
