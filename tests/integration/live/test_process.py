"""The process as the fleet runs it: how it starts, with TLS or without, and how soon it ends."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme
from httpx_sse import connect_sse

from hub import keys, main
from hub.launch import free_port
from hub.tokens import Issuer
from tests.support.cast import LIMITS_FILE, POLICE, SHELTER
from tests.support.node import Node, missing_child
from tests.support.waiting import until

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[3]
ENDS_S = 30


class Process:
    """`puente stream` on the database of `node`, with keys of its own."""

    def __init__(self, node: Node, folder: Path, port: int, *, tls: bool) -> None:
        self.node = node
        self.folder = folder
        self.url = f"{'https' if tls else 'http'}://{HOST}:{port}"
        self.log = folder / "stream.log"

    def token(self) -> str:
        """Of the shelter, as the gateway would have issued it."""
        issuer = Issuer("https://us.puente.invalid", keys.issuer_key(self.folder / "us"))
        (epoch,) = self.node.rows("SELECT epoch FROM agency WHERE id = %s", SHELTER.id)[0]
        claims = {
            "client_id": SHELTER.id,
            "agency": SHELTER.id,
            "jurisdictions": ["US", "MX"],
            "scope": "events:read",
            "epoch": epoch,
        }
        return issuer.issue(claims, audience="us/api", ttl_s=300, at=main.now())


@contextmanager
def running(node: Node, folder: Path, **settings: str) -> Iterator[tuple[Process, subprocess.Popen[bytes]]]:
    port = free_port(HOST, 0)
    config = folder / "hub.toml"
    config.write_text(f'[node]\nstate_dir = "{folder}"\nlimits_file = "{LIMITS_FILE}"\n')
    told = Process(node, folder, port, tls="CERTIFICATE_FILE" in settings)
    environment = {
        **os.environ,
        "PUENTE_CONFIG": str(config),
        "PUENTE_DATABASE_URL": node.url,
        "PUENTE_STREAM_PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C",
        **{f"PUENTE_STREAM_{name}": value for name, value in settings.items()},
    }
    (folder / "us" / "metrics").mkdir(parents=True, exist_ok=True)
    with told.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub.cli", "stream"], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield told, process
        finally:
            process.kill()
            process.wait()


def opened(told: Process, verify: ssl.SSLContext | bool) -> bool:
    """Whether it answers."""
    try:
        return httpx.get(f"{told.url}/v1/stream", verify=verify).status_code == 401
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("tls", [False, True])
def test_a_stream_comes_from_the_process_and_ends_with_it(node: Node, tmp_path: Path, tls: bool) -> None:
    settings, verify = {}, ssl.create_default_context()
    if tls:
        authority = trustme.CA()
        issued = authority.issue_cert(HOST)
        authority.configure_trust(verify)
        issued.private_key_pem.write_to_path(tmp_path / "key.pem")
        issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
        settings = {"CERTIFICATE_FILE": str(tmp_path / "cert.pem"), "KEY_FILE": str(tmp_path / "key.pem")}
    police = node.desk(POLICE)

    with running(node, tmp_path, **settings) as (told, process):
        until(lambda: opened(told, verify) or process.poll() is not None, what="the process")
        headers = {"Authorization": f"Bearer {told.token()}"}
        with (
            httpx.Client(verify=verify, timeout=20) as client,
            connect_sse(client, "GET", f"{told.url}/v1/stream", headers=headers) as source,
        ):
            heard = source.iter_sse()
            assert next(heard).event == "begin"
            police.publish(missing_child())
            node.sequence()
            assert next(heard).json()["projection"] == "partner"

            process.send_signal(signal.SIGTERM)

            assert next(heard).json() == {"reason": "restarting"}
            assert list(heard) == []
        assert process.wait(ENDS_S) == 0


def test_off_loopback_it_does_not_start_without_a_certificate(node: Node, tmp_path: Path) -> None:
    with running(node, tmp_path, HOST="0.0.0.0") as (told, process):  # noqa: S104 - it must not
        assert process.wait(30) == 2
        assert "stream.host is not loopback" in told.log.read_text()
