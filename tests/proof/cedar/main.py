"""The long comparison: over a million combinations by two processes, and each rule broken in turn."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context

from tests.proof.cedar.differential import Tally
from tests.proof.cedar.mutants import ENOUGH, MOST, Found, Slice, mutants
from tests.proof.cedar.text import Rules
from tests.proof.cedar.worlds import worlds

COMBINATIONS = 1_000_000
PROCESSES = 2
TELL_S = 30.0


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of it; `found` says for each broken rule how often it made a difference."""

    tally: Tally
    found: tuple[Found, ...]

    @property
    def held(self) -> bool:
        """No disagreement, and every broken rule was noticed often enough."""
        return not self.tally.disagreements and all(one.differing >= ENOUGH for one in self.found)

    @property
    def figures(self) -> Mapping[str, object]:
        """For the proof's last line."""
        noticed = [one for one in self.found if one.differing >= ENOUGH]
        slowest = max(self.found, key=lambda one: one.combinations / max(one.differing, 1))
        return {
            "combinations": self.tally.combinations,
            "allowed_share": round(self.tally.allowed / self.tally.combinations, 3),
            "disagreements": len(self.tally.disagreements),
            "broken_rules_noticed": f"{len(noticed)}/{len(self.found)}",
            "rarest_rule": f"1-in-{slowest.combinations // max(slowest.differing, 1)}",
        }


def compared(seed: int, combinations: int = COMBINATIONS, most: int = MOST) -> Compared:
    """Compare, print what was found, and give the figures."""
    with get_context("spawn").Pool(PROCESSES) as pool:
        shares = [(seed * 1000 + number, combinations // PROCESSES) for number in range(PROCESSES)]
        tally = _sum(pool.starmap(_share, shares))
        broken = pool.starmap_async(_broken, [(seed, most, number) for number in range(PROCESSES)]).get()
    found = tuple(one for several in broken for one in several)
    print(f"shown: {dict(tally.shown)}")
    for one in sorted(found, key=lambda one: one.combinations / max(one.differing, 1)):
        print(f"  decided alone {one.differing:5d} of {one.combinations:6d}: {one.mutant}")
    for told in tally.disagreements[:3]:
        print(f"DISAGREEMENT {told}")
    return Compared(tally, found)


def _sum(tallies: list[Tally]) -> Tally:
    return Tally(
        sum(one.combinations for one in tallies),
        sum(one.allowed for one in tallies),
        [told for one in tallies for told in one.disagreements],
        sum((one.shown for one in tallies), Counter[str]()),
    )


def _share(seed: int, combinations: int) -> Tally:
    tally, rules, told_s = Tally(), Rules.read(), time.monotonic()
    for world in worlds(seed):
        tally.add(world, rules)
        if time.monotonic() - told_s > TELL_S:
            told_s = time.monotonic()
            print(f"{tally.combinations} combinations, {len(tally.disagreements)} disagreements", flush=True)
        if tally.combinations >= combinations:
            return tally
    raise AssertionError  # worlds never end


def _broken(seed: int, most: int, share: int) -> list[Found]:
    asked = Slice(seed)
    return [asked.notices(mutant, most) for mutant in list(mutants(Rules.read()))[share::PROCESSES]]
