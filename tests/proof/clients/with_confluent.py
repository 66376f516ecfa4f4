"""
confluent-kafka, proving itself with a secret by librdkafka's own means (client credentials): `with_confluent.py ASKED`.

Not with a key: librdkafka 2.16 signs an ES256 assertion in DER, where RFC 7518 section 3.4 wants 64 bytes.
"""

from __future__ import annotations

import json
import sys
import time

from confluent_kafka import Consumer, KafkaError


def main() -> None:
    """Read so many records, one line of JSON each, or say what was refused."""
    asked = json.loads(sys.argv[1])
    told = {
        "bootstrap.servers": asked["bootstrap"],
        "group.id": asked["group"],
        "auto.offset.reset": "earliest",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": asked["token_endpoint"],
        "sasl.oauthbearer.client.id": asked["client_id"],
        "sasl.oauthbearer.client.secret": asked["client_secret"],
        "sasl.oauthbearer.scope": "events:read",
    }
    read(Consumer(told), asked)


def read(consumer: Consumer, asked: dict[str, object]) -> None:
    """The same for everything that is librdkafka below."""
    consumer.subscribe([asked["topic"]])
    left, until_s = int(str(asked["count"])), time.monotonic() + float(str(asked["wait_s"]))
    while left and time.monotonic() < until_s:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error() is not None:
            if message.error().code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                print(json.dumps({"refused": message.error().name()}))
                break
            continue
        headers = {name: value.decode() for name, value in message.headers()}
        print(json.dumps({"key": message.key().decode(), "headers": headers, "value": message.value().decode()}))
        left -= 1
    consumer.close()


if __name__ == "__main__":
    main()
