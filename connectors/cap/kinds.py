"""What an alert is about, and so which type of event it becomes: a missing child's programme, or a warning."""

from __future__ import annotations

from connectors.cap import vocabulary
from connectors.cap.document import CapDocument, Info
from connectors.cap.settings import Reading

MISSING_CHILD, WARNING = "missing_child", "warning"
_WEATHER = ("Met",)


def programme_of(document: CapDocument, reading: Reading) -> str | None:
    """The missing child programme that a document names by event code or event name; None for any other alert."""
    for info in document.infos:
        found = _by_code(info, reading) or _by_name(info, reading)
        if found is not None:
            return f"AMBER_{reading.country}" if found == "AMBER" else found
    return None


def verb_of(document: CapDocument, kind: str) -> str:
    """
    ``issued``, ``updated``, ``cancelled`` or ``located``.

    The message type decides and nothing else: a Cancel often carries severity Extreme. A missing child counts as
    located when an Update or Cancel says AllClear.
    """
    message = vocabulary.nearest(document.msg_type, vocabulary.MESSAGES)
    says_clear = any("AllClear" in info.response_types for info in document.infos)
    if message != vocabulary.ALERT and kind == MISSING_CHILD and says_clear:
        return "located"
    return {vocabulary.UPDATE: "updated", vocabulary.CANCEL: "cancelled"}.get(message or "", "issued")


def _by_code(info: Info, reading: Reading) -> str | None:
    codes = {**vocabulary.MISSING_CODES, **reading.missing_codes}
    return next((codes[pair.value] for pair in info.event_codes if pair.value in codes), None)


def _by_name(info: Info, reading: Reading) -> str | None:
    # "Amber" is also a colour of weather warnings.
    if info.categories == _WEATHER:
        return None
    own = {vocabulary.fold(name): programme for name, programme in reading.missing_events.items()}
    event = f" {vocabulary.fold(info.event)} "
    names = {**vocabulary.MISSING_EVENTS, **own}
    return next((programme for name, programme in names.items() if f" {name} " in event), None)
