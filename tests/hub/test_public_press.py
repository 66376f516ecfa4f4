"""The press of a node: its own key on disk, or the operator's."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hub.cap import seal
from hub.cap.message import instant
from hub.public_press import press_of
from hub.public_settings import PublicSettings
from hub.settings import NodeSettings, Settings, SettingsError
from tests.support.public import own_seal

GATEWAY = "http://127.0.0.1:8443"


def told(folder: Path, **public: str) -> Settings:
    """A node whose state is in a folder, with a public."""
    named = {"agency": "us-public", "sender": "alerts@us.example"} | public
    return Settings(node=NodeSettings(state_dir=str(folder)), public=PublicSettings(**named), base=folder)


def test_without_an_agency_nothing_is_public(tmp_path: Path) -> None:
    assert press_of(told(tmp_path, agency=""), GATEWAY) is None
    assert not any(tmp_path.iterdir())


def test_a_node_makes_its_key_once_and_shows_receivers_the_certificate(tmp_path: Path) -> None:
    press_of(told(tmp_path), GATEWAY)
    first = (tmp_path / "us" / "public.pem").read_bytes()
    press_of(told(tmp_path), GATEWAY)

    assert (tmp_path / "us" / "public.pem").read_bytes() == first
    shown = x509.load_pem_x509_certificate((tmp_path / "us" / "public-certificate.pem").read_bytes())
    assert shown == seal.read(first, first).certificate
    assert shown.not_valid_before_utc < instant("2026-05-04T13:30:00-07:00") < shown.not_valid_after_utc


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    press_of(told(tmp_path), GATEWAY)

    assert (tmp_path / "us" / "public.pem").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("url", "begin"), [("", GATEWAY), ("https://alerts.example", "https://alerts.example")])
def test_links_begin_where_the_settings_say(tmp_path: Path, url: str, begin: str) -> None:
    press = press_of(told(tmp_path, url=url), GATEWAY)

    assert press is not None
    assert press.imprint.url == begin


@pytest.mark.parametrize("content", [None, b"no key"])
def test_a_key_that_cannot_be_used_is_named_before_anything_starts(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "chain.pem").write_bytes(own_seal().certificate.public_bytes(Encoding.PEM))
    if content is not None:
        (tmp_path / "key.pem").write_bytes(content)

    with pytest.raises(SettingsError, match="public.key_file"):
        press_of(told(tmp_path, key_file="key.pem", certificate_file="chain.pem"), GATEWAY)
