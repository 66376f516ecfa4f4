"""What live consents add to a decision. Pure: they open members to who may read an event, and let nobody in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.consents import joined

if TYPE_CHECKING:
    from datetime import datetime

    from hub.consents import Consent
    from hub.policy import Decision, Rules
    from hub.principal import Principal


def consents_for(
    principal: Principal, subject: tuple[str, str], decision: Decision, rules: Rules, at: datetime
) -> list[Consent]:
    """The consents that open protected members of a (source, subject)'s events to who may read them at all."""
    held, reader = rules.consents.get(subject, ()), principal.agency.id
    return [one for one in held if any(one.opens_to(reader, what, at) for what in decision.protected_for)]


def consent_for(
    principal: Principal, subject: tuple[str, str], decision: Decision, rules: Rules, at: datetime
) -> Consent | None:
    """The same as the one consent that they come to."""
    return joined(consents_for(principal, subject, decision, rules, at))
