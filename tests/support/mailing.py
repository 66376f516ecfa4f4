"""The mailer at work, a real mail server that keeps what it takes, and how what it takes becomes due."""

from __future__ import annotations

import asyncio
import email
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from werkzeug.test import TestResponse

from hub.mail_settings import MailSettings
from hub.mails import Letterhead
from hub.workers.mail_budget import Budget
from hub.workers.mailer import Mailer, run
from hub.workers.relaying import Relay
from tests.support import cast
from tests.support.node import MAIL_URL, Desk, Node, missing_child
from tests.support.subscribing import Dispatch, subscribe

SENDER = "Puente <alerts@us.puente.example>"
TAKEN = "250 2.0.0 taken"
DUTY = "duty@shelter.example"
OTHER = "other@shelter.example"


@dataclass(frozen=True, slots=True)
class Got:
    """One mail as the server took it; `host` is how its client called itself, `is_sealed`: it came by TLS."""

    to: str
    sender: str
    raw: bytes
    host: str
    is_sealed: bool

    @property
    def message(self) -> EmailMessage:
        """Parsed as mail programs do."""
        return email.message_from_bytes(self.raw, policy=POLICY)

    @property
    def text(self) -> str:
        """What its reader reads."""
        return str(self.message.get_content())

    def link(self, purpose: str) -> str:
        """The path of a link in it."""
        found = re.search(rf"{re.escape(MAIL_URL)}(/subscriptions/{purpose}\?token=[\w-]+)", self.text)
        assert found is not None, self.text
        return found[1]


@dataclass(slots=True)
class Office:
    """The server's side: what it has taken, what it answers to each recipient, and to each mail."""

    got: list[Got] = field(default_factory=list)
    recipient: Callable[[str], str] = lambda _: "250 2.1.5 fine"
    sender: Callable[[str], str] = lambda _: "250 2.1.0 fine"
    taken: Callable[[Got], str] = lambda _: TAKEN
    tried: list[str] = field(default_factory=list)

    async def handle_MAIL(self, _s: SMTP, _c: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        """MAIL FROM."""
        answer = self.sender(address)
        if answer.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(self, _s: SMTP, _c: Session, envelope: Envelope, address: str, _: list[str]) -> str:
        """RCPT TO."""
        self.tried.append(address)
        answer = self.recipient(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:
        """The mail itself."""
        raw = envelope.original_content or b""
        host = session.host_name or ""
        got = Got(envelope.rcpt_tos[0], envelope.mail_from or "", raw, host, session.ssl is not None)
        answer = self.taken(got)
        if answer.startswith("250"):
            self.got.append(got)
        return answer

    def to(self, address: str) -> list[Got]:
        """What came for it."""
        return [one for one in self.got if one.to == address]


class _AnyPort(Controller):
    """aiosmtpd looks whether it is there, at the port that it was told; for 0 that is none."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def office(**options: Any) -> Iterator[tuple[Office, MailSettings]]:
    """A mail server on loopback, and the settings of who hands mails to it; `options` are aiosmtpd's."""
    held = Office()
    controller = _AnyPort(held, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield (
            held,
            MailSettings(
                smtp_host="127.0.0.1",
                smtp_port=controller.port,
                security="none",
                sender=SENDER,
                public_url=MAIL_URL,
                sessions=1,
            ),
        )
    finally:
        controller.stop()


def with_login(user: str, password: str, *, in_clear: bool = False) -> dict[str, Any]:
    """Options of a server that wants one; `in_clear`: that takes one."""

    def check(_: SMTP, __: Session, ___: Envelope, ____: str, given: Any) -> AuthResult:
        wanted = LoginPassword(user.encode(), password.encode())
        return AuthResult(success=given == wanted, handled=False)

    return {"authenticator": check, "auth_required": not in_clear, "auth_require_tls": not in_clear}


def with_tls(context: ssl.SSLContext) -> dict[str, Any]:
    """Options of a server that takes nothing before STARTTLS."""
    return {"tls_context": context, "require_starttls": True}


@contextmanager
def mailing(node: Node, told: MailSettings, *, ca_file: Path | None = None, **differs: Any) -> Iterator[None]:
    """The mailer at work for a node."""
    told = replace(told, **differs)
    assert node.hub.mail is not None
    mailer = Mailer(
        database_url=node.url,
        node=node.name,
        limits=cast.LIMITS,
        letterhead=Letterhead(told.sender, told.domain, node.hub.mail),
        envelope_sender=parseaddr(told.sender)[1],
        relay=lambda: Relay(told, ca_file),
        budget=Budget(told.per_minute),
        sessions=told.sessions,
        now=node.clock,
    )
    stopping = threading.Event()
    thread = threading.Thread(target=run, args=(mailer, stopping.is_set), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(30)
        assert not thread.is_alive()


def by_mail(desk: Desk, **differs: Any) -> UUID:
    """A subscription by mail to DUTY, unless it says otherwise."""
    return subscribe(desk, **{"channel": "email", "address": DUTY} | differs)


def publish(police: Desk, verb: str = "issued", **differs: Any) -> str:
    """Publish, and give it its place."""
    hub_id = police.publish(missing_child(verb, **differs))
    police.node.sequence()
    return hub_id


def queue(node: Node) -> int:
    """The log's newest is queued for whoever wants it: how much that was."""
    return Dispatch(node).queue()


def states(node: Node) -> list[tuple[Any, ...]]:
    """Where each delivery stands, and the last answer to it."""
    return node.rows("SELECT state, outcome FROM delivery ORDER BY no")


def settled(node: Node) -> Callable[[], bool]:
    """Whether nothing is due any more."""
    return lambda: node.rows("SELECT no FROM delivery WHERE state = 'due'") == []


def one_click(node: Node, got: Got) -> TestResponse:
    """Unsubscribe as mail programs do, by the headers alone (RFC 8058)."""
    url = urlsplit(str(got.message["List-Unsubscribe"]).strip("<>"))
    name, _, value = str(got.message["List-Unsubscribe-Post"]).partition("=")
    return node.app.test_client().post(f"{url.path}?{url.query}", data={name: value})
