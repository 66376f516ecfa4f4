"""Deliveries over TLS: to nobody but the host that was meant, and HTTP/1.1 alone."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.outcomes import Outcome
from hub.workers.posting import Poster
from tests.support.posting import LOOPS, NAME, Authority, Loop, poster, run, send
from tests.support.receivers import OK, Answer, Receiver, greets, hangs_up, receiver, resolving, says, silent

SHORT_S = 0.3  # for receivers that use up whatever time there is


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A new one."""
    return Authority(tmp_path)


def over_tls(context: ssl.SSLContext, url: str, loop: Loop = asyncio.new_event_loop, **options: Any) -> Outcome:
    """What becomes of a delivery to a receiver with this certificate."""

    async def meet() -> Outcome:
        async with (
            receiver(says(OK), tls=context) as target,
            poster(lookup=resolving("127.0.0.1"), **options) as client,
        ):
            return await send(client, url.format(target.port))

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(meet())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("host", [NAME, "127.0.0.1"])
def test_a_certificate_of_a_named_authority_is_believed(authority: Authority, host: str, loop: Loop) -> None:
    outcome = over_tls(authority.context(host), f"https://{host}:{{}}/", loop, ca_file=authority.file)

    assert outcome.kind == "delivered"


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("names", [["other.example"], ["127.0.0.2"], ["example"], ["127.0.0.1"]])
def test_a_certificate_of_another_name_is_not_believed(authority: Authority, names: list[str], loop: Loop) -> None:
    outcome = over_tls(authority.context(*names), f"https://{NAME}:{{}}/", loop, ca_file=authority.file)

    assert (outcome.kind, outcome.code) == ("failed", "tls")


def test_an_expired_certificate_is_not_believed(authority: Authority) -> None:
    expired = authority.context(NAME, until=datetime.now(UTC) - timedelta(days=1))

    outcome = over_tls(expired, f"https://{NAME}:{{}}/", ca_file=authority.file)

    assert (outcome.kind, outcome.code) == ("failed", "tls")


def test_a_certificate_of_an_unknown_authority_is_not_believed(authority: Authority) -> None:
    outcome = over_tls(authority.context(NAME), f"https://{NAME}:{{}}/")

    assert (outcome.kind, outcome.code) == ("failed", "tls")


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("answer", "code"), [(greets(b"220 mail\r\n"), "tls"), (silent, "timeout"), (hangs_up, "connection")]
)
def test_a_receiver_that_speaks_no_tls_gets_nothing(answer: Answer, code: str, loop: Loop) -> None:
    async def https(client: Poster, target: Receiver) -> tuple[str, list[bytes]]:
        outcome = await send(client, f"https://127.0.0.1:{target.port}/", timeout_s=SHORT_S)
        return outcome.code, target.requests

    assert run(answer, https, loop) == (code, [])


@pytest.mark.parametrize("loop", LOOPS)
def test_a_receiver_that_wants_a_certificate_of_ours_fails_by_tls(authority: Authority, loop: Loop) -> None:
    """In TLS 1.3 it says so after our side of the handshake, when the request is on its way."""
    context = authority.context("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED

    def refuse(listener: socket.socket) -> None:
        with context.wrap_socket(listener.accept()[0], server_side=True, do_handshake_on_connect=False) as one:
            with pytest.raises(ssl.SSLError):
                one.do_handshake()
            one.shutdown(socket.SHUT_WR)
            while socket.socket.recv(one, 4096):  # unread, it would take the alert along
                pass

    async def meet() -> Outcome:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with poster(ca_file=authority.file) as client:
                refusing = asyncio.get_running_loop().run_in_executor(None, refuse, listener)
                outcome = await send(client, f"https://127.0.0.1:{listener.getsockname()[1]}/")
                await refusing
                return outcome

    with asyncio.Runner(loop_factory=loop) as runner:
        outcome = runner.run(meet())

    assert (outcome.kind, outcome.code) == ("failed", "tls")


@pytest.mark.parametrize(("host", "said"), [(NAME, [NAME]), (f"{NAME}.", [NAME]), ("127.0.0.1", [None])])
def test_a_receiver_is_told_which_name_is_meant_and_no_address(
    authority: Authority, host: str, said: list[str | None]
) -> None:
    context = authority.context(NAME, "127.0.0.1")
    heard: list[str | None] = []
    context.sni_callback = lambda _, name, __: heard.append(name)

    outcome = over_tls(context, f"https://{host}:{{}}/", ca_file=authority.file)

    assert (outcome.kind, heard) == ("delivered", said)


def test_no_other_protocol_is_agreed_on(authority: Authority) -> None:
    context = authority.context(NAME)
    context.set_alpn_protocols(["h2", "http/1.1"])
    agreed: list[str | None] = []

    async def answer(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agreed.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await says(OK)(me, reader, writer)

    async def meet() -> None:
        async with (
            receiver(answer, tls=context) as target,
            poster(lookup=resolving("127.0.0.1"), ca_file=authority.file) as client,
        ):
            await send(client, f"https://{NAME}:{target.port}/")

    asyncio.run(meet())

    assert agreed == ["http/1.1"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_with_tls_is_used_again(authority: Authority, loop: Loop) -> None:
    async def meet() -> int:
        async with (
            receiver(says(OK), tls=authority.context("127.0.0.1")) as target,
            poster(ca_file=authority.file) as client,
        ):
            for _ in range(3):
                await send(client, f"https://127.0.0.1:{target.port}/")
            return target.connections

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(meet()) == 1
