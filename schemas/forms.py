"""Strings of a fixed form that several schemas share: identifiers, digests, addresses, language tags."""

from __future__ import annotations

from typing import Any

from schemas.fields import Formed
from schemas.sensitivity import Metadata
from schemas.texts import Text

AGENCY_PATTERN = r"(?:us|mx)(?:-[a-z0-9]+){1,5}"
SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?"
# BCP 47 (RFC 5646): the form of a tag; whether the language exists is the sender's business.
LANGUAGE_PATTERN = r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,6}"

AGENCY_KINDS = (
    "law_enforcement",
    "prosecutor",
    "child_protection",
    "health",
    "school",
    "search_commission",
    "consular",
    "ngo",
    "public",
    "operator",
)


def agency(metadata: Metadata, **options: Any) -> Formed:
    """An agency id, such as ``us-ca-sdpd``; its first two letters are its country."""
    what = Text("an agency id, such as us-ca-sdpd", "un identificador de agencia, como mx-bcn-fge")
    return Formed(metadata, rf"(?=.{{4,64}}$){AGENCY_PATTERN}", what, **options)


def audience(metadata: Metadata, **options: Any) -> Formed:
    """An agency id or an agency kind."""
    kinds = "|".join(AGENCY_KINDS)
    what = Text("an agency id or one of the agency kinds", "un identificador de agencia o un tipo de agencia")
    return Formed(metadata, rf"(?=.{{2,64}}$)(?:{AGENCY_PATTERN}|{kinds})", what, **options)


def key(metadata: Metadata, **options: Any) -> Formed:
    """A natural key of 1 to 256 characters, without control characters or spaces at its ends."""
    what = Text("an identifier of 1 to 256 printable characters", "un identificador de 1 a 256 caracteres imprimibles")
    no_control = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
    inner, outer = f"[^{no_control}]", rf"[^{no_control}\s]"
    return Formed(metadata, f"{outer}(?:{inner}{{0,254}}{outer})?", what, **options)


def slug(metadata: Metadata, **options: Any) -> Formed:
    """A short machine word: lower case letters, digits, ``-``, ``_`` and ``.``, at most 64."""
    what = Text(
        "a short word of lower case letters, digits, - _ .", "una palabra corta de letras minúsculas, dígitos, - _ ."
    )
    return Formed(metadata, SLUG_PATTERN, what, **options)


def event_type(metadata: Metadata, **options: Any) -> Formed:
    """``kind.subkind.verb`` or ``kind.verb``."""
    what = Text("an event type, such as alert.missing_child.issued", "un tipo de evento, como alert.warning.issued")
    return Formed(metadata, r"[a-z_]{1,32}(?:\.[a-z_]{1,32}){1,2}", what, **options)


def language(metadata: Metadata, **options: Any) -> Formed:
    """A BCP 47 language tag."""
    what = Text("a language tag (BCP 47), such as es-MX", "una etiqueta de idioma (BCP 47), como es-MX")
    return Formed(metadata, LANGUAGE_PATTERN, what, **options)


def sha256(metadata: Metadata, **options: Any) -> Formed:
    """A SHA-256 digest in lower case hexadecimal."""
    return Formed(
        metadata,
        r"[0-9a-f]{64}",
        Text("a SHA-256 digest (64 hexadecimal digits)", "un resumen SHA-256 (64 dígitos hexadecimales)"),
        **options,
    )


def mime_type(metadata: Metadata, **options: Any) -> Formed:
    """An Internet media type (RFC 2046) without parameters."""
    what = Text("a media type, such as image/jpeg", "un tipo de medio, como image/jpeg")
    return Formed(metadata, r"[a-z]{1,32}/[A-Za-z0-9.+_-]{1,64}", what, **options)


def uri(metadata: Metadata, **options: Any) -> Formed:
    """A web, mail or telephone address, or a relative reference (RFC 3986), at most 1,000 characters; no scripts."""
    what = Text("a web address or relative reference", "una dirección web o referencia relativa")
    pattern = r"(?:(?:https?|ftp|mailto|tel):|(?![A-Za-z][A-Za-z0-9+.-]*:))[!#-;=?-Z_a-z\[\]~%@]{1,1000}"
    return Formed(metadata, pattern, what, **options)


def phone(metadata: Metadata, **options: Any) -> Formed:
    """A telephone number in E.164."""
    what = Text("a telephone number (E.164), such as +526641234567", "un número telefónico (E.164), como +526641234567")
    return Formed(metadata, r"\+?[1-9]\d{1,14}", what, **options)


def country(metadata: Metadata, **options: Any) -> Formed:
    """One of the two countries of this network."""
    return Formed(metadata, "US|MX", Text("US or MX", "US o MX"), **options)
