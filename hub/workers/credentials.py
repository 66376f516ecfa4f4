"""The node's own credential on Kafka: a token it issues to itself, as agency `<node>-node`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka.net.sasl.oauth import AbstractTokenProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hub.tokens import Issuer


class NodeTokens(AbstractTokenProvider):
    """Hands kafka-python a fresh token whenever it authenticates again."""

    def __init__(self, issuer: Issuer, node: str, now: Callable[[], datetime], ttl_s: int) -> None:
        super().__init__()
        self._issuer = issuer
        self._node = node
        self._now = now
        self._ttl_s = ttl_s

    def token(self) -> str:
        """A token for the audience `<node>/kafka`."""
        agency = f"{self._node}-node"
        claims = {"client_id": agency, "agency": agency, "jurisdictions": ["US", "MX"], "scope": "node", "epoch": 1}
        return self._issuer.issue(claims, audience=f"{self._node}/kafka", ttl_s=self._ttl_s, at=self._now())
