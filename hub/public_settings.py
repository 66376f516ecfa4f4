"""Settings of the public feed, and what in them contradicts itself. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSettings:
    """Whom the public is, and who signs what it reads. Without `agency` nothing is public."""

    agency: str = ""
    sender: str = ""
    url: str = ""
    key_file: str = ""
    certificate_file: str = ""


NO_SENDER = Text(
    "public.agency is set: public.sender is required, without spaces, commas, < and &",
    "public.agency está definido: se requiere public.sender, sin espacios, comas, < ni &",
)
NOT_A_URL = Text(
    "public.url must begin with http:// or https:// and not end with /",
    "public.url debe empezar con http:// o https:// y no terminar en /",
)
HALF_SEAL = Text(
    "public.key_file and public.certificate_file go together", "public.key_file y public.certificate_file van juntos"
)
_SENDER = re.compile(r"[^\s,<&]{1,200}")  # CAP 1.2 section 3.2.1
_URL = re.compile(r"https?://[^\s<>\"]{0,500}[^\s<>\"/]")


def contradictions(public: PublicSettings) -> list[tuple[bool, Text]]:
    """What must hold, and what is said where it does not."""
    return [
        (not public.agency or bool(_SENDER.fullmatch(public.sender)), NO_SENDER),
        (not public.url or bool(_URL.fullmatch(public.url)), NOT_A_URL),
        (bool(public.key_file) is bool(public.certificate_file), HALF_SEAL),
    ]
