"""What comes from the other node: taken in sequence, each envelope once, and answered one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from hub import copying, ruling
from hub.border.envelope import FIRST, Kind
from hub.border.receipt import Outcome, Receipt
from hub.errors import BorderRefused
from hub.picture import Stale
from hub.store import arrivals
from hub.store.arrivals import Arrived, Coming
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from hub.border.envelope import Sealed
    from hub.picture import Picture
    from hub.store import Connection

MOST_PLACES = 1000  # told in one receipt
TRIES = 5

UNKNOWN = Text("no such node is trusted here", "aquí no se confía en tal nodo")
STOPPED = Text("the border to that node is stopped or closed", "la frontera con ese nodo está detenida o cerrada")
OTHER_STREAM = Text("another stream than the one that is followed here", "otro flujo que el que aquí se sigue")
FORKED = Text(
    "an envelope differs from the one that came before in its place; nothing more is taken until somebody has looked",
    "un sobre difiere del que llegó antes en su lugar; no se recibe nada más hasta que alguien lo haya revisado",
)
RULES = frozenset({Kind.KEYS, Kind.DIRECTORY, Kind.LIMITS, Kind.GRANT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """
    A batch whose signatures hold. `placed`: up to which sequence the sender knows where its events stand here.

    `sent_at`: by its clock; None: taken to be ours.
    """

    peer: str
    stream: UUID
    first: int
    envelopes: Sequence[Sealed]
    digest: bytes
    placed: int = 0
    sent_at: datetime | None = None


def receive(conn: Connection, picture: Picture, node: str, arriving: Arriving, at: datetime) -> Receipt:
    """
    Take what is new of a batch, in its sequence; what came before changes nothing and is answered as it was then.

    Where something is missing before it, nothing is taken, and the receipt asks for what is.

    Raises:
        BorderRefused: the peer is not open, its stream is another, or it has forked; in that case it is stopped.
    """
    coming = _begin(conn, arriving, at)
    known = arrivals.known(conn, arriving.peer, arriving.first, arriving.first + len(arriving.envelopes))
    new = [one for one in arriving.envelopes if one.head.seq > coming.seq]
    if _has_forked(coming, arriving, known, new):
        with conn.transaction():
            arrivals.stop(conn, arriving.peer, "fork")
        raise BorderRefused("fork", FORKED)
    outcomes = {seq: outcome for seq, (_, outcome) in known.items()}
    if new and new[0].head.seq == coming.seq + 1:
        for is_rule, run in groupby(new, key=lambda one: one.head.kind in RULES):
            coming, arrived = _take(conn, picture, node, coming, list(run), at, is_rule=is_rule)
            outcomes |= {one.seq: one.outcome for one in arrived}
    if coming.seq >= arriving.first + len(arriving.envelopes) - 1:
        arrivals.note_current(conn, arriving.peer, age_s=_age_s(arriving, at))
    return _receipt(conn, picture, node, arriving, coming, outcomes, at)


def _age_s(arriving: Arriving, at: datetime) -> float:
    """
    How old what the batch says of the sender's rules is: each of its envelopes was made with those of its moment.

    After an outage batches come that were made before it, and what has ended since comes behind them. Who has nothing
    left to send says how things are now.
    """
    if not arriving.envelopes:
        return 0.0
    return max(0.0, ((arriving.sent_at or at) - arriving.envelopes[-1].head.at).total_seconds())


def _begin(conn: Connection, arriving: Arriving, at: datetime) -> Coming:
    with conn.transaction():
        coming = arrivals.lock(conn, arriving.peer)
        if coming is None:
            raise BorderRefused("unknown-peer", UNKNOWN)
        if coming.state != "open":
            raise BorderRefused("stopped", STOPPED)
        if coming.stream not in (None, arriving.stream):
            raise BorderRefused("stream", OTHER_STREAM)
        arrivals.heard(conn, arriving.peer, at)
    return replace(coming, stream=arriving.stream)


def _has_forked(coming: Coming, arriving: Arriving, known: dict[int, tuple[bytes, str]], new: Sequence[Sealed]) -> bool:
    """Whether two envelopes claim one place, or one does not name the one that is before it here."""
    for one in arriving.envelopes:
        if one.head.seq in known and known[one.head.seq][0] != one.head.digest:
            return True
    before = coming.hash if coming.seq else FIRST
    if new and new[0].head.seq == coming.seq + 1:
        for one in new:
            if one.head.previous != before:
                return True
            before = one.head.digest
    return False


def _take(
    conn: Connection,
    picture: Picture,
    node: str,
    coming: Coming,
    run: Sequence[Sealed],
    at: datetime,
    *,
    is_rule: bool,
) -> tuple[Coming, list[Arrived]]:
    """One run of envelopes in one transaction; rules by themselves, so that what follows is decided with them."""
    judged = [] if is_rule else copying.judge(picture.refresh(conn), node, coming, run)
    for _ in range(TRIES):
        if not is_rule:
            copying.settle_lanes(conn, picture, judged)
        try:
            with conn.transaction():
                held = arrivals.lock(conn, coming.peer)
                if held is None or (held.seq, held.state) != (coming.seq, "open"):
                    raise BorderRefused("stopped", STOPPED)  # overtaken by another delivery of the same, or closed
                if is_rule:
                    outcomes = [ruling.apply(conn, coming, one, at) for one in run]
                else:
                    picture.require_current(conn, picture.view)
                    outcomes = copying.take(conn, picture.view, coming, judged)
                arrived = [
                    Arrived(one.head.seq, one.head.kind.value, event, one.head.digest, outcome)
                    for one, (event, outcome) in zip(run, outcomes, strict=True)
                ]
                last = run[-1].head
                moved = replace(coming, seq=last.seq, hash=last.digest)
                arrivals.move(conn, moved, arrived)
        except Stale:
            picture.refresh(conn)
            continue
        if is_rule:
            picture.refresh(conn)
            ruling.empty_uncovered(conn, coming.peer)
        return moved, arrived
    raise RuntimeError("the rules changed five times during one batch")


def _receipt(
    conn: Connection,
    picture: Picture,
    node: str,
    arriving: Arriving,
    coming: Coming,
    outcomes: dict[int, str],
    at: datetime,
) -> Receipt:
    last = arriving.first + len(arriving.envelopes) - 1
    is_taken = coming.seq >= last
    rules = picture.view.rules
    return Receipt(
        origin=node,
        destination=arriving.peer,
        stream=arriving.stream,
        batch=arriving.digest,
        first=arriving.first,
        last=last,
        next=coming.seq + 1,
        hash=coming.hash if coming.seq else FIRST,
        outcomes=tuple(Outcome(seq, outcomes[seq]) for seq in range(arriving.first, last + 1)) if is_taken else (),
        placed=tuple(arrivals.places(conn, arriving.peer, arriving.placed, limit=MOST_PLACES)),
        policy=rules.version,
        rules=rules.directory.version,
        at=at,
    )
