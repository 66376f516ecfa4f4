"""
The rules of CAP beyond its schema (CAP 1.2 section 3.2, the prose), each with its own code and message.

An alert must never vanish over a formal flaw: a finding refuses the document only if without it nobody could know
which alert this is or what it means. Everything else is a defect that readers see. ``strict`` holds a document to
every rule: for what is composed here, not received.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connectors.cap import info_rules, times, vocabulary
from connectors.cap.document import CapDocument
from connectors.cap.identity import Identity, references
from connectors.cap.structure import IDENTITY, IDENTITY_REPEATED, MISSING
from schemas.flaws import Flaw, flaw
from schemas.texts import Text

SENT_UNREADABLE = Text(
    "The time in sent cannot be read, so the alert has no identity; write it as 2026-05-04T13:30:00-07:00.",
    "La hora de sent no se puede leer y la alerta queda sin identidad; escríbala como 2026-05-04T13:30:00-07:00.",
    code="sent-unreadable",
)
STATUS = Text(
    "The status is none of Actual, Exercise, System, Test and Draft, so nobody can know whether this is real.",
    "El status no es Actual, Exercise, System, Test ni Draft; nadie puede saber si es real.",
    code="status-unknown",
)
IS_DRAFT = Text(
    "This is a draft and no alert yet (status Draft).",
    "Es un borrador, aún no una alerta (status Draft).",
    code="status-draft",
)
IS_SYSTEM = Text(
    "This message serves the alerting network (status System); it is handled as a test.",
    "Este mensaje es para la red de alertamiento (status System); se trata como prueba.",
    code="status-system",
)
MESSAGE_TYPE = Text(
    "The msgType is none of Alert, Update, Cancel, Ack and Error.",
    "El msgType no es Alert, Update, Cancel, Ack ni Error.",
    code="msgtype-unknown",
)
IS_ACK = Text(
    "This acknowledges another alert (msgType Ack) and is none itself; acknowledge through the hub instead.",
    "Acusa recibo de otra alerta (msgType Ack) y no es una; envíe el acuse por el hub.",
    code="msgtype-ack",
)
IS_ERROR = Text(
    "This rejects another alert (msgType Error) and is none itself; its sender should be asked.",
    "Rechaza otra alerta (msgType Error) y no es una; consulte a quien la envió.",
    code="msgtype-error",
)
NO_INFO = Text(
    "The alert has no info, so it says nothing.", "La alerta no tiene info; no dice nada.", code="info-missing"
)
NO_CONTENT = Text(
    "No info says what happens: event, headline and description are all missing.",
    "Ningún info dice qué ocurre: faltan event, headline y description.",
    code="content-missing",
)
NO_EXPIRES = Text(
    "No info says when the alert expires; readers must decide for themselves.",
    "Ningún info dice cuándo vence la alerta; quien la lee debe decidirlo.",
    code="expires-missing",
)
SCOPE = Text(
    "The scope is missing or unknown; the alert is handled as Restricted.",
    "El scope falta o no se conoce; la alerta se trata como Restricted.",
    code="scope-unknown",
)
RESTRICTION = Text(
    "The scope is Restricted, but restriction does not say to whom.",
    "El scope es Restricted, pero restriction no dice a quién.",
    code="restriction-missing",
)
ADDRESSES = Text(
    "The scope is Private, but addresses names nobody.",
    "El scope es Private, pero addresses no nombra a nadie.",
    code="addresses-missing",
)
REFERENCES = Text(
    "An Update or Cancel must say in references which alert it is about; it does not.",
    "Un Update o Cancel debe indicar en references a qué alerta se refiere; no lo hace.",
    code="references-missing",
)
REFERENCE_FORM = Text(
    "A part of references is not sender,identifier,sent and was ignored.",
    "Una parte de references no es sender,identifier,sent y se ignoró.",
    code="reference-malformed",
)
REFERENCE_SELF = Text(
    "The alert refers to itself; that reference was ignored.",
    "La alerta se refiere a sí misma; esa referencia se ignoró.",
    code="reference-self",
)
IDENTIFIER_CHARACTERS = Text(
    "identifier has a space, comma, < or &, which CAP does not allow.",
    "identifier tiene un espacio, coma, < o &, que CAP no permite.",
    code="identifier-characters",
)
SENDER_CHARACTERS = Text(
    "sender has a space, comma, < or &, which CAP does not allow.",
    "sender tiene un espacio, coma, < o &, que CAP no permite.",
    code="sender-characters",
)
CASE = Text(
    "{name} is a known code in another case.", "{name} es un código conocido, con otras mayúsculas.", code="code-case"
)

_FORBIDDEN = re.compile(r"[\s,<&]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One broken rule; ``refuses`` means that without it the document cannot be used."""

    flaw: Flaw
    refuses: bool


def check(document: CapDocument, *, strict: bool = False) -> tuple[Finding, ...]:
    """Every broken rule of a document, in its order; with ``strict`` each of them refuses."""
    found = [
        *_arrangement(document),
        *_identity(document),
        *_purpose(document),
        *_handling(document),
        *_references(document),
        *_content(document),
    ]
    return tuple(Finding(flaw=one.flaw, refuses=one.refuses or strict) for one in found)


def refusals(findings: Iterable[Finding]) -> tuple[Flaw, ...]:
    """What makes the document unusable."""
    return tuple(finding.flaw for finding in findings if finding.refuses)


def defects(findings: Iterable[Finding]) -> tuple[Flaw, ...]:
    """What readers should know and may overlook."""
    return tuple(finding.flaw for finding in findings if not finding.refuses)


def identity_of(document: CapDocument) -> Identity | None:
    """Which alert the document is; None if nobody can know."""
    sent = times.read(document.sent).instant
    if sent is None or not document.sender or not document.identifier:
        return None
    return Identity(sender=document.sender, identifier=document.identifier, sent=sent)


def _refuse(path: str, text: Text) -> Finding:
    return Finding(flaw=flaw(path, text), refuses=True)


def _defect(path: str, text: Text) -> Finding:
    return Finding(flaw=flaw(path, text), refuses=False)


def _arrangement(document: CapDocument) -> Iterator[Finding]:
    vital = {f"/alert/{name}" for name in IDENTITY}
    for one in document.flaws:
        is_vital = one.code == IDENTITY_REPEATED.code or (one.code == MISSING.code and one.path in vital)
        # A missing scope has a rule of its own.
        if one.path != "/alert/scope" or one.code != MISSING.code:
            yield Finding(flaw=one, refuses=is_vital)


def _identity(document: CapDocument) -> Iterator[Finding]:
    if _FORBIDDEN.search(document.identifier):
        yield _defect("/alert/identifier", IDENTIFIER_CHARACTERS)
    if _FORBIDDEN.search(document.sender):
        yield _defect("/alert/sender", SENDER_CHARACTERS)
    if document.sent:
        sent = times.read(document.sent)
        if sent.instant is None:
            yield _refuse("/alert/sent", SENT_UNREADABLE)
        elif sent.complaint is not None:
            yield _defect("/alert/sent", sent.complaint)


def _purpose(document: CapDocument) -> Iterator[Finding]:
    status = vocabulary.nearest(document.status, (*vocabulary.STATUSES, vocabulary.DRAFT))
    if document.status and status is None:
        yield _refuse("/alert/status", STATUS)
    elif status == vocabulary.DRAFT:
        yield _refuse("/alert/status", IS_DRAFT)
    elif status == "System":
        yield _defect("/alert/status", IS_SYSTEM)
    message = vocabulary.nearest(document.msg_type, (*vocabulary.MESSAGES, *vocabulary.RECEIPTS))
    if document.msg_type and message is None:
        yield _refuse("/alert/msgType", MESSAGE_TYPE)
    elif message in vocabulary.RECEIPTS:
        yield _refuse("/alert/msgType", IS_ACK if message == "Ack" else IS_ERROR)
    for name, value, code in (("status", document.status, status), ("msgType", document.msg_type, message)):
        if code is not None and code != value:
            yield _defect(f"/alert/{name}", CASE.format(name=name))


def _handling(document: CapDocument) -> Iterator[Finding]:
    scope = vocabulary.nearest(document.scope, vocabulary.SCOPES)
    if scope is None:
        yield _defect("/alert/scope", SCOPE)
    elif scope != document.scope:
        yield _defect("/alert/scope", CASE.format(name="scope"))
    if scope == vocabulary.RESTRICTED and not document.restriction:
        yield _defect("/alert/restriction", RESTRICTION)
    if scope == vocabulary.PRIVATE and not document.addresses:
        yield _defect("/alert/addresses", ADDRESSES)


def _references(document: CapDocument) -> Iterator[Finding]:
    read = references(document.references)
    if read.is_malformed:
        yield _defect("/alert/references", REFERENCE_FORM)
    is_first = vocabulary.nearest(document.msg_type, vocabulary.MESSAGES) in (vocabulary.ALERT, None)
    if not is_first and not document.references:
        yield _defect("/alert/references", REFERENCES)
    if identity_of(document) in read.known:
        yield _defect("/alert/references", REFERENCE_SELF)


def _content(document: CapDocument) -> Iterator[Finding]:
    # A Cancel needs no info: what it cancels has said everything (CAP 1.2 section 3.2.2).
    is_cancel = vocabulary.nearest(document.msg_type, vocabulary.MESSAGES) == vocabulary.CANCEL
    if not is_cancel and not document.infos:
        yield _refuse("/alert/info", NO_INFO)
    elif not is_cancel and not any(info.event or info.headline or info.description for info in document.infos):
        yield _refuse("/alert/info", NO_CONTENT)
    if not is_cancel and document.infos and not any(info.expires for info in document.infos):
        yield _defect("/alert/info", NO_EXPIRES)
    sent = times.read(document.sent).instant if document.sent else None
    yield from (Finding(flaw=one, refuses=False) for one in info_rules.check(document, sent))
