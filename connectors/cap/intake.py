"""One document to one item: judged, placed in its chain, translated, and what waited for it corrected."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.cap import chain, document, kinds, rules, signature, times, vocabulary
from connectors.cap.archive import Archive
from connectors.cap.chain import Link, Placement
from connectors.cap.document import CapDocument
from connectors.cap.identity import Identity, references
from connectors.cap.memory import DONE, Memory
from connectors.cap.rules import Finding
from connectors.cap.settings import Reading
from connectors.cap.signature import Pinned, Verdict
from connectors.cap.translate import correction_of, translate
from connectors.source import Item, Refusal
from schemas import envelope
from schemas.flaws import Flaw, Malformed, flaw
from schemas.texts import Text

REUSED = Text(
    "Another alert with other content has the same sender, identifier and sent; send this one under its own.",
    "Otra alerta con distinto contenido tiene el mismo sender, identifier y sent; envíe esta con los suyos.",
    code="identity-reused",
)
NOT_SIGNED_FOR = Text(
    "This source requires a valid signature, so what the document says is unknown.",
    "Esta fuente exige una firma válida; se desconoce lo que dice el documento.",
    code="signature-failed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whether documents must be signed, and by whom."""

    mode: str = "off"  # off, optional, required
    pinned: Sequence[Pinned] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Understood:
    """A document that can be used, with all that was found about it."""

    document: CapDocument
    identity: Identity
    findings: tuple[Finding, ...]
    verdict: Verdict
    content: str  # digest of what it says


class SignatureFailed(Exception):
    """The required signature is missing or does not hold."""

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__("the required signature is missing or does not hold")
        self.flaws = flaws


class Intake:
    """Turns documents into items, each with the marks that let it be done once and for all."""

    def __init__(self, reading: Reading, trust: Trust, archive: Archive, memory: Memory, *, config: str) -> None:
        """``config`` is the digest of the configuration: what it refused, another one may accept."""
        self._reading = reading
        self._trust = trust
        self._archive = archive
        self._memory = memory
        self._config = config

    def item(self, name: str, raw: bytes, *, position: str = "", marks: Mapping[str, str] | None = None) -> Item | None:
        """
        What becomes of one document; None if these very bytes are done.

        Args:
            name: of the document, for people.
            marks: to remember when it is done.
        """
        sha256 = hashlib.sha256(raw).hexdigest()
        if self._memory.is_done(sha256, self._config):
            return None
        own = dict(marks or {})
        self._memory.settle()
        try:
            understood = self._understand(raw)
            return self._accepted(name, position, raw, understood, own | {f"seen:{sha256}": DONE})
        except SignatureFailed as failed:
            # Refused for its sender; unknown for us, since a true alert may stand where a forged one was put.
            refusal = Refusal(document=name, position=position, flaws=failed.flaws)
            return Item(
                document=name, position=position, refusals=(refusal,), unknown=(flaw("/alert", NOT_SIGNED_FOR),)
            )
        except Malformed as malformed:
            refusal = Refusal(document=name, position=position, flaws=malformed.flaws)
            key, seen = f"refused:{sha256}", {f"seen:{sha256}": self._config}
            return Item(
                document=name, position=position, key=key, digest=self._config, refusals=(refusal,), marks=own | seen
            )

    def _understand(self, raw: bytes) -> _Understood:
        received = document.parse(raw)
        findings = rules.check(received)
        refused = rules.refusals(findings)
        identity = rules.identity_of(received)
        if refused or identity is None:
            raise Malformed(*refused)
        verdict = self._verdict(raw, received, identity)
        if verdict.signed is not None:  # nothing that was not signed may slip in
            signed = document.parse(verdict.signed)
            received = replace(signed, sha256=received.sha256, signatures=received.signatures, flaws=received.flaws)
        said = repr(replace(received, sha256="", signatures=0, flaws=()))
        return _Understood(
            document=received,
            identity=identity,
            findings=findings,
            verdict=verdict,
            content=hashlib.sha256(said.encode()).hexdigest(),
        )

    def _verdict(self, raw: bytes, received: CapDocument, identity: Identity) -> Verdict:
        if self._trust.mode == "off":
            return Verdict(signature="unverified" if received.signatures else "none")
        verdict = signature.verify(raw, pinned=self._trust.pinned, at=identity.sent)
        if self._trust.mode == "required" and verdict.signature != "valid":
            raise SignatureFailed(verdict.flaws or (flaw("/alert", signature.MISSING),))
        return verdict

    def _accepted(self, name: str, position: str, raw: bytes, understood: _Understood, marks: dict[str, str]) -> Item:
        identity = understood.identity
        before = self._memory.link(identity.id)
        if before is not None and before.sha256 != understood.document.sha256:
            if before.content != understood.content:
                raise Malformed(flaw("/alert/identifier", REUSED))
            # The same alert in other bytes (indented anew, say): it has been told already.
            return Item(
                document=name, position=position, key=f"copy:{understood.document.sha256}", digest=DONE, marks=marks
            )
        self._archive.keep(raw)
        placement = self._place(understood)
        digest = _digest(understood, placement)
        first = self._memory.first_digest(identity.id)
        # Stopped before it was remembered, it may by now stand elsewhere than when it was first told.
        event = self._event(understood, placement, is_correction=first not in (None, digest))
        marks |= self._memory.remember(identity.id, _link(understood, placement))
        corrections, more = self._corrections(identity.id)
        return Item(
            document=name,
            position=position,
            key=identity.id,
            digest=digest,
            events=(event, *corrections),
            marks=marks | more,
        )

    def _place(self, understood: _Understood) -> Placement:
        read = understood.document
        return chain.place(
            understood.identity,
            references(read.references).known,
            kind=kinds.MISSING_CHILD if kinds.programme_of(read, self._reading) else kinds.WARNING,
            is_first=vocabulary.nearest(read.msg_type, vocabulary.MESSAGES) == vocabulary.ALERT,
            seen=self._memory.link,
        )

    def _event(self, understood: _Understood, placement: Placement, *, is_correction: bool) -> dict[str, Any]:
        event = translate(
            understood.document,
            understood.identity,
            reading=self._reading,
            placement=placement,
            verdict=understood.verdict,
            findings=understood.findings,
            correction=correction_of(placement) if is_correction else "",
        )
        envelope.load(event)  # nothing leaves here that the hub would refuse
        return event

    def _corrections(self, arrived: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """The events of messages that waited for this one and now stand elsewhere, oldest first, and their marks."""
        known = [(waiter, self._memory.link(waiter)) for waiter in self._memory.waiting(arrived)]
        waiters = sorted(((id_, link) for id_, link in known if link is not None), key=lambda pair: pair[1].sent)
        marks = self._memory.arrived(arrived)
        events: list[dict[str, Any]] = []
        for waiter, link in waiters:
            raw = self._archive.get(link.sha256)
            try:
                understood = self._understand(raw or b"")
            except (Malformed, SignatureFailed):  # the original is gone, or no longer trusted: it stays as it was told
                continue
            placement = self._place(understood)
            if placement.digest_part != link.placement.digest_part:
                events.append(self._event(understood, placement, is_correction=True))
            marks |= self._memory.remember(waiter, _link(understood, placement))
        return events, marks


def _digest(understood: _Understood, placement: Placement) -> str:
    """Of all that decides the event: the bytes and where the message stands."""
    return hashlib.sha256(f"{understood.document.sha256} {placement.digest_part}".encode()).hexdigest()


def _link(understood: _Understood, placement: Placement) -> Link:
    return Link(
        placement=placement,
        sent=times.key(understood.identity.sent),
        sha256=understood.document.sha256,
        content=understood.content,
    )
