"""`puente audit export` and `verify`: what the node's own administrator changes behind its back is found and named."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from hub import keys
from hub.cli.audit import audit
from hub.tokens import Issuer
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, missing_child

SIZES = (40, 300, 555)


class Office:
    """Somebody with the node's machine, its settings and a folder."""

    def __init__(self, node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.node = node
        self.folder = folder
        told = {"DATABASE_URL": node.url, "NODE_STATE_DIR": str(folder / "state"), "NODE_ISSUER": "https://us.example"}
        for name, value in told.items():
            monkeypatch.setenv(f"PUENTE_{name}", value)
        self.issuer = Issuer("https://us.example", keys.issuer_key(folder / "state" / "us"))
        self.bundle = folder / "audit.jsonl.gz"
        self.keys = folder / "state" / "us" / "jwks.json"

    def grow(self) -> None:
        """A log of some hundred entries, signed now and then."""
        done = 0
        for size in SIZES:
            self.node.note(POLICE.id, size - done)
            self.node.notarize(sign=self.issuer.sign_head)
            done = size

    def keep_head(self) -> Path:
        """The newest head, put away."""
        file = self.folder / f"head-{len(list(self.folder.glob('head-*')))}"
        file.write_text(self.node.rows("SELECT signed FROM tree_head ORDER BY size DESC LIMIT 1")[0][0])
        return file

    def run(self, *command: str | Path) -> Result:
        """`puente audit ...`."""
        return CliRunner().invoke(audit, [str(part) for part in command])

    def export(self, *options: str) -> Result:
        """All of it, or the part that is asked for."""
        return self.run("export", self.bundle, *options)

    def verify(self, *options: str | Path) -> Result:
        """Of what was exported, with the node's key."""
        return self.run("verify", self.bundle, "--key", self.keys, *options)


@pytest.fixture
def office(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """With a log that is signed up to its end."""
    one = Office(node, tmp_path, monkeypatch)
    node.rows("SET session_replication_role = replica; DELETE FROM audit")  # what enrolling the cast has left
    one.grow()
    return one


@contextmanager
def superuser(node: Node) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody for whom no trigger works."""
    with psycopg.connect(node.url, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        yield conn


def test_what_was_exported_holds(office: Office) -> None:
    told = office.export()
    found = office.verify()

    assert (told.exit_code, told.output) == (0, "555 entries, 0 to 554\n")
    assert found.exit_code == 0, found.output
    assert found.output.startswith("555 entries hold, 0 to 554; 3 signed heads hold, the newest of ")
    assert office.node.rows("SELECT encode(root, 'hex') FROM tree_head WHERE size = 555")[0][0] in found.output


def test_a_bundle_is_plain_or_gzip_by_its_name_and_both_hold(office: Office) -> None:
    office.export()
    plain = office.folder / "audit.jsonl"
    office.run("export", plain)

    assert gzip.decompress(office.bundle.read_bytes()) == plain.read_bytes()
    assert office.run("verify", plain).exit_code == 0


@pytest.mark.parametrize("first", [1, 40, 256, 300, 554])
def test_the_later_part_holds_by_itself_and_against_an_earlier_head(office: Office, first: int) -> None:
    head = office.keep_head()
    office.export("--from", str(first))

    found = office.verify("--since", head)

    assert found.exit_code == 0, found.output
    assert found.output.startswith(f"{555 - first} entries hold, {first} to 554")


def test_nothing_is_written_when_there_is_nothing_to_export(office: Office) -> None:
    told = office.export("--from", "555")

    assert told.exit_code == 1
    assert "555" in told.output
    assert not office.bundle.exists()


def test_without_the_nodes_key_it_says_whose_word_was_taken(office: Office) -> None:
    office.export()

    found = office.run("verify", office.bundle)

    assert found.exit_code == 0
    assert keys.issuer_key(office.folder / "state" / "us").kid in found.output


CHANGES: dict[str, str] = {
    "what it says": "UPDATE audit SET reason = 'another' WHERE no = {no}",
    "when it was": "UPDATE audit SET at = at + interval '1 microsecond' WHERE no = {no}",
    "whose it is": "UPDATE audit SET agency = 'us-ca-shelter' WHERE no = {no}",
    "what was seen": "UPDATE audit SET events = ARRAY[uuidv7()] WHERE no = {no}",
    "its being there": "DELETE FROM audit WHERE no = {no}",
    "its salt": "UPDATE audit_leaf SET salt = gen_random_uuid() WHERE no = {no}",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_superuser_who_changes_an_entry_is_found_and_the_entry_named(office: Office, change: str) -> None:
    head = office.keep_head()
    index = random.randrange(555)  # noqa: S311 - any will do
    (no,) = office.node.rows("SELECT no FROM audit_leaf WHERE index = %s", index)[0]
    with superuser(office.node) as conn:
        conn.execute(change.format(no=no).encode())
    office.export()

    found = office.verify("--since", head)

    assert found.exit_code == 1
    assert f"entry {index} " in found.output


def test_a_superuser_who_exchanges_two_entries_is_found_and_the_first_named(office: Office) -> None:
    one, other = sorted(random.sample(range(555), 2))
    with superuser(office.node) as conn:
        conn.execute(
            "UPDATE audit a SET at = b.at FROM audit b, audit_leaf la, audit_leaf lb"
            " WHERE la.no = a.no AND lb.no = b.no AND (la.index, lb.index) IN ((%s, %s), (%s, %s))",
            (one, other, other, one),
        )
    office.export()

    found = office.verify()

    assert found.exit_code == 1
    assert f"entry {one} " in found.output


def test_a_superuser_who_slips_an_entry_in_is_found_and_the_number_named(office: Office) -> None:
    office.node.notarize(sign=office.issuer.sign_head, settled_ms=0)  # nothing is waited for any more
    (no,) = office.node.rows("SELECT min(no) - 1 FROM audit")[0]
    with superuser(office.node) as conn:
        conn.execute(
            "INSERT INTO audit (no, agency, client, action, is_allowed, reason, policy) OVERRIDING SYSTEM VALUE"
            " VALUES (%s, 'us-x', 'c', 'disclose', true, 'read', 'p')",
            (no,),
        )

    told = office.export()

    assert told.exit_code == 1
    assert (
        f"1 entries of the audit were never signed and are not in the bundle: somebody put them there later: {no}"
        in (told.output)
    )


def test_a_superuser_who_changes_the_leaf_as_well_is_found_between_two_heads(office: Office) -> None:
    with superuser(office.node) as conn:
        conn.execute(
            "UPDATE audit SET reason = 'another' WHERE no = (SELECT no FROM audit_leaf WHERE index = 123);"
            "UPDATE audit_leaf l SET hash = sha256('\\x00'::bytea || convert_to(audit_line(a, l.salt), 'UTF8'))"
            "  FROM audit a WHERE a.no = l.no AND l.index = 123"
        )
    office.export()

    found = office.verify()

    assert found.exit_code == 1
    assert "entries 40 to 299" in found.output


def test_a_superuser_who_deletes_a_leaf_is_found(office: Office) -> None:
    with superuser(office.node) as conn:
        conn.execute("DELETE FROM audit_leaf WHERE index = 270")
    office.export()

    found = office.verify()

    assert found.exit_code == 1
    assert "entry 270 is missing" in found.output
    assert office.export("--from", "280").exit_code == 1


def test_a_superuser_who_cuts_the_log_back_is_found_by_who_kept_a_head(office: Office) -> None:
    head = office.keep_head()
    with superuser(office.node) as conn:
        conn.execute(
            "DELETE FROM tree_head WHERE size > 300; DELETE FROM audit_leaf WHERE index >= 300;"
            "DELETE FROM audit_node WHERE (index + 1) << height > 300"
        )
    office.export()

    assert office.verify().exit_code == 0
    found = office.verify("--since", head)
    assert found.exit_code == 1
    assert "ends with entry 299, but 555 were signed" in found.output


def test_a_node_that_signs_another_log_is_found_by_who_kept_a_head(office: Office) -> None:
    head = office.keep_head()
    with superuser(office.node) as conn:
        conn.execute(
            "DELETE FROM tree_head; DELETE FROM audit_leaf; DELETE FROM audit_node; DELETE FROM audit_gap;"
            "UPDATE audit SET reason = 'another' WHERE no = (SELECT max(no) FROM audit);"
            "UPDATE lease SET position = 0 WHERE name = 'notary'"
        )
    office.node.notarize(sign=office.issuer.sign_head)
    office.export()

    assert office.verify().exit_code == 0
    found = office.verify("--since", head)
    assert found.exit_code == 1
    assert "the node signed two logs" in found.output


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda raw: raw[: len(raw) // 2],
    "overwritten in the middle": lambda raw: raw[: len(raw) // 2] + bytes(64) + raw[len(raw) // 2 + 64 :],
    "followed by something": lambda raw: raw + b"x",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_does_not_hold(office: Office, damage: Callable[[bytes], bytes]) -> None:
    office.export()
    office.bundle.write_bytes(damage(office.bundle.read_bytes()))

    found = office.verify()

    assert found.exit_code == 1
    assert "BROKEN" in found.output


@pytest.mark.parametrize("content", [b"", b"x", b"\x1f\x8b", b"{}\n", b"\x1f\x8b" + bytes(100)])
def test_what_is_no_bundle_is_said_to_be_none(office: Office, content: bytes) -> None:
    office.bundle.write_bytes(content)

    found = office.verify()

    assert found.exit_code == 1
    assert "not an audit bundle" in found.output


def test_a_head_may_be_given_as_the_api_gave_it(office: Office) -> None:
    signed = office.keep_head().read_text()
    file = office.folder / "head.json"
    file.write_text(json.dumps({"size": 555, "root": "-", "at": "-", "signed": signed}))
    office.export()

    assert office.verify("--since", file).exit_code == 0


def test_another_nodes_key_believes_nothing(office: Office) -> None:
    office.export()
    keys.issuer_key(office.folder / "other")

    found = office.run("verify", office.bundle, "--key", office.folder / "other" / "jwks.json")

    assert found.exit_code == 1
    assert "signed head 1 is not signed by this node's key" in found.output


def test_what_is_no_key_is_wrong_use(office: Office) -> None:
    office.export()

    assert office.run("verify", office.bundle, "--key", office.bundle).exit_code == 2


def test_real_entries_hold_as_well(node: Node, police: Desk, shelter: Desk, office: Office) -> None:
    police.publish(missing_child())
    node.sequence()
    shelter.feed()
    node.notarize(sign=office.issuer.sign_head)
    office.export()

    assert office.verify().exit_code == 0
    assert f'"agency":"{SHELTER.id}"'.encode() in gzip.decompress(office.bundle.read_bytes())


def test_checking_needs_neither_settings_nor_database(office: Office, tmp_path: Path) -> None:
    office.export()
    environment = {"PATH": os.defpath, "PYTHONPATH": os.getcwd(), "LC_ALL": "es_MX.UTF-8"}  # noqa: PTH109
    command = [sys.executable, "-m", "hub.cli", "audit", "verify", str(office.bundle), "--key", str(office.keys)]

    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("555 entradas intactas, 0 a 554; 3 cabezas firmadas válidas")
