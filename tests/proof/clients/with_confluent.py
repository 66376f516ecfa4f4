"""confluent-kafka, proving itself with the agency's key (RFC 7523 section 2.1): `with_confluent.py ASKED`."""

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
        # librdkafka has no setting for the audience that it wants.
        "sasl.oauthbearer.token.endpoint.url": f"{asked['token_endpoint']}?resource={asked['audience']}",
        "sasl.oauthbearer.grant.type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "sasl.oauthbearer.assertion.algorithm": "ES256",
        "sasl.oauthbearer.assertion.private.key.file": asked["key_file"],
        "sasl.oauthbearer.assertion.claim.iss": asked["client_id"],
        "sasl.oauthbearer.assertion.claim.sub": asked["client_id"],
        "sasl.oauthbearer.assertion.claim.aud": asked["issuer"],
        "sasl.oauthbearer.assertion.claim.exp.seconds": 30,
        "sasl.oauthbearer.assertion.claim.nbf.seconds": 0,
        "sasl.oauthbearer.assertion.claim.jti.include": "true",
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
