"""What a receiver's answer means for what it was told: done, tried again and when, or given up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hub.subscribing import PROOF_PAUSES_S, ROUTINE_PAUSES_S, URGENT_PAUSES_S, Reason, State, pause_s
from hub.webhooks import echoes

if TYPE_CHECKING:
    from uuid import UUID

    from hub.errands import Errand
    from hub.outcomes import Outcome
    from hub.store.claims import Claim

NO_ECHO = "no-echo"  # it took the challenge and did not answer it


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """
    How one try ended.

    `proves`: the address is its subscription's own. `bounces`: there is no such mailbox. `disables`: it is told nothing
    any more.
    """

    no: int
    subscription: UUID
    state: str
    code: str
    again_at: datetime | None = None
    proves: bool = False
    bounces: bool = False
    disables: Reason | None = None


def end_of(errand: Errand, outcome: Outcome, at: datetime, chance: float) -> End:
    """What `outcome` comes to; `chance` in [0, 1) spreads what failed together."""
    claim, one = errand.claim, errand.subscription
    is_proof = claim.kind == "verification" and one.state is State.PENDING
    code = outcome.code
    if outcome.kind == "delivered":
        if not is_proof or echoes(outcome.body, one.nonce.hex):
            return End(no=claim.no, subscription=one.id, state="delivered", code=code, proves=is_proof)
        code = NO_ECHO
    if outcome.kind == "gone":
        return End(no=claim.no, subscription=one.id, state="failed", code=code, disables=Reason.GONE)
    next_at = again_at(claim, at, chance, asked_s=outcome.retry_after_s or 0)
    state = "failed" if next_at is None else "due"
    return End(no=claim.no, subscription=one.id, state=state, code=code, again_at=next_at)


def again_at(claim: Claim, at: datetime, chance: float, *, asked_s: float = 0) -> datetime | None:
    """
    When something is tried again that has failed at `at`, not before `asked_s` seconds are over; None: never.

    `chance` in [0, 1) spreads what failed together.
    """
    routine = PROOF_PAUSES_S if claim.kind == "verification" else ROUTINE_PAUSES_S
    wait_s = pause_s(claim.tries, URGENT_PAUSES_S if claim.is_urgent else routine, chance)
    return None if wait_s is None else at + timedelta(seconds=max(wait_s, asked_s))
