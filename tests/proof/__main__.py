"""
`python -m tests.proof [NAME ...] [--quick] [--seed N]`: long proofs; each ends with `proof NAME held|broken figures`.

The exit status is 0 when every proof that was asked for was run and held. A proof is a function in `PROOFS` that takes
a `Run` and gives a `Verdict`.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import traceback
from collections.abc import Mapping

from tests.proof.border import border
from tests.proof.clients import clients
from tests.proof.day import day
from tests.proof.delivery import delivery
from tests.proof.kills import kills
from tests.proof.policy import policy
from tests.proof.properties import properties
from tests.proof.restore import restore
from tests.proof.verdict import NotRun, Proof, Run

PROOFS: Mapping[str, Proof] = {
    "kills": kills,
    "policy": policy,
    "properties": properties,
    "restore": restore,
    "day": day,
    "border": border,
    "delivery": delivery,
    "clients": clients,
}
QUICK_VARIABLE = "PUENTE_PROOF_QUICK"


def prove(name: str, run: Run) -> bool:
    """Run one proof and print its last line; whether it held."""
    try:
        verdict = PROOFS[name](run)
    except NotRun as why:
        print(f"proof {name} not-run {why}", flush=True)
        return False
    except Exception as error:  # a proof that falls over has not shown anything
        traceback.print_exc()
        print(f"proof {name} not-run {type(error).__name__}: {error}", flush=True)
        return False
    print(verdict.line(name), flush=True)
    return verdict.held


def main() -> int:
    """All proofs, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PROOFS)}; none: all")
    parser.add_argument("--quick", action="store_true", help=f"a short version (or {QUICK_VARIABLE}=1)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="the random moments; printed")
    told = parser.parse_args()
    unknown = [name for name in told.names if name not in PROOFS]
    if unknown:
        parser.error(f"no such proof: {', '.join(unknown)}; there are {', '.join(PROOFS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave in order: nothing that was started stays behind
    run = Run(seed=told.seed, quick=told.quick or bool(os.environ.get(QUICK_VARIABLE)))
    return 0 if all([prove(name, run) for name in told.names or PROOFS]) else 1


if __name__ == "__main__":
    sys.exit(main())
