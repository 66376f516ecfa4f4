"""`decision`: what deciding costs, without any database."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType

from hub.directory import Agency, Directory
from hub.grant_rows import load_grants
from hub.grants import Tlp
from hub.lanes import Lane, LaneMap, Reaches
from hub.limits import load_limits
from hub.policy import Facts, Rules, may_read
from hub.principal import Principal, of_agency
from tests.benchmark.node import LIMITS, READER, Stage, grant, police
from tests.benchmark.report import Section, of_rounds
from tests.support.events import SDPD

ROUNDS = 5
TIMES = 1000
LANES = 400
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FACTS = Facts(source=SDPD, type="alert.missing_child.issued", status="actual", tlp=Tlp.AMBER, jurisdictions=("US-CA",))


def rules(grants: int, agencies: list[Agency]) -> Rules:
    """Grants that all name the reader and the source; only the last one covers the event's type."""
    types = [["alert.warning.*"]] * (grants - 1) + [["alert.missing_child.*"]]
    written = "".join(grant(n, source=SDPD, reader=READER, types=of) for n, of in enumerate(types))
    raw = LIMITS.read_bytes()
    return Rules(
        Directory(1, MappingProxyType({agency.id: agency for agency in agencies})),
        load_grants(tomllib.loads(written), written.encode()),
        load_limits(tomllib.loads(raw.decode()), raw),
    )


def measure(_stage: Stage) -> Section:
    """One decision with every grant looked at, and the look-up that spares it."""
    reader, source = police(READER), police(SDPD)
    principal = of_agency(reader)
    works = {
        f"decision.{count}-grants": _deciding(principal, rules(count, [reader, source])) for count in (20, 200)
    } | {"decision.known": _looking_up(principal, rules(20, [reader, source]))}
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            took[name].append(_us(work))
    figures = [of_rounds(name, "us", times) for name, times in took.items()]
    conditions = [
        "N-grants: one `may_read` of an allowed event, nothing remembered; every grant names reader and source, and "
        "only the last one covers the type.",
        f"known: the reach of a reader over {LANES} lanes, decided before; what a page pays instead of deciding.",
    ]
    return Section(name="decision", title="deciding who may read", conditions=conditions, figures=figures)


def _deciding(principal: Principal, decided_by: Rules) -> Callable[[], object]:
    decision = may_read(principal, FACTS, decided_by, NOW)
    assert decision.is_allowed, decision.reason
    return lambda: may_read(principal, FACTS, decided_by, NOW)


def _looking_up(principal: Principal, decided_by: Rules) -> Callable[[], object]:
    reaches = Reaches()
    lanes = LaneMap.of(Lane(number, FACTS, is_coarse=False) for number in range(1, LANES + 1))
    reaches.of(principal, decided_by, lanes, NOW)
    return lambda: reaches.of(principal, decided_by, lanes, NOW)


def _us(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(TIMES):
        work()
    return (time.perf_counter() - began) / TIMES * 1e6
