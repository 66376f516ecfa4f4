"""Settings of mails, and what in them contradicts itself. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import urlsplit

from schemas.texts import Text

SECURITIES = ("starttls", "tls", "none")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """The relay that mails leave by. Without `smtp_host` there are no mails."""

    smtp_host: str = ""
    smtp_port: int = 587
    security: str = "starttls"
    ca_file: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    public_url: str = ""
    per_minute: int = 60
    sessions: int = 3

    @property
    def domain(self) -> str:
        """The domain of the sender's address."""
        return parseaddr(self.sender)[1].rpartition("@")[2]


NOT_IN_FILES = Text(
    "mail.password: from the environment alone, as PUENTE_MAIL_PASSWORD",
    "mail.password: solo del entorno, como PUENTE_MAIL_PASSWORD",
)
NO_SECURITY = Text("mail.security: starttls, tls or none", "mail.security: starttls, tls o none")
MAIL_IN_CLEAR = Text(
    "mail.security: none is for a relay on loopback alone",
    "mail.security: none es solo para un relevo en loopback",
)
HALF_LOGIN = Text("mail.user and mail.password go together", "mail.user y mail.password van juntos")
NOT_ASCII = Text("mail.user and mail.password: ASCII alone", "mail.user y mail.password: solo ASCII")
NOT_A_SENDER = Text(
    "mail.sender: a mail address, or Name <address>", "mail.sender: una dirección de correo, o Nombre <dirección>"
)
NOT_PUBLIC = Text(
    "mail.public_url must be https://host or https://host:port, where readers of mails reach the gateway",
    "mail.public_url debe ser https://equipo o https://equipo:puerto, por donde los lectores alcanzan la API",
)
NO_RELAY = Text(
    "mail.smtp_host is empty, so {name} has no meaning: say which relay takes mails",
    "mail.smtp_host está vacío, así que {name} no tiene sentido: indique el relevo que recibe los correos",
)


def flaws_of_file(section: object) -> list[Text]:
    """A settings file is copied, mailed and kept in version control: no place for a password."""
    return [NOT_IN_FILES] if isinstance(section, dict) and section.get("password") else []


def contradictions(mail: MailSettings, *, is_on_loopback: bool) -> list[tuple[bool, Text]]:
    """What must hold, and what is said where it does not; `is_on_loopback`: the relay is on this machine."""
    checks = [(mail.security in SECURITIES, NO_SECURITY)]
    if not mail.smtp_host:
        names = ("ca_file", "user", "password", "sender", "public_url")
        return [*checks, *((not getattr(mail, name), NO_RELAY.format(name=f"mail.{name}")) for name in names)]
    return [
        *checks,
        (mail.security != "none" or is_on_loopback, MAIL_IN_CLEAR),
        (bool(mail.user) is bool(mail.password), HALF_LOGIN),
        (mail.user.isascii() and mail.password.isascii(), NOT_ASCII),
        (_is_sender(mail.sender), NOT_A_SENDER),
        (_is_public(mail.public_url), NOT_PUBLIC),
    ]


def _is_sender(text: str) -> bool:
    return text.isprintable() and _ADDRESS.fullmatch(parseaddr(text)[1]) is not None


def _is_public(url: str) -> bool:
    """RFC 8058 section 3.1 wants https; without it is for trying things out on one machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    is_local = parts.scheme == "http" and host in ("127.0.0.1", "localhost", "::1")
    is_whole = url == f"{parts.scheme}://{name}" + ("" if port is None else f":{port}")
    return bool(host) and is_whole and (parts.scheme == "https" or is_local)
