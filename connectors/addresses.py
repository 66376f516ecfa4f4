"""Addresses in configuration: encrypted, unless they stay on this machine."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from schemas.fields import Line
from schemas.sensitivity import Metadata
from schemas.texts import Text

MAX_CHARS = 1000

NOT_A_URL = Text(
    "This must be a web address with a host.", "Debe ser una dirección web con su servidor.", code="not-a-url"
)
NOT_ENCRYPTED = Text(
    "Off this machine the address must be https.", "Fuera de este equipo la dirección debe ser https.", code="not-tls"
)
NOT_HOST_PORT = Text("This must be host:port.", "Debe tener la forma servidor:puerto.", code="not-host-port")


def on_loopback(host: str) -> bool:
    """Whether ``host`` can only be this machine; a name other than localhost never counts."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Endpoint(Line):
    """An https address; plain http only on loopback, since tokens and case data travel to it."""

    default_error_messages = {"url": NOT_A_URL, "tls": NOT_ENCRYPTED}

    def __init__(self, metadata: Metadata, **options: Any) -> None:
        super().__init__(metadata, MAX_CHARS, **options)

    def check(self, value: Any) -> str:
        text = super().check(value)
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise self.make_error("url") from None
        if parts.scheme not in ("http", "https") or not host or parts.username is not None:
            raise self.make_error("url")
        if parts.scheme == "http" and not on_loopback(host):
            raise self.make_error("tls")
        return text.rstrip("/")


class HostPort(Line):
    """A broker's ``host:port``."""

    default_error_messages = {"form": NOT_HOST_PORT}

    def __init__(self, metadata: Metadata, **options: Any) -> None:
        super().__init__(metadata, MAX_CHARS, **options)

    def check(self, value: Any) -> str:
        host, _, port = super().check(value).rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise self.make_error("form")
        return f"{host}:{port}"
