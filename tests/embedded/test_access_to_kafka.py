"""Who the real broker lets in, and what each may do there: the token says who, the broker's rules say what."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator

import pytest
from joserfc.jwk import ECKey, OctKey
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError

from hub.workers.topics import rejected_topic, shared_topics
from schemas import wire
from tests.support.kafka_clients import REFUSED_MS, producer, project, read, write
from tests.support.services import Broker, Issuer, new_issuer
from tests.support.waiting import until

PREFIX = "access."
SDPD, LAPD, FGE = "us-ca-sdpd", "us-ca-lapd", "mx-bcn-fge"
OWN_TOPIC = wire.in_topic(SDPD, PREFIX)


@pytest.fixture(scope="module", autouse=True)
def admin(kafka: Broker) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(**kafka.login_as("us-node")) as client:
        project(client, SDPD, LAPD, FGE, prefix=PREFIX)
        yield client


def test_an_agency_writes_to_its_own_topic(kafka: Broker) -> None:
    write(kafka.login_as(SDPD), OWN_TOPIC)

    assert read(kafka.login_as("us-node"), OWN_TOPIC)


@pytest.mark.parametrize("topic", [wire.in_topic(LAPD, PREFIX), rejected_topic(SDPD, PREFIX), *shared_topics(PREFIX)])
def test_an_agency_writes_to_no_other_topic(kafka: Broker, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        write(kafka.login_as(SDPD), topic)


@pytest.mark.parametrize("topic", [OWN_TOPIC, rejected_topic(LAPD, PREFIX), *shared_topics(PREFIX)])
def test_an_agency_reads_no_topic_but_its_rejections(kafka: Broker, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        read(kafka.login_as(SDPD), topic, group=f"{PREFIX}{SDPD}.reader")


def test_an_agency_reads_its_rejections(kafka: Broker) -> None:
    write(kafka.login_as("us-node"), rejected_topic(SDPD, PREFIX), b"why")

    records = read(kafka.login_as(SDPD), rejected_topic(SDPD, PREFIX), group=f"{PREFIX}{SDPD}.reader")

    assert [record.value for record in records] == [b"why"]


def test_a_topic_that_does_not_exist_is_not_made_by_writing_to_it(kafka: Broker) -> None:
    with pytest.raises(KafkaError):
        write(kafka.login_as("us-node"), f"{PREFIX}unknown", max_block_ms=500)


def _unsigned(token: str) -> str:
    _, body, _ = token.split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    return f"{header}.{body}.AA"


def _defective_tokens(us: Issuer, mx: Issuer) -> dict[str, str]:
    guessed = OctKey.import_key(base64.urlsafe_b64encode(us.jwks().encode()))
    return {
        "made for the API": us.token(SDPD, aud="us/api"),
        "made for nobody in particular": us.token(SDPD, aud=None),
        "naming another issuer": us.token(SDPD, iss=mx.name),
        "of the other node": mx.token(SDPD),
        "of the other node, for this one": mx.token(SDPD, aud=us.audience),
        "of the other node, in this one's name": mx.token(SDPD, aud=us.audience, iss=us.name),
        "expired": us.token(SDPD, lifetime_s=-60),
        "without an end": us.token(SDPD, exp=None),
        "naming no agency": us.token(SDPD, agency=None),
        "signed with a key nobody knows": us.token(SDPD, key=ECKey.generate_key("P-256")),
        "keyed with what everybody knows": us.token(SDPD, key=guessed, alg="HS256"),
        "unsigned": _unsigned(us.token(SDPD)),
        "not a token": "x" * 100,
    }


@pytest.mark.parametrize("defect", _defective_tokens(new_issuer("us"), new_issuer("mx")))
def test_a_token_is_refused_that_is(kafka: Broker, defect: str) -> None:
    token = _defective_tokens(kafka.issuers["us"], kafka.issuers["mx"])[defect]
    logged = kafka.running.log.stat().st_size

    def is_refused_for_that() -> bool:
        # kafka-python tries again until its time is up; why it was refused stands in the broker's log.
        with pytest.raises(KafkaTimeoutError):
            write(kafka.login("us", lambda: token), OWN_TOPIC, bootstrap_timeout_ms=REFUSED_MS)
        return b"WARN OAuthBearerValidatorCallbackHandler" in kafka.running.log.read_bytes()[logged:]

    until(is_refused_for_that, within_s=30, what="the refusal in the broker's log")


def test_a_client_without_a_token_is_refused(kafka: Broker) -> None:
    with pytest.raises(KafkaTimeoutError):
        write({"bootstrap_servers": kafka.bootstrap("us")}, OWN_TOPIC, bootstrap_timeout_ms=REFUSED_MS)


def test_a_connection_does_not_outlive_its_token(kafka: Broker) -> None:
    us = kafka.issuers["us"]
    ends = time.monotonic() + 2
    login = kafka.login("us", lambda: us.token(SDPD, lifetime_s=2 if time.monotonic() < ends else -60))

    with producer(login, delivery_timeout_ms=900, request_timeout_ms=800, max_block_ms=900) as opened:
        opened.send(OWN_TOPIC, b"in time").get(timeout=5)
        time.sleep(max(0.0, ends - time.monotonic()) + 2)

        with pytest.raises(KafkaError):
            opened.send(OWN_TOPIC, b"too late").get(timeout=5)


def test_every_connection_shows_a_fresh_token_within_five_minutes(admin: KafkaAdminClient) -> None:
    asked = ConfigResource(ConfigResourceType.BROKER, "1", {"connections.max.reauth.ms": None})

    settings = admin.describe_configs([asked], config_filter="all")

    assert settings["broker"]["1"]["connections.max.reauth.ms"]["value"] == "300000"
