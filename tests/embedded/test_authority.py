"""The throw-away authority vouches for one server, to whoever trusts it and to nobody else."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.embedded.authority import Vouched, vouch_for

HOST = "127.0.0.1"


@pytest.fixture
def vouched(tmp_path: Path) -> Vouched:
    return vouch_for(HOST, tmp_path / "us", datetime.now(UTC))


@contextmanager
def served(vouched: Vouched) -> Iterator[int]:
    """A server that shakes one hand; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(vouched.certificate, vouched.key)
    with socket.create_server((HOST, 0)) as listening:

        def shake() -> None:
            with suppress(OSError), listening.accept()[0] as raw, context.wrap_socket(raw, server_side=True) as safe:
                safe.recv(1)

        thread = threading.Thread(target=shake)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(60)


def connect(authority: Path, port: int, name: str = HOST) -> str | None:
    """The version of TLS that is agreed on."""
    trust = ssl.create_default_context(cafile=str(authority))
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((HOST, port), timeout=10) as raw,
        trust.wrap_socket(raw, server_hostname=name) as safe,
    ):
        return safe.version()


def test_who_trusts_it_reaches_the_server(vouched: Vouched) -> None:
    with served(vouched) as port:
        assert connect(vouched.authority, port) == "TLSv1.3"


def test_who_trusts_another_one_does_not(vouched: Vouched, tmp_path: Path) -> None:
    other = vouch_for(HOST, tmp_path / "mx", datetime.now(UTC))

    with served(vouched) as port, pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        connect(other.authority, port)


def test_it_vouches_for_no_other_address(vouched: Vouched) -> None:
    with served(vouched) as port, pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        connect(vouched.authority, port, "127.0.0.2")


def test_the_servers_key_is_its_owners_alone_and_the_authoritys_is_kept_nowhere(vouched: Vouched) -> None:
    assert stat.S_IMODE(vouched.key.stat().st_mode) == 0o600
    assert sorted(file.name for file in vouched.key.parent.iterdir()) == ["authority.pem", "certificate.pem", "key.pem"]
