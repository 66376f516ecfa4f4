"""The agency's own token as its Kafka credential (SASL/OAUTHBEARER), renewed ahead of need."""

from __future__ import annotations

import logging
import threading

from kafka.net.sasl.oauth import AbstractTokenProvider

from connectors.tokens import NoToken, TokenSource

RENEWAL_CHECK_S = 5.0  # how often the keeper looks whether half the token's life has passed

log = logging.getLogger(__name__)


class KafkaToken(AbstractTokenProvider):
    """
    Serves kafka-python's logins and re-authentications (KIP-368).

    A keeper thread renews at half-life, because a client asks only when it connects: without it, the token held at
    the start of an outage of the token endpoint might be an old one.
    """

    def __init__(self, tokens: TokenSource) -> None:
        """Serve tokens from ``tokens``; ``keep`` starts the renewal."""
        super().__init__()
        self._tokens = tokens
        self._stopped = threading.Event()
        self._keeper = threading.Thread(target=self._renew, name="token-keeper", daemon=True)

    def keep(self) -> None:
        """Start renewing in the background."""
        self._keeper.start()

    def token(self) -> str:
        """
        The token to log in with.

        Raises:
            NoToken: none is held and none can be had; kafka-python then tries again later.
        """
        return self._tokens.token().value

    def close(self) -> None:
        """Stop renewing."""
        self._stopped.set()
        if self._keeper.is_alive():
            self._keeper.join(timeout=RENEWAL_CHECK_S)

    def _renew(self) -> None:
        while not self._stopped.wait(RENEWAL_CHECK_S):
            try:
                self._tokens.token()
            except NoToken as error:
                log.warning("no token for Kafka: %s", error.code)
