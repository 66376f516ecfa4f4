"""What is told to many at once is what each one's own feed holds; and its few entries say of each who got what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hub import broadcast
from hub.broadcast import Telling
from hub.directory import Role
from hub.picture import Stale
from hub.principal import of_agency
from hub.store import agencies
from hub.store.coming import coming
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.granting import Office
from tests.support.node import CAST, OPERATOR, SHERIFF, Desk, Node, missing_child

BY = ("us", "test")


class Crier:
    """Tells everybody of the cast what has come since the last time."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.position = 0

    def tell(self) -> list[Telling]:
        """Who is told what, put on record."""
        told: list[Telling] = []
        with self.node.database() as conn, conn.transaction():
            view = self.node.hub.picture.refresh(conn)
            readers = [of_agency(agency) for agency in view.rules.directory.agencies.values()]
            for one in coming(conn, after=self.position, limit=100):
                told += broadcast.decide_for(view, one, readers, self.node.clock())
                self.position = one.row.position or 0
            broadcast.disclose(conn, BY, "test", told, view)
        return told


def got(told: list[Telling], desk: Desk) -> list[tuple[str, str]]:
    return [(str(shown.row.hub_id), shown.projection) for reader, shown in told if reader.agency.id == desk.agency.id]


class Follower:
    """Reads its feed from where it last was."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.cursor = desk, ""

    def read(self) -> list[tuple[str, str]]:
        """What is new, and as what."""
        page: dict[str, Any] = self.desk.get("/v1/feed", after=self.cursor).get_json()
        self.cursor = page["next"]
        return [(item["id"], "full" if "grant" not in item else item["projection"]) for item in page["events"]]


def test_everybody_is_told_what_their_own_feed_holds_offers_and_ends_among_it(node: Node) -> None:
    node.regrant()
    office = Office(node, OPERATOR)
    office.agree()
    police = node.desk(POLICE)
    crier = Crier(node)
    followers = [Follower(node.desk(agency)) for agency in (POLICE, SHELTER, SHERIFF, STRANGER)]
    steps: list[Callable[[], object]] = [
        lambda: police.publish(missing_child(subject="s")),
        lambda: office.grant(),
        lambda: police.publish(missing_child("updated", subject="s", minutes=1)),
        lambda: police.publish(missing_child("located", subject="s", minutes=2)),
        lambda: police.publish(missing_child(label={"tlp": "green", "audience": [SHERIFF.id]})),
    ]
    for step in steps:
        step()
        node.sequence()

        told = crier.tell()

        for one in followers:
            assert sorted(pair for pair in got(told, one.desk) if pair[1] != "notice") == sorted(
                pair for pair in one.read() if pair[1] != "notice"
            )
    assert node.rows("SELECT count(*) FROM offer")[0][0] > 0


def test_one_entry_names_everybody_who_got_an_event_alike(node: Node, police: Desk) -> None:
    police.publish(missing_child())
    node.sequence()

    Crier(node).tell()

    entries = node.rows("SELECT agency, readers, projections FROM audit WHERE object = 'test' ORDER BY projections")
    assert sorted(reader for agency, readers, _ in entries for reader in readers or [agency]) == sorted(
        [POLICE.id, SHELTER.id, SHERIFF.id]
    )
    assert {projection for _, _, [projection] in entries} == {"full", "partner", "enforcement"}


def test_the_source_sees_each_of_them_among_its_disclosures(node: Node, police: Desk) -> None:
    node.enrol(OPERATOR)
    many = [*(agency for agency in CAST if agency.id in (SHELTER.id, SHERIFF.id))]
    hub_id = police.publish(missing_child())
    node.sequence()
    Crier(node).tell()
    node.notarize()

    ana = node.office(POLICE, "ana", Role.ADMIN)
    seen = ana.get("/v1/disclosures", event=hub_id).get_json()

    assert {one.id for one in many} <= {entry["agency"] for entry in seen["disclosures"]}


def test_nothing_is_told_on_rules_that_have_changed(node: Node, police: Desk) -> None:
    police.publish(missing_child())
    node.sequence()
    with node.database() as conn, conn.transaction():
        view = node.hub.picture.refresh(conn)
        (one,) = coming(conn, after=0, limit=10)
        told = list(broadcast.decide_for(view, one, [of_agency(SHELTER)], node.clock()))
        agencies.enrol(conn, OPERATOR)

        with pytest.raises(Stale):
            broadcast.disclose(conn, BY, "test", told, view)

    assert node.rows("SELECT count(*) FROM audit WHERE object = 'test'")[0][0] == 0
