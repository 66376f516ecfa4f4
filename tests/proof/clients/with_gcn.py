"""gcn-kafka, proving itself with a secret (client credentials): `with_gcn.py ASKED`."""

from __future__ import annotations

import json
import sys

from gcn_kafka import Consumer
from with_confluent import read


def main() -> None:
    """Read so many records, one line of JSON each, or say what was refused."""
    asked = json.loads(sys.argv[1])
    told = {
        "bootstrap.servers": asked["bootstrap"],
        "group.id": asked["group"],
        "auto.offset.reset": "earliest",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.oauthbearer.token.endpoint.url": asked["token_endpoint"],
    }
    read(Consumer(config=told, client_id=asked["client_id"], client_secret=asked["client_secret"]), asked)


if __name__ == "__main__":
    main()
