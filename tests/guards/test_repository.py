"""What is under version control names no machine, no registry and no secret, and works wherever it is cloned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guards.source import ROOT, tracked

REGISTRIES = re.compile(
    rb"pypi\.org|pythonhosted|repo1?\.maven|maven-central|registry\.npmjs|/simple/|artifactory|nexus\."
    rb"|(?<!emit-)index-url|trusted-host",
    re.IGNORECASE,
)
MACHINE = re.compile(rb"(?<![\w.$}>-])/(?:work|root|home|Users|mnt|opt)/[a-z]", re.ASCII)
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:EC |RSA |ENCRYPTED )?PRIVATE KEY-----")
UNMERGED = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)
MOST_BYTES = 2_000_000
CLIENTS = "tests/proof/clients/requirements.lock"


def holding(pattern: re.Pattern[bytes]) -> list[str]:
    """Tracked files other than this one, by name, in which the pattern occurs."""
    others = (path for path in tracked() if path != Path(__file__))
    return [name(path) for path in others if pattern.search(path.read_bytes())]


def name(path: Path) -> str:
    """As messages show it."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (REGISTRIES, "https://pypi.org/simple"),
        (REGISTRIES, "--index-url=https://example"),
        (REGISTRIES, "https://repo.maven.apache.org/maven2"),
        (MACHINE, 'path = "/home/somebody/puente"'),
        (MACHINE, "see " + "/wo" + "rk/puente"),
        (PRIVATE_KEY, "-----BEGIN PRIVATE KEY-----"),
        (UNMERGED, "a\n<<<<<<< HEAD\nb\n"),
    ],
)
def test_the_guard_knows_one_when_it_sees_one(pattern: re.Pattern[bytes], text: str) -> None:
    assert pattern.search(text.encode())


def test_no_file_names_a_registry() -> None:
    assert holding(REGISTRIES) == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert holding(MACHINE) == []


def test_no_private_key_is_under_version_control() -> None:
    assert holding(PRIVATE_KEY) == []


def test_no_file_holds_two_versions_of_itself() -> None:
    assert holding(UNMERGED) == []


def test_nothing_that_is_made_is_under_version_control() -> None:
    made = (".venv/", ".puente/", "__pycache__", ".pytest_cache", ".hypothesis", "uv.lock", ".env")

    assert [name(path) for path in tracked() if any(part in name(path) for part in made)] == []
    assert [name(path) for path in tracked() if path.stat().st_size > MOST_BYTES] == []


def test_every_lock_is_pinned_by_hash() -> None:
    for lock, least in (("requirements.lock", 30), ("requirements-dev.lock", 30), (CLIENTS, 5)):
        pins = re.findall(r"^\S+==\S+.*(?:\n    --hash=.*)*", (ROOT / lock).read_text("utf-8"), re.MULTILINE)

        assert len(pins) > least
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
