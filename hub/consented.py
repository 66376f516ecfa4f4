"""What live consents add to a decision. Pure: they open members to who may read an event, and let nobody in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.consents import joined

if TYPE_CHECKING:
    from datetime import datetime

    from hub.consents import Consent
    from hub.policy import Decision, Rules
    from hub.principal import Principal


def consent_for(
    principal: Principal, subject: tuple[str, str], decision: Decision, rules: Rules, at: datetime
) -> Consent | None:
    """What consents open of the protected members of a (source, subject)'s events to who may read them at all."""
    held, reader = rules.consents.get(subject, ()), principal.agency.id
    return joined([one for one in held if any(one.opens_to(reader, what, at) for what in decision.protected_for)])
