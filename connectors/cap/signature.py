"""
XML signatures of CAP documents (CAP 1.2 section 3.3.4.1), verified on the bytes received with pinned certificates.

A signature counts only if it stands directly under the alert and covers the whole alert: one reference, to the
document itself, with no transform that could leave something out. That shuts out signature wrapping. Certificates are
those that the operator pinned to the source; what a document says about its key is at most a hint.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidCertificate, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from connectors.cap.structure import SIGNATURES
from schemas.flaws import Flaw, flaw
from schemas.texts import Text

MAX_SIGNATURES = 4

MISSING = Text(
    "The document carries no signature, and this source requires one.",
    "El documento no lleva firma y esta fuente exige una.",
    code="signature-missing",
)
SHAPE = Text(
    "The signature does not cover the whole alert, and only that.",
    "La firma no cubre toda la alerta y solo ella.",
    code="signature-shape",
)
BROKEN = Text(
    "The signature does not match the document: it was changed or reformatted after signing.",
    "La firma no corresponde al documento: se modificó o reformateó después de firmarlo.",
    code="signature-broken",
)
NOT_PINNED = Text(
    "The signature was not made with a certificate that is pinned for this source.",
    "La firma no se hizo con un certificado fijado para esta fuente.",
    code="signature-unpinned",
)
EXPIRED = Text(
    "The signing certificate was not valid when the alert was sent.",
    "El certificado firmante no era válido cuando se envió la alerta.",
    code="signature-expired",
)
TOO_MANY = Text(
    "The document carries more than {most} signatures.",
    "El documento lleva más de {most} firmas.",
    code="signature-count",
)

_C14N = {method.value for method in CanonicalizationMethod}
_ENVELOPED = f"{SIGNATURES}enveloped-signature"
_METHODS = frozenset(
    method
    for method in SignatureMethod
    if method.name.startswith(("RSA_SHA", "ECDSA_SHA", "SHA")) and "SHA1" not in method.name
)
_DIGESTS = frozenset(digest for digest in DigestAlgorithm if digest.name in ("SHA256", "SHA384", "SHA512"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A certificate the operator trusts for a source; ``name`` is the operator's own."""

    name: str
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What all signatures of a document together say.

    ``signature`` is ``none``, ``valid`` (all that could be judged hold, at least one by a pinned certificate),
    ``invalid`` (one does not hold) or ``unverified`` (none by a pinned certificate). ``signed`` is the alert as it
    was signed, without its signatures, if ``valid``; read from it and nothing unsigned can slip in.
    """

    signature: str
    signers: tuple[str, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    signed: bytes | None = None


UNSIGNED = Verdict(signature="none")


def verify(raw: bytes, *, pinned: Sequence[Pinned], at: datetime) -> Verdict:
    """
    Judge every signature of a document that ``xml.parse`` has already accepted.

    Args:
        raw: the bytes as received, never re-serialised.
        pinned: certificates of this source.
        at: when the alert was sent; certificates must have been valid then.
    """
    root = _tree(raw)
    count = len(_signatures(root))
    everywhere = sum(1 for _ in root.iter(f"{{{SIGNATURES}}}Signature"))
    if everywhere == 0:
        return UNSIGNED
    if everywhere > MAX_SIGNATURES:
        return Verdict(signature="invalid", flaws=(flaw("/alert", TOO_MANY.format(most=MAX_SIGNATURES)),))
    if everywhere > count:
        return Verdict(signature="invalid", flaws=(flaw("/alert", SHAPE),))
    judged = [_judge(raw, index, pinned, at) for index in range(count)]
    flaws = tuple(flaw(f"/alert/Signature[{one.index + 1}]", one.complaint) for one in judged if one.complaint)
    signers = tuple(one.signer for one in judged if one.signer)
    broken = any(one.complaint and one.complaint.code != NOT_PINNED.code for one in judged)
    if broken:
        return Verdict(signature="invalid", signers=signers, flaws=flaws)
    if not signers:
        return Verdict(signature="unverified", flaws=flaws)
    signed = next(one.signed for one in judged if one.signer)
    return Verdict(signature="valid", signers=signers, flaws=flaws, signed=signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    index: int
    complaint: Text | None = None
    signer: str = ""
    signed: bytes | None = None


def _judge(raw: bytes, index: int, pinned: Sequence[Pinned], at: datetime) -> _Judged:
    signature = _signatures(_tree(raw))[index]
    if not _covers_everything(signature):
        return _Judged(index=index, complaint=SHAPE)
    embedded = tuple(_embedded(signature))
    # The certificate inside is a hint which pinned one to try first; none of what it says is believed.
    first = sorted(pinned, key=lambda pin: pin.certificate not in embedded)
    for pin in first:
        try:
            signed = _verified(raw, index, pin.certificate, at)
        except InvalidCertificate:
            return _Judged(index=index, complaint=EXPIRED)
        if signed is not None:
            return _Judged(index=index, signer=pin.name, signed=signed)
    # An unknown signer cannot vouch for anything, but a mismatch still shows that the document was changed.
    holds = any(_verified(raw, index, one, one.not_valid_before_utc) for one in embedded)
    return _Judged(index=index, complaint=NOT_PINNED if holds or not embedded else BROKEN)


def _verified(raw: bytes, index: int, certificate: x509.Certificate, at: datetime) -> bytes | None:
    """
    The signed bytes if signature ``index`` holds with this certificate.

    Each signature was made when only some of the others were there (an aggregator signs after the originator, and its
    own rules may leave earlier ones out), so every such state is tried; the alert itself is complete in all of them.

    Raises:
        InvalidCertificate: it holds, but the certificate was not valid at ``at``.
    """
    config = SignatureConfiguration(
        expect_references=1,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        ignore_ambiguous_key_info=True,  # KeyInfo is not trusted for anything
        verification_time=certificate.not_valid_before_utc,
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    for tree, position in _states(raw, index):
        try:
            # The schema of signatures is not enforced: real ones have an Id with a space in it.
            result = _Verifier(position, tree).verify(
                tree, x509_cert=certificate, expect_config=config, validate_schema=False
            )
        except (
            SignXMLException,
            UnsupportedAlgorithm,
            etree.LxmlError,
            binascii.Error,
            ValueError,
            TypeError,
            AttributeError,
        ):
            continue
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise InvalidCertificate("not valid when the alert was sent")
        return result.signed_data  # type: ignore[union-attr]
    return None


class _Verifier(XMLVerifier):
    """signxml for the signature at one position, with canonical forms that other programs compute alike."""

    def __init__(self, position: int, tree: etree._Element) -> None:
        self._position = position
        # A reference to the whole document covers processing instructions around the alert (a style sheet, say),
        # each on a line of its own (Canonical XML 1.0 section 2.3); signxml only looks at the alert.
        before = [*tree.itersiblings(etree.ProcessingInstruction, preceding=True)][::-1]
        self._before = b"".join(_instruction(node) + b"\n" for node in before)
        self._after = b"".join(b"\n" + _instruction(node) for node in tree.itersiblings(etree.ProcessingInstruction))

    def _get_signature(self, root: etree._Element) -> etree._Element:
        return _signatures(root)[self._position]

    def _apply_transforms(self, payload: Any, **options: Any) -> bytes:
        return self._before + super()._apply_transforms(payload, **options) + self._after  # type: ignore[no-any-return]

    def _c14n(self, nodes: Any, algorithm: Any, inclusive_ns_prefixes: Any = None) -> bytes:
        # lxml 6.1 adds xmlns="" to grandchildren when it canonicalises an element that is not a root
        # inclusively, so a signature by any other program would not verify. A copy that is a root is right.
        copy = _tree(etree.tostring(nodes, with_tail=False))
        return super()._c14n(copy, algorithm, inclusive_ns_prefixes)  # type: ignore[no-any-return]


def _instruction(node: etree._Element) -> bytes:
    return etree.tostring(node, with_tail=False, encoding="utf-8")


def _states(raw: bytes, index: int) -> Iterator[tuple[etree._Element, int]]:
    """The document with all other signatures, with the earlier, with the later ones, and with none of them."""
    count = len(_signatures(_tree(raw)))
    others = [place for place in range(count) if place != index]
    kept = dict.fromkeys(
        [tuple(others), tuple(p for p in others if p < index), tuple(p for p in others if p > index), ()]
    )
    for keep in kept:
        tree = _tree(raw)
        for place, signature in enumerate(_signatures(tree)):
            if place != index and place not in keep:
                _remove(signature)
        yield tree, sum(place < index for place in keep)


def _remove(signature: etree._Element) -> None:
    """Take an element out and leave the text after it, as the enveloped-signature transform does."""
    parent, before = signature.getparent(), signature.getprevious()
    assert parent is not None  # noqa: S101  (signatures are children of the alert)
    if before is not None:
        before.tail = (before.tail or "") + (signature.tail or "")
    else:
        parent.text = (parent.text or "") + (signature.tail or "")
    parent.remove(signature)


def _covers_everything(signature: etree._Element) -> bool:
    references = [*signature.iter(f"{{{SIGNATURES}}}Reference")]
    if len(references) != 1 or references[0].get("URI") != "":
        return False
    parents = [element.tag for element in references[0].iterancestors()][:2]
    if parents != [f"{{{SIGNATURES}}}SignedInfo", f"{{{SIGNATURES}}}Signature"]:
        return False
    transforms = [one.get("Algorithm") for one in references[0].iter(f"{{{SIGNATURES}}}Transform")]
    return transforms.count(_ENVELOPED) == 1 and all(one == _ENVELOPED or one in _C14N for one in transforms)


def _embedded(signature: etree._Element) -> Iterator[x509.Certificate]:
    for element in signature.iter(f"{{{SIGNATURES}}}X509Certificate"):
        try:
            yield x509.load_der_x509_certificate(binascii.a2b_base64(element.text or ""))
        except ValueError:  # also binascii.Error
            continue


def _signatures(root: etree._Element) -> list[etree._Element]:
    return root.findall(f"{{{SIGNATURES}}}Signature")


def _tree(raw: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(raw.lstrip(b" \t\r\n"), parser)
