"""The wire between two nodes: TLS that the pinned authority vouches for, and receipts believed only when signed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme
from flask import Flask, Response, redirect

from hub.border import batch, receipt
from hub.keys import new_private_pem
from hub.signing import SigningKey, claimed, seal
from hub.workers.courier import Undelivered
from hub.workers.tls import ClientCertificate
from tests.support.border import Side


def code_of(us: Side, mx: Side) -> str:
    """Why a round of `us` is not taken; it is noted as well."""
    with us.sending(mx) as sender, pytest.raises(Undelivered) as refused:
        sender.once()
    return refused.value.code


def moved(us: Side, url: str) -> None:
    """`us` is told where the other side is now."""
    us.node.rows("UPDATE peer SET url = %s", url)


def certificate(authority: trustme.CA, folder: Path) -> ClientCertificate:
    """One that a node shows to peers."""
    made = authority.issue_cert("us-node.example")
    certificate, key = folder / "client.pem", folder / "client.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    return ClientCertificate(certificate, key)


def test_a_certificate_of_another_authority_is_not_believed(us: Side, mx: Side) -> None:
    with mx.served(by=trustme.CA()) as url:
        moved(us, url)

        assert code_of(us, mx) == "tls"
    assert mx.node.rows("SELECT heard_at FROM crossing") == [(None,)]


def test_a_checkpoint_without_tls_gets_nothing(us: Side, mx: Side) -> None:
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            with plain.accept()[0] as caller:
                caller.settimeout(5)
                got.append(caller.recv(4096))
                caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        moved(us, f"https://127.0.0.1:{plain.getsockname()[1]}")

        assert code_of(us, mx) == "tls"
        thread.join(60)
    assert batch.HEADER.encode() not in got[0]


def test_a_caller_without_tls_gets_nothing(mx: Side) -> None:
    port = int(mx.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        caller.sendall(f"POST {batch.PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())

        with suppress(ConnectionResetError):
            assert b"HTTP" not in caller.recv(4096)
    assert mx.node.rows("SELECT heard_at FROM crossing") == [(None,)]


def test_mutual_tls_asks_for_a_certificate_of_the_right_authority(us: Side, mx: Side, tmp_path: Path) -> None:
    ours = trustme.CA()
    with mx.served(clients=ours) as url:
        moved(us, url)

        without = code_of(us, mx)
        us.client = certificate(trustme.CA(), tmp_path)
        with_anothers = code_of(us, mx)
        us.client = certificate(ours, tmp_path)

        assert (without, with_anothers) == ("tls", "tls")
        assert us.send(mx) > 0


def test_nobody_there_is_unreachable(us: Side, mx: Side) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    moved(us, f"https://127.0.0.1:{port}")

    assert code_of(us, mx) == "unreachable"


@contextmanager
def answering(us: Side, mx: Side, answer: Callable[[], Response]) -> Iterator[None]:
    """In the place of `mx`, somebody with its TLS certificate who answers what they like."""
    app = Flask("answering")
    app.add_url_rule("/<path:_>", view_func=lambda _: answer(), methods=["POST", "GET"], endpoint="any")
    real, mx.app = mx.app, app
    try:
        with mx.served() as url:
            moved(us, url)
            yield
    finally:
        mx.app = real


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda: Response("fine"), "receipt"),
        (lambda: Response(b"x" * (receipt.MAX_CHARS + 1)), "answer-too-large"),
        (lambda: Response("broken", 500), "http-500"),
        (lambda: Response('{"type":"urn:puente:problem:border-clock"}', 409), "clock"),
        (lambda: Response('{"type":"urn:puente:problem:border-<b>"}', 409), "http-409"),
        (lambda: Response("[1]", 409), "http-409"),
        (lambda: redirect("https://elsewhere.example/"), "http-302"),
    ],
    ids=["no receipt", "endless", "broken", "refused", "odd", "no object", "elsewhere"],
)
def test_an_answer_that_is_no_receipt_is_none(
    lasting: tuple[Side, Side], answer: Callable[[], Response], code: str
) -> None:
    us, mx = lasting
    with answering(us, mx, answer):
        assert code_of(us, mx) == code
    assert us.node.rows("SELECT receipted FROM crossing") == [(0,)]


def test_a_receipt_that_another_key_signed_is_not_believed(us: Side, mx: Side) -> None:
    us.send(mx)
    (signed,) = us.node.rows("SELECT signed FROM receipt ORDER BY last DESC LIMIT 1")[0]
    forged = seal(SigningKey(new_private_pem()), claimed(signed, max_chars=receipt.MAX_CHARS), receipt.TYPE)

    with answering(us, mx, lambda: Response(forged)):
        assert code_of(us, mx) == "receipt"


def test_a_receipt_for_another_batch_is_not_believed(us: Side, mx: Side) -> None:
    us.send(mx)
    (signed,) = us.node.rows("SELECT signed FROM receipt ORDER BY last DESC LIMIT 1")[0]

    with answering(us, mx, lambda: Response(signed)):
        assert code_of(us, mx) == "receipt"
