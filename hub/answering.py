"""Who may answer an event that it may read, and how. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.policy import Decision
from hub.principal import ACKNOWLEDGE
from schemas.registry import is_answer
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.policy import Facts
    from hub.principal import Principal


def may_answer(principal: Principal, answer_type: str, facts: Facts, reading: Decision) -> Decision:
    """Whether `principal` may answer an event it may read (`reading`) with an acknowledgement or a note."""
    if ACKNOWLEDGE not in principal.scopes:
        return _no("the token lacks acks:write", "el token no incluye acks:write")
    if not reading.is_allowed:
        return reading
    if facts.source == principal.agency.id:
        return _no("an agency does not answer its own event", "una agencia no responde a su propio evento")
    if facts.type.startswith("ack."):
        return _no("an acknowledgement is not answered", "a una confirmación no se responde")
    if answer_type == "note.answer" and facts.type != "note.question":
        return _no("an answer needs a question", "una respuesta requiere una pregunta")
    if answer_type == "note.sighting" and is_answer(facts.type):
        return _no("a sighting is of an alert or a case", "un avistamiento es sobre una alerta o un caso")
    return Decision(True, reading.reason, grant=reading.grant)


def _no(en: str, es: str) -> Decision:
    return Decision(False, Text(en, es))
