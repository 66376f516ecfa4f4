"""What changes while the gateway runs counts from the next request on: agencies, credentials, lanes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from joserfc.jwk import ECKey

from hub.directory import Standing, publishing
from hub.store import agencies, connect
from tests.support.cast import POLICE, SHELTER
from tests.support.node import Desk, Node, missing_child
from tests.support.waiting import until

NEWCOMER = replace(SHELTER, id="us-ca-newcomer")
KEY = {"Idempotency-Key": "attempt-0001"}
NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"


def put(node: Node, standing: Standing, agency_id: str = POLICE.id) -> None:
    with connect(node.url, name="test") as conn:
        assert agencies.set_standing(conn, agency_id, standing)


REQUESTS: dict[str, Callable[[Desk], Any]] = {
    "GET /v1/me": lambda desk: desk.get("/v1/me"),
    "GET /v1/feed": lambda desk: desk.get("/v1/feed"),
    "GET /v1/alerts/active": lambda desk: desk.get("/v1/alerts/active"),
    "GET /v1/acks/due": lambda desk: desk.get("/v1/acks/due"),
    "GET /v1/cases/...": lambda desk: desk.get("/v1/cases/s"),
    "GET /v1/events/...": lambda desk: desk.get(f"/v1/events/{NOBODYS}"),
    "GET /v1/rejections": lambda desk: desk.get("/v1/rejections"),
    "POST acks": lambda desk: desk.post(f"/v1/events/{NOBODYS}/acks", {"state": "read"}),
    "POST a new event": lambda desk: desk.post("/v1/events", missing_child()),
    "POST it with a key": lambda desk: desk.post("/v1/events", missing_child(), KEY),
    "POST a known event": lambda desk: desk.post("/v1/events", missing_child(id="known", subject="known")),
    "POST what is refused": lambda desk: desk.post("/v1/events", missing_child(source=SHELTER.id)),
    "POST what is malformed": lambda desk: desk.post("/v1/events", b"{"),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_suspended_agency_is_stopped_at_its_very_next_request(police: Desk, request_: Callable[[Desk], Any]) -> None:
    police.publish(missing_child(id="known", subject="known"))
    before = police.node.rows("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM rejection)")

    put(police.node, Standing.SUSPENDED)
    answer = request_(police)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="puente", error="invalid_token"'
    assert police.node.rows("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM rejection)") == before


def test_an_event_that_others_have_stays_when_its_source_is_suspended(police: Desk, shelter: Desk) -> None:
    hub_id = police.publish(missing_child())

    put(police.node, Standing.SUSPENDED)

    assert shelter.event(hub_id)


def test_reinstated_an_agency_needs_a_new_token(node: Node, police: Desk) -> None:
    put(node, Standing.SUSPENDED)
    put(node, Standing.ACTIVE)

    assert police.get("/v1/me").status_code == 401
    assert node.desk(POLICE).get("/v1/me").status_code == 200


def test_a_new_key_voids_the_tokens_of_the_old_one(node: Node, police: Desk) -> None:
    other = ECKey.generate_key("P-256")

    node.enrol(POLICE, public_key_pem=other.as_pem(private=False).decode())

    assert police.get("/v1/me").status_code == 401
    assert node.ask_token(POLICE.id).status_code == 401
    assert node.ask_token(POLICE.id, client_assertion=node.assertion(POLICE.id, key=other)).status_code == 200


def test_a_client_does_not_pass_to_another_agency(node: Node, police: Desk) -> None:
    node.enrol(NEWCOMER)
    node.enrol(NEWCOMER, client_id=POLICE.id)

    assert police.get("/v1/me").get_json()["agency"]["id"] == POLICE.id
    assert node.desk(POLICE).get("/v1/me").get_json()["agency"]["id"] == POLICE.id


def test_an_agency_enrolled_while_the_gateway_runs_is_let_in(node: Node) -> None:
    assert node.ask_token(NEWCOMER.id).status_code == 401

    node.enrol(NEWCOMER)

    assert node.desk(NEWCOMER).get("/v1/me").status_code == 200


def test_what_an_agency_may_publish_changes_at_once(node: Node, police: Desk) -> None:
    elsewhere = missing_child(jurisdictions=["US-CA:06037"])
    assert police.post("/v1/events", elsewhere).status_code == 403

    node.enrol(replace(POLICE, jurisdictions=("US-CA",), publishes=publishing(("alert.*",), ("US-CA",))))

    assert node.desk(POLICE).post("/v1/events", elsewhere).status_code == 201


def test_what_it_may_publish_changes_for_its_old_token_too(node: Node, police: Desk) -> None:
    elsewhere = missing_child(jurisdictions=["US-CA:06037"])
    assert police.post("/v1/events", elsewhere).status_code == 403

    with connect(node.url, name="test") as conn:
        agencies.enrol(conn, replace(POLICE, jurisdictions=("US-CA",), publishes=publishing(("alert.*",), ("US-CA",))))

    assert police.post("/v1/events", elsewhere).status_code == 201


def test_an_agency_whose_kind_changes_reads_by_its_new_ceiling(node: Node, police: Desk) -> None:
    hub_id = police.publish(missing_child())
    desk = node.desk(SHELTER)
    assert desk.event(hub_id)

    with connect(node.url, name="test") as conn:
        agencies.enrol(conn, replace(SHELTER, kind=SHELTER.kind.__class__("operator")))

    assert desk.event(hub_id) is None


def test_another_gateways_token_counts_here_at_once(open_node: Callable[..., Node]) -> None:
    here, there = open_node(), open_node()
    here.desk(POLICE).get("/v1/me")
    put(there, Standing.SUSPENDED)
    put(there, Standing.ACTIVE)

    token = there.desk(POLICE).token

    assert Desk(here, POLICE, token).get("/v1/me").status_code == 200


def test_what_another_gateway_accepted_is_read_here_at_once(open_node: Callable[..., Node]) -> None:
    here, there = open_node(), open_node()
    reader = here.desk(SHELTER)
    assert reader.feed() == []

    hub_id = there.desk(POLICE).publish(missing_child())
    there.sequence()

    assert [item["id"] for item in reader.feed()] == [hub_id]


def test_an_event_that_arrives_while_it_is_asked_for_is_answered(node: Node, police: Desk) -> None:
    police.publish(missing_child())
    hub_id = str(uuid4())
    with ThreadPoolExecutor(1) as threads, psycopg.connect(node.url) as conn:
        conn.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        asked = threads.submit(police.get, f"/v1/events/{hub_id}")
        until(lambda: node.rows("SELECT 1 FROM pg_locks WHERE relation = 'event'::regclass AND NOT granted"))
        _copy_into_a_new_lane(conn, hub_id)
        conn.commit()

        assert asked.result(10).status_code == 200


def _copy_into_a_new_lane(conn: psycopg.Connection[Any], hub_id: str) -> None:
    """What another gateway may have done meanwhile."""
    conn.execute(
        """
        WITH l AS (INSERT INTO lane (source, type, status, tlp, jurisdictions, rel_to, audience, is_coarse)
                   SELECT source, type, status, 0, jurisdictions, rel_to, audience, is_coarse FROM lane RETURNING id)
        INSERT INTO event (hub_id, source, id, type, subject, lane, jurisdictions, audience, "time", digest, lapses,
                           projection_version, cuts, text)
        SELECT %s, source, 'copy', type, subject, l.id, jurisdictions, audience, "time", digest, lapses,
               projection_version, cuts, text FROM event, l
        """,
        (hub_id,),
    )
