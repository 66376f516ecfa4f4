"""No webhook reaches what its operator has not named: not by spelling, not by a name's answer, not by changing it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.addresses import networks
from hub.outcomes import Outcome
from hub.workers.posting import Poster
from tests.support.private_addresses import LOOPBACK, NEARBY
from tests.support.receivers import OK, Receiver, receiver, resolving, says, silent

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NAME = "receiver.example"
NUMBERS = frozenset("0123456789abcdefx.:")
ONE, OTHER = "127.0.0.1", "127.0.0.2"  # the tests may name one without the other


def numeric(host: str, *rest: Any) -> list[tuple[Any, ...]]:
    """The system's own look-up, for what it reads as an address or this machine's name, without asking the network."""
    if not (set(host.lower()) <= NUMBERS or host.rstrip(".").lower() == "localhost"):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return socket.getaddrinfo(host, *rest)


def meet(
    url: str, lookup: Callable[..., list[tuple[Any, ...]]] = numeric, *, host: str = ONE, allow: tuple[str, ...] = ()
) -> tuple[Outcome, Receiver]:
    """What becomes of a delivery, and what of it came to a receiver on this machine."""

    async def one() -> tuple[Outcome, Receiver]:
        async with (
            receiver(says(OK), host=host) as target,
            Poster(now=lambda: NOW, allow_networks=networks(allow), lookup=lookup) as client,
        ):
            return await client.post(url.replace("PORT", str(target.port)), {}, b"{}", timeout_s=5), target

    return asyncio.run(one())


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", LOOPBACK)
def test_no_spelling_of_this_machine_leads_here(host: str, scheme: str) -> None:
    outcome, target = meet(f"{scheme}://{host}:PORT/")

    assert outcome.kind in ("forbidden", "failed")
    assert target.connections == 0


def test_the_spellings_do_lead_here_where_that_is_allowed() -> None:
    """Else the test above would say nothing."""
    allow = ("127.0.0.0/8", "::1/128")

    reached = [host for host in LOOPBACK if meet(f"http://{host}:PORT/", allow=allow)[1].connections]

    assert {"127.0.0.1", "localhost", "①②⑦.⓪.⓪.①", "[::ffff:7f00:1]", "0x7f.1"} <= set(reached)


@pytest.mark.parametrize("host", [host for host in NEARBY if not host.startswith("0")])
def test_no_special_address_is_connected_to(host: str) -> None:
    outcome, _ = meet(f"https://{host}/")

    assert outcome.kind in ("forbidden", "failed")
    assert outcome.code in ("forbidden-address", "not-a-url", "dns")


@pytest.mark.parametrize(
    "address",
    [ONE, "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1%1", "2002:7f00:1::"],
)
def test_a_name_of_a_forbidden_address_is_refused(address: str) -> None:
    outcome, target = meet(f"https://{NAME}:PORT/", resolving(address))

    assert (outcome.kind, outcome.code, target.connections) == ("forbidden", "forbidden-address", 0)


@pytest.mark.parametrize("pair", [(ONE, OTHER), (OTHER, ONE)])
def test_one_forbidden_address_among_a_names_is_enough(pair: tuple[str, str]) -> None:
    outcome, target = meet(f"http://{NAME}:PORT/", resolving(*pair), allow=(f"{ONE}/32",))

    assert (outcome.kind, target.connections) == ("forbidden", 0)


def test_a_public_address_gets_nothing_in_the_clear() -> None:
    outcome, _ = meet(f"http://{NAME}/", resolving("8.8.8.8"), allow=(f"{ONE}/32",))

    assert outcome.kind == "forbidden"


def test_a_name_that_changes_its_mind_is_judged_anew() -> None:
    answers = iter([resolving(ONE), resolving(OTHER)])

    async def rebound() -> tuple[list[str], int]:
        async with (
            receiver(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")) as first,
            receiver(says(OK), host=OTHER) as second,
            Poster(
                now=lambda: NOW,
                allow_networks=networks([f"{ONE}/32"]),
                lookup=lambda host, *rest: next(answers)(host, *rest),
            ) as client,
        ):
            ports = (first.port, second.port)  # the port is part of what is remembered of a look-up
            outcomes = [await client.post(f"http://{NAME}:{port}/", {}, b"{}") for port in ports]
            return [outcome.kind for outcome in outcomes], second.connections

    assert asyncio.run(rebound()) == (["delivered", "forbidden"], 0)


def test_the_socket_is_judged_even_where_the_look_up_was_not() -> None:
    """As if an address could change between the judgement of a name and the connection."""

    class Fickle(tuple[Any, ...]):
        """Public when it is looked at for the first time."""

        looks = 0

        def __getitem__(self, at: Any) -> Any:
            self.looks += at == 0
            return "8.8.8.8" if at == 0 and self.looks == 1 else super().__getitem__(at)

    def lookup(_: str, port: int, *__: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", Fickle((ONE, port)))]

    outcome, target = meet(f"https://{NAME}:PORT/", lookup)

    assert (outcome.kind, target.connections) == ("forbidden", 0)


@pytest.mark.parametrize("url", ["https://127.0.0.1:PORT/", "https://[::ffff:127.0.0.1]:PORT/"])
def test_an_address_that_needs_no_look_up_is_judged_at_the_socket(url: str) -> None:
    def never(*_: Any) -> list[tuple[Any, ...]]:
        raise AssertionError("nothing is to be looked up")

    outcome, target = meet(url, never)

    assert (outcome.code, target.connections) == ("forbidden-address", 0)


def test_a_redirect_to_this_machine_is_not_followed() -> None:
    async def redirected() -> tuple[str, int]:
        async with receiver(silent, host=OTHER) as inside:
            answer = f"HTTP/1.1 307 X\r\nLocation: http://{OTHER}:{inside.port}/\r\nContent-Length: 0\r\n\r\n"
            async with (
                receiver(says(answer.encode())) as target,
                Poster(now=lambda: NOW, allow_networks=networks(["127.0.0.0/8"])) as client,
            ):
                outcome = await client.post(target.url, {}, b"{}")
            return outcome.code, inside.connections

    assert asyncio.run(redirected()) == ("redirect", 0)
