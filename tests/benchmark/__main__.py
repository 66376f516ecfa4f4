"""`python -m tests.benchmark [NAME]`: measure, print one line a figure, and write `docs/figures.md`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from tests.benchmark import (
    access,
    audit,
    border,
    cpu,
    decision,
    fanout,
    feed,
    ingest,
    latency,
    machine,
    publish,
    report,
    stream,
    webhooks,
)
from tests.benchmark.node import Stage, stage
from tests.support.services import state_folder

MEASURES: Mapping[str, Callable[[Stage], report.Section]] = {
    "latency": latency.measure,
    "publish": publish.measure_publish,
    "pages": publish.measure_pages,
    "cpu": cpu.measure,
    "ingest": ingest.measure,
    "feed": feed.measure,
    "decision": decision.measure,
    "access": access.measure,
    "audit": audit.measure,
    "border": border.measure,
    "fanout": fanout.measure,
    "webhooks": webhooks.measure,
    "stream": stream.measure,
}


def run(names: list[str]) -> int:
    """Measure `names`, or everything; 2 for a name that is none."""
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"no such figure: {', '.join(unknown)}; there are {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    with state_folder() as folder, stage(folder) as services:
        told = machine.facts(services.server)
        print(f"machine: {told}", flush=True)
        for name in names or MEASURES:
            began = time.monotonic()
            section = MEASURES[name](services)
            for figure in section.figures:
                print("\n".join(figure.lines()), flush=True)
            print(f"({name}: {time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
            report.write(section, told)
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
