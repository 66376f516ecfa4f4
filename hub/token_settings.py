"""The `[tokens]` section of the settings. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hub.directory import Kind
from schemas.texts import Text

NOT_KINDS = Text(
    "tokens.no_secrets_for: kinds of agencies such as law_enforcement, with spaces between them",
    "tokens.no_secrets_for: tipos de agencias como law_enforcement, separados por espacios",
)
API_TTL = Text("tokens.api_ttl_s: 30 to 300", "tokens.api_ttl_s: de 30 a 300")
KAFKA_TTL = Text("tokens.kafka_ttl_s: 300 to 3600", "tokens.kafka_ttl_s: de 300 a 3600")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """Seconds a token is valid, and which kinds of agencies are given no secrets for Kafka."""

    api_ttl_s: int = 300
    kafka_ttl_s: int = 1800
    no_secrets_for: str = ""

    @property
    def kinds_without_secrets(self) -> frozenset[str]:
        """The kinds of agencies that are named."""
        return frozenset(self.no_secrets_for.replace(",", " ").split())


def contradictions(tokens: TokenSettings) -> list[tuple[bool, Text]]:
    """What must hold of this section, each with what is said where it does not."""
    return [
        (30 <= tokens.api_ttl_s <= 300, API_TTL),
        (300 <= tokens.kafka_ttl_s <= 3600, KAFKA_TTL),
        (tokens.kinds_without_secrets <= frozenset(Kind), NOT_KINDS),
    ]
