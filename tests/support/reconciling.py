"""`python -m tests.support.reconciling`: a reconciler that can be killed, told by the environment where and as whom."""

from __future__ import annotations

import os

from hub import main
from hub.workers import reconciler
from tests.support.services import Tokens

if __name__ == "__main__":
    main.log_to_stderr()
    kafka = {
        "bootstrap_servers": os.environ["PUENTE_TEST_BROKER"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_provider": Tokens(lambda: os.environ["PUENTE_TEST_TOKEN"]),
        "bootstrap_timeout_ms": 3000,
    }
    url, prefix = os.environ["PUENTE_TEST_URL"], os.environ["PUENTE_TEST_PREFIX"]
    reconciler.run(reconciler.Reconciler(database_url=url, kafka=kafka, node="us", prefix=prefix), main.until_told())
