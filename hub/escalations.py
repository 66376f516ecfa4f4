"""Who would be called when, if an agency stayed silent: a ladder played through for the desks that there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import acts
from hub.authority import is_operator
from hub.calling import by_desk, calling
from hub.grants import covers_type
from hub.ladders import calls, weak
from hub.policy import Decision
from hub.principal import READ
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.ladders import Call, Ladder, Ladders, Urgency
    from hub.reading import Asking
    from hub.store import Connection

ACTION = "escalation.read"
OWN = Decision(True, Text("one's own desks", "las mesas propias"))
ISSUES = Decision(True, Text("issues such events", "emite tales eventos"))
OPERATES = Decision(True, Text("runs the node", "opera el nodo"))
NOT_ITS_OWN = Decision(False, Text("belongs to another agency", "pertenece a otra agencia"))
NO_SCOPE = Decision(False, Text("the token lacks events:read", "el token no incluye events:read"))
NONE_SUCH = Decision(False, Text("no such agency here", "aquí no existe tal agencia"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What follows if `agency` is silent; `ladder` None: it need not acknowledge such events. `weak`: what to mend."""

    agency: str
    ladder: Ladder | None
    calls: tuple[Call, ...] = ()
    weak: tuple[Text, ...] = ()


def plan(conn: Connection, asking: Asking, agency: str | None, ladders: Ladders, event: tuple[str, Urgency]) -> Plan:
    """
    Play through what comes of an `event` of this type and urgency with `agency`, or the caller's own.

    For the agency itself, for whoever may issue such events (then its own desks are those called last), and for the
    node's operators. Whose events they are is not said otherwise, so the last step reaches nobody in such a plan.

    Raises:
        Denied: the caller may not know. NotVisible: there is no such agency here.
    """
    whose = agency or asking.reader
    decision = _may_know(asking, whose, event[0])
    enrolled = asking.view.rules.directory.enrolled(whose)
    acts.require_reading(conn, asking, decision, ACTION)
    if enrolled is None:
        acts.require(conn, asking, ACTION, NONE_SUCH, of=whose, hides=True)
    ladder = ladders.of(*event)
    if ladder is None or enrolled is None or enrolled.kind not in ladder.kinds:
        return Plan(agency=whose, ladder=None)
    held = calling(conn, [whose])
    issuers = by_desk(calling(conn, [asking.reader])) if decision is ISSUES else {}
    first = by_desk(one for one in held if covers_type(one.filter.types, event[0]))
    planned = calls(ladder, by_desk(held), issuers, first)
    return Plan(
        agency=whose,
        ladder=ladder,
        calls=tuple(planned),
        weak=tuple(weak(planned if decision is ISSUES else planned[:-1])),
    )


def _may_know(asking: Asking, whose: str, event_type: str) -> Decision:
    me = asking.principal
    if is_operator(me):
        return OPERATES
    if READ not in me.scopes:
        return NO_SCOPE
    if whose == me.agency.id:
        return OWN
    rights = (right for right in me.agency.publishes if right.is_in_force(asking.at))
    return ISSUES if any(covers_type(right.types, event_type) for right in rights) else NOT_ITS_OWN
