"""Words that only events hold show up nowhere else: not in logs, metrics, problems, the audit or rejections."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import generate_latest
from werkzeug.test import TestResponse

from hub.directory import Role
from schemas import envelope, wire
from schemas.flaws import Malformed
from tests.support.cast import POLICE, SHELTER, STRANGER
from tests.support.events import bilingual
from tests.support.node import BEGAN, OPERATOR, Desk, Node, child_case, missing_child
from tests.support.services import Broker, Databases
from tests.support.working import Working

CANARY = "Kanari7Q"
NOBODYS = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"
MORE = {
    "circumstance": bilingual("a", "b"),
    "note": bilingual("a", "b"),
    "duty_contact": "a",
    "sender_name": bilingual("a", "b"),
    "texts": [{"language": "fr", "headline": "a", "description": "b"}],
    "parameters": [{"name": "a", "value": "b"}],
    "references": [{"sender": "a", "identifier": "b", "sent": "2026-05-04T13:30:00-07:00"}],
    "child": {
        "name": {"given": "a", "paternal_surname": "b", "aliases": ["c"]},
        "hair": bilingual("a", "b"),
        "marks": bilingual("a", "b"),
        "medical": bilingual("a", "b"),
        "vulnerability": bilingual("a", "b"),
        "folio_unico": "a",
        "race_ethnicity": "b",
        "photo": {"mime": "image/jpeg", "description": bilingual("a", "b"), "uri": "https://a.example/b"},
    },
    "records": {"ncmec_case": "a", "agency_case": "b"},
}
Path = tuple[Any, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where the event holds a value that is not a container."""
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, step))
    else:
        yield path


def changed(event: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The event with another value at a place."""
    copied = copy.deepcopy(event)
    at: Any = copied
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return copied


def with_canaries(event: dict[str, Any]) -> dict[str, Any]:
    """The event with a canary in every text that may say anything; its identity and its subject stay."""
    event = event | {"label": event["label"] | {"caveat": bilingual("a", "b")}}
    for path in leaves(event):
        if path[0] in ("data", "label"):
            tried = changed(event, path, f"{CANARY} {path[-1]}")
            try:
                envelope.load(tried)
            except Malformed:
                continue
            event = tried
    return event


ALERT = with_canaries(missing_child(subject="canaries", data=MORE))
CASE = with_canaries(child_case(subject="canaries"))
WRONG = (f"{CANARY} " * 4000, f"{CANARY}\u202e", 7.5, [CANARY], {f"{CANARY} member": CANARY}, CANARY)


def flawed() -> Iterator[dict[str, Any]]:
    """Events that are refused, each for another value that is wrong; the rest are canaries."""
    for event in (ALERT, CASE):
        places = [path for path in leaves(event) if path[0] in ("data", "label", "time", "status", "jurisdictions")]
        for number, path in enumerate(places):
            yield changed(event, path, WRONG[number % len(WRONG)]) | {"id": f"flawed-{number}"}


@dataclass
class Sung:
    """What there is to see after all of it."""

    node: Node
    lines: list[str] = field(default_factory=list)
    refused: list[TestResponse] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    about: list[TestResponse] = field(default_factory=list)


class Listening(logging.Handler):
    """Keeps every line as it would be printed."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def sung(postgres_of_module: str, kafka: Broker) -> Iterator[Sung]:
    """Everything that can go well or wrong with such events has happened, over HTTP and over Kafka."""
    node = Node(postgres_of_module)
    done = Sung(node)
    handler, root, hub = Listening(done.lines), logging.getLogger(), logging.getLogger("hub")
    levels = root.level, hub.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    hub.setLevel(logging.DEBUG)
    working = Working(node, kafka, "canaries.")
    working.start()
    try:
        working.admitted(POLICE)
        over_http(done)
        over_kafka(done, working)
        yield done
    finally:
        working.stop()
        node.close()
        root.removeHandler(handler)
        root.setLevel(levels[0])
        hub.setLevel(levels[1])


def over_http(done: Sung) -> None:
    police, shelter, stranger = (done.node.desk(one) for one in (POLICE, SHELTER, STRANGER))
    alert = police.publish(ALERT)
    police.publish(CASE)
    shelter.post(f"/v1/events/{alert}/acks", {"state": "read", "note": bilingual(CANARY, CANARY)})
    assert CANARY in shelter.get(f"/v1/events/{alert}").text
    for event in flawed():
        answer = police.post("/v1/events", event)
        if answer.status_code != 201:  # some values fit some places
            done.refused.append(answer)
    done.refused += [attempt(police) for attempt in ATTEMPTS]
    done.refused += [stranger.get(f"/v1/events/{alert}"), stranger.get("/v1/cases/canaries")]
    done.refused += [done.node.ask_token(POLICE.id, **form) for form in FORMS]
    done.about = list(before_and_after(done.node, alert))
    admin = done.node.office(POLICE, "otto", Role.ADMIN)
    answers = [attempt(admin) for attempt in ATTEMPTS_OF_ADMINS]
    done.refused += [answer for answer in answers if answer.status_code != 200]  # some values fit some places
    done.about += [answer for answer in answers if answer.status_code == 200]
    done.refused.append(breaking(police))


def before_and_after(node: Node, alert: str) -> Iterator[TestResponse]:
    """Everything that is told of such events to those who look after them."""
    node.enrol(OPERATOR)
    admin = node.office(POLICE, "ana", Role.ADMIN)
    for event in (ALERT, CASE, ALERT | {"id": "ended", "type": "alert.missing_child.located"}):
        yield admin.post("/v1/decisions/preview", event)
    consent = {
        "subject": ALERT["subject"],
        "fields": ["/data/child/medical", "/data/victims/0/prs_FirstName"],
        "recipients": [SHELTER.id],
        "purpose": "locate-child",
        "given_by": "guardian",
        "not_abuser_attested": True,
        "form_version": "1",
        "language": "es",
        "signed_at": BEGAN.isoformat(),
        "valid_until": (BEGAN + timedelta(days=9)).isoformat(),
    }
    yield admin.post("/v1/consents", consent)
    for reader in (SHELTER, STRANGER):
        node.desk(reader).feed()
        for who in (admin, node.office(OPERATOR, f"aldo-{reader.id[3:5]}", Role.AUDITOR)):
            yield who.get("/v1/decisions", agency=reader.id, event=alert)
    node.notarize()
    yield admin.get("/v1/disclosures")
    yield admin.get("/v1/disclosures", event=alert)
    yield admin.get("/v1/disclosures/unread")


ATTEMPTS_OF_ADMINS: list[Callable[[Desk], TestResponse]] = [
    *(lambda desk, event=event: desk.post("/v1/decisions/preview", event) for event in flawed()),
    lambda desk: desk.post("/v1/decisions/preview", ALERT | {"source": SHELTER.id}),
    lambda desk: desk.post("/v1/decisions/preview", changed(ALERT, ("data", "headline", "en"), f"{CANARY} again")),
    lambda desk: desk.get("/v1/decisions", agency=CANARY, event=NOBODYS),
    lambda desk: desk.get("/v1/decisions", agency=SHELTER.id, event=CANARY),
    lambda desk: desk.get("/v1/disclosures", event=CANARY),
    lambda desk: desk.get("/v1/disclosures", after=CANARY),
    lambda desk: desk.post("/v1/consents", {"subject": CANARY, "fields": [f"/data/{CANARY}"], "given_by": CANARY}),
    lambda desk: desk.post(f"/v1/consents/{NOBODYS}/withdrawal", {}),
    lambda desk: desk.get(f"/v1/consents/{CANARY}"),
]

ATTEMPTS: list[Callable[[Desk], TestResponse]] = [
    lambda desk: desk.post("/v1/events", changed(ALERT, ("data", "headline", "en"), f"{CANARY} again")),  # a conflict
    lambda desk: desk.post("/v1/events", ALERT | {"source": SHELTER.id}),
    lambda desk: desk.post("/v1/events", ALERT | {"id": "elsewhere", "jurisdictions": ["US-TX"]}),
    lambda desk: desk.post("/v1/events", wire.encode(ALERT)[:-1]),
    lambda desk: desk.post("/v1/events", f'{{"{CANARY}":'.encode()),
    lambda desk: desk.post("/v1/events", CANARY.encode(), {"Content-Type": "text/plain"}),
    lambda desk: desk.post("/v1/events", CANARY.encode() * 40_000),
    lambda desk: desk.post("/v1/events", ALERT, {"Idempotency-Key": CANARY * 100}),
    lambda desk: desk.post(f"/v1/events/{NOBODYS}/acks", {"state": CANARY, "note": bilingual(CANARY, CANARY)}),
    lambda desk: desk.post(f"/v1/events/{NOBODYS}/acks", {"state": "read", "note": CANARY}),
    lambda desk: desk.get(f"/v1/cases/{CANARY}"),
    lambda desk: desk.get(f"/v1/events/{CANARY}"),
    lambda desk: desk.get(f"/{CANARY}"),
    lambda desk: desk.get("/v1/feed", after=CANARY),
    lambda desk: desk.get("/v1/feed", status=CANARY),
    lambda desk: desk.get("/v1/rejections", after=CANARY),
    lambda desk: desk.get("/v1/me", {"Authorization": f"Bearer {CANARY}"}),
]
FORMS = [{"purpose": f"{CANARY} a"}, {"scope": CANARY}, {"resource": CANARY}, {"client_assertion": CANARY}]


def breaking(desk: Desk) -> TestResponse:
    """What nobody foresaw, in words that repeat the event."""
    desk.node.rows(
        """
        CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'broken' USING DETAIL = NEW.text, HINT = NEW.text; END $$;
        CREATE TRIGGER breaks BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION breaks()
        """
    )
    answer = desk.post("/v1/events", ALERT | {"id": "breaking"})
    desk.node.rows("DROP TRIGGER breaks ON event")
    assert answer.status_code == 500
    return answer


def over_kafka(done: Sung, working: Working) -> None:
    records: list[Any] = [event | {"id": f"kafka-{event['id']}"} for event in flawed()]
    records += [ALERT, changed(ALERT, ("data", "headline", "en"), CANARY), wire.encode(CASE)[:-1], CANARY.encode()]
    working.deal_with(POLICE, *records)
    ((count,),) = done.node.rows("SELECT count(*) FROM rejection WHERE agency = %s", POLICE.id)
    done.told = [record.value for record in working.told(POLICE, least=count)]


def test_the_canaries_sang(sung: Sung) -> None:
    """Otherwise the rest would prove nothing."""
    assert json.dumps(ALERT).count(CANARY) > 50
    assert len(sung.refused) > 100
    assert len(sung.told) > 100
    assert any("unforeseen" in line for line in sung.lines)
    ((texts,),) = sung.node.rows("SELECT string_agg(text, '') FROM event")
    assert CANARY in texts


def test_no_log_line_repeats_them(sung: Sung) -> None:
    assert [line for line in sung.lines if CANARY in line] == []


def test_no_metric_repeats_them(sung: Sung) -> None:
    metrics = generate_latest().decode()

    assert 'puente_requests_total{route="/v1/events",status="201"}' in metrics
    assert CANARY not in metrics
    assert sung.node.url not in metrics


def test_no_problem_repeats_them(sung: Sung) -> None:
    assert [answer.text for answer in sung.refused if CANARY in answer.text] == []
    assert [answer.headers for answer in sung.refused if CANARY in str(answer.headers)] == []


def test_what_is_told_of_an_event_before_and_after_does_not_repeat_them(sung: Sung) -> None:
    assert {answer.status_code for answer in sung.about} == {200, 201}
    assert len([answer for answer in sung.about if "/data/child/medical" in answer.text]) >= 5
    assert [answer.text for answer in sung.about if CANARY in answer.text] == []


def test_every_refusal_was_one(sung: Sung) -> None:
    assert {answer.status_code for answer in sung.refused} == {400, 401, 403, 404, 409, 413, 415, 422, 500}


TABLES = ["audit", "rejection", "lane", "subject_state", "pending", "log", "owed", "consent", "audit_leaf", "disclosed"]


@pytest.mark.parametrize("table", TABLES)
def test_no_table_but_that_of_events_repeats_them(sung: Sung, table: str) -> None:
    assert sung.node.rows(f"SELECT t::text FROM {table} t WHERE strpos(t::text, %s) > 0", CANARY) == []  # noqa: S608


def test_no_rejection_told_over_kafka_repeats_them(sung: Sung) -> None:
    assert [told for told in sung.told if CANARY.encode() in told] == []


def test_the_servers_own_logs_do_not_repeat_them(sung: Sung, databases: Databases, kafka: Broker) -> None:
    assert sung.lines
    assert CANARY not in databases.server.log.read_text()
    assert CANARY not in kafka.running.log.read_text()
