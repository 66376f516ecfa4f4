"""What opens late is not missed: a reader whose cursor is at the head gets it anew, once, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.cast import POLICE
from tests.support.examples import examples
from tests.support.granting import NOW, Office, act, amend, approve, at, done, halt
from tests.support.node import OPERATOR, SHERIFF, Desk, Node, missing_child


class Reader:
    """Follows a feed from where it last was, and remembers all it got but bare notices of an end."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.cursor = ""
        self.got: list[str] = []

    def read(self, limit: int = 100) -> list[str]:
        """What is new since the last time."""
        new: list[str] = []
        while True:
            page = self.desk.get("/v1/feed", after=self.cursor, limit=limit).get_json()
            self.cursor = page["next"]
            new += [item["id"] for item in page["events"] if item["projection"] != "notice"]
            if not page["more"]:
                self.got += new
                return new


@pytest.fixture
def office(node: Node) -> Office:
    """People on both sides, an agreement in force, and no grant yet."""
    node.regrant()
    office = Office(node, OPERATOR)
    office.agree()
    return office


@pytest.fixture
def police(office: Office) -> Desk:
    """Publishes."""
    return office.node.desk(POLICE)


@pytest.fixture
def sheriff(office: Office) -> Reader:
    """Follows its feed."""
    return Reader(office.node.desk(SHERIFF))


LABEL = {"tlp": "green", "rel_to": ["US", "MX"]}


def publish(police: Desk, verb: str = "issued", **differs: Any) -> str:
    hub_id = police.publish(missing_child(verb, **differs))
    police.node.sequence()
    return hub_id


def offered(office: Office) -> int:
    office.node.sequence()
    return int(office.node.rows("SELECT count(*) FROM offer")[0][0])


def test_an_active_alert_from_before_the_approval_comes_anew(office: Office, police: Desk, sheriff: Reader) -> None:
    first = publish(police, subject="s")
    second = publish(police, "updated", subject="s", minutes=5)
    assert sheriff.read() == []

    approved = office.grant()
    office.node.sequence()

    assert approved["offered"] == {"events": 2, "is_partial": False}
    assert (sheriff.read(), sheriff.read()) == ([first, second], [])


def test_what_is_over_stays_shut(office: Office, police: Desk, sheriff: Reader) -> None:
    closed = publish(police, subject="s")
    publish(police, "cancelled", subject="s", minutes=5)
    expired = publish(police, label=LABEL | {"active_until": at(-timedelta(minutes=1))})

    office.grant()

    assert (offered(office), sheriff.read(), sheriff.desk.event(closed), sheriff.desk.event(expired)) == (
        0,
        [],
        None,
        None,
    )


def test_what_waits_for_its_position_is_offered_too(office: Office, police: Desk, sheriff: Reader) -> None:
    hub_id = police.publish(missing_child())

    office.grant()
    office.node.sequence()

    assert sheriff.read() == [hub_id]


def test_from_now_on_opens_nothing_older_not_even_by_id(office: Office, police: Desk, sheriff: Reader) -> None:
    before = publish(police)

    approved = office.grant(opens="now")
    after = publish(police)

    assert (approved["offered"]["events"], sheriff.read(), sheriff.desk.event(before)) == (0, [after], None)


def test_since_a_date_opens_exactly_from_then_on(office: Office, police: Desk, sheriff: Reader) -> None:
    ids = [publish(police, "cancelled" if number % 2 else "issued") for number in range(4)]
    for hours, hub_id in zip((5, 4, 3, 1), ids, strict=True):
        office.node.rows("UPDATE event SET accepted_at = %s WHERE hub_id = %s", NOW - timedelta(hours=hours), hub_id)

    office.grant(opens="since", opens_since=at(-timedelta(hours=4)))
    office.node.sequence()

    assert sheriff.read() == ids[1:]
    assert [sheriff.desk.event(hub_id) is not None for hub_id in ids] == [False, True, True, True]


def test_who_has_it_on_another_grant_gets_nothing_twice(office: Office, police: Desk, sheriff: Reader) -> None:
    office.grant(id="us-ca-sheriff-first")
    hub_id = publish(police)
    assert sheriff.read() == [hub_id]

    for name in ("us-ca-sheriff-a", "us-ca-sheriff-z"):
        office.grant(id=name)
    office.node.sequence()

    assert sheriff.read() == []


def test_a_reader_that_lags_gets_it_once_as_well(office: Office, police: Desk, sheriff: Reader) -> None:
    hub_id = publish(police)

    office.grant()
    office.node.sequence()

    assert sheriff.read(limit=1) == [hub_id]


def test_the_next_version_offers_only_what_the_one_before_did_not_open(
    office: Office, police: Desk, sheriff: Reader
) -> None:
    grant_id = office.grant(max_tlp="green")["id"]
    green = publish(police)
    amber = publish(police, label=LABEL | {"tlp": "amber"})
    assert sheriff.read() == [green]

    done(amend(office.ana, grant_id, max_tlp="amber"), 201)
    done(approve(office.beto, grant_id))
    office.node.sequence()

    assert (sheriff.read(), sheriff.desk.event(green) is not None) == ([amber], True)


@pytest.mark.parametrize("stops", ["grant", "agreement"])
def test_what_came_while_it_was_suspended_comes_when_it_resumes(
    office: Office, police: Desk, sheriff: Reader, stops: str
) -> None:
    agreement = "/v1/agreements/us-ca-sdpd-mou"
    grant_id = office.grant()["id"]
    done(halt(office.ana, grant_id, "suspend") if stops == "grant" else act(office.olga, agreement, "suspend", WHY))
    hub_id = publish(police)
    assert sheriff.read() == []

    done(halt(office.beto, grant_id, "resume") if stops == "grant" else act(office.olga, agreement, "resume"))
    office.node.sequence()

    assert sheriff.read() == [hub_id]


WHY = {"reason": "under review"}


def test_more_than_the_bound_is_told(office: Office, police: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.offering.MOST", 2)
    ids = [publish(police) for _ in range(3)]

    approved = office.grant()
    office.node.sequence()

    assert approved["offered"] == {"events": 2, "is_partial": True}
    assert Reader(office.node.desk(SHERIFF)).read() == ids[1:]


STEP = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, 3)),
    st.tuples(st.just("close"), st.integers(0, 3)),
    st.tuples(st.just("sequence"), st.just(0)),
    st.tuples(st.just("read"), st.integers(1, 3)),
    st.tuples(st.just("approve"), st.sampled_from([0, 1, 2])),
)
STEPS = st.lists(STEP, min_size=4, max_size=14)


RANDOM = settings(
    max_examples=examples(25),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # an example takes a second: too long to look for a smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(steps=STEPS)
@RANDOM
def test_whatever_the_order_a_reader_gets_all_that_is_open_to_it_and_each_once(
    office: Office, police: Desk, steps: list[tuple[str, int]]
) -> None:
    run = played(office, police, steps)

    assert set(run.sheriff.got) == run.open_by_id()
    assert [one for one, times in Counter(run.sheriff.got).items() if times > 1] == []


@given(
    steps=st.lists(st.one_of(STEP, st.tuples(st.sampled_from(["pause", "amend"]), st.just(0))), min_size=6, max_size=14)
)
@RANDOM
def test_who_was_at_the_head_misses_nothing_whatever_is_suspended_resumed_and_amended(
    office: Office, police: Desk, steps: list[tuple[str, int]]
) -> None:
    run = played(office, police, [("approve", 0), *steps])

    assert set(run.sheriff.got) >= run.open_by_id()


def played(office: Office, police: Desk, steps: list[tuple[str, int]]) -> Run:
    """A run from an empty log to its end, with everything in its place and read."""
    for table in ("grant_owner", "grant_approval", "access_grant", "offer", "pending", "owed", "subject_state", "log"):
        office.node.rows(f"DELETE FROM {table}")  # noqa: S608 - names of tables
    office.node.rows("DELETE FROM event")
    run = Run(office, police)
    for verb, number in steps:
        getattr(run, verb)(number)
    run.sequence(0)
    run.read(2)
    return run


class Run:
    """One random course of events: four alerts, grants that come late, and a reader that reads at any time."""

    def __init__(self, office: Office, police: Desk) -> None:
        self.office, self.police = office, police
        self.sheriff = Reader(office.node.desk(SHERIFF))
        self.published: list[str] = []
        self.minutes = 0

    def publish(self, number: int) -> None:
        """An update of one of the alerts."""
        self._send("updated", number)

    def close(self, number: int) -> None:
        """The end of one of them."""
        self._send("cancelled", number)

    def _send(self, verb: str, number: int) -> None:
        self.minutes += 1
        event = missing_child(verb, subject=f"s-{number}-{id(self)}", minutes=self.minutes)
        self.published.append(self.police.publish(event))

    def sequence(self, _: int) -> None:
        """What was accepted gets its place."""
        self.office.node.sequence()

    def read(self, limit: int) -> None:
        """The reader goes on."""
        self.sheriff.read(limit)

    def approve(self, number: int) -> None:
        """Another grant of the same alerts, once each."""
        name = ("us-ca-sheriff-b", "us-ca-sheriff-a", "us-ca-sheriff-c")[number]
        if self.office.saul.get(f"/v1/grants/{name}").status_code == 404:
            self.office.grant(id=name, opens=("active", "active", "now")[number])

    def pause(self, _: int) -> None:
        """The first grant is suspended, or goes on."""
        standing = self.office.saul.get("/v1/grants/us-ca-sheriff-b").get_json()["versions"]
        verb = "resume" if any(one["state"] == "suspended" for one in standing) else "suspend"
        if verb == "suspend":
            self.sequence(0)
            self.sheriff.read()
        done(halt(self.office.ana, "us-ca-sheriff-b", verb))

    def amend(self, _: int) -> None:
        """Its next version, with another clearance, unless it is suspended."""
        self.minutes += 1
        clearance = ("partner", "enforcement")[self.minutes % 2]
        done(amend(self.office.saul, "us-ca-sheriff-b", clearance=clearance), 201)
        if approve(self.office.ana, "us-ca-sheriff-b").status_code != 200:
            done(act(self.office.saul, "/v1/grants/us-ca-sheriff-b", "withdraw"))

    def open_by_id(self) -> set[str]:
        """What the reader may read now, bare notices apart."""
        found = {one: self.sheriff.desk.event(one) for one in self.published}
        return {one for one, shown in found.items() if shown is not None and shown["projection"] != "notice"}
