"""The `[delivery]` section of the settings: who is told without asking. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hub.addresses import Network, networks
from schemas.texts import Text

NOT_NETWORKS = Text(
    "delivery.webhook_allow_networks: networks such as 10.1.0.0/16, with spaces between them",
    "delivery.webhook_allow_networks: redes como 10.1.0.0/16, separadas por espacios",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Who is told without asking: webhooks and mails."""

    webhook_allow_networks: str = ""
    webhook_ca_file: str = ""
    webhooks_at_once: int = 256
    heartbeat_min: int = 60

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that an operator has named."""
        return networks(self.webhook_allow_networks.replace(",", " ").split())


def contradictions(delivery: DeliverySettings) -> list[tuple[bool, Text]]:
    """What must hold of this section, each with what is said where it does not."""
    try:
        are_networks = delivery.networks is not None
    except ValueError:
        are_networks = False
    return [(are_networks, NOT_NETWORKS)]
