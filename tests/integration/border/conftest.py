"""Two nodes that trust each other, with a police on one side and a fiscalía and a shelter on the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from hub.directory import Kind
from hub.grants import Selector
from schemas.sensitivity import Sensitivity
from tests.support import cast
from tests.support.cast import FISCALIA, POLICE
from tests.support.crossing import Pair, pair
from tests.support.node import BEGAN, YEAR, missing_child
from tests.support.services import Databases

REFUGIO = cast.agency("mx-bcn-refugio", Kind.NGO, "MX-BCN")
TO_FISCALIA = cast.grant(
    id="us-ca-sdpd-to-fiscalia",
    reader=Selector(kind=Kind.PROSECUTOR, country="MX"),
    clearance=Sensitivity.ENFORCEMENT,
    valid_from=BEGAN - YEAR,
    valid_until=BEGAN + YEAR,
)
TO_REFUGIO = cast.grant(
    id="us-ca-sdpd-to-refugios",
    reader=Selector(kind=Kind.NGO),
    clearance=Sensitivity.PARTNER,
    valid_from=BEGAN - YEAR,
    valid_until=BEGAN + YEAR,
)


def released(verb: str = "issued", **differs: Any) -> dict[str, Any]:
    """An alert of the police that Mexico may have."""
    label = {"tlp": "amber", "rel_to": ["US", "MX"]} | differs.pop("label", {})
    return missing_child(verb, label=label, **differs)


@pytest.fixture
def nodes(databases: Databases) -> Iterator[Pair]:
    """Nobody has told the other anything yet."""
    urls = [databases.migrated(), databases.migrated()]
    with ExitStack() as stack:
        both = pair(urls, stack)
        both.us.enrol(POLICE)
        both.mx.enrol(FISCALIA, REFUGIO)
        yield both
    for url in urls:
        databases.drop(url)


@pytest.fixture
def met(nodes: Pair) -> Pair:
    """They have told each other who takes part and by which limits, and the police have opened their alerts."""
    nodes.us.regrant(TO_FISCALIA, TO_REFUGIO)
    nodes.cross()
    return nodes
