"""Untrusted XML to elements: no document type, no entities, no network; bounded size, depth and element count."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from schemas.flaws import Flaw, Malformed, flaw
from schemas.texts import Text

ENCODINGS = frozenset(
    {"utf-8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be", "iso-8859-1", "iso-8859-15", "windows-1252"}
)

EMPTY = Text("The document is empty.", "El documento está vacío.", code="empty-body")
TOO_LARGE = Text(
    "The document is larger than {limit} bytes.", "El documento supera {limit} bytes.", code="document-too-large"
)
DTD = Text(
    "The document declares a document type (DTD) or entities; neither is accepted.",
    "El documento declara un tipo de documento (DTD) o entidades; no se acepta ninguno.",
    code="dtd-forbidden",
)
NOT_XML = Text("This is not well-formed XML.", "No es XML bien formado.", code="not-xml")
BEYOND_LIMITS = Text(
    "The XML goes beyond the limits: {depth} levels, {elements} elements.",
    "El XML supera los límites: {depth} niveles, {elements} elementos.",
    code="xml-limits",
)
ENCODING = Text(
    "The bytes do not match the character encoding, or the encoding is not one of {encodings}.",
    "Los bytes no corresponden a la codificación de caracteres, o esta no es una de {encodings}.",
    code="encoding",
)

# libxml2 error numbers (xmlParserErrors)
_RESOURCE_LIMIT = 114
_ENCODING_ERRORS = frozenset({31, 32, 79, 81})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one untrusted document may cost."""

    max_bytes: int = 2 * 1024 * 1024
    max_depth: int = 32  # CAP itself needs 5, a signature 7
    max_elements: int = 20_000


DOCUMENT = Limits()
INDEX = Limits(max_bytes=16 * 1024 * 1024, max_elements=400_000)


def parse(raw: bytes, limits: Limits = DOCUMENT) -> etree._Element:
    """
    The root element, without comments and processing instructions, so that text is never split by them.

    White space before the XML declaration is tolerated: it changes nothing that could be signed.

    Raises:
        Malformed: not well-formed, a DTD, an unknown encoding, or beyond ``limits``; no content is repeated.
    """
    if not raw.strip():
        raise Malformed(flaw("", EMPTY))
    if len(raw) > limits.max_bytes:
        raise Malformed(flaw("", TOO_LARGE.format(limit=limits.max_bytes)))
    # One parser a document: lxml parsers keep state and are not to be shared between threads.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw.lstrip(b" \t\r\n"), parser)
    except etree.XMLSyntaxError as error:
        raise Malformed(_syntax(error, raw, limits)) from None
    except LookupError:  # lxml, for an encoding name that Python's codecs do not know
        raise Malformed(flaw("", ENCODING.format(encodings=", ".join(sorted(ENCODINGS))))) from None
    _within(root, limits)
    return root


def _syntax(error: etree.XMLSyntaxError, raw: bytes, limits: Limits) -> Flaw:
    line, column = error.position
    where = f"line {line}, column {column}"
    if re.search(rb"<!(?:DOCTYPE|ENTITY)", raw):
        return flaw(where, DTD)
    code = getattr(error, "code", 0)
    if code == _RESOURCE_LIMIT:
        return flaw(where, BEYOND_LIMITS.format(depth=limits.max_depth, elements=limits.max_elements))
    if code in _ENCODING_ERRORS:
        return flaw(where, ENCODING.format(encodings=", ".join(sorted(ENCODINGS))))
    return flaw(where, NOT_XML)


def _within(root: etree._Element, limits: Limits) -> None:
    document = root.getroottree().docinfo
    if getattr(document, "doctype", ""):  # not in the stubs
        raise Malformed(flaw("", DTD))
    if (document.encoding or "utf-8").lower() not in ENCODINGS:
        raise Malformed(flaw("", ENCODING.format(encodings=", ".join(sorted(ENCODINGS)))))
    depth = count = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > limits.max_depth or count > limits.max_elements:
            raise Malformed(flaw("", BEYOND_LIMITS.format(depth=limits.max_depth, elements=limits.max_elements)))


def split(element: etree._Element) -> tuple[str, str]:
    """Namespace and local name of an element."""
    name = etree.QName(element)
    return name.namespace or "", name.localname


def text(element: etree._Element) -> str:
    """All text within the element, without white space around it."""
    if not len(element):
        return (element.text or "").strip()
    return "".join(map(str, element.itertext())).strip()
