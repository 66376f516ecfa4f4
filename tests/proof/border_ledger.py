"""Both sides' books against each other: what one sent, what the other took, and what it answered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tests.proof.border_post import Post
from tests.proof.border_stage import Stage
from tests.proof.facts import FACT, Fact
from tests.proof.ledger import Entry, compare

SETTLES_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Of one direction, what should be nothing in each member."""

    receipts_open: int = 0  # envelopes without a receipt
    outcomes: int = 0  # envelopes that both sides do not tell of in the same way
    gaps: int = 0  # sequences that either side lacks
    heads: int = 0  # 1: the last envelope is another on the other side
    unsigned: int = 0  # envelopes that no kept receipt covers, and receipts that the other side did not give
    refused: int = 0
    twice: int = 0  # events that were stored as new more than once
    behind: int = 0  # positions of the log that were not looked at

    @property
    def total(self) -> int:
        """Of everything."""
        return sum(getattr(self, each.name) for each in fields(self))


def difference(own: Post, other: Post) -> Difference:
    """Of what `own` sent to `other`."""
    sent = own.rows(
        "SELECT seq, kind, hash, outcome, receipted_at IS NULL FROM departure WHERE peer = %s AND seq > 0", other.id
    )
    came = other.rows("SELECT seq, kind, hash, outcome FROM arrival WHERE peer = %s AND seq > 0", own.id)
    seqs, taken = {int(row[0]) for row in sent}, {int(row[0]) for row in came}
    ((out_hash, position, end),) = own.rows(
        "SELECT out_hash, position, (SELECT coalesce(max(position), 0) FROM log) FROM crossing"
    )
    ((in_hash,),) = other.rows("SELECT in_hash FROM crossing")
    stored = Counter(
        row[0]
        for row in other.rows("SELECT event FROM arrival WHERE outcome = 'stored' AND seq > 0 AND peer = %s", own.id)
    )
    return Difference(
        receipts_open=sum(bool(row[4]) for row in sent),
        outcomes=len({_told(row[:4]) for row in sent} ^ {_told(row) for row in came}),
        gaps=sum(max(each, default=0) - len(each) for each in (seqs, taken)),
        heads=int(bytes(out_hash) != bytes(in_hash)),
        unsigned=_unsigned(own, other, seqs),
        refused=sum(str(row[3]).startswith("refused") for row in came),
        twice=sum(count - 1 for count in stored.values()),
        behind=max(0, int(end) - int(position)),
    )


def _told(row: Sequence[Any]) -> tuple[object, ...]:
    seq, kind, digest, outcome = row
    return seq, kind, bytes(digest), outcome


def _unsigned(own: Post, other: Post, seqs: Collection[int]) -> int:
    query = "SELECT first, last FROM receipt WHERE peer = %s AND is_ours = %s AND first > 0"
    kept = {(int(first), int(last)) for first, last in own.rows(query, other.id, False)}
    given = {(int(first), int(last)) for first, last in other.rows(query, own.id, True)}
    covered = {seq for first, last in kept for seq in range(first, last + 1)}
    return len(set(seqs) - covered) + len(kept - given)


def reconciled(stage: Stage, within_s: float = SETTLES_S) -> dict[str, int]:
    """
    The sums of both directions once they have come to rest; after `within_s` as they are.

    Readers are told of across the border too, so that the books may move a little while they are read.
    """
    until_s = time.monotonic() + within_s
    while True:
        found = [difference(own, other) for own, other in stage.ways]
        if not sum(one.total - one.refused for one in found) or time.monotonic() > until_s:
            names = [each.name for each in fields(Difference)]
            return {name: sum(getattr(one, name) for one in found) for name in names}
        time.sleep(0.5)


def in_database(own: Post, other: Post, name: str, expected: Collection[Fact]) -> list[Entry]:
    """What the other side's tables hold of what a source of ours published during one fault."""
    found = []
    queries = {
        "event": "SELECT e.id FROM event e WHERE e.source = %s AND e.id LIKE %s",
        "log": "SELECT e.id FROM log l JOIN event e ON e.hub_id = l.event WHERE e.source = %s AND e.id LIKE %s"
        " ORDER BY l.position",
    }
    for table, query in queries.items():
        ids = [str(row[0]) for row in other.rows(query, own.poster, f"{name}-%")]
        seen = [Fact.of(each) for each in ids if FACT.match(each)]
        found.append(compare(f"{table}-{own.id}-at-{other.id}", expected, seen, ordered=table == "log"))
    return found


def refusals(own: Post, other: Post) -> list[tuple[object, ...]]:
    """What of `own` the other side did not take, and why."""
    query = "SELECT seq, kind, outcome FROM arrival WHERE peer = %s AND seq > 0 AND outcome LIKE 'refused%%'"
    return other.rows(query, own.id)


def holes(post: Post) -> int:
    """Positions that its log lacks, up to its newest."""
    ((lacking,),) = post.rows("SELECT coalesce(max(position), 0) - count(*) FROM log")
    return int(lacking)
