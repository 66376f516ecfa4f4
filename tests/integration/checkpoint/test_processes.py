"""The two processes of a border as a node runs them: granian with TLS, and the worker; and how they end."""

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

from hub.border import batch
from hub.launch import free_port
from hub.workers.courier import Undelivered
from hub.workers.tls import context_for
from tests.integration.checkpoint.desk import Desk, desk
from tests.integration.checkpoint.hostile import Hostile, bomb, refused_as
from tests.integration.checkpoint.test_link import certificate
from tests.support.border import HOST, Side
from tests.support.waiting import until

ENDS_S = 30


@contextmanager
def running(name: str, at: Desk, port: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """One process of a node, as the fleet starts it."""
    folder = at.side.folder
    environment = {
        **os.environ,
        "PUENTE_CONFIG": str(at.config),
        "PUENTE_DATABASE_URL": at.side.node.url,
        "PUENTE_BORDER_PORT": str(port),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    (folder / "metrics").mkdir(exist_ok=True)
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub.cli", name], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(ENDS_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise


def answers(side: Side) -> bool:
    """Whether the checkpoint of a side answers at all."""
    try:
        with httpx.Client(verify=context_for(side.authority.cert_pem.bytes().decode(), side.client)) as client:
            return client.get(f"{side.url}/").status_code == 404
    except httpx.HTTPError:
        return False


def moved(us: Side, mx: Side) -> int:
    """The other side is to be on a port that is free now."""
    port = free_port(HOST, 0)
    mx.url = f"https://{HOST}:{port}"
    us.node.rows("UPDATE peer SET url = %s", mx.url)
    return port


def test_a_batch_goes_from_one_process_to_the_other(us: Side, mx: Side) -> None:
    folder = us.folder.parent
    port = moved(us, mx)
    with running("checkpoint", desk(mx, folder), port), running("border", desk(us, folder)) as worker:
        query = "SELECT out_seq > 0 AND out_seq = receipted FROM crossing"
        until(lambda: us.node.rows(query) == [(True,)], what="receipts")

        worker.send_signal(signal.SIGTERM)
        assert worker.wait(ENDS_S) == 0
    assert mx.node.rows("SELECT in_seq FROM crossing") == us.node.rows("SELECT receipted FROM crossing")
    assert us.node.rows("SELECT until < clock_timestamp() FROM lease WHERE name = 'border:mx'") == [(True,)]


def test_the_real_checkpoint_keeps_its_bounds_and_speaks_tls_13_alone(us: Side, mx: Side) -> None:
    folder = us.folder.parent
    port = moved(us, mx)
    with running("checkpoint", desk(mx, folder), port):
        until(lambda: answers(mx), what="the checkpoint")
        us.send(mx)
        hostile = Hostile(us, mx)
        packed = bomb(1 << 30)

        assert refused_as(hostile.post(packed, hostile.head(packed, 1))) == "too-large"
        declared = bytes(batch.MAX_PACKED_BYTES + 1)
        assert refused_as(hostile.post(declared, hostile.head(declared, 1))) == "too-large"
        assert hostile.send([]).status_code == 200
        older = ssl.create_default_context(cadata=mx.authority.cert_pem.bytes().decode())
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        with httpx.Client(verify=older) as client, pytest.raises(httpx.ConnectError):
            client.get(mx.url)
        metrics = b"".join(path.read_bytes() for path in (mx.folder / "metrics").glob("*.db"))
    assert b"too-large" in metrics
    assert b"sdpd" not in metrics


def test_the_real_checkpoint_asks_for_a_certificate_where_it_is_told_to(us: Side, mx: Side, tmp_path: Path) -> None:
    clients = trustme.CA()
    folder = us.folder.parent
    (folder / "clients.pem").write_bytes(clients.cert_pem.bytes())
    at = desk(mx, folder)
    at.config.write_text(f'{at.config.read_text()}client_authority_file = "clients.pem"\n')
    port = moved(us, mx)
    mx.client = certificate(clients, tmp_path)
    with running("checkpoint", at, port):
        until(lambda: answers(mx), what="the checkpoint")

        with us.sending(mx) as sender, pytest.raises(Undelivered) as refused:
            sender.once()
        us.client = certificate(clients, tmp_path)
        sent = us.send(mx)

    assert refused.value.code == "tls"
    assert sent > 0


def test_every_figure_is_told_once_though_counters_are_shared_between_processes(us: Side, mx: Side) -> None:
    us.send(mx)
    at = desk(us, us.folder.parent)
    port = free_port(HOST, 0)
    at.config.write_text(f"{at.config.read_text()}[gateway]\nmanagement_port = {port}\n")

    def told() -> str:
        try:
            return httpx.get(f"http://{HOST}:{port}/metrics", trust_env=False).text
        except httpx.HTTPError:
            return ""

    with running("management", at):
        until(told, what="metrics")
        told()
        names = [line.split()[2] for line in told().splitlines() if line.startswith("# HELP")]

    assert len(names) == len(set(names))
    assert "puente_border_lag_events" in names
