"""What the public of the other country was given is gone there once it is over here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from hub.cap.press import Press
from hub.directory import Kind
from hub.errors import Gone, NotVisible
from hub.grants import Selector, Tlp
from hub.public import public_asking, read_document
from schemas.sensitivity import Sensitivity
from tests.integration.border.conftest import TO_REFUGIO, released
from tests.support import cast
from tests.support.cast import POLICE
from tests.support.crossing import Pair, now
from tests.support.public import IMPRINT, own_seal

PUBLIC = cast.agency("mx-public", Kind.PUBLIC, "MX")
TO_PUBLIC = replace(
    TO_REFUGIO,
    id="us-ca-sdpd-to-public",
    reader=Selector(kind=Kind.PUBLIC, country="MX"),
    clearance=Sensitivity.PUBLIC,
    max_tlp=Tlp.CLEAR,
)
CLEAR: dict[str, Any] = {"label": {"tlp": "clear"}, "subject": "s"}


@pytest.fixture
def both(met: Pair) -> Pair:
    """Mexico has a public, and the police have opened to it what is clear."""
    met.mx.enrol(PUBLIC)
    met.us.regrant(TO_PUBLIC)
    met.cross()
    return met


def over_there(both: Pair, hub_id: UUID) -> bytes:
    """The document as anybody in Mexico gets it."""
    side, press = both.mx, Press(replace(IMPRINT, agency=PUBLIC.id, node="mx"), own_seal())
    side.picture.refresh(side.conn)
    asking = public_asking(side.picture, press, now())
    assert asking is not None
    with side.conn.transaction():
        return read_document(side.conn, asking, press, hub_id).content


def located(both: Pair, _: UUID) -> None:
    both.us.publish(released("located", minutes=1, **CLEAR))


def cancelled(both: Pair, _: UUID) -> None:
    both.us.publish(released("cancelled", minutes=1, **CLEAR))


def recalled(both: Pair, hub_id: UUID) -> None:
    both.us.recall(POLICE, hub_id)


def limited(both: Pair, hub_id: UUID) -> None:
    both.us.relabel(POLICE, hub_id, tlp="green")


@pytest.mark.parametrize("over", [located, cancelled, recalled, limited])
def test_what_is_over_here_is_gone_over_there(both: Pair, over: Callable[[Pair, UUID], Any]) -> None:
    hub_id = both.us.publish(released(**CLEAR))
    both.cross()
    before = over_there(both, hub_id)

    over(both, hub_id)
    both.cross()

    assert b"<identifier>" in before
    with pytest.raises((Gone, NotVisible)):
        over_there(both, hub_id)
