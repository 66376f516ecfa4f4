"""`decision`: what deciding costs, without any database."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from hub.directory import Agency, Attestation, Directory, Kind
from hub.grant_rows import load_grants
from hub.grants import Owner, Selector, Tlp
from hub.lanes import Lane, LaneMap, Reaches, reach_of
from hub.limits import load_limits
from hub.policy import Facts, Rules, may_read
from hub.principal import Principal, of_agency
from tests.benchmark.node import LIMITS, READER, Stage, grant, police
from tests.benchmark.report import Figure, Section, of_rounds
from tests.support.events import SDPD

ROUNDS = 5
TIMES = 1000
LANES = 400
OTHERS = 980
YEAR = timedelta(days=365)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
APPROVED: dict[str, Any] = {
    "owners": tuple(Owner(agency=one, events_from=NOW - YEAR) for one in ("us-ca-other", SDPD)),
    "parties": (Selector(agency=SDPD), Selector(kind=Kind.LAW_ENFORCEMENT, country="US")),
    "requires": ("nda",),
}
FACTS = Facts(source=SDPD, type="alert.missing_child.issued", status="actual", tlp=Tlp.AMBER, jurisdictions=("US-CA",))
MAP = LaneMap.of(Lane(number, FACTS, is_coarse=False) for number in range(1, LANES + 1))


def rules(grants: int, agencies: list[Agency], others: int = 0) -> Rules:
    """Grants as people approve them, all from the source to the reader; only the last one covers the event's type.

    `others`: so many besides that name another reader.
    """
    types = [["alert.warning.*"]] * (grants - 1) + [["alert.missing_child.*"]]
    named = [(READER, of) for of in types] + [("us-ca-other", ["alert.*"])] * others
    written = "".join(grant(n, source=SDPD, reader=reader, types=of) for n, (reader, of) in enumerate(named))
    raw = LIMITS.read_bytes()
    loaded = load_grants(tomllib.loads(written), written.encode())
    return Rules(
        Directory(1, MappingProxyType({agency.id: agency for agency in agencies})),
        replace(loaded, grants=tuple(replace(one, **APPROVED) for one in loaded.grants)),
        load_limits(tomllib.loads(raw.decode()), raw),
    )


def measure(_stage: Stage) -> Section:
    """One decision with every grant looked at, and the look-up that spares it."""
    conditions = [
        "N-grants: one `may_read` of an allowed event, nothing remembered; every grant names reader and source, has "
        "two owners and two parties and asks for an attestation; only the last one covers the type.",
        f"lane: one of {LANES} lanes decided for a reader whom 20 of {20 + OTHERS} grants name.",
        f"known: the reach of a reader over {LANES} lanes, decided before; what a page pays instead of deciding.",
    ]
    return Section(name="decision", title="deciding who may read", conditions=conditions, figures=figures())


def figures() -> list[Figure]:
    """The measured numbers."""
    nda = Attestation(kind="nda", valid_from=NOW - YEAR, valid_until=NOW + YEAR)
    reader, source = police(READER, attestations=(nda,)), police(SDPD)
    principal = of_agency(reader)
    works = {f"decision.{count}-grants": _deciding(principal, rules(count, [reader, source])) for count in (20, 200)}
    works["decision.known"] = _looking_up(principal, rules(20, [reader, source]))
    took: dict[str, list[float]] = {name: [] for name in [*works, "decision.lane"]}
    among_others = rules(20, [reader, source], OTHERS)
    for _ in range(ROUNDS):
        for name, work in works.items():
            took[name].append(_us(work))
        took["decision.lane"].append(_us(lambda: reach_of(principal, among_others, MAP, NOW), times=3) / LANES)
    return [of_rounds(name, "us", times) for name, times in took.items()]


def _deciding(principal: Principal, decided_by: Rules) -> Callable[[], object]:
    decision = may_read(principal, FACTS, decided_by, NOW)
    assert decision.is_allowed, decision.reason
    return lambda: may_read(principal, FACTS, decided_by, NOW)


def _looking_up(principal: Principal, decided_by: Rules) -> Callable[[], object]:
    reaches = Reaches()
    reaches.of(principal, decided_by, MAP, NOW)
    return lambda: reaches.of(principal, decided_by, MAP, NOW)


def _us(work: Callable[[], object], times: int = TIMES) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times * 1e6
