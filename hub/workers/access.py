"""Keeps the broker's topics and rules in step with the agency table: at once when it changes, and against drift."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from kafka.admin import KafkaAdminClient

from hub.store import agencies, rules
from hub.workers import topics
from hub.workers.opening import opened

if TYPE_CHECKING:
    from hub.store import Connection

logger = logging.getLogger(__name__)

DRIFT_S = 30.0


class Access:
    """Looks at the directory's version on each call and acts only when it has moved, or after `DRIFT_S` seconds."""

    def __init__(self, kafka: dict[str, Any], prefix: str, node: str) -> None:
        self._admin = opened(KafkaAdminClient, **kafka)
        self._prefix = prefix
        self._node = node
        self._version = -1
        self._checked_s = 0.0

    def keep(self, conn: Connection) -> None:
        """
        Project the active agencies onto the broker.

        Raises:
            topics.NotProjected: the broker refused a part; the next call tries again.
        """
        version = agencies.version_of(conn)
        now_s = time.monotonic()
        if version == self._version and now_s - self._checked_s < DRIFT_S:
            return
        enrolled = rules.directory(conn).agencies.values()
        active = [agency.id for agency in enrolled if agency.is_active]
        topics.project(self._admin, prefix=self._prefix, agencies=active, node_principal=f"{self._node}-node")
        if version != self._version:
            logger.info("topics and rules follow directory version %d: %d agencies", version, len(active))
        self._version, self._checked_s = version, now_s

    def close(self) -> None:
        """Give the connection back."""
        self._admin.close()
