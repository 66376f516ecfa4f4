"""Which body belongs to which type of event, and what a type means for the alert or case it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from marshmallow import Schema

from schemas.ack import STATES, AckSchema, DeclinedSchema
from schemas.alert import WARNING_VERBS, warning
from schemas.case import TRAFFICKING_VERBS, trafficking
from schemas.control import VERBS, control
from schemas.missing_child import MISSING_CHILD_VERBS, missing_child
from schemas.note import KINDS, note

if TYPE_CHECKING:
    from schemas.envelope import Event

# Instances live here, made once: building a schema costs more than loading an event.
BODIES: Mapping[str, Schema] = MappingProxyType(
    {f"alert.missing_child.{verb}": missing_child(verb) for verb in MISSING_CHILD_VERBS}
    | {f"alert.warning.{verb}": warning(verb) for verb in WARNING_VERBS}
    | {f"case.trafficking.{verb}": trafficking(verb) for verb in TRAFFICKING_VERBS}
    | {f"ack.{state}": DeclinedSchema() if state == "declined" else AckSchema() for state in STATES}
    | {f"note.{kind}": note(kind) for kind in KINDS}
    | {f"control.{verb}": control(verb) for verb in VERBS}
)

RECALLED = "control.recalled"
LABEL_CHANGED = "control.label_changed"
_CLOSING_VERBS = ("cancelled", "located", "closed")
_ANSWERS = ("ack.", "note.")


def closes(event_type: str) -> bool:
    """Whether an event of this type ends the alert or case it belongs to."""
    return event_type.rpartition(".")[2] in _CLOSING_VERBS


def is_answer(event_type: str) -> bool:
    """Whether an event of this type answers another one, and so goes to the source of that one alone."""
    return event_type.startswith(_ANSWERS)


def is_control(event_type: str) -> bool:
    """Whether an event of this type changes an earlier one of its own source."""
    return event_type.startswith("control.")


def tells_state(event_type: str) -> bool:
    """Whether an event of this type says where its alert or case stands: what is said of another event does not."""
    return not is_answer(event_type) and not is_control(event_type)


def is_urgent(event: Event) -> bool:
    """Whether an event may not wait behind other traffic: an alert that asks for action at once (CAP urgency)."""
    return event.type.startswith("alert.") and event.data.get("urgency") == "Immediate"
