"""Settings of the border, and what in them contradicts itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hub.border.anchor import is_checkpoint
from hub.border.batch import MOST_ENVELOPES
from schemas.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class BorderSettings:
    """Where this node meets the other one. Without `url` there is no border; with it there is TLS."""

    url: str = ""
    host: str = "127.0.0.1"
    port: int = 8445
    certificate_file: str = ""
    key_file: str = ""
    authority_file: str = ""
    client_authority_file: str = ""
    client_certificate_file: str = ""
    client_key_file: str = ""
    window: int = 1000
    batch: int = 500


BORDER_IN_CLEAR = Text(
    "border.url is set: border.certificate_file, key_file and authority_file are required",
    "border.url está definido: se requieren border.certificate_file, key_file y authority_file",
)
NO_BORDER = Text(
    "border.url is empty, so {name} has no meaning: say where the other node reaches this one",
    "border.url está vacío, así que {name} no tiene sentido: indique dónde lo alcanza el otro nodo",
)
NOT_A_CHECKPOINT = Text(
    "border.url must be https://host or https://host:port", "border.url debe ser https://equipo o https://equipo:puerto"
)
HALF_CLIENT = Text(
    "border.client_certificate_file and border.client_key_file go together",
    "border.client_certificate_file y border.client_key_file van juntos",
)
BORDER_BATCH = Text("border.batch: 1 to {most}", "border.batch: de 1 a {most}").format(most=MOST_ENVELOPES)
BORDER_WINDOW = Text("border.window: at least border.batch", "border.window: al menos border.batch")


def contradictions(border: BorderSettings) -> list[tuple[bool, Text]]:
    """What must hold, and what is said where it does not."""
    own = ("certificate_file", "key_file", "authority_file")
    others = ("client_authority_file", "client_certificate_file", "client_key_file")
    checks = [
        (bool(border.client_certificate_file) is bool(border.client_key_file), HALF_CLIENT),
        (1 <= border.batch <= MOST_ENVELOPES, BORDER_BATCH),
        (border.window >= border.batch, BORDER_WINDOW),
    ]
    if border.url:
        checks.append((is_checkpoint(border.url), NOT_A_CHECKPOINT))
        checks.append((all(getattr(border, name) for name in own), BORDER_IN_CLEAR))
    else:
        checks += [(not getattr(border, name), NO_BORDER.format(name=f"border.{name}")) for name in (*own, *others)]
    return checks
