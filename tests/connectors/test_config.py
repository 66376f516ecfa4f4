"""The parts of a connector's file that every kind shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import config as configs
from connectors.addresses import on_loopback
from connectors.config import Config, ConfigError

FILE = """
[connector]
name = "cases"
kind = "table"
agency = "us-ca-sdpd"
jurisdictions = ["US-CA:06073"]
state_dir = "state"
[source]
path = "cases.csv"
[table]
type = "case.trafficking"
key = ["Case"]
columns = {}
[kafka]
bootstrap = ["127.0.0.1:9092"]
security = "sasl_plaintext"
[oauth]
token_endpoint = "http://127.0.0.1:8443/oauth/token"
issuer = "https://us.example"
client_id = "us-ca-sdpd"
key_file = "agency.pem"
audience = "us/kafka"
"""


def load(folder: Path, *overrides: str, text: str = FILE) -> Config:
    """Write and read a file."""
    (folder / "c.toml").write_text(text)
    return configs.load(folder / "c.toml", overrides)


def codes(folder: Path, *overrides: str, text: str = FILE) -> dict[str, str]:
    """Path -> code of everything wrong with a file."""
    with pytest.raises(ConfigError) as refused:
        load(folder, *overrides, text=text)
    return {flaw.path: flaw.code for flaw in refused.value.flaws}


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    config = load(tmp_path)

    assert config.state_dir == tmp_path / "state"
    assert config.oauth is not None
    assert config.oauth.key_file == tmp_path / "agency.pem"
    assert config.at("cases.csv") == tmp_path / "cases.csv"


def test_values_can_be_replaced_without_touching_the_file(tmp_path: Path) -> None:
    config = load(
        tmp_path, 'kafka.bootstrap=["127.0.0.1:1", "localhost:2"]', "connector.poll_s=0.5", "kafka.topic_prefix=d."
    )

    assert config.kafka is not None
    assert config.kafka.bootstrap == ("127.0.0.1:1", "localhost:2")
    assert (config.poll_s, config.kafka.topic_prefix) == (0.5, "d.")


@pytest.mark.parametrize(
    ("path", "code", "override"),
    [
        ("/connector/agency", "wrong-form", "connector.agency=SDPD"),
        ("/connector/kind", "unknown-code", "connector.kind=fax"),
        ("/connector/jurisdictions/0", "unknown-jurisdiction", 'connector.jurisdictions=["06073"]'),
        ("/connector/poll_s", "wrong-number", "connector.poll_s=0"),
        ("/kafka/bootstrap/0", "not-host-port", 'kafka.bootstrap=["broker"]'),
        ("/kafka/security", "not-tls", 'kafka.bootstrap=["broker.example:9092"]'),
        ("/kafka/acks", "unknown-member", "kafka.acks=0"),
        ("/oauth/token_endpoint", "not-tls", "oauth.token_endpoint=http://hub.example/token"),
        ("/oauth/token_endpoint", "not-a-url", "oauth.token_endpoint=https://user:secret@hub.example"),
        ("/surprise", "unknown-member", "surprise.x=1"),
        ("--set", "bad-override", "nothing"),
    ],
)
def test_each_mistake_is_named_by_its_place(tmp_path: Path, path: str, code: str, override: str) -> None:
    assert codes(tmp_path, override)[path] == code


def test_mistakes_of_all_sections_are_told_together(tmp_path: Path) -> None:
    found = codes(tmp_path, "connector.agency=SDPD", "kafka.bootstrap=[]", "oauth.issuer=1", "table.key=[]")

    assert {"/connector/agency", "/kafka/bootstrap", "/oauth/issuer", "/table/key"} <= set(found)


@pytest.mark.parametrize(("code", "text"), [("not-toml", "= 1"), ("too-large", "#" * 1_000_001)])
def test_a_file_that_is_not_a_configuration_is_refused(tmp_path: Path, code: str, text: str) -> None:
    assert set(codes(tmp_path, text=text).values()) == {code}


def test_publishing_needs_a_broker_and_an_identity_and_checking_does_not(tmp_path: Path) -> None:
    config = load(tmp_path, text=FILE.partition("[kafka]")[0])
    with pytest.raises(ConfigError) as refused:
        configs.publishing(config)

    assert [flaw.path for flaw in refused.value.flaws] == ["/kafka", "/oauth"]


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("me", False)],  # noqa: S104
)
def test_only_addresses_that_cannot_leave_the_machine_are_loopback(host: str, local: bool) -> None:
    assert on_loopback(host) is local


def test_every_complaint_is_in_both_languages(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, "connector.agency=SDPD", "kafka.bootstrap=[]", "table.columns={ X = '/data/x' }")

    assert all(flaw.text.es and flaw.text.es != str(flaw.text) for flaw in refused.value.flaws)
