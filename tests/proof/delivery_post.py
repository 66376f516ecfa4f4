"""How the proof `delivery` speaks to its node: who publishes, who subscribes, and with which token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from hub import main
from hub.errors import Unavailable
from hub.principal import ANYWHERE, SCOPES
from schemas import wire
from tests.proof.delivery_cast import Receiver, Receivers
from tests.proof.stage import Stage
from tests.support import events

SOURCE = "us-ca-sdpd"
FILTER = (
    '{"changes": ["cancelled", "located", "new", "updated"], "jurisdictions": [], "own": false, "status": "actual",'
    ' "types": ["*"]}'
)
SUBSCRIBE = """
WITH made AS (
    INSERT INTO subscription (agency, name, channel, address, filter, language, desk, state, jurisdictions, created_by)
    VALUES (%s, 'proof', 'webhook', %s, %s, 'en', 'duty', 'enabled', ARRAY['US', 'MX'], 'proof') RETURNING id
)
INSERT INTO tally (subscription) SELECT id FROM made
"""


@dataclass(slots=True)
class Post:
    """Publishes until it is taken, whatever is being killed; `accepted`: the hub's ids, and when each was published."""

    node: Stage
    accepted: dict[str, float] = field(default_factory=dict)
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def one(self, client: httpx.Client) -> str:
        """One more urgent alert of its own subject."""
        with self._lock:
            self._number += 1
            name = f"delivery-{self._number:06d}"
        now = datetime.now(UTC)
        data = {"urgency": "Immediate", "expires": (now + timedelta(days=3)).isoformat(timespec="seconds")}
        raw = wire.encode(events.alert(id=name, subject=name, time=now.isoformat(timespec="milliseconds"), data=data))
        began_s = time.monotonic()
        while True:
            try:
                headers = {"Authorization": f"Bearer {token(self.node, SOURCE)}", "Content-Type": "application/json"}
                answer = client.post(f"{self.node.gateway}/v1/events", content=raw, headers=headers)
                if answer.status_code in (200, 201):
                    self.accepted[answer.json()["id"]] = began_s
                    return str(answer.json()["id"])
                assert answer.status_code not in (400, 403, 409, 422), answer.text
            except httpx.HTTPError:
                pass
            time.sleep(0.1)

    def has(self, many: int) -> bool:
        """Whether so many were accepted by now."""
        return len(self.accepted) >= many

    @property
    def asked(self) -> int:
        """How many were to be published; that many are accepted once nothing is under way."""
        return self._number

    def many(self, count: int) -> None:
        """So many, by four at once."""
        with self.publishing(count):
            pass

    @contextmanager
    def publishing(self, count: int) -> Iterator[None]:
        """So many, by four at once, while the block does something else; after it they are all published."""
        left = iter(range(count))

        def some() -> None:
            with httpx.Client(timeout=10) as client:
                while True:
                    with self._lock:
                        if next(left, None) is None:
                            return
                    self.one(client)

        threads = [threading.Thread(target=some, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        yield
        for thread in threads:
            while thread.is_alive():
                thread.join(0.1)
                self.node.watch()


def subscribe(node: Stage, receivers: Sequence[Receiver], at: Receivers) -> None:
    """Each of them gets all that it may read, from here on."""
    with node.database() as conn:
        for one in receivers:
            conn.execute(SUBSCRIBE, (one.name, at.url(one), FILTER))


def stream_url(node: Stage) -> str:
    """Where its streams are served."""
    return f"http://127.0.0.1:{node.environment['PUENTE_STREAM_PORT']}"


def token(node: Stage, agency: str) -> str:
    """An agency's token for all that the API does, fresh, even while the database is away."""
    claims = {
        "client_id": agency,
        "agency": agency,
        "jurisdictions": list(ANYWHERE),
        "scope": " ".join(SCOPES),
        "epoch": _epoch(node, agency),
    }
    return main.issuer(node.told).issue(claims, audience="us/api", ttl_s=300, at=datetime.now(UTC))


def _epoch(node: Stage, agency: str) -> int:
    try:
        with node.database() as conn:
            row = conn.execute("SELECT epoch FROM agency WHERE id = %s", (agency,)).fetchone()
    except Unavailable:
        return 1
    return int(str(row[0])) if row else 1


def until(holds: Callable[[], bool], most_s: float, node: Stage) -> bool:
    """Whether it came to hold within so many seconds, the node's processes watched meanwhile."""
    end_s = time.monotonic() + most_s
    while time.monotonic() < end_s:
        if holds():
            return True
        node.watch()
        time.sleep(0.2)
    return False
