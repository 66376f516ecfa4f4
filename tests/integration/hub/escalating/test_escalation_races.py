"""Whoever is at it at once: each step is taken once, and after the end nothing but the end is told."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from uuid import UUID

import pytest

from hub import errands
from hub.directory import Agency, Kind
from hub.escalating import escalate
from hub.grants import Selector
from hub.picture import Picture, Stale
from hub.settings import WorkerSettings
from hub.store import claims, connect, deadlines
from hub.store.claims import Outcome, Reach
from hub.store.deadlines import Opening
from hub.subscribing import PARTS
from hub.workers import dispatcher, sequencer
from schemas.sensitivity import Sensitivity
from tests.support import cast
from tests.support.cast import LADDERS, LIMITS
from tests.support.escalating import Escalation, desk
from tests.support.node import SHERIFF, Desk, Node, grant, missing_child
from tests.support.subscribing import BY, Dispatch, subscribe
from tests.support.waiting import until

AGENCIES, ALERTS = 100, 10
LATER = timedelta(minutes=11)
UNDER_WAY = "SELECT least(count(*) FILTER (WHERE tries > 0), count(*) FILTER (WHERE about <> '')) FROM delivery"


@pytest.fixture
def escalation(node: Node, police: Desk) -> Escalation:
    """A thousand deadlines and a thousand deliveries: ten alerts about one child, to a hundred agencies."""
    asked = [cast.agency(f"us-ca-pd{number:03}", Kind.LAW_ENFORCEMENT, "US-CA") for number in range(AGENCIES)]
    node.enrol(*asked)
    node.regrant(grant(reader=Selector(kind=Kind.LAW_ENFORCEMENT), clearance=Sensitivity.ENFORCEMENT))
    for one in asked:
        desk(node.desk(one), "supervisor")
    desk(police, "duty", filter={"types": ["case.*"]})
    found = Escalation(node)
    for _ in range(ALERTS):
        police.publish(missing_child(subject="s"))
    found.pass_on()
    return found


def called(node: Node) -> int:
    """How often somebody was told of an alert once more."""
    ((count,),) = node.rows("SELECT count(*) FROM delivery WHERE about = 'escalation:1'")
    return int(count)


def escalates(node: Node) -> int:
    """Somebody who leads until nothing is due; how many deadlines it moved."""
    picture, moved = Picture.unread(LIMITS), 0
    with connect(node.url, name="test-keeper") as conn:
        while True:
            picture.refresh(conn)
            try:
                each = escalate(conn, picture, LADDERS, node.clock() + LATER).due
            except Stale:
                continue
            moved += each
            if not each:
                return moved


def carries(node: Node) -> list[str | None]:
    """A sender until nothing is due; what it took on, none of which arrives before it is tried again."""
    picture, taken = Picture.unread(LIMITS), list[str | None]()
    carrier = errands.Carrier(BY, picture)
    reach = Reach(channel="email", parts=range(PARTS), each=5, most=50)
    with connect(node.url, name="test-sender") as conn:
        picture.refresh(conn)
        while True:
            at = node.clock() + LATER
            try:
                found = errands.take(conn, carrier, reach, at)
            except Stale:
                picture.refresh(conn)
                continue
            if not found:
                return taken
            taken += [one.seen.type if one.seen else None for one in found]
            outcomes = [
                Outcome(
                    no=claim.no, state="due" if claim.tries < 2 + claim.no % 2 else "delivered", code="", again_at=at
                )
                for claim in (one.claim for one in found)
            ]
            claims.settle(conn, outcomes, at)


def acknowledge(told: Desk, alert: str) -> int:
    """An acknowledgement."""
    return told.post(f"/v1/events/{alert}/acks", {"state": "acknowledged"}).status_code


def dispatching(node: Node) -> dispatcher.Dispatcher:
    """What the worker is given that passes on what comes."""
    return dispatcher.Dispatcher(
        database_url=node.url,
        node=node.name,
        picture=Picture.unread(LIMITS),
        ladders=LADDERS,
        heartbeat=timedelta(0),
        now=node.clock,
    )


def test_a_thousand_deadlines_are_moved_once_however_many_lead(node: Node, escalation: Escalation) -> None:
    with ThreadPoolExecutor(4) as threads:
        moved = list(threads.map(escalates, [escalation.node] * 4))

    stand = Counter((state, step) for _, state, step in escalation.deadlines())
    assert (sum(moved), called(node)) == (sum(stand.values()), AGENCIES * ALERTS)
    assert stand == {("open", 1): AGENCIES * ALERTS, ("ended", 3): 2 * ALERTS}  # two agencies have no desk


@pytest.mark.usefixtures("escalation")
def test_what_a_leader_did_not_commit_is_done_by_the_next_once(node: Node) -> None:
    picture = Picture.unread(LIMITS)
    with connect(node.url, name="test-keeper") as conn, conn.transaction(force_rollback=True):
        picture.refresh(conn)
        moved = escalate(conn, picture, LADDERS, node.clock() + LATER).due
    nothing = called(node)

    escalates(node)

    assert (moved > 0, nothing, called(node)) == (True, 0, AGENCIES * ALERTS)


@pytest.mark.usefixtures("escalation")
def test_after_the_end_a_thousand_in_flight_tell_nothing_but_the_end(node: Node, police: Desk) -> None:
    """Given senders and leaders at work, when the child is located, then all that is left to tell is that.

    Its issuer has heard by then that two agencies without a desk stay silent.
    """

    def locates() -> None:
        until(lambda: node.rows(UNDER_WAY)[0][0] > 50)
        police.publish(missing_child("located", subject="s", minutes=1))
        node.sequence()
        Dispatch(node).queue()

    with ThreadPoolExecutor(6) as threads:
        working = [threads.submit(work, node) for work in (carries, carries, escalates, escalates)]
        end = threads.submit(locates)
        end.result()
        for one in working:
            one.result()

    assert set(carries(node)) <= {"alert.missing_child.located"}
    assert node.rows("SELECT count(*) FROM delivery WHERE kind = 'notice' AND state = 'due'") == [(0,)]
    assert node.rows("SELECT count(*) > 0 FROM delivery WHERE kind = 'notice'") == [(True,)]
    assert escalates(node) == 0
    assert node.rows("SELECT count(*) FROM deadline WHERE state = 'open'") == [(0,)]
    assert node.rows("SELECT DISTINCT type FROM delivery d JOIN event e ON e.hub_id = d.event WHERE state = 'due'") in (
        [],
        [("alert.missing_child.located",)],
    )
    ends = node.rows(
        "SELECT count(DISTINCT subscription) FROM delivery d JOIN event e ON e.hub_id = d.event"
        " WHERE e.type = 'alert.missing_child.located' AND state = 'delivered'"
    )
    assert ends == [(AGENCIES,)]


def test_who_settles_while_an_end_is_passed_on_waits_for_nobody_that_waits_for_it(node: Node, police: Desk) -> None:
    """Given a sender that has written down an outcome and not yet its tally, when the end comes, then both get on."""
    subscribe(node.desk(SHERIFF))
    escalation = Escalation(node)
    escalation.alert(police, subject="s")
    police.publish(missing_child("located", subject="s", minutes=1))
    node.sequence()
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    with connect(node.url, name="test-sender") as conn, ThreadPoolExecutor(1) as threads:
        with conn.transaction():
            conn.execute("UPDATE delivery SET outcome = 'x'")
            passed_on = threads.submit(Dispatch(node).queue)
            until(lambda: node.rows(waiting)[0][0] > 0)
            conn.execute("UPDATE tally SET outcome = 'x'")
        queued = passed_on.result()

    assert (queued > 0, node.rows("SELECT state FROM delivery ORDER BY no")[0]) == (True, ("overtaken",))


def test_ten_thousand_answers_close_ten_thousand_deadlines(node: Node, police: Desk, sheriff: Desk) -> None:
    """Given one real answer, copied under ten thousand names, when they are passed on, then all are closed."""
    escalation = Escalation(node)
    hub_id = escalation.alert(police)
    sheriff.post(f"/v1/events/{hub_id}/acks", {"state": "acknowledged"})
    node.rows(
        'INSERT INTO event (source, id, type, subject, lane, jurisdictions, audience, "time", digest, lapses,'
        "                   projection_version, cuts, text)"
        " SELECT 'us-ca-a' || n, id, type, subject, lane, jurisdictions, audience, \"time\", digest, lapses,"
        "        projection_version, cuts, text FROM event, generate_series(1, 10000) AS n"
        "  WHERE type = 'ack.acknowledged'"
    )
    answers = [UUID(str(found)) for (found,) in node.rows("SELECT hub_id FROM event WHERE source LIKE 'us-ca-a%'")]
    at = node.clock()
    opening = Opening(
        event=UUID(hub_id), position=1, ladder="urgent-alert", is_urgent=True, required_by=at, step=0, due_at=at
    )

    with node.database() as conn:
        deadlines.add(conn, opening, [f"us-ca-a{number}" for number in range(1, 10_001)], at)
        closed = [deadlines.answer(conn, answers[start : start + 200], at) for start in range(0, 10_000, 200)]

    assert (len(answers), sum(closed)) == (10_000, 10_000)
    assert node.rows("SELECT state, count(*) FROM deadline WHERE agency LIKE 'us-ca-a%%' GROUP BY 1") == [
        ("acknowledged", 10_000)
    ]


def test_agencies_that_all_answer_at_once_close_their_deadlines_each_once(node: Node, police: Desk) -> None:
    """Given alerts to many agencies, when all answer while answers are passed on, then nobody waits for anybody."""
    asked = [cast.agency(f"us-ca-pd{number:03}", Kind.LAW_ENFORCEMENT, "US-CA") for number in range(120)]
    node.enrol(*asked)
    node.regrant(grant(reader=Selector(kind=Kind.LAW_ENFORCEMENT), clearance=Sensitivity.ENFORCEMENT))
    escalation = Escalation(node)
    alerts = [escalation.alert(police, subject=f"s{number}") for number in range(3)]
    acks = len(asked) * len(alerts)
    states = "SELECT state, count(*) FROM deadline WHERE agency LIKE 'us-ca-pd%' GROUP BY 1"
    is_over = Event()

    def answers(agency: Agency) -> list[int]:
        told = node.desk(agency)
        return [acknowledge(told, one) for one in alerts]

    def stands() -> dict[str, int]:
        return dict(node.rows(states))

    with ThreadPoolExecutor(10) as threads:
        passing = [threads.submit(sequencer.run, node.url, WorkerSettings(), is_over.is_set)]
        passing.append(threads.submit(dispatcher.run, dispatching(node), is_over.is_set))
        try:
            answering = [threads.submit(answers, one) for one in asked]
            until(lambda: "acknowledged" in stands())
            was_open = stands().get("open", 0)
            answered = [one.result() for one in answering]
            until(lambda: stands() == {"acknowledged": acks})
        finally:
            is_over.set()
        for one in passing:
            one.result()

    assert answered == [[201] * len(alerts)] * len(asked)
    assert was_open > 0  # they were answered while answers were passed on
    assert node.rows("SELECT count(*) FROM event WHERE type = 'ack.acknowledged'") == [(acks,)]


def test_a_subscriber_is_not_called_for_what_its_agency_was_never_asked(
    node: Node, police: Desk, shelter: Desk
) -> None:
    subscribe(shelter, desk="supervisor")
    escalation = Escalation(node)
    escalation.alert(police)
    escalation.wait(11)

    assert [agency for agency, _, _ in escalation.called()] == []
