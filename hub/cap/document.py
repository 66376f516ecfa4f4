"""A public event as a CAP 1.2 alert (OASIS, 1 July 2010) under the IPAWS profile 1.0. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from hub.cap import words
from hub.cap.info import closing, infos
from hub.cap.message import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.cap.info import Element
    from hub.cap.message import Message

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
PROFILE = "IPAWSv1.0"


def alert(message: Message) -> etree._Element:
    """The document, without a signature."""
    status = str(message.event["status"])
    note = closing(message) or {"exercise": words.EXERCISE, "test": words.TEST}.get(status)
    references = " ".join(one.written(message.sender) for one in message.references)
    elements: list[Element] = [
        ("identifier", identifier(message.hub_id)),
        ("sender", message.sender),
        ("sent", message.sent),
        ("status", status.capitalize()),
        ("msgType", message.message_type),
        ("scope", "Public"),
        ("code", PROFILE),
        *([("note", words.both(note))] if note is not None else []),
        *([("references", references)] if references else []),
        *(("info", block) for block in infos(message)),
    ]
    root = etree.XML(f'<alert xmlns="{NAMESPACE}"/>')
    _fill(root, elements)
    etree.indent(root)
    return root


def _fill(parent: etree._Element, elements: Iterable[Element]) -> None:
    for name, content in elements:
        child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        if isinstance(content, str):
            child.text = content
        else:
            _fill(child, content)
