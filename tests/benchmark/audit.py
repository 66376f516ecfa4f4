"""`audit`: checking a bundle of a million entries, as `puente audit verify` does it, in a process of its own."""

from __future__ import annotations

import gzip
import resource
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmark.node import Stage
from tests.benchmark.report import Figure, Section, of_rounds
from tests.support.bundles import bundle

ENTRIES = 1_000_000
HEADS = 1000
ROUNDS = 3


def measure(stage: Stage) -> Section:
    """Write one bundle plain and one compressed, and check each several times."""
    plain, zipped = stage.folder / "audit.jsonl", stage.folder / "audit.jsonl.gz"
    heads = range(ENTRIES // HEADS, ENTRIES, ENTRIES // HEADS)
    with plain.open("wb") as out, gzip.open(zipped, "wb", compresslevel=6) as out_zipped:
        for piece in bundle(ENTRIES, heads):
            out.write(piece)
            out_zipped.write(piece)
    took: dict[Path, list[float]] = {plain: [], zipped: []}
    for _ in range(ROUNDS):
        for file, times in took.items():
            times.append(_verifying_s(file))
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sizes_mb = [file.stat().st_size / 1e6 for file in took]
    for file in took:
        file.unlink()
    return Section(
        name="audit",
        title="checking the audit offline",
        conditions=[
            f"`puente audit verify` of {ENTRIES} entries with {HEADS} signed heads, the start of the program included; "
            f"every line hashed, the tree folded, every head verified; the file in the page cache.",
            f"verify: plain, {sizes_mb[0]:.0f} MB; verify.gz: the same compressed, {sizes_mb[1]:.0f} MB.",
        ],
        figures=[
            of_rounds("audit.verify", "s per million entries", took[plain], aim="<= 5"),
            of_rounds("audit.verify.gz", "s per million entries", took[zipped]),
            Figure(name="audit.verify.memory", unit="MB at most", value=peak_mb),
        ],
    )


def _verifying_s(file: Path) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "hub.cli", "audit", "verify", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert str(ENTRIES) in told, told
    return (time.perf_counter() - began) / ENTRIES * 1e6
