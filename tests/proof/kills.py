"""Proof `kills`: whatever is killed, paused or away, an acknowledged event is everywhere once, and in order."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proof import ledger
from tests.proof.facts import Fact, closes, last_of_each
from tests.proof.faults import FULL, QUICK, TARGETS, Plan
from tests.proof.posting import read_feed
from tests.proof.premises import keep_logs, require_kafka
from tests.proof.scene import Scene, scene
from tests.proof.stage import Stage, stage
from tests.proof.verdict import NotRun, Run, Verdict
from tests.support.services import state_folder

ORDERLY_S = 5.0  # an orderly end takes no longer, for any process
LOGS = Path(".puente/proof/kills")


def kills(run: Run) -> Verdict:
    """
    10,000 events while every process is killed 20 times, and more (see `tests.proof.faults`).

    Raises:
        NotRun: this machine lacks what it takes.
    """
    if not sys.platform.startswith("linux"):
        raise NotRun("it looks up the gateway's workers in /proc, which is there on Linux only")
    require_kafka()
    print(f"seed {run.seed}{' (short run)' if run.quick else ''}", flush=True)
    began_s = time.monotonic()
    with state_folder() as folder, stage(folder) as node:
        try:
            verdict = _prove(node, QUICK if run.quick else FULL, run.seed)
        finally:
            keep_logs(folder, LOGS)
    figures = {**verdict.figures, "seed": run.seed, "duration_s": round(time.monotonic() - began_s)}
    return Verdict(held=verdict.held, figures=figures | ({"length": "SHORT"} if run.quick else {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Findings:
    """What was found when everything had come to its end."""

    is_through: bool
    acknowledged: Sequence[Fact]
    entries: Sequence[ledger.Entry]
    leftovers: Mapping[str, int]  # each should be 0
    endings: Mapping[str, float]  # seconds from SIGTERM to the end, by process
    kafka_repeats: int  # records that came twice and took effect once


def _prove(node: Stage, plan: Plan, seed: int) -> Verdict:
    with scene(node, plan, random.Random(seed)) as played:  # noqa: S311 - moments, not secrets
        is_through = played.play()
        found = _look(played, is_through=is_through)
        for entry in found.entries:
            print(entry, flush=True)
        return _judge(played, plan, found)


def _look(played: Scene, *, is_through: bool) -> _Findings:
    node, expected = played.node, played.acknowledged
    played.reader.join(5)
    entries = [
        ledger.compare("feed-live", expected, played.reader.seen),
        ledger.compare("feed-again", expected, list(read_feed(played.reader.who))),
    ]
    endings = played.end_in_order()
    last = last_of_each(played.planned)
    closed = {fact.subject for fact in expected if closes(fact, last[fact.subject])}
    with node.database() as conn:
        entries += ledger.in_database(conn, expected)
        leftovers = {
            "gaps": ledger.gaps(conn),
            "wrong_states": ledger.wrong_states(conn, last_of_each(expected), closed),
            **ledger.unfinished(conn),
            "orphans": node.leftovers(),
        }
        records = ledger.records_read(conn)
    entries.append(ledger.in_topics(node.login(), node.told.kafka.topic_prefix, expected))
    return _Findings(
        is_through=is_through,
        acknowledged=expected,
        entries=entries,
        leftovers=leftovers,
        endings=endings,
        kafka_repeats=records - sum(len(desk.acknowledged()) for desk in played.desks),
    )


def _judge(played: Scene, plan: Plan, found: _Findings) -> Verdict:
    faults = played.faults
    refused = [line for poster in played.posters for line in poster.refused]
    if refused:
        print("refused:", *refused[:5], flush=True)
    done = {
        "everything-published": found.is_through and sorted(found.acknowledged) == sorted(played.planned),
        "all-kills": all(faults.kills[target] >= plan.kills for target in TARGETS),
        "late-wakes": len(faults.paused_fences) >= min(3, plan.pauses),
        "clean-ledger": all(entry.is_clean for entry in found.entries) and not refused,
        "nothing-left": not any(found.leftovers.values()),
        "orderly-ends": max(found.endings.values()) < ORDERLY_S,
    }
    unmet = [name for name, is_met in done.items() if not is_met]
    return Verdict(held=not unmet, figures=_figures(played, found) | ({"unmet": ",".join(unmet)} if unmet else {}))


def _figures(played: Scene, found: _Findings) -> dict[str, object]:
    faults, entries = played.faults, found.entries
    slowest = max(found.endings, key=found.endings.__getitem__)
    return {
        "events": len(found.acknowledged),
        "lost": sum(entry.lost for entry in entries),
        "doubled": sum(entry.doubled + entry.foreign for entry in entries),
        "misordered": sum(entry.misordered for entry in entries),
        **found.leftovers,
        "kills": ",".join(f"{target}:{faults.kills[target]}" for target in TARGETS),
        "gateway_parents": faults.parents,
        "late_wakes": len(faults.paused_fences),
        "restarts": ",".join(f"{name}:{count}" for name, count in faults.restarts.items()),
        "token_outage_s": round(faults.outage_s),
        "repeats_absorbed": f"http:{sum(poster.repeats for poster in played.posters)},kafka:{found.kafka_repeats}",
        "longest_stall_s": ",".join(f"{name}:{s}" for name, s in played.meter.stalls().items()),
        "slowest_end_s": f"{slowest}:{found.endings[slowest]:.1f}",
    }
