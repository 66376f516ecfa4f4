"""`puente init`: the first two persons of a node, once; afterwards everything goes through the API."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey

from hub import keys
from hub.cli import cli
from hub.directory import Standing
from hub.errors import Conflict
from hub.founding import Founder, found
from hub.store import agencies, connect
from tests.support.node import Desk, Node

OLGA, OMAR = "us-operator.olga", "us-operator.omar"


def init(node: Node, folder: Path, *people: str, **files: Path) -> Result:
    """`puente init` for these people, whose keys are in `files` or made."""
    words = []
    for person in people or ("olga", "omar"):
        name = person.rpartition(".")[2]
        words += ["--person", person, "--name", name.title(), "--key", str(files.get(name, folder / f"{name}.pem"))]
    return CliRunner().invoke(cli, ["init", *words], env={"PUENTE_DATABASE_URL": node.url, "LC_ALL": "C"})


def office(node: Node, folder: Path, person: str) -> Desk:
    """Somebody who was enrolled by hand, with a token for the key that was made."""
    key = ECKey.import_key((folder / f"{person.rpartition('.')[2]}.pem").read_bytes())
    answer = node.ask_token(person, client_assertion=node.assertion(person, key=key))
    assert answer.status_code == 200, answer.text
    directory = node.hub.picture.view.rules.directory
    return Desk(node, directory.agencies["us-operator"], answer.get_json()["access_token"])


def counted(node: Node) -> list[tuple[int, ...]]:
    return node.rows("SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM credential WHERE person IS NOT NULL)")


def test_two_persons_are_enrolled_and_go_on_through_the_api(node: Node, tmp_path: Path) -> None:
    done = init(node, tmp_path)

    olga, omar = office(node, tmp_path, OLGA), office(node, tmp_path, OMAR)
    new = {"id": "us-ca-clinic", "name": "Clinic (sample)", "kind": "health", "jurisdictions": ["US-CA"]}
    assert done.exit_code == 0, done.output
    assert olga.post("/v1/agencies", new).status_code == 201
    assert omar.get("/v1/agencies/us-ca-clinic").get_json()["name"] == "Clinic (sample)"
    assert olga.get("/v1/feed").status_code == 403


def test_it_is_on_record(node: Node, tmp_path: Path) -> None:
    init(node, tmp_path)

    found = node.rows("SELECT agency, client, object, is_allowed FROM audit WHERE action = 'node.init' ORDER BY no")
    assert found == [("us-operator", "init", OLGA, True), ("us-operator", "init", OMAR, True)]


def test_a_key_that_is_made_is_its_owners_alone_and_its_place_is_told(node: Node, tmp_path: Path) -> None:
    done = init(node, tmp_path)

    assert stat.S_IMODE((tmp_path / "olga.pem").stat().st_mode) == 0o600
    assert str(tmp_path / "olga.pem") in done.output


def test_a_file_with_the_public_half_is_enough(node: Node, tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256")
    public = tmp_path / "public.pem"
    public.write_bytes(key.as_pem(private=False))

    done = init(node, tmp_path, olga=public)

    assert done.exit_code == 0, done.output
    assert node.ask_token(OLGA, client_assertion=node.assertion(OLGA, key=key)).status_code == 200


def test_a_second_time_it_refuses_and_changes_nothing(node: Node, tmp_path: Path) -> None:
    init(node, tmp_path)
    before = counted(node)

    again = init(node, tmp_path, "oskar", "otto")

    assert (again.exit_code, "this node has operators" in again.output) == (1, True)
    assert counted(node) == before


def test_two_at_once_found_it_once(node: Node) -> None:
    keys = [ECKey.generate_key("P-256").as_pem(private=False).decode() for _ in range(8)]

    def attempt(number: int) -> bool:
        pair = [Founder(id=f"us-operator.p{number}{one}", name="P", key=keys[2 * number + one]) for one in (0, 1)]
        try:
            with connect(node.url, name="test") as conn:
                found(conn, "us", pair, policy="test")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(attempt, range(4))) == [False, False, False, True]
    assert counted(node) == [(2, 2)]


@pytest.mark.parametrize("people", [("olga", "olga"), ("olga", "us-ca-sdpd.omar"), ("olga", "OMAR"), ("olga", "o")])
def test_not_two_operators_are_refused_and_nothing_is_kept(node: Node, tmp_path: Path, people: tuple[str, ...]) -> None:
    assert init(node, tmp_path, *people).exit_code == 1
    assert (counted(node), node.rows("SELECT 1 FROM agency WHERE id = 'us-operator'")) == ([(0, 0)], [])


def test_one_person_alone_or_three_are_no_call(node: Node, tmp_path: Path) -> None:
    assert init(node, tmp_path, "olga").exit_code == 2
    assert init(node, tmp_path, "olga", "omar", "otto").exit_code == 2
    assert counted(node) == [(0, 0)]


def test_two_with_one_key_would_be_one_person(node: Node, tmp_path: Path) -> None:
    same = tmp_path / "same.pem"

    done = init(node, tmp_path, olga=same, omar=same)

    assert (done.exit_code, counted(node)) == (1, [(0, 0)])


def test_what_is_no_key_is_refused(node: Node, tmp_path: Path) -> None:
    for text in ("nonsense", keys.new_private_pem().decode().replace("M", "?")):
        wrong = tmp_path / "wrong.pem"
        wrong.write_text(text)
        assert init(node, tmp_path, olga=wrong).exit_code == 1
    assert counted(node) == [(0, 0)]


def test_it_is_the_way_back_in_when_nobody_can_operate_the_node(node: Node, tmp_path: Path) -> None:
    init(node, tmp_path)
    with connect(node.url, name="test") as conn:
        agencies.set_standing(conn, "us-operator", Standing.SUSPENDED)

    done = init(node, tmp_path, "oskar", "otto")

    assert done.exit_code == 0, done.output
    assert office(node, tmp_path, "us-operator.oskar").get("/v1/agencies").status_code == 200
    assert node.rows("SELECT id FROM person WHERE state = 'disabled' ORDER BY id") == [(OLGA,), (OMAR,)]
