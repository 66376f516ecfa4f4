"""Proof `policy`: what the policy says is what was meant, hidden looks like missing, and an ended right is over."""

from __future__ import annotations

import time
from collections.abc import Mapping

from tests.benchmark import decision
from tests.benchmark.node import READER, Node, grant, police, running, stage
from tests.proof import mutation, oracle, race
from tests.proof.cedar import main as cedar
from tests.proof.premises import require_kafka
from tests.proof.verdict import Run, Verdict
from tests.support.events import SDPD
from tests.support.services import state_folder

PROCESSES = ("sequencer", "gateway")
READERS = tuple(f"us-r{number:03d}" for number in range(race.READERS))
STRANGER = "us-tx-sheriff"
DISTINCT = b'"programme":"AMBER_US"'  # in every event of the race, and in no empty page


def policy(run: Run) -> Verdict:
    """
    The comparison with Cedar, the node under a race and under a stopwatch, the mutants, and what deciding costs.

    Raises:
        NotRun: this machine lacks what it takes.
    """
    require_kafka()
    began_s = time.monotonic()
    print(f"seed {run.seed}{' (short run)' if run.quick else ''}\ncomparing with Cedar", flush=True)
    compared = cedar.compared(run.seed, cedar.COMBINATIONS // (50 if run.quick else 1))
    timed, raced = _at_a_node(run)
    broken = None if run.quick else mutation.broken_by_line()
    figures: dict[str, object] = {**compared.figures, **dict(oracle.figures(timed)), **raced.figures}
    figures |= broken.figures if broken is not None else {"mutants": "not-run"}
    figures |= {**_costs(), "seed": run.seed, "duration_s": round(time.monotonic() - began_s)}
    held = compared.held and raced.held and all(one.held for one in timed) and (broken is None or broken.held)
    return Verdict(held=held, figures=figures | ({"length": "SHORT"} if run.quick else {}))


def _at_a_node(run: Run) -> tuple[list[oracle.Timed], race.Raced]:
    agencies = [police(name) for name in READERS]
    members = [*agencies, police(SDPD), police(READER), police(STRANGER)]
    # One grant for all of them, by kind and country, but not for who must see nothing.
    shared = grant(0, source=SDPD, reader=READER, types=["alert.*"]).replace(
        f'reader = {{ agency = "{READER}" }}', 'reader = { kind = "law_enforcement", country = "US" }'
    )
    with state_folder() as folder, stage(folder) as services:
        with running(services, "oracle", PROCESSES, members=members) as node:
            print("timing what is hidden against what is missing", flush=True)
            timed = oracle.told_apart(node, STRANGER, run.seed, oracle.CALLS // (10 if run.quick else 1))
        with running(services, "race", PROCESSES, members=members, grants=shared) as node:
            print(f"{len(agencies)} readers, and a grant that comes and goes", flush=True)
            _publish(node)
            raced = race.raced(node, agencies, DISTINCT, race.ROUNDS // (8 if run.quick else 1))
    return timed, raced


def _publish(node: Node) -> None:
    for _ in range(5):
        oracle.publish(node)


def _costs() -> Mapping[str, object]:
    """Microseconds per decision."""
    return {f"{one.name.replace('.', '_').replace('-', '_')}_us": round(one.value, 1) for one in decision.figures()}
