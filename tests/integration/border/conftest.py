"""Two nodes that trust each other, with a police on one side and a fiscalía and a shelter on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
from tests.support.shared import Shared

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


class Kept:
    """Two databases in which something has happened that many tests begin with; put back before each."""

    def __init__(self, databases: Databases, prepare: Callable[[Pair], object]) -> None:
        self.shared = [Shared(databases.migrated()) for _ in range(2)]
        with self.begun() as both:
            prepare(both)
        for one in self.shared:
            one.stage()

    @contextmanager
    def begun(self) -> Iterator[Pair]:
        """Both nodes, whose processes remember nothing."""
        with ExitStack() as stack:
            yield pair([one.url for one in self.shared], stack)

    @contextmanager
    def put_back(self) -> Iterator[Pair]:
        """The same, as it was in the beginning."""
        for one in self.shared:
            one.restore()
        with self.begun() as both:
            yield both

    def close(self) -> None:
        """End the connections."""
        for one in self.shared:
            one.close()


def _enrol(both: Pair) -> None:
    both.us.trust()
    both.mx.trust()
    both.us.enrol(POLICE)
    both.mx.enrol(FISCALIA, REFUGIO)


def _meet(both: Pair) -> None:
    _enrol(both)
    both.us.regrant(TO_FISCALIA, TO_REFUGIO)
    both.cross()


@pytest.fixture(scope="session")
def kept_nodes(databases: Databases) -> Iterator[Kept]:
    """Two nodes whose people have told each other nothing."""
    kept = Kept(databases, _enrol)
    yield kept
    kept.close()


@pytest.fixture(scope="session")
def kept_met(databases: Databases) -> Iterator[Kept]:
    """Two nodes that know each other."""
    kept = Kept(databases, _meet)
    yield kept
    kept.close()


@pytest.fixture
def nodes(kept_nodes: Kept) -> Iterator[Pair]:
    """Nobody has told the other anything yet."""
    with kept_nodes.put_back() as both:
        yield both


@pytest.fixture
def met(kept_met: Kept) -> Iterator[Pair]:
    """They have told each other who takes part and by which limits, and the police have opened their alerts."""
    with kept_met.put_back() as both:
        yield both
