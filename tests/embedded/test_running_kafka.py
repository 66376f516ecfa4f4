"""Starting the broker, on new data and on old, and what keeps it from starting."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from hub.embedded.errors import FolderInUse, PortInUse
from hub.embedded.kafka import HOST
from hub.embedded.process import claim
from schemas import wire
from tests.support.kafka_clients import project, read, write
from tests.support.services import Broker, new_issuer, start_broker, state_folder

pytestmark = pytest.mark.kafka

SDPD = "us-ca-sdpd"
TOPIC = wire.in_topic(SDPD)


@pytest.fixture
def folder() -> Iterator[Path]:
    with state_folder() as path:
        yield path


@pytest.fixture(autouse=True)
def nothing_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert not any(shutil.which(program) for program in ("java", "kafka-storage.sh", "node"))


def test_a_broker_that_was_killed_starts_again_with_what_it_had(folder: Path) -> None:
    issuers = {"us": new_issuer("us")}
    first = start_broker(folder, issuers)
    with KafkaAdminClient(**first.login_as("us-node")) as admin:
        project(admin, SDPD, prefix="")
    write(first.login_as(SDPD), TOPIC, b"before")
    first.running.child.kill()
    first.running.child.wait()

    again = start_broker(folder, issuers, ports=first.running.ports)

    assert again.bootstrap("us") == first.bootstrap("us")
    assert [record.value for record in read(again.login_as("us-node"), TOPIC)] == [b"before"]
    again.running.stop()
    assert again.running.child.returncode is not None


def test_a_port_in_use_is_an_error_that_names_it(folder: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortInUse) as caught:
            start_broker(folder, {"us": new_issuer("us")}, ports={"us": port})

    assert str(port) in caught.value.text
    assert str(port) in caught.value.text.es


def test_two_brokers_cannot_share_their_data(folder: Path) -> None:
    claim(folder)

    with pytest.raises(FolderInUse, match=str(folder)):
        claim(folder, wait_s=0.1)


def test_the_password_between_the_broker_and_itself_is_for_nobody_else(kafka: Broker) -> None:
    settings = kafka.running.log.with_name("server.properties")

    assert settings.stat().st_mode & 0o077 == 0
    assert settings.parent.stat().st_mode & 0o077 == 0
