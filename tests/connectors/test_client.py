"""The agency's side of the gateway, against a real HTTP server."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from connectors import profile as profiles
from connectors.ack_cli import ack
from connectors.agency_cli import publish, tail, token
from connectors.client import Gateway, Refused, Unavailable
from connectors.config import ConfigError
from connectors.event_cli import note, recall, relabel
from connectors.tokens import NoToken, TokenSource
from tests.connectors.endpoints import Answer, Asked, Endpoint, endpoint, granted, identity, profile, write_key

EVENT_ID = "019ec1f0-7c3a-7e55-8c1b-0242ac120002"
ENTRY = {
    "id": EVENT_ID,
    "projection": "partner",
    "grant": "g1",
    "event": {
        "type": "alert.missing_child.issued",
        "source": "us-ca-sdpd",
        "subject": "s1",
        "time": "2026-05-04T13:30:00-07:00",
        "jurisdictions": ["US-CA:06073"],
        "data": {"headline": {"en": "Missing\x1b[31m child", "es": "Menor desaparecida"}},
    },
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Endpoint]:
    write_key(tmp_path)
    with endpoint() as served:
        yield served


def answering(server: Endpoint, *answers: Answer) -> None:
    """Tokens are given; other requests get ``answers`` one after the other, the last one for ever."""
    left = list(answers)

    def answer(asked: Asked) -> Answer:
        if asked.path == "/oauth/token":
            return granted()
        return left.pop(0) if len(left) > 1 else left[0]

    server.answer = answer


def cli(tmp_path: Path, server: Endpoint, command: object, *arguments: str, given: str = "") -> Result:
    """Run a command as the agency."""
    file = tmp_path / "profile.toml"
    file.write_text(
        f'gateway = "{server.url}"\nagency = "us-ca-sdpd"\nclient_id = "us-ca-sdpd"\n'
        'key_file = "agency.pem"\nissuer = "https://us.issuer.example"\n'
    )
    return CliRunner(env={"PUENTE_PROFILE": str(file)}).invoke(command, arguments, input=given)  # type: ignore[arg-type]


def test_publishing_says_whether_the_event_was_known(tmp_path: Path, server: Endpoint) -> None:
    answering(server, (201, {"id": EVENT_ID}), (200, {"id": EVENT_ID}))
    with Gateway(profile(tmp_path, server.url), language="es") as gateway:
        first, second = gateway.publish(b"{}"), gateway.publish(b"{}")

    assert (first.already, second.already) == (False, True)
    sent = server.to("/v1/events")[0]
    assert sent.headers["authorization"] == "Bearer a-token"
    assert sent.headers["accept-language"] == "es"
    assert sent.body == b"{}"


def test_a_refusal_carries_every_flaw(tmp_path: Path, server: Endpoint) -> None:
    flaws = [{"path": "/id", "code": "required", "detail": "..."}]
    answering(server, (422, {"title": "Not valid", "errors": flaws}))
    with Gateway(profile(tmp_path, server.url)) as gateway, pytest.raises(Refused) as refused:
        gateway.publish(b"{}")

    assert refused.value.status == 422
    assert list(refused.value.errors) == flaws


def test_later_means_later(tmp_path: Path, server: Endpoint) -> None:
    answering(server, (429, {}, {"Retry-After": "0"}), (503, {}, {"Retry-After": "0"}), (201, {"id": EVENT_ID}))
    with Gateway(profile(tmp_path, server.url)) as gateway:
        assert gateway.publish(b"{}").id == EVENT_ID

    answering(server, (429, {}, {"Retry-After": "3600"}))
    with Gateway(profile(tmp_path, server.url)) as gateway, pytest.raises(Unavailable):
        gateway.publish(b"{}")


def test_a_token_that_is_no_longer_accepted_is_replaced_once(tmp_path: Path, server: Endpoint) -> None:
    answering(server, (401, {}), (201, {"id": EVENT_ID}))
    with Gateway(profile(tmp_path, server.url)) as gateway:
        gateway.publish(b"{}")
    assert len(server.to("/oauth/token")) == 2

    answering(server, (401, {"title": "No"}))
    with Gateway(profile(tmp_path, server.url)) as gateway, pytest.raises(Refused):
        gateway.publish(b"{}")


@pytest.mark.parametrize("trusted", [True, False])
def test_a_gateway_is_known_by_its_certificate(tmp_path: Path, trusted: bool) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    write_key(tmp_path)
    with endpoint(context) as server:
        server.answer = lambda _: granted()
        source = TokenSource(replace(identity(tmp_path, server.url), ca_file=tmp_path / "ca.pem"))
        if trusted:
            assert source.token().value == "a-token"
        else:
            with pytest.raises(NoToken, match="ConnectError"):
                source.token()
        source.close()


def test_off_this_machine_a_gateway_must_be_encrypted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="https"):
        _written(tmp_path, 'gateway = "http://gateway.example"')


def _written(tmp_path: Path, lines: str) -> profiles.Profile:
    rest = '\nagency = "mx-bcn-fge"\nclient_id = "c"\nkey_file = "k.pem"\nissuer = "i"\n'
    file = tmp_path / "p.toml"
    file.write_text(lines + rest)
    return profiles.load(file)


def test_a_profile_fills_in_what_follows_from_the_rest(tmp_path: Path) -> None:
    found = _written(tmp_path, 'gateway = "https://gateway.example/"')

    assert found.identity.token_endpoint == "https://gateway.example/oauth/token"
    assert found.identity.audience == "mx/api"
    assert found.kafka_identity().audience == "mx/kafka"


def test_token_prints_nothing_but_the_token(tmp_path: Path, server: Endpoint) -> None:
    answering(server, (404, {}))
    result = cli(tmp_path, server, token, "--kafka", "--scope", "events:publish")

    assert (result.exit_code, result.stdout) == (0, "a-token\n")
    assert server.asked[0].form["resource"] == "us/kafka"


def test_publish_sends_each_file_and_each_line_and_tells_them_apart(tmp_path: Path, server: Endpoint) -> None:
    answering(server, (201, {"id": EVENT_ID}), (422, {"title": "No", "errors": [{"path": "/id", "code": "x"}]}))
    (tmp_path / "one.json").write_text("{}")
    result = cli(tmp_path, server, publish, str(tmp_path / "one.json"), "-", given='{"a":1}\n\n{"b":2}\n')

    assert result.exit_code == 1
    assert [asked.body for asked in server.to("/v1/events")] == [b"{}", b'{"a":1}\n', b'{"b":2}\n']
    assert "-:3: " in result.stderr
    assert "/id [x]" in result.stderr


def test_ack_sends_the_state_and_a_decline_needs_its_reason(tmp_path: Path, server: Endpoint) -> None:
    answering(server, (201, {}))
    assert cli(tmp_path, server, ack, EVENT_ID, "acknowledged").exit_code == 0
    assert cli(tmp_path, server, ack, EVENT_ID, "declined").exit_code == 2
    assert cli(tmp_path, server, ack, EVENT_ID, "declined", "--reason", "not-ours").exit_code == 0

    bodies = [asked.body for asked in server.to(f"/v1/events/{EVENT_ID}/acks")]
    assert bodies == [b'{"state":"acknowledged"}', b'{"state":"declined","reason":"not-ours"}']


def test_note_sends_what_was_said_and_a_sighting_needs_when_and_where(tmp_path: Path, server: Endpoint) -> None:
    answering(server, (201, {"id": "n1"}))
    when = ("--seen-at", "2026-05-04T15:10:00-07:00", "--place", "MX-BCN:02004", "--where-es", "Central")

    told = cli(tmp_path, server, note, EVENT_ID, "sighting", "--text-es", "Vista", *when)

    assert (told.exit_code, "n1" in told.stdout) == (0, True)
    assert cli(tmp_path, server, note, EVENT_ID, "sighting", "--text-es", "Vista").exit_code == 2
    assert cli(tmp_path, server, note, EVENT_ID, "question").exit_code == 2
    assert [json.loads(asked.body) for asked in server.to(f"/v1/events/{EVENT_ID}/notes")] == [
        {
            "kind": "sighting",
            "text": {"es": "Vista"},
            "seen_at": "2026-05-04T15:10:00-07:00",
            "place": {"jurisdiction": "MX-BCN:02004", "description": {"es": "Central"}},
        }
    ]


def test_recall_and_relabel_send_why_and_the_label_of_the_file(tmp_path: Path, server: Endpoint) -> None:
    answering(server, (201, {"id": "c1"}), (200, {"id": "c2"}))
    (tmp_path / "label.json").write_text('{"tlp":"red"}')
    (tmp_path / "list.json").write_text("[]")

    recalled = cli(tmp_path, server, recall, EVENT_ID, "--reason", "error", "--note-en", "Wrong photo")
    relabelled = cli(tmp_path, server, relabel, EVENT_ID, "--label", str(tmp_path / "label.json"))

    assert (recalled.exit_code, relabelled.exit_code) == (0, 0)
    assert cli(tmp_path, server, recall, EVENT_ID).exit_code == 2
    assert cli(tmp_path, server, relabel, EVENT_ID, "--label", str(tmp_path / "list.json")).exit_code == 2
    asked = [*server.to(f"/v1/events/{EVENT_ID}/recall"), *server.to(f"/v1/events/{EVENT_ID}/label")]
    assert [json.loads(one.body) for one in asked] == [
        {"reason": "error", "note": {"en": "Wrong photo"}},
        {"reason": "other", "label": {"tlp": "red"}},
    ]


def test_tail_follows_the_pages_and_hands_back_the_cursor(tmp_path: Path, server: Endpoint) -> None:
    pages = ({"events": [ENTRY], "next": "c1", "more": True}, {"events": [ENTRY], "next": "c2", "more": False})
    answering(server, *((200, page) for page in pages))
    result = cli(tmp_path, server, tail, "--once", "--after", "c0")

    assert [asked.query["after"] for asked in server.to("/v1/feed")] == ["c0", "c1"]
    assert result.stdout.count("alert.missing_child.issued") == 2
    assert "\x1b" not in result.stdout  # what a stranger wrote does not drive the terminal
    assert "--after c2" in result.stderr


def test_tail_as_json_prints_entries_whole(tmp_path: Path, server: Endpoint) -> None:
    answering(server, (200, {"events": [ENTRY], "next": "c1", "more": False}))
    result = cli(tmp_path, server, tail, "--once", "--json")

    assert '"grant": "g1"' in result.stdout


@pytest.mark.parametrize(
    ("status", "answer"),
    [(4, (503, {}, {"Retry-After": "60"})), (1, (403, {"title": "No"})), (4, (200, b"<html>"))],
)
def test_failures_have_their_exit_statuses(tmp_path: Path, server: Endpoint, status: int, answer: Answer) -> None:
    answering(server, answer)

    assert cli(tmp_path, server, tail, "--once").exit_code == status
