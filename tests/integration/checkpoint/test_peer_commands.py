"""`puente peer` as an operator types it, on both sides."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from click.testing import Result

from tests.integration.checkpoint.desk import Desk, desk
from tests.support.border import Side

DAY = timedelta(days=1)


@pytest.fixture
def desks(us: Side, mx: Side) -> tuple[Desk, Desk]:
    """Of both nodes, which have met."""
    return desk(us, us.folder.parent), desk(mx, mx.folder.parent)


def fingerprint(done: Result) -> str:
    """As it was printed."""
    return done.stderr.partition("fingerprint: ")[2].strip().splitlines()[0]


def test_an_anchor_goes_from_one_side_to_the_other(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    us, mx = desks
    us.does("remove", "mx", "--reason", "a drill")
    file = tmp_path / "mx.anchor"

    printed = fingerprint(mx.does("export", "--out", str(file)))
    done = us.does("import", str(file), "--fingerprint", printed)

    assert fingerprint(done) == printed
    assert us.does("list").stdout.startswith("mx\topen\t")


def test_without_a_fingerprint_it_asks_and_no_is_no(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    us, mx = desks
    us.does("remove", "mx", "--reason", "a drill")
    file = tmp_path / "mx.anchor"
    file.write_text(mx.does("export").stdout)

    refused = us.run("import", str(file), typed="n\n")
    state = us.does("list").stdout.split("\t")[1]
    us.does("import", str(file), typed="y\n")

    assert refused.exit_code == 1
    assert state == "removed (a drill)"
    assert us.does("list").stdout.split("\t")[1] == "open"


def test_another_fingerprint_is_refused(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    us, mx = desks
    file = tmp_path / "mx.anchor"
    mx.does("export", "--out", str(file))

    done = us.run("import", str(file), "--fingerprint", "0000 " * 10)

    assert done.exit_code == 1
    assert "not the one that was told" in done.output


def test_a_roll_over_is_on_record_and_not_made_twice(desks: tuple[Desk, Desk]) -> None:
    us, _ = desks

    us.does("rollover", "--in", "7d")
    again = us.run("rollover")

    assert again.exit_code == 1
    assert "is made already" in again.output
    assert us.side.node.rows("SELECT count(*) FROM audit WHERE action = 'peer.rollover'") == [(1,)]


def test_a_time_that_is_none_is_refused(desks: tuple[Desk, Desk]) -> None:
    assert [desks[0].run("rollover", "--in", when).exit_code for when in ("soon", "7", "d", "-1d", "1w")] == [2] * 5


def test_agencies_are_shown_and_hidden(desks: tuple[Desk, Desk]) -> None:
    us, _ = desks

    assert "done" in us.does("hide", "us-ca-sdpd").output
    assert "as it was" in us.does("hide", "us-ca-sdpd").output
    assert "done" in us.does("show", "us-ca-sdpd").output
    assert us.run("show", "us-xx-nobody").exit_code == 1


def test_what_is_not_there_is_said(desks: tuple[Desk, Desk]) -> None:
    us, _ = desks

    for words in (["remove", "fr", "--reason", "x"], ["resume", "fr"], ["check", "fr"]):
        assert us.run(*words).exit_code == 1
    assert "is not stopped" in us.run("resume", "mx").output


class TestCheck:
    """What an operator sees of the border."""

    def test_all_is_well_after_a_batch_each_way(self, desks: tuple[Desk, Desk]) -> None:
        us, mx = desks
        us.side.send(mx.side)
        mx.side.send(us.side)

        done = us.does("check", "mx", "--json")

        found = json.loads(done.stdout)
        assert found.pop("is_well") is True
        assert found["tls"]["found"] == "TLSv1.3"
        assert {"state", "certificate", "our-key", "their-key", "clock", "policy", "lag", "receipt"} <= found.keys()

    def test_what_is_wrong_is_marked_and_the_status_is_1(self, desks: tuple[Desk, Desk]) -> None:
        us, mx = desks
        us.side.send(mx.side)
        mx.side.send(us.side)
        us.side.node.rows("UPDATE crossing SET skew_ms = 31000, failure = 'clock'")
        us.side.node.rows("UPDATE peer_key SET valid_until = clock_timestamp() + interval '29 days'")

        done = us.run("check", "mx")

        wrong = [line.split("  ")[1].strip() for line in done.stdout.splitlines() if line.startswith("WRONG")]
        assert (done.exit_code, wrong) == (1, ["their key", "clocks", "in the way"])

    def test_a_peer_that_nobody_has_heard_of_yet_is_not_well(self, desks: tuple[Desk, Desk]) -> None:
        us, _ = desks

        done = us.run("check", "mx", "--json")

        assert done.exit_code == 1
        assert [
            name for name, each in json.loads(done.stdout).items() if name != "is_well" and not each["is_well"]
        ] == [
            "receipt",
            "heard",
        ]

    def test_a_certificate_that_is_not_believed_is_told(self, desks: tuple[Desk, Desk]) -> None:
        us, _ = desks
        other = trustme.CA().cert_pem.bytes().decode()
        us.side.node.rows("UPDATE peer SET authority = %s", other)

        found = json.loads(us.run("check", "mx", "--json").stdout)

        assert found["tls"]["is_well"] is False
        assert "certificate" in found["tls"]["found"]


def test_a_node_without_a_border_has_no_anchor(desks: tuple[Desk, Desk]) -> None:
    us, _ = desks
    us.config.write_text('[node]\nid = "us"\n')

    done = us.run("export")

    assert done.exit_code != 0
