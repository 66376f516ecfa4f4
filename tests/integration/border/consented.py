"""The case whose victim's names consents open to a shelter across."""

from __future__ import annotations

from typing import Any

from hub.directory import Agency
from tests.integration.border.conftest import REFUGIO
from tests.support.consenting import (
    FIRST,
    SECOND,
    VICTIM,
    for_victims,
    records,
    released_case,
)
from tests.support.crossing import Pair

TO_REFUGIO = for_victims(REFUGIO)


NAMES = {FIRST: VICTIM[FIRST], SECOND: VICTIM[SECOND]}


def names(pair: Pair, reader: Agency = REFUGIO) -> dict[str, str]:
    """What the shelter gets of the victim's names with the newest event of its feed."""
    return names_in(pair.mx.feed(reader)[-1])


def names_in(event: dict[str, Any]) -> dict[str, str]:
    """The names in one event."""
    victims = event.get("data", {}).get("victims", [{}])
    return {name: victims[0][name] for name in (FIRST, SECOND) if name in victims[0]}


def opened_case(pair: Pair, *members: str, **differs: Any) -> dict[str, Any]:
    """A case that crossed, and then a consent to each of these members, which crossed as well."""
    event = released_case(**differs)
    pair.us.publish(event)
    pair.cross()
    consents = [records(pair.us, event["subject"], REFUGIO, fields=(f"/data/victims/0/{one}",)) for one in members]
    pair.cross()
    return event | {"consents": consents}
