"""Apache Kafka's jars: exactly the pinned ones, all of one release, whatever lies in the cache."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from hub.embedded.errors import NotInstalled
from hub.embedded.install import CACHE, LOCK, SPEC, kafka_jars


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A filled cache of this test's own."""
    kafka_jars()
    shutil.copytree(CACHE, tmp_path / "maven")
    return tmp_path / "maven"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_every_jar_is_pinned_by_its_hash_and_no_host_is_named() -> None:
    pins = tomllib.loads(LOCK.read_text())["dependencies"]

    assert all(len(pin["sha256"]) == 64 for pin in pins)
    assert "://" not in LOCK.read_text() + SPEC.read_text()


def test_all_parts_of_kafka_are_of_the_release_that_was_asked_for() -> None:
    pins = tomllib.loads(LOCK.read_text())["dependencies"]

    versions = {pin["version"] for pin in pins if pin["groupId"] == "org.apache.kafka"}

    assert f"org.apache.kafka:kafka_2.13:{versions.pop()}" in SPEC.read_text()
    assert not versions


@pytest.mark.usefixtures("no_network")
def test_what_is_there_needs_no_network(cache: Path) -> None:
    jars = kafka_jars(cache)

    assert all(jar.is_relative_to(cache) and jar.is_file() for jar in jars)


@pytest.mark.usefixtures("no_network")
def test_a_jar_that_is_not_the_pinned_one_is_never_used(cache: Path) -> None:
    jar = kafka_jars(cache)[0]
    jar.write_bytes(b"something else")

    with pytest.raises(NotInstalled, match=jar.name) as caught:
        kafka_jars(cache)

    assert jar.name in caught.value.text.es
    assert not jar.exists()
