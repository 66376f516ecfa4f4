"""What the proof `delivery` makes of what it saw: the books of what came, how soon it came, how soon a cut was felt."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.benchmark.report import percentile, ratio
from tests.proof.delivery_cast import Receiver

DEFECTS = ("lost", "foreign", "two_events_under_one_id", "told_twice", "holes", "stream_lost", "stream_doubled")
ARRIVES_S = 20.0  # what takes longer counts as never
CUT_S = 2.0
STREAMS = 200
FELT = 1.2  # how much longer the slowest percent may take beside bad receivers


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Some figures, and which promises were kept."""

    figures: Mapping[str, object]
    kept: Mapping[str, bool]


def books(
    well: Sequence[Receiver], numbered: Mapping[str, int], stream: Sequence[str], accepted: Collection[str]
) -> Finding:
    """
    What came, against what was accepted. `numbered`: how many numbers the hub gave to each receiver.

    The same message twice is no defect: its id says so. Two messages for one event are.
    """
    sent = messages = lost = foreign = two = twice = holes = 0
    wanted = set(accepted)
    for one in well:
        events = {got.event for got in one.got}
        pairs = {(got.message, got.event) for got in one.got}
        ids = {message for message, _ in pairs}
        sent += len(one.got)
        messages += len(ids)
        lost += len(wanted - events)
        foreign += len(events - wanted)
        two += len(pairs) - len(ids)
        twice += len(pairs) - len(events)
        holes += len({got.seq for got in one.got} ^ set(range(1, numbered.get(one.name, 0) + 1)))
    figures = {
        "sent": sent,
        "delivered": messages,
        "doubled": sent - messages,
        "lost": lost,
        "foreign": foreign + len(set(stream) - wanted),
        "two_events_under_one_id": two,
        "told_twice": twice,
        "holes": holes,
        "stream_lost": len(wanted - set(stream)),
        "stream_doubled": len(stream) - len(set(stream)),
    }
    return Finding(figures=figures, kept={"clean-books": not any(figures[name] for name in DEFECTS)})


class Beside(StrEnum):
    """Who is told beside those that are timed: nobody; two that behave; the same two behaving badly."""

    NOBODY = "nobody"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """
    Some alerts that were timed at receivers that behave, with others beside them or not.

    `took_s`: from publish to arrival, of each alert at each receiver; `never`: how many of them did not come.
    `began_quiet`: nothing was on its way to the others before. `calls`: how often each of those was called in it.
    """

    beside: Beside
    began_quiet: bool
    took_s: Sequence[float]
    never: int
    calls: Sequence[int]

    @property
    def p99_ms(self) -> float:
        """Of those that came and those that did not."""
        return 1000 * percentile(self.took_s, 0.99)

    @property
    def is_as_said(self) -> bool:
        """The others were called if there were to be any, else none of them."""
        return self.began_quiet and (not any(self.calls) if self.beside is Beside.NOBODY else all(self.calls))


def timed(published: Mapping[str, float], well: Sequence[Receiver]) -> tuple[list[float], int]:
    """Seconds to each arrival, and how many never came in time, which count as the longest time."""
    came = [one.arrived.get(event, float("inf")) - at_s for event, at_s in published.items() for one in well]
    never = sum(not 0 < took_s <= ARRIVES_S for took_s in came)
    return [took_s if 0 < took_s <= ARRIVES_S else ARRIVES_S for took_s in came], never


def isolation(rounds: Sequence[Round], *, timings: int) -> Finding:
    """
    Whether those that behave notice that two others behave badly; `timings`: how many each round should have.

    Two more that are told are more work, however they behave: against nobody beside them it is a figure.
    """
    nobody, good, bad = ([one.p99_ms for one in rounds if one.beside is beside] for beside in Beside)
    never = sum(one.never for one in rounds)
    figures = {
        "never": never,
        "p99_alone_ms": f"{statistics.median(nobody):.0f}",
        "p99_beside_good_ms": f"{statistics.median(good):.0f}",
        "p99_beside_bad_ms": f"{statistics.median(bad):.0f}",
        "bad_to_good": f"{ratio(bad, good):.2f}",
        "bad_to_alone": f"{ratio(bad, nobody):.2f}",
        "p99_by_round_ms": ",".join(f"{one.p99_ms:.0f}{one.beside[0]}" for one in rounds),
    }
    kept = {
        "everything-arrived-in-time": not never and all(len(one.took_s) == timings for one in rounds),
        "others-only-beside": all(one.is_as_said for one in rounds),
        "bad-ones-isolated": ratio(bad, good) <= FELT,
    }
    return Finding(figures=figures, kept=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """
    An agency that was suspended with everything full.

    At the cut: `streams` were open and being told, `waiting` webhooks were not told yet; `ends_before` counts streams
    that had ended before it, and came again. After it: `ends_s` is when something came to the agency, in seconds from
    the cut, `left_open` streams were not closed, and `others` counts what came to somebody else once the time for the
    cut was over: so it was the cut that ended it.
    """

    streams: int
    ends_before: Mapping[str, int]
    waiting: int
    ends_s: Sequence[float]
    left_open: int
    others: int


def cut(cuts: Sequence[Cut]) -> Finding:
    """Whether nothing came to who was cut off, where something would have."""
    before = sum((Counter(one.ends_before) for one in cuts), Counter[str]())
    last_s = [max(one.ends_s, default=0.0) for one in cuts]
    after = sum(each > CUT_S for one in cuts for each in one.ends_s)
    figures = {
        "cut_last_s_p50": f"{statistics.median(last_s):.2f}",
        "cut_last_s_p99": f"{percentile(last_s, 0.99):.2f}",
        "after_the_cut": after,
        "cuts": len(cuts),
        "streams_at_the_cut": min(one.streams for one in cuts),
        "streams_ended_before": ",".join(f"{why}:{many}" for why, many in sorted(before.items())) or 0,
        "waiting_at_the_cut": min(one.waiting for one in cuts),
        "streams_left_open": sum(one.left_open for one in cuts),
        "others_after_the_cut": min(one.others for one in cuts),
    }
    kept = {
        "cut-within-2-s": not after,
        "all-streams-open-at-the-cut": all(one.streams == STREAMS for one in cuts),
        "webhooks-waiting-at-the-cut": all(one.waiting for one in cuts),
        "streams-ended": not any(one.left_open for one in cuts),
        "others-told-after-the-cut": all(one.others for one in cuts),
    }
    return Finding(figures=figures, kept=kept)
