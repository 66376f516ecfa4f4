"""What a relay's answer means for what was in a mail: done, tried again and when, or given up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hub.carrying import End, again_at
from hub.subscribing import Reason, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.errands import Errand

# Whose mailbox is said not to be there, and so long later once more, is not written to any more.
BOUNCING_FOR = timedelta(days=1)
_NO_SUCH_MAILBOX = ("5.1.", "5.2.")  # RFC 3463: the address, the mailbox
_PLAIN = (550, 551, 553)  # RFC 5321 section 4.2.3, of relays that say no more


@dataclass(frozen=True, slots=True)
class Reply:
    """A relay's last word on one mail: its code, and the enhanced one (RFC 3463) where it gave it."""

    code: int
    enhanced: str | None = None

    @property
    def is_taken(self) -> bool:
        """The relay is responsible for it now (RFC 5321 section 6.1)."""
        return 200 <= self.code < 300

    @property
    def is_for_good(self) -> bool:
        """Trying again changes nothing."""
        return self.code >= 500

    @property
    def is_bounce(self) -> bool:
        """There is no such mailbox; other refusals may be about the mail, or about us."""
        if self.enhanced is None:
            return self.code in _PLAIN
        return self.is_for_good and self.enhanced.startswith(_NO_SUCH_MAILBOX)


def ends_of(
    errands: Sequence[Errand], reply: Reply, at: datetime, *, bounced_at: datetime | None, chance: float
) -> list[End]:
    """
    What `reply` comes to for each thing in the mail; `chance` in [0, 1) spreads what failed together.

    `bounced_at`: when it was first said that there is no such mailbox, if nothing has arrived since.
    """
    disables = None
    if reply.is_bounce and bounced_at is not None and at - bounced_at >= BOUNCING_FOR:
        disables = Reason.FAILING if errands[0].subscription.state is not State.PENDING else None
    return [_end(each, reply, at, chance, disables) for each in errands]


def _end(errand: Errand, reply: Reply, at: datetime, chance: float, disables: Reason | None) -> End:
    claim = errand.claim
    next_at = None if reply.is_taken or reply.is_for_good else again_at(claim, at, chance)
    unsent = "failed" if next_at is None else "due"
    return End(
        no=claim.no,
        subscription=claim.subscription,
        state="delivered" if reply.is_taken else unsent,
        code=f"smtp-{reply.code}",
        again_at=next_at,
        disables=disables,
        bounces=reply.is_bounce,
    )
