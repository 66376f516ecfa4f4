"""CAP documents for tests: a sound one, and whatever a test changes about it. All of them are ours and fictional."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from connectors.cap import structure

Value = Any  # None leaves an element out; str is text; Raw is XML; a list repeats; a pair is valueName and value

SENT = "2026-05-04T13:30:00-07:00"
EXPIRES = "2026-05-05T13:30:00-07:00"


class Raw(str):
    """XML that is written as it is."""

    __slots__ = ()


def alert(*infos: Raw, version: str = "1.2", before: str = "", after: str = "", **elements: Value) -> bytes:
    """A whole document; ``before`` goes in front of the root, ``after`` behind the last element."""
    defaults: dict[str, Value] = {
        "identifier": "SAMPLE-1",
        "sender": "amber@sdpd.example",
        "sent": SENT,
        "status": "Actual",
        "msgType": "Alert",
        "scope": "Public",
        "info": list(infos) or [info()],
    }
    inside = _children(defaults | elements, structure.ALERT)
    root = f'<alert xmlns="urn:oasis:names:tc:emergency:cap:{version}">{inside}{after}</alert>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{before}{root}'.encode()


def info(**elements: Value) -> Raw:
    """One info block."""
    defaults: dict[str, Value] = {
        "language": "en-US",
        "category": "Rescue",
        "event": "Child Abduction",
        "urgency": "Immediate",
        "severity": "Extreme",
        "certainty": "Likely",
        "eventCode": ("SAME", "CAE"),
        "expires": EXPIRES,
        "headline": "AMBER Alert: sample child",
        "description": "A sample description.",
        "area": [area()],
    }
    return _element("info", Raw(_children(defaults | elements, structure.INFO)))


def area(**elements: Value) -> Raw:
    """One area: San Diego County unless told otherwise."""
    defaults: dict[str, Value] = {"areaDesc": "San Diego County", "geocode": ("SAME", "006073")}
    return Raw(_children(defaults | elements, structure.AREA))


def resource(**elements: Value) -> Raw:
    """One resource."""
    defaults: dict[str, Value] = {"resourceDesc": "A photo", "mimeType": "image/jpeg"}
    return Raw(_children(defaults | elements, structure.RESOURCE))


def reference(identifier: str = "SAMPLE-1", sent: str = SENT, sender: str = "amber@sdpd.example") -> str:
    """What ``references`` says to mean the alert with these."""
    return f"{sender},{identifier},{sent}"


def _children(values: dict[str, Value], table: str) -> str:
    order = [name.rstrip("!*") for name in table.split()]
    return "".join(_repeated(name, values[name]) for name in order if name in values)


def _repeated(name: str, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_repeated(name, one) for one in value)
    return _element(name, value)


def _element(name: str, value: Value) -> Raw:
    if isinstance(value, tuple):
        value = Raw(_element("valueName", value[0]) + _element("value", value[1]))
    if isinstance(value, Raw):
        return value if value.startswith(f"<{name}>") else Raw(f"<{name}>{value}</{name}>")
    return Raw(f"<{name}>{escape(value)}</{name}>")
