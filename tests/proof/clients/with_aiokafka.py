"""aiokafka, which leaves it to its user to get a token, here with a secret: `with_aiokafka.py ASKED`."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.parse
import urllib.request
from base64 import b64encode
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import TopicAuthorizationFailedError


class Secret(AbstractTokenProvider):
    """Asks the token endpoint (RFC 6749 section 4.4)."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked

    async def token(self) -> str:
        """A token for Kafka."""
        return await asyncio.get_running_loop().run_in_executor(None, self._ask)

    def _ask(self) -> str:
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "events:read"}).encode()
        known = b64encode(f"{self._asked['client_id']}:{self._asked['client_secret']}".encode()).decode()
        request = urllib.request.Request(self._asked["token_endpoint"], form, {"Authorization": f"Basic {known}"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return str(json.load(answer)["access_token"])


async def main() -> None:
    """Read so many records, one line of JSON each, or say what was refused."""
    asked = json.loads(sys.argv[1])
    consumer = AIOKafkaConsumer(
        asked["topic"],
        bootstrap_servers=asked["bootstrap"],
        group_id=asked["group"],
        auto_offset_reset="earliest",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="OAUTHBEARER",
        sasl_oauth_token_provider=Secret(asked),
    )
    try:
        async with asyncio.timeout(asked["wait_s"]):
            await consumer.start()
            for _ in range(asked["count"]):
                record = await consumer.getone()
                headers = {name: value.decode() for name, value in record.headers}
                print(json.dumps({"key": record.key.decode(), "headers": headers, "value": record.value.decode()}))
    except TopicAuthorizationFailedError as error:
        print(json.dumps({"refused": type(error).__name__}))
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main())
