"""TLS to the other node: vouched for by its pinned authority alone, and what of it can be seen from here."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What this node shows to a peer that asks for one."""

    certificate: Path
    key: Path


def context_for(authority: str, client: ClientCertificate | None) -> ssl.SSLContext:
    """A context that believes this authority (PEM) and no other of the machine's."""
    context = ssl.create_default_context(cadata=authority)  # given one, it loads no others
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The TLS of a checkpoint as it was met; `failure` in words of the library where it was not."""

    version: str | None = None
    issuer: str | None = None
    until: datetime | None = None
    failure: str | None = None


def look(url: str, context: ssl.SSLContext) -> Seen:
    """Connect as the worker does, and say what was met."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    try:
        with (
            socket.create_connection((host, port), timeout=LOOK_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            shown: dict[str, Any] = wrapped.getpeercert() or {}
            version = wrapped.version()
    except (OSError, ssl.SSLError) as error:
        return Seen(failure=getattr(error, "verify_message", None) or error.strerror or type(error).__name__)
    issuer = {name: value for part in shown.get("issuer", ()) for name, value in part}
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC) if shown else None
    names = ("organizationName", "commonName")
    return Seen(version=version, issuer=", ".join(issuer[name] for name in names if name in issuer), until=until)
