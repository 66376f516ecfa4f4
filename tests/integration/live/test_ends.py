"""How streams end: with their token, with the right to ask, when they are too slow; and that nothing is lost by it."""

from __future__ import annotations

import re
import socket
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from hub.directory import Role, Standing
from hub.live import metrics
from hub.live.server import NEAR
from hub.live.stream import Stream
from hub.store import agencies
from schemas.alert import TEXT_CHARS
from tests.integration.live.conftest import Listen
from tests.integration.live.publishing import publish
from tests.support.cast import SHELTER, STRANGER
from tests.support.node import Desk, Node
from tests.support.streaming import Ear, Live, Stage
from tests.support.waiting import until

LONG = {"en": "x" * TEXT_CHARS, "translation": "human"}


READING = """
    SELECT 1 FROM pg_stat_activity WHERE application_name = 'test-readers' AND wait_event_type = 'Lock'
       AND datname = current_database()
"""
FAR_BEHIND = NEAR + 20


def suspend(node: Node, agency: str) -> None:
    with node.database() as conn:
        agencies.set_standing(conn, agency, Standing.SUSPENDED)


def closed(reason: str) -> float:
    """How many streams were closed for this reason, in this test process."""
    return float(metrics.CLOSED.labels(reason)._value.get())


def test_a_stream_ends_with_its_token(node: Node, shelter: Desk, listen: Listen) -> None:
    ear = listen(shelter)

    node.clock.ahead = timedelta(minutes=6)

    assert ear.named() == ("end", "token-expired")
    assert ear.next() is None


def test_a_new_token_goes_on_where_the_old_one_ended(node: Node, police: Desk, shelter: Desk, listen: Listen) -> None:
    ear = listen(shelter)
    publish(police)
    ear.event()
    node.clock.ahead = timedelta(minutes=6)
    ear.named()
    missed = publish(node.desk(police.agency), 2)

    again = listen(node.desk(SHELTER), ear.last_id)

    assert again.events(2) == missed


def test_who_is_ended_while_a_page_is_read_misses_nothing(
    node: Node, police: Desk, shelter: Desk, listen: Listen
) -> None:
    published = publish(police, FAR_BEHIND)

    ear = ended_while_reading(node, shelter, listen)

    assert listen(node.desk(SHELTER), ear.last_id).events(FAR_BEHIND) == published


def test_what_was_read_and_not_sent_is_not_counted(node: Node, police: Desk, shelter: Desk, listen: Listen) -> None:
    publish(police, FAR_BEHIND)
    sent = metrics.EVENTS._value.get()

    ended_while_reading(node, shelter, listen)

    assert metrics.EVENTS._value.get() == sent


def ended_while_reading(node: Node, desk: Desk, listen: Listen) -> Ear:
    """Opens a stream that has to catch up, and whose token runs out while its first page is read."""
    ended = closed("token-expired")
    with node.database() as conn, conn.transaction():
        conn.execute("LOCK TABLE disclosing IN ACCESS EXCLUSIVE MODE")
        ear = listen(desk, after="")
        until(lambda: node.rows(READING), what="the page that is read")
        node.clock.ahead = timedelta(minutes=6)
        until(lambda: closed("token-expired") > ended, what="the end of the token")
    assert ear.named() == ("end", "token-expired")
    return ear


def test_who_is_ended_in_the_middle_of_a_page_misses_nothing(
    node: Node, police: Desk, shelter: Desk, on_stage: Stage
) -> None:
    published = publish(police, FAR_BEHIND, data={"description": LONG, "instruction": LONG})
    live, ended = on_stage.start(node, queue_kb=16), closed("token-expired")
    with raw(live, shelter, "?after=", buffer_bytes=4096) as reader:
        until(lambda: waits_in_a_page(live), what="a page that is not taken")
        node.clock.ahead = timedelta(minutes=6)
        until(lambda: closed("token-expired") > ended, what="the end of the token")
        heard = b"".join(iter(lambda: reader.recv(1 << 16), b""))

    got = [one.decode() for one in re.findall(rb'"id":"(alert-\d+)"', heard)]
    last_id = re.findall(rb"^id: (\S+)$", heard, re.MULTILINE)[-1].decode()
    again = on_stage.listen(on_stage.start(node, queue_kb=64 * 1024), node.desk(SHELTER), last_id)
    assert got + again.events(FAR_BEHIND - len(got)) == published


def waits_in_a_page(live: Live) -> bool:
    """Whether a stream goes on only when its reader has taken some of what is unsent."""
    assert live.server is not None
    streams = [one for one in tuple(live.server.audience.everybody) if isinstance(one, Stream)]
    return any(one.unsent_bytes > one.most_bytes // 2 for one in streams)


def test_a_suspended_agency_hears_no_more(node: Node, police: Desk, shelter: Desk, listen: Listen) -> None:
    ear = listen(shelter)
    publish(police)
    ear.event()

    suspend(node, SHELTER.id)

    assert ear.named() == ("end", "revoked")
    assert ear.next() is None
    assert listen(shelter).status == 401


def test_others_hear_on_when_one_is_suspended(
    node: Node, police: Desk, shelter: Desk, sheriff: Desk, listen: Listen
) -> None:
    ear, other = listen(sheriff), listen(shelter)

    suspend(node, SHELTER.id)
    other.named()

    assert publish(police) == ear.events(1)


def test_a_person_whose_roles_change_is_ended(node: Node, listen: Listen) -> None:
    person = node.office(SHELTER, "sam", Role.OFFICER)
    ear = listen(person)

    node.rows("UPDATE person SET epoch = epoch + 1 WHERE id = %s", f"{SHELTER.id}.sam")

    assert ear.named() == ("end", "revoked")


def test_who_does_not_read_is_closed_and_resumes(node: Node, police: Desk, shelter: Desk, on_stage: Stage) -> None:
    live = on_stage.start(node, queue_kb=16)
    before = closed("too-slow")
    ear = on_stage.listen(live, shelter)
    with idle_reader(live, shelter):
        published: list[str] = []
        while closed("too-slow") == before:
            published += publish(police, 50, data={"description": LONG, "instruction": LONG})
            assert len(published) < 2000, "nobody is too slow"

    assert ear.events(len(published)) == published  # who reads is not held up
    again = on_stage.listen(live, shelter, ear.last_id)
    assert publish(police) == again.events(1)


def idle_reader(live: Live, desk: Desk) -> socket.socket:
    """Opens a stream and never reads."""
    reader = raw(live, desk, buffer_bytes=4096)
    assert live.server is not None
    until(lambda: len(live.server.audience.everybody) >= 2, what="the idle reader")  # type: ignore[union-attr]
    return reader


def test_an_agency_may_open_so_many_and_another_one_still_can(
    node: Node, shelter: Desk, stranger: Desk, on_stage: Stage
) -> None:
    live = on_stage.start(node, most_per_agency=2)
    for _ in range(2):
        on_stage.listen(live, shelter)

    refused = live.get(shelter, "/v1/stream")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert refused.json()["type"] == "urn:puente:problem:too-many"
    assert on_stage.listen(live, stranger).status == 200


def test_a_place_is_free_again_when_its_stream_is_gone(node: Node, shelter: Desk, on_stage: Stage) -> None:
    live = on_stage.start(node, most_per_agency=1)
    on_stage.listen(live, shelter).close()

    def admitted() -> bool:
        ear = on_stage.listen(live, shelter)
        return ear.status == 200

    until(admitted, what="the place of a stream that is gone")


def test_the_process_takes_so_many_and_no_more(node: Node, shelter: Desk, on_stage: Stage) -> None:
    live = on_stage.start(node, most_streams=1)
    on_stage.listen(live, shelter)

    assert live.get(node.desk(STRANGER), "/v1/stream").status_code == 503


def test_a_silent_stream_has_a_heartbeat(node: Node, shelter: Desk, on_stage: Stage) -> None:
    live = on_stage.start(node, heartbeat_s=1)
    with raw(live, shelter) as reader:
        heard = b""
        while not heard.endswith(b"\r\n2\r\n:\n\r\n"):
            more = reader.recv(4096)
            assert more, heard
            heard += more


def raw(live: Live, desk: Desk, query: str = "", *, buffer_bytes: int | None = None) -> socket.socket:
    """A stream as it is on the wire; with a small buffer, what is not read is soon felt at the other end."""
    address = urlsplit(live.url)
    reader = socket.socket()
    reader.settimeout(10)
    if buffer_bytes is not None:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    reader.connect((address.hostname, address.port))
    token = desk.headers["Authorization"]
    reader.sendall(f"GET /v1/stream{query} HTTP/1.1\r\nHost: live\r\nAuthorization: {token}\r\n\r\n".encode())
    return reader


@pytest.mark.parametrize("kept", [5, 6])
def test_who_was_away_for_longer_than_the_log_is_kept_is_told(
    node: Node, police: Desk, shelter: Desk, listen: Listen, kept: int
) -> None:
    ear = listen(shelter)
    published = publish(police, 5)
    ear.events(1)
    last_id = ear.last_id
    ear.close()
    node.rows("DELETE FROM log WHERE position < %s", kept)

    again = listen(shelter, last_id)

    assert again.named() == ("gap", "older-than-retained")
    assert [*published[kept - 1 :], *publish(police)] == again.events(7 - kept)


def test_who_has_seen_what_is_kept_no_longer_misses_nothing(
    node: Node, police: Desk, shelter: Desk, listen: Listen
) -> None:
    ear = listen(shelter)
    published = publish(police, 5)
    ear.events(1)
    node.rows("DELETE FROM log WHERE position < 2")

    again = listen(shelter, ear.last_id)

    assert again.events(4) == published[1:]
