"""
The signature under public documents: enveloped, RSA with SHA-256, as IPAWS has it (CAP 1.2 section 3.3.4.1).

Receivers pin the certificate; what vouches for it is between them and the node's operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

if TYPE_CHECKING:
    from lxml.etree import _Element

KEY_BITS = 3072  # NIST SP 800-57: good beyond 2030
# Receivers ask whether the certificate was valid when an alert was sent, which may be before the key was made.
SELF_MADE_FROM, SELF_MADE_UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)


class NotASeal(ValueError):
    """No RSA key in PEM with the certificate of that key."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A key and its certificate, the first of a chain; `sign` makes the same bytes of the same document."""

    key: rsa.RSAPrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        """What receivers pin."""
        return self.chain[0]

    def sign(self, root: _Element) -> bytes:
        """The document as it is sent, signed; nothing may reformat it from here on."""
        signer = XMLSigner(
            method=SignatureConstructionMethod.enveloped,
            signature_algorithm=SignatureMethod.RSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        signed = signer.sign(root, key=self.key, cert=list(self.chain), always_add_key_value=False)
        return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")


def read(key_pem: bytes, chain_pem: bytes) -> Seal:
    """
    A seal from PEM.

    Raises:
        NotASeal: it is none.
    """
    try:
        key = load_pem_private_key(key_pem, password=None)
        chain = tuple(x509.load_pem_x509_certificates(chain_pem))
    except (ValueError, TypeError) as error:  # TypeError: the key is encrypted
        raise NotASeal("no private key, or no certificate") from error
    if not isinstance(key, rsa.RSAPrivateKey) or chain[0].public_key() != key.public_key():
        raise NotASeal("no RSA key, or the certificate of another key")
    return Seal(key, chain)


def self_made(name: str) -> bytes:
    """A fresh key and a certificate that it vouches for itself with, both in one PEM."""
    key = rsa.generate_private_key(65537, KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(SELF_MADE_FROM)
        .not_valid_after(SELF_MADE_UNTIL)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
