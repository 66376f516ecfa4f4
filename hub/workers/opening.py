"""Opens kafka-python's clients so that one which cannot reach a broker leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from kafka.net.compat import KafkaNetClient

if TYPE_CHECKING:
    from collections.abc import Callable

Client = TypeVar("Client")


def opened(kind: Callable[..., Client], **settings: Any) -> Client:
    """
    A `KafkaConsumer`, `KafkaProducer` or `KafkaAdminClient`.

    When the constructor fails, kafka-python 3.0.12 leaves its network thread and sockets behind, one more for each
    try: a broker that is away for a day would cost thousands.

    Raises:
        KafkaError: no broker answered in time, or none let us in.
    """
    made: list[KafkaNetClient] = []

    def network(**told: Any) -> KafkaNetClient:
        made.append(KafkaNetClient(**told))
        return made[-1]

    try:
        return kind(**settings, kafka_client=network)
    except BaseException:
        for client in made:
            client.close()
        raise
