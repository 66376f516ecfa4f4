"""Ladders: whose acknowledgement is required how soon, and who is called when it does not come. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hub.grants import covers_type
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hub.directory import Kind

    Desks = Mapping[str, frozenset[str]]  # by desk, the ways by which it is told

DUTY = "duty"  # the desk that is told first, when the event comes

NO_DESK = Text(
    "step {number}: there is no desk {desk}, so the next step is taken at once",
    "paso {number}: no existe la mesa {desk}, así que se pasa de inmediato al siguiente",
)
SAME_WAY = Text(
    "step {number}: desk {desk} is reached by {ways} alone, as is who is told before",
    "paso {number}: la mesa {desk} solo se alcanza por {ways}, igual que quien recibe aviso antes",
)
NOBODY = Text(
    "step {number}: the issuer has no desk {desk} and no other, so nobody is told",
    "paso {number}: el emisor no tiene mesa {desk} ni otra, así que no se avisa a nadie",
)


class Urgency(StrEnum):
    """How much hurry there is (`hub.filters.Seen.is_urgent`)."""

    URGENT = "urgent"
    ROUTINE = "routine"

    @classmethod
    def of(cls, *, is_urgent: bool) -> Urgency:
        """The one of an event."""
        return cls.URGENT if is_urgent else cls.ROUTINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Who is called `after_s` seconds behind the deadline: a desk of the silent agency, or of the issuer."""

    after_s: int
    desk: str
    is_issuers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """
    What must be acknowledged by which kinds of agencies within `ack_within_s` seconds, and the steps behind that.

    The last step alone is the issuer's; times rise from step to step.
    """

    name: str
    types: tuple[str, ...]
    urgency: Urgency
    kinds: frozenset[Kind]
    ack_within_s: int
    steps: tuple[Step, ...]

    def wait_s(self, step: int, *, behind: int | None = None) -> int:
        """Seconds to step number `step` (from 0) from an earlier one, or from when the event came."""
        begun_s = -self.ack_within_s if behind is None else self.steps[behind].after_s
        return self.steps[step].after_s - begun_s

    def share(self, *, of_recipient: bool, of_issuer: bool) -> range:
        """The steps that a node takes, by number: those of its own agencies' desks, and the one of its own issuer."""
        last = len(self.steps) - 1
        return range(0 if of_recipient else last, last + 1 if of_issuer else last)


@dataclass(frozen=True, slots=True)
class Ladders:
    """In the order of the file: the first that fits counts."""

    rows: tuple[Ladder, ...] = ()

    def of(self, event_type: str, urgency: Urgency) -> Ladder | None:
        """The ladder of an event; None: nobody need acknowledge it."""
        fitting = (row for row in self.rows if row.urgency is urgency and covers_type(row.types, event_type))
        return next(fitting, None)

    def named(self, name: str) -> Ladder | None:
        """A ladder by its name; none by a name that the file no longer holds."""
        return next((row for row in self.rows if row.name == name), None)


@dataclass(frozen=True, slots=True)
class Turn:
    """The step that is taken now, and the one to wait for then; None: there is none (any more)."""

    step: int | None
    following: int | None


def turn(ladder: Ladder, steps: range, has_desk: Callable[[str], bool]) -> Turn:
    """
    Which of `steps` is taken first: where the silent agency has no such desk, the next one.

    The issuer's is taken in any case: that it was is on record.
    """
    for number in steps:
        step = ladder.steps[number]
        if step.is_issuers or has_desk(step.desk):
            return Turn(number, number + 1 if number + 1 in steps else None)
    return Turn(None, None)


def ways_to(desk: str, desks: Desks, told: Desks) -> tuple[frozenset[str], bool]:
    """
    By which ways a desk is called, of an agency with these `desks`, of which some were `told` before; whether they are
    the same ones by which others of the agency were, since it has no other.

    Its own ways. Where others were told by each of them, or it has none, the agency's other ways as well, whatever desk
    they lead to: what nobody has answered is to be heard of by another way.
    """
    own = desks.get(desk, frozenset())
    used = frozenset[str]().union(*(ways for name, ways in told.items() if name != desk))
    if own - used:
        return own, False
    ways = own.union(*desks.values())
    return ways, bool(own) and ways == own


@dataclass(frozen=True, slots=True)
class Call:
    """
    A step as it would be taken: `at_s` seconds after the event came, by these ways (none: it reaches nobody).

    `is_same_way`: others of the agency are told by each of them before, and it has no other.
    """

    number: int
    at_s: int
    desk: str
    is_issuers: bool
    ways: frozenset[str]
    is_same_way: bool


def calls(ladder: Ladder, desks: Desks, issuers: Desks, first: Desks) -> list[Call]:
    """
    Every step in order, as it would be taken for an agency with these desks and an issuer with those.

    A desk that does not exist is called when the next one is, and by no way. `first`: who is told when the event comes.
    """
    found: list[Call] = []
    told = first
    steps, at_s = range(len(ladder.steps)), ladder.wait_s(0)
    while steps:
        taken = turn(ladder, steps, lambda desk: desk in desks)
        last = steps.start if taken.step is None else taken.step
        for number in range(steps.start, last + 1):
            step = ladder.steps[number]
            ways, is_same = _ways(step, desks, issuers, told)
            found.append(Call(number, at_s, step.desk, step.is_issuers, ways, is_same))
            told = _with(told, step.desk, desks, ways)
        if taken.following is None:
            break
        at_s += ladder.wait_s(taken.following, behind=taken.step)
        steps = range(taken.following, len(ladder.steps))
    return found


def _ways(step: Step, desks: Desks, issuers: Desks, told: Desks) -> tuple[frozenset[str], bool]:
    if step.is_issuers:
        return ways_to(step.desk, issuers, {})
    return ways_to(step.desk, desks, told) if step.desk in desks else (frozenset(), False)


def _with(told: Desks, desk: str, desks: Desks, ways: frozenset[str]) -> Desks:
    """Who was told, and who is now that a desk is called by these ways: the others by those that it has not."""
    beside = ways - desks.get(desk, frozenset())
    now = {name: held & (ways if name == desk else beside) for name, held in desks.items()}
    return {name: told.get(name, frozenset()) | held for name, held in now.items()}


def weak(planned: list[Call]) -> Iterator[Text]:
    """What is wrong with these calls: desks that do not exist, and those that are reached as who is told before."""
    for call in planned:
        said = {"number": call.number + 1, "desk": call.desk}
        if not call.ways:
            yield (NOBODY if call.is_issuers else NO_DESK).format(**said)
        elif call.is_same_way and not call.is_issuers:  # who issued it is somebody else in any case
            yield SAME_WAY.format(**said, ways=", ".join(sorted(call.ways)))
