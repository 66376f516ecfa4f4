"""What the benchmark sends: a 2 KB missing-child alert of the test suite's cast, one distinct event per request."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator

from schemas import wire
from tests.support import events

SLOT = "@@@@@@@@-bench-@@@@@@@@@@"  # replaced by text of the same length
PUBLISHER = events.SDPD


def numbers() -> Iterator[str]:
    """Texts as long as `SLOT` that never come twice, in no other run either."""
    run = uuid.uuid4().hex[:8]
    return (f"{run}-bench-{number:010d}" for number in itertools.count())


def template() -> bytes:
    """An event as it goes over the wire, with `SLOT` as its id and its subject."""
    return wire.encode(events.alert(id=SLOT, subject=SLOT))


def bodies() -> Iterator[tuple[str, bytes]]:
    """Events without end, each with its id; cheap enough to be made while the clock runs."""
    before, between, after = template().split(SLOT.encode())
    for number in numbers():
        name = number.encode()
        yield number, b"".join((before, name, between, name, after))
