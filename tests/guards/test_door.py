"""The gateway's door: what answers without a token is on one list, and nothing else gets as far as the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from psycopg_pool import ConnectionPool
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from hub.clients import Grantor
from hub.cursor import Cursors
from hub.errors import HubError
from hub.keys import new_private_pem
from hub.ladders import Ladders
from hub.mail_links import MailLinks
from hub.picture import Picture
from hub.problems import PROBLEMS
from hub.rates import Rates
from hub.settings import RateSettings
from hub.signing import SigningKey
from hub.tokens import Issuer, TokenVerifier
from hub.web import create_app, management
from hub.web.auth import OPEN
from hub.web.hub import Hub
from hub.webhooks import Signer
from tests.support.cast import LIMITS, NOW

ISSUER = "https://us.puente.example"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
EXAMPLES = {"UUIDConverter": "019ec1f0-7c3a-7e55-8c1b-0242ac120002"}
FORM = "application/x-www-form-urlencoded"


def closed_pool() -> ConnectionPool[Any]:
    """A pool that was never opened: whoever asks it for a connection finds the database away."""
    return ConnectionPool("", connection_class=psycopg.Connection, open=False)


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """A gateway that knows its key and its rules, and has no database."""
    issuer = Issuer(ISSUER, SigningKey(new_private_pem()))
    hub = Hub(
        node="us",
        url="https://us.puente.example",
        stream_url="https://stream.us.puente.example",
        pool=closed_pool(),
        picture=Picture.unread(LIMITS),
        tokens=TokenVerifier(ISSUER, "us/api", {issuer.key.kid: issuer.key.public}, cache=10),
        grantor=Grantor(issuer, {"us/api": 300, "us/kafka": 1800}),
        cursors=Cursors(bytes(64)),
        rates=Rates(RateSettings(tokens_per_s=1e5), 1),
        signer=Signer(bytes(32)),
        webhook_networks=(),
        ladders=Ladders(),
        mail=MailLinks(bytes(range(64)), "https://us.puente.example"),
        now=lambda: NOW,
    )
    return create_app(hub).test_client()


def url(rule: Rule) -> str:
    """An address that the rule matches."""
    values = {name: EXAMPLES.get(type(part).__name__, "x") for name, part in rule._converters.items()}
    return rule.build(values, append_unknown=False)[1]  # type: ignore[index]


def rules(client: FlaskClient) -> Iterator[Rule]:
    yield from client.application.url_map.iter_rules()


def test_what_answers_without_a_token_is_on_the_list_and_nothing_else(client: FlaskClient) -> None:
    asked = product(rules(client), METHODS)

    answering = {rule.endpoint for rule, method in asked if client.open(url(rule), method=method).status_code != 401}

    assert answering == OPEN


@pytest.mark.parametrize(
    "credentials", ["", "Bearer", "Bearer ", "Bearer x", "Basic dXM6dXM=", "DPoP x", "x", "Bearer  "]
)
def test_no_half_credentials_open_anything(client: FlaskClient, credentials: str) -> None:
    closed = [rule for rule in rules(client) if rule.endpoint not in OPEN]

    found = {client.get(url(rule), headers={"Authorization": credentials}).status_code for rule in closed}

    assert found == {401}


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/feed", "/health/live", "/metrics", "/admin", "/.env"])
def test_what_is_not_there_looks_like_what_is_closed(client: FlaskClient, path: str) -> None:
    assert client.get(path).data == client.get("/v1/me").data


@pytest.mark.parametrize(
    "path", ["/docs/../v1/me", "/docs/..%2f..%2fhub/main.py", "/docs//etc/passwd", "/schemas/..%2fx"]
)
def test_the_open_pages_serve_their_own_files_only(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code in (401, 404)


def test_every_list_entry_is_an_endpoint(client: FlaskClient) -> None:
    assert {rule.endpoint for rule in rules(client)} > OPEN


def test_management_serves_health_and_metrics_and_nothing_of_an_agency(tmp_path: Path) -> None:
    app = management.create_management_app(closed_pool(), str(tmp_path))

    assert {rule.rule for rule in app.url_map.iter_rules()} == {"/health/live", "/health/ready", "/metrics"}
    assert app.test_client().get("/health/live").status_code == 200
    assert app.test_client().get("/health/ready").status_code == 503


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("", "invalid_request"),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=client_credentials&client_secret=x", "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        (f"grant_type={'x' * 20_001}", "invalid_request"),
    ],
)
def test_a_form_that_asks_for_nothing_known_costs_no_connection(client: FlaskClient, form: str, error: str) -> None:
    answer = client.post("/oauth/token", data=form, content_type=FORM)

    assert (answer.status_code, answer.get_json()["error"]) == (400, error)


def test_without_the_database_nobody_gets_a_token(client: FlaskClient) -> None:
    form = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c"

    answer = client.post("/oauth/token", data=form, content_type=FORM)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(
    "ask", [lambda client: client.get("/v1/me"), lambda client: client.get("/nowhere")], ids=["closed", "not there"]
)
def test_a_refused_request_is_counted_and_timed_like_any_other(
    client: FlaskClient, ask: Callable[[FlaskClient], TestResponse]
) -> None:
    before = timed()

    ask(client)

    assert timed() == before + 1


def timed() -> float:
    """Requests in the histogram of durations, of all routes."""
    found = [sample.value for metric in REGISTRY.collect() for sample in metric.samples if sample.name == COUNT]
    return sum(found)


COUNT = "puente_request_seconds_count"


def leaves(error: type[HubError]) -> Iterator[type[HubError]]:
    """Every error that is raised as itself."""
    below = error.__subclasses__()
    for each in below:
        yield from leaves(each)
    if not below:
        yield error


def test_every_error_has_a_status_and_a_title_and_no_status_lacks_its_error() -> None:
    assert set(PROBLEMS) == set(leaves(HubError))


def test_every_title_is_told_in_both_languages() -> None:
    assert [title for _, title in PROBLEMS.values() if title.es in ("", str(title))] == []
