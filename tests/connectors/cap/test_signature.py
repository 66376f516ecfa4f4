"""Signatures on the bytes received: whose counts, when, and that nothing unsigned slips in beside what was signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connectors.cap import document
from connectors.cap import source as cap
from connectors.cap.signature import Pinned, Verdict, verify
from connectors.config import load
from connectors.source import Blank
from schemas.flaws import Malformed
from tests.connectors.cap import signing
from tests.connectors.cap.drafts import alert
from tests.connectors.cap.signing import C14N, C14N_1_1, DS, EXCLUSIVE, Signer, sign
from tests.connectors.cap.world import event_of, items_of, refused, unknown
from tests.support.examples import examples

SENT = datetime(2026, 5, 4, 20, 30, tzinfo=UTC)
POLICE = signing.signer("police")
LAB = signing.signer("lab", curve=True)
AGGREGATOR = signing.signer("aggregator")
FORMER = signing.signer("former", until=datetime(2026, 2, 1, tzinfo=UTC))


def judged(raw: bytes, *signers: Signer, at: datetime = SENT) -> Verdict:
    """The verdict when these are pinned, under the names 0, 1, ..."""
    pinned = [Pinned(name=str(place), certificate=one.certificate) for place, one in enumerate(signers)]
    return verify(raw, pinned=pinned, at=at)


def codes(verdict: Verdict) -> list[str]:
    """What is wrong, in order."""
    return [flaw.code for flaw in verdict.flaws]


@pytest.mark.parametrize("by", [POLICE, LAB], ids=["rsa", "ecdsa"])
@pytest.mark.parametrize("canonical", [C14N, C14N_1_1, EXCLUSIVE])
@pytest.mark.parametrize("with_certificate", [True, False])
def test_a_signature_by_a_pinned_certificate_is_valid(by: Signer, canonical: str, with_certificate: bool) -> None:
    raw = sign(alert(), by, canonical=canonical, with_certificate=with_certificate)

    assert judged(raw, AGGREGATOR, by) == Verdict(signature="valid", signers=("1",), signed=judged(raw, by).signed)


def test_a_document_without_signature_has_none() -> None:
    assert judged(alert(), POLICE).signature == "none"


def test_originator_and_aggregator_may_both_sign() -> None:
    both = sign(sign(alert(), POLICE), AGGREGATOR, canonical=C14N)

    assert judged(both, POLICE, AGGREGATOR).signers == ("0", "1")
    assert judged(both, POLICE, AGGREGATOR).signature == "valid"


def test_an_aggregator_may_leave_the_first_signature_out_of_its_own() -> None:
    both = sign(sign(alert(), POLICE), AGGREGATOR, covered=alert())

    assert judged(both, POLICE, AGGREGATOR).signers == ("0", "1")


def test_a_second_signature_by_a_stranger_neither_helps_nor_harms() -> None:
    verdict = judged(sign(sign(alert(), POLICE), AGGREGATOR), POLICE)

    assert (verdict.signature, verdict.signers, codes(verdict)) == ("valid", ("0",), ["signature-unpinned"])


def test_one_broken_signature_of_two_breaks_the_document() -> None:
    broken = sign(sign(alert(), POLICE), AGGREGATOR, covered=alert(note="another"))

    for pinned in ([POLICE, AGGREGATOR], [POLICE]):
        assert judged(broken, *pinned).signature == "invalid"
        assert codes(judged(broken, *pinned)) == ["signature-broken"]


def test_a_signer_who_is_not_pinned_vouches_for_nothing() -> None:
    verdict = judged(sign(alert(), POLICE), LAB)

    assert (verdict.signature, codes(verdict), verdict.signed) == ("unverified", ["signature-unpinned"], None)


@pytest.mark.parametrize(
    ("sent", "signature"),
    [(SENT, "invalid"), (datetime(2026, 1, 31, tzinfo=UTC), "valid"), (datetime(2019, 1, 1, tzinfo=UTC), "invalid")],
)
def test_a_certificate_must_have_been_valid_when_the_alert_was_sent(sent: datetime, signature: str) -> None:
    assert judged(sign(alert(), FORMER), FORMER, at=sent).signature == signature


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a word": lambda raw: raw.replace(b"Likely", b"Observed"),
    "indented anew": lambda raw: etree.tostring(etree.fromstring(raw), pretty_print=True).replace(b"><", b">\n<"),
    "a space": lambda raw: raw.replace(b"<scope>", b" <scope>"),
    "the digest": lambda raw: raw.replace(b"<DigestValue>", b"<DigestValue>AAAA"),
    "the value": lambda raw: raw.replace(b"<SignatureValue>", b"<SignatureValue>AAAA"),
    "no value": lambda raw: raw.replace(b"SignatureValue>", b"SomeValue>"),
    "no digest": lambda raw: raw.replace(b"DigestValue>", b"SomeValue>"),
    "another algorithm": lambda raw: raw.replace(b"rsa-sha256", b"rsa-sha1"),
    "another digest algorithm": lambda raw: raw.replace(b"xmlenc#sha256", b"xmldsig-more#md5"),
    "not base64": lambda raw: raw.replace(b"<SignatureValue>", b"<SignatureValue>\xc3\xb1%"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_changed_after_signing_breaks_it(change: str) -> None:
    assert judged(CHANGES[change](sign(alert(), POLICE)), POLICE).signature == "invalid"


def test_moving_bytes_that_mean_nothing_breaks_nothing() -> None:
    signed = sign(alert(), POLICE)
    same = signed.replace(b"<SignatureValue>", b"<SignatureValue>\n").replace(b'encoding="UTF-8"', b"encoding='utf-8'")

    assert judged(same.replace(b"<status>", b"<!-- c --><status>"), POLICE).signature == "valid"


def wrapped_in_another() -> bytes:
    """A whole signed alert inside a forged one."""
    inner = sign(alert(), POLICE).partition(b"?>\n")[2]
    return alert(identifier="FORGED", after=inner.decode())


def signed_beside() -> bytes:
    """A forged alert that carries the signature of another one, with what it signed as an object in it."""
    inner = alert().partition(b"?>\n")[2].replace(b"<alert", b'<alert Id="true"')
    signed = sign(alert(identifier="FORGED"), POLICE, uri="#true", covered=inner)
    return signed.replace(b"</KeyInfo>", b"</KeyInfo><Object>" + inner + b"</Object>")


FORGERIES: dict[str, Callable[[], bytes]] = {
    "wrapped in another": wrapped_in_another,
    "signed beside": signed_beside,
    "a part of itself": lambda: sign(alert(), POLICE, uri="#x"),
    "somewhere else": lambda: sign(alert(), POLICE, uri="http://127.0.0.1:1/x"),
    "left out by a path": lambda: sign(
        alert(), POLICE, extra=f'<Transform Algorithm="{DS}xpath"><XPath>not(self::note)</XPath></Transform>'
    ),
    "rewritten by a style sheet": lambda: sign(
        alert(), POLICE, extra='<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"></Transform>'
    ),
    "within info": lambda: (
        sign(alert(), POLICE)
        .replace(b"</info><Signature", b"<Signature")
        .replace(b"</Signature>", b"</Signature></info>")
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_signature_that_does_not_cover_the_whole_alert_counts_for_nothing(forgery: str) -> None:
    verdict = judged(FORGERIES[forgery](), POLICE)

    assert (verdict.signature, verdict.signers) == ("invalid", ())
    assert codes(verdict) == ["signature-shape"]


def test_a_name_in_the_key_info_is_not_believed() -> None:
    named = sign(alert(), AGGREGATOR).replace(
        b"<X509Certificate>", b"<X509SubjectName>CN=police</X509SubjectName><X509Certificate>"
    )

    assert judged(named, POLICE).signature == "unverified"


def test_a_flood_of_signatures_is_not_even_looked_at() -> None:
    raw = alert()
    for _ in range(5):
        raw = sign(raw, LAB)

    assert codes(judged(raw, LAB)) == ["signature-count"]


def test_an_instruction_around_the_alert_is_part_of_what_is_signed() -> None:
    styled = sign(alert(before='<?xml-stylesheet href="cap.xsl"?>\n<!-- c -->\n'), POLICE)

    assert judged(styled, POLICE).signature == "valid"
    assert judged(styled.replace(b"cap.xsl", b"bad.xsl"), POLICE).signature == "invalid"


@settings(max_examples=examples(40))
@given(st.data())
def test_no_damage_to_a_signed_document_leaves_another_alert_valid(data: st.DataObject) -> None:
    signed = sign(alert(), LAB)
    place = data.draw(st.integers(0, len(signed) - 1))
    damaged = signed[:place] + data.draw(st.binary(min_size=1, max_size=4)) + signed[place + 1 :]
    try:
        before, after = document.parse(signed), document.parse(damaged)
    except Malformed:
        return

    verdict = judged(damaged, LAB)
    assert verdict.signature != "valid" or (after.infos, after.identifier) == (before.infos, before.identifier)


REQUIRED = '[source]\nfolder = "inbox"\n[signature]\nmode = "{mode}"\ncertificates = ["pins"]\n'


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    """A folder with the certificate of the police."""
    (tmp_path / "pins").mkdir()
    return POLICE.pin(tmp_path / "pins" / "police.pem")


@pytest.mark.usefixtures("pins")
def test_the_verdict_travels_with_the_event(tmp_path: Path) -> None:
    origin = event_of(sign(alert(), POLICE), tmp_path, REQUIRED.format(mode="required"))["origin"]

    assert (origin["signature"], origin["signers"]) == ("valid", ["police"])


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize(
    ("code", "raw"),
    [
        ("signature-missing", alert()),
        ("signature-broken", sign(alert(), POLICE).replace(b"Likely", b"Observed")),
        ("signature-unpinned", sign(alert(), LAB)),
        ("signature-shape", wrapped_in_another()),
    ],
)
def test_a_required_signature_that_fails_refuses_and_leaves_the_source_unknown(
    code: str, raw: bytes, tmp_path: Path
) -> None:
    items = items_of(raw, tmp_path, REQUIRED.format(mode="required"))

    assert refused(items) == {code}
    assert unknown(items) == ["signature-failed"]


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize(
    ("signature", "raw"),
    [
        ("none", alert()),
        ("invalid", sign(alert(), POLICE).replace(b"Likely", b"Observed")),
        ("unverified", sign(alert(), LAB)),
    ],
)
def test_an_optional_signature_is_reported_and_stops_nothing(signature: str, raw: bytes, tmp_path: Path) -> None:
    assert event_of(raw, tmp_path, REQUIRED.format(mode="optional"))["origin"]["signature"] == signature


def test_the_signed_samples_that_can_be_written_to_disk_come_out_as_named(tmp_path: Path) -> None:
    signing.write_samples(tmp_path / "samples")
    items = cap.open_source(load(tmp_path / "samples" / "connector.toml")).items(Blank())

    assert {item.document: sorted(refused([item])) or item.events[0]["origin"]["signers"] for item in items} == {
        "signed.xml": ["police"],
        "signed-twice.xml": ["police", "aggregator"],
        "one-broken-of-two.xml": ["signature-broken"],
        "reformatted.xml": ["signature-broken"],
        "not-pinned.xml": ["signature-unpinned"],
        "expired.xml": ["signature-expired"],
        "not-signed.xml": ["signature-missing"],
    }
