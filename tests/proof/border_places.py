"""The five digits that are a county's and a municipio's: each event reaches only who was granted its own place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import orjson

from hub import feed
from hub.directory import Agency, Kind
from hub.grants import Grant, Selector, Tlp
from hub.ingest import accept
from schemas import envelope, reference
from schemas.sensitivity import Sensitivity
from tests.proof.border_scene import Part
from tests.support import cast, events
from tests.support.crossing import Side, pair
from tests.support.node import BEGAN, YEAR
from tests.support.services import Databases

READERS = 9  # on each side; no two of what one reads have the same digits
COUNTRIES = ("US", "MX")
AT_ONCE = 126  # places that one pair of nodes knows
ISSUED = 747  # numbers that both countries had given away when this was written
FULL, QUICK = 10_000, 150
SCHEMES = {"US": "FIPS", "MX": "INEGI"}


def colliding() -> list[dict[str, str]]:
    """By country the two places of each number that both countries have given away."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for code, _ in reference.rows("municipalities.csv"):
        found[code[-5:]][code[:2]] = code
    return [places for _, places in sorted(found.items()) if len(places) == len(COUNTRIES)]


def places(databases: Databases, most: int) -> Part:
    """An event for each of both places, each side's grants by place, and who has what once everything has crossed."""
    part, numbers = Part(), colliding()[:most]
    print(f"places: {len(numbers)} numbers that both countries have given away", flush=True)
    wrong = missing = 0
    for first in range(0, len(numbers), AT_ONCE):
        strayed, lacking = _lived(databases, numbers[first : first + AT_ONCE])
        wrong += strayed
        missing += lacking
    part.figures |= {"colliding_codes": len(numbers), "code_readings_due": 2 * len(COUNTRIES) * len(numbers)}
    part.figures |= {"at_wrong_place": wrong, "at_right_place_missing": missing}
    part.require("places", not wrong and not missing and len(numbers) >= min(most, ISSUED))
    return part


def _lived(databases: Databases, numbers: Sequence[dict[str, str]]) -> tuple[int, int]:
    """Of two nodes that know these places, how many events came to somebody wrong, and how many to nobody."""
    urls = [databases.migrated(), databases.migrated()]
    with ExitStack() as stack:
        for url in urls:
            stack.callback(databases.drop, url)
        both = pair(urls, stack).trust()
        sides = {"US": both.us, "MX": both.mx}
        for country, side in sides.items():
            side.enrol(_source(country), *(_reader(country, number) for number in range(READERS)))
            side.regrant(*_grants(country, numbers))
        both.cross()
        for country, side in sides.items():
            _publish(side, country, [each[country] for each in numbers])
        both.cross()
        wrong = missing = 0
        for country, side in sides.items():
            for number in range(READERS):
                had, due = _had(side, _reader(country, number)), _due(country, number, numbers)
                wrong += len(had - due)
                missing += len(due - had)
        return wrong, missing


def _source(country: str) -> Agency:
    return cast.agency(f"{country.lower()}-source", Kind.LAW_ENFORCEMENT, country, publishes=("alert.*",))


def _reader(country: str, number: int) -> Agency:
    return cast.agency(f"{country.lower()}-reader-{number}", Kind.LAW_ENFORCEMENT, country)


def _of(number: int, origin: str, there: str) -> int:
    """Who reads the place with this index: at home one, over there the next, so that digits alone lead astray."""
    return (number + (origin != there)) % READERS


def _grants(origin: str, numbers: Iterable[dict[str, str]]) -> list[Grant]:
    """Of whatever source and whoever reads, it is the place alone that tells the two apart."""
    made: defaultdict[str, list[str]] = defaultdict(list)
    for index, each in enumerate(numbers):
        for there in COUNTRIES:
            made[_reader(there, _of(index, origin, there)).id].append(each[origin])
    usual = cast.grant(
        source=Selector(kind=Kind.LAW_ENFORCEMENT),
        max_tlp=Tlp.AMBER_STRICT,
        clearance=Sensitivity.ENFORCEMENT,
        valid_from=BEGAN - YEAR,
        valid_until=BEGAN + YEAR,
    )
    return [
        replace(usual, id=f"{origin.lower()}-{reader}", reader=Selector(agency=reader), jurisdictions=tuple(held))
        for reader, held in made.items()
    ]


def _publish(side: Side, country: str, codes: Iterable[str]) -> None:
    """As `Side.publish` does, and all of them get their places in the log at once."""
    asking = side.asking(_source(country))
    for code in codes:
        accept(side.conn, asking, envelope.load(_warning(country, code)))
    side.sequence()


def _warning(country: str, code: str) -> dict[str, Any]:
    return events.warning(
        id=code,
        source=_source(country).id,
        subject=f"flood-{code[-5:]}",
        time=BEGAN.isoformat(),
        jurisdictions=[code],
        label={"tlp": "green", "rel_to": list(COUNTRIES)},
        data={
            "areas": [{"geocodes": [{"scheme": SCHEMES[country], "value": code[-5:]}]}],
            "expires": (BEGAN + YEAR).isoformat(),
        },
    )


def _had(side: Side, reader: Agency) -> set[str]:
    """The places that came to a reader, as the events name them; the text must name them in its own scheme too."""
    found: set[str] = set()
    after = 0
    while True:
        page = feed.read_feed(side.conn, side.asking(reader), after=after, limit=500)
        if not page.shown:
            return found
        after = page.position
        for event in (orjson.loads(item.text) for item in page.shown):
            (code,) = event["jurisdictions"]
            (geocode,) = event["data"]["areas"][0]["geocodes"]
            country = event["source"][:2].upper()
            is_whole = code == event["id"] and (geocode["scheme"], geocode["value"]) == (SCHEMES[country], code[-5:])
            found.add(code if is_whole else f"not what was sent: {code}")


def _due(there: str, reader: int, numbers: Iterable[dict[str, str]]) -> set[str]:
    return {
        each[origin]
        for index, each in enumerate(numbers)
        for origin in COUNTRIES
        if _of(index, origin, there) == reader
    }
