"""Proof `properties`: every property holds for all of its examples, of which `make test` tries a share."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.proof.verdict import Run, Verdict
from tests.support.examples import ALL_VARIABLE

ROOT = Path(__file__).parents[2]
# Hypothesis' plugin marks what takes examples. Nothing is read from earlier runs: the seed alone says what is tried.
COMMAND = (sys.executable, "-m", "pytest", "-q", "-m", "hypothesis", "-p", "no:cacheprovider", "--timeout=1800")
COUNTED = re.compile(r"(\d+) (passed|failed|errors?)\b")


def properties(run: Run) -> Verdict:
    """All tests that Hypothesis feeds; what fails is shown as pytest shows it."""
    began_s = time.monotonic()
    print(f"seed {run.seed}{' (short run)' if run.quick else ''}", flush=True)
    environment = {**os.environ, **({} if run.quick else {ALL_VARIABLE: "1"})}
    command = [*COMMAND, f"--hypothesis-seed={run.seed}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    counted = {what.rstrip("s"): int(number) for number, what in COUNTED.findall(done.stdout.rpartition("\n=")[2])}
    tried = counted.get("passed", 0)
    held = done.returncode == 0 and tried > 0
    if not held:
        print(done.stdout, flush=True)
    figures: dict[str, object] = {"properties": tried, "failed": counted.get("failed", 0) + counted.get("error", 0)}
    figures |= {"seed": run.seed, "duration_s": round(time.monotonic() - began_s)}
    return Verdict(held=held, figures=figures | ({"length": "SHORT"} if run.quick else {}))
