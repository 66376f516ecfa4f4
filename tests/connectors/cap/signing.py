"""
Signed CAP documents of our own making, with one or more signatures.

Made with the standard library's canonical form and plain signing, not with the library that the connector verifies
with, so that the two cannot agree on the same mistake.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.connectors.cap.drafts import alert

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_1_1 = "http://www.w3.org/2006/12/xml-c14n11"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
DS = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPED = f"{DS}enveloped-signature"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody with a key and a certificate for it."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def pin(self, path: Path) -> Path:
        """Write the certificate where a configuration can name it."""
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return path


def signer(name: str, *, curve: bool = False, until: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> Signer:
    """A signer whose certificate is valid from 2020 to ``until``."""
    key = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(until)
    return Signer(key=key, certificate=builder.sign(key, hashes.SHA256()))


def sign(
    raw: bytes,
    by: Signer,
    *,
    canonical: str = EXCLUSIVE,
    uri: str = "",
    extra: str = "",
    covered: bytes | None = None,
    with_certificate: bool = True,
) -> bytes:
    """
    The document with one more signature at its end.

    Args:
        canonical: the method named; for documents such as ours all of them give the same bytes.
        extra: further transforms, as XML.
        covered: what the digest is of, if not the document as it stands.
    """
    digest = hashlib.sha256(ElementTree.canonicalize(covered or raw).encode()).digest()
    method = RSA_SHA256 if isinstance(by.key, rsa.RSAPrivateKey) else ECDSA_SHA256
    info = (
        f'<SignedInfo xmlns="{DS}"><CanonicalizationMethod Algorithm="{canonical}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{method}"></SignatureMethod><Reference URI="{uri}"><Transforms>'
        f'<Transform Algorithm="{ENVELOPED}"></Transform>{extra}</Transforms>'
        f'<DigestMethod Algorithm="{SHA256}"></DigestMethod>'
        f"<DigestValue>{_text(digest)}</DigestValue></Reference></SignedInfo>"
    )
    value = _signed(by, info.encode())
    der = by.certificate.public_bytes(Encoding.DER)
    key_info = f"<KeyInfo><X509Data><X509Certificate>{_text(der)}</X509Certificate></X509Data></KeyInfo>"
    # A space in the Id is no valid ID, but real aggregators write one.
    signature = (
        f'<Signature xmlns="{DS}" Id="Sample Signature">{info.replace(f" xmlns={chr(34)}{DS}{chr(34)}", "", 1)}'
        f"<SignatureValue>{_text(value)}</SignatureValue>{key_info if with_certificate else ''}</Signature>"
    )
    head, tail, rest = raw.rpartition(b"</alert>")
    return head + signature.encode() + tail + rest


def _signed(by: Signer, data: bytes) -> bytes:
    if isinstance(by.key, rsa.RSAPrivateKey):
        return by.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    r, s = utils.decode_dss_signature(by.key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")  # XML wants the two numbers side by side


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


CONFIG = """\
[connector]
name = "signed-samples"
kind = "cap"
agency = "us-ca-sdpd"
jurisdictions = ["US-CA:06073"]
state_dir = "state"

[source]
folder = "documents"

[signature]
mode = "required"
certificates = ["pinned"]
"""


def write_samples(folder: Path) -> None:
    """Signed documents of ours with a configuration to check them: `python -m tests.connectors.cap.signing FOLDER`."""
    police, aggregator, stranger = signer("police"), signer("aggregator", curve=True), signer("stranger")
    former = signer("former", until=datetime(2026, 2, 1, tzinfo=UTC))
    signed = sign(alert(), police)
    documents = {
        "signed": signed,
        "signed-twice": sign(alert(identifier="SAMPLE-2"), police, canonical=C14N),
        "one-broken-of-two": sign(signed, aggregator, covered=alert(note="another")),
        "reformatted": signed.replace(b"><", b">\n<"),
        "not-pinned": sign(alert(identifier="SAMPLE-3"), stranger),
        "expired": sign(alert(identifier="SAMPLE-4"), former),
        "not-signed": alert(identifier="SAMPLE-5"),
    }
    documents["signed-twice"] = sign(documents["signed-twice"], aggregator)
    for name in ("documents", "pinned"):
        (folder / name).mkdir(parents=True)
    for name, raw in documents.items():
        (folder / "documents" / f"{name}.xml").write_bytes(raw)
    for name, one in (("police", police), ("aggregator", aggregator), ("former", former)):
        one.pin(folder / "pinned" / f"{name}.pem")
    (folder / "connector.toml").write_text(CONFIG, encoding="utf-8")


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
