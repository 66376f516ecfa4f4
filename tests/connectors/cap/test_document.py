"""Bytes to a document: what can be parsed, what cannot, and that a refusal says where and why."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cap import document, xml
from schemas.flaws import Malformed
from tests.connectors.cap.drafts import Raw, alert, area, info, resource


def why(raw: bytes) -> tuple[str, str]:
    """Path and code of the first reason why a document cannot be read."""
    with pytest.raises(Malformed) as refusal:
        document.parse(raw)
    return refusal.value.flaws[0].path, refusal.value.flaws[0].code


def codes(raw: bytes) -> set[tuple[str, str]]:
    """Path and code of every flaw in a document's arrangement."""
    return {(flaw.path, flaw.code) for flaw in document.parse(raw).flaws}


def test_a_sound_document_reads_as_it_was_written() -> None:
    read = document.parse(
        alert(info(event="Child Abduction", area=[area(polygon="32.5,-117.1 32.6,-117 32.5,-117.1")]))
    )

    assert (read.version, read.identifier, read.msg_type, read.flaws) == ("1.2", "SAMPLE-1", "Alert", ())
    assert read.infos[0].event_codes[0].value == "CAE"
    assert read.infos[0].areas[0].path == "/alert/info[1]/area[1]"


def test_cap_1_1_may_leave_the_media_type_out() -> None:
    raw = {version: alert(info(resource=[resource(mimeType=None)]), version=version) for version in ("1.1", "1.2")}

    assert codes(raw["1.1"]) == set()
    assert codes(raw["1.2"]) == {("/alert/info[1]/resource[1]/mimeType", "element-missing")}


@pytest.mark.parametrize(
    ("code", "raw"),
    [
        ("empty-body", b""),
        ("empty-body", b" \n\t"),
        ("not-xml", b"{}"),
        ("not-xml", alert()[:-3]),
        ("not-xml", alert() + b"<more/>"),
        ("not-xml", alert().replace(b"SAMPLE-1", b"SAMPLE&#0;1")),
        ("not-cap", b"<rss/>"),
        ("not-cap", b"<alert><identifier>x</identifier></alert>"),
        ("cap-version", b'<alert xmlns="http://www.incident.com/cap/1.0"/>'),
        ("encoding", alert().replace(b"sample child", "niña".encode("latin-1"))),
        ("encoding", alert().replace(b"UTF-8", b"UTF-7")),
        ("encoding", alert().replace(b"UTF-8", b"no-such-thing")),
        ("encoding", alert().decode().replace("UTF-8", "cp037").encode("cp037")),
    ],
)
def test_what_cannot_be_parsed_is_refused_with_its_reason(code: str, raw: bytes) -> None:
    assert why(raw)[1] == code


def test_a_syntax_error_names_its_line_and_nothing_of_the_content() -> None:
    path, _ = why(b"<alert>\n<secretname>\n</alert>")

    assert path.startswith("line 3, column")
    assert "secretname" not in path


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16", b""), ("iso-8859-1", b""), ("windows-1252", b"")],
)
def test_every_ordinary_encoding_is_read(encoding: str, mark: bytes) -> None:
    text = alert(info(headline="Niña")).decode().replace("UTF-8", encoding.upper())

    assert document.parse(mark + text.encode(encoding)).infos[0].headline == "Niña"


def test_white_space_before_the_declaration_is_no_reason_to_lose_an_alert() -> None:
    assert document.parse(b"\n\n " + alert()).identifier == "SAMPLE-1"


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "a billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><alert>&l9;</alert>',
    "laughs in an attribute": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><alert x="&l9;"/>',
    "quadratic": f'<!DOCTYPE a [<!ENTITY q "{"h" * 100_000}">]><alert>{"&q;" * 100_000}</alert>',
    "a file from outside": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert>&x;</alert>',
    "a parameter entity": '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><alert/>',
    "an outside document type": '<!DOCTYPE alert SYSTEM "http://127.0.0.1:1/cap.dtd"><alert/>',
    "a harmless document type": "<!DOCTYPE alert><alert/>",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_document_type_is_refused_whatever_it_declares(bomb: str) -> None:
    assert why(BOMBS[bomb].encode())[1] == "dtd-forbidden"


@pytest.mark.parametrize(
    ("code", "raw"),
    [
        ("xml-limits", b"<a>" * 100 + b"</a>" * 100),
        ("xml-limits", b"<a>" * 100_000),
        ("xml-limits", b"<a>" + b"<b/>" * 30_000 + b"</a>"),
        ("document-too-large", b"<a>" + b"x" * 3_000_000 + b"</a>"),
    ],
)
def test_depth_count_and_size_have_an_end(code: str, raw: bytes) -> None:
    assert why(raw)[1] == code


def test_an_inclusion_is_an_unknown_element_and_includes_nothing() -> None:
    included = Raw('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>')

    assert codes(alert(note=included)) == {("/alert/note/include", "element-unknown")}


def test_a_comment_cannot_split_a_name() -> None:
    raw = alert().replace(b"SAMPLE-1", b"SAM<!-- -->PLE<?x y?>-1")

    assert document.parse(raw).identifier == "SAMPLE-1"


@pytest.mark.parametrize(
    ("path", "code", "raw"),
    [
        ("/alert/scope", "element-missing", alert(scope=None)),
        ("/alert/info[1]/urgency", "element-missing", alert(info(urgency=""))),
        ("/alert/sent[2]", "identity-repeated", alert(sent=["2026-05-04T13:30:00-07:00"] * 2)),
        ("/alert/note[2]", "element-repeated", alert(note=["one", "two"])),
        ("/alert/other", "element-unknown", alert(after="<other/>")),
        ("/alert/source", "element-order", alert(after="<source>late</source>")),
        ("/alert/info[1]/eventCode[1]", "element-missing", alert(info(eventCode=Raw("<valueName>SAME</valueName>")))),
    ],
)
def test_a_wrong_arrangement_is_noted_where_it_is(path: str, code: str, raw: bytes) -> None:
    assert (path, code) in codes(raw)


def test_pairs_that_nws_packs_into_one_geocode_are_all_read() -> None:
    packed = Raw(
        "<valueName>FIPS6</valueName><value>006073 006025</value><valueName>UGC</valueName><value>CAZ552</value>"
    )
    read = document.parse(alert(info(area=[area(geocode=packed)]), version="1.1"))

    assert [pair.name for pair in read.infos[0].areas[0].geocodes] == ["FIPS6", "UGC"]
    assert [flaw.code for flaw in read.flaws] == ["pairs-packed"]


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail_in_another_way(raw: bytes) -> None:
    with suppress(Malformed):
        document.parse(raw)


@given(st.integers(0, len(alert())), st.binary(max_size=8))
def test_no_damage_to_a_document_makes_it_fail_in_another_way(place: int, damage: bytes) -> None:
    whole = alert()
    with suppress(Malformed):
        document.parse(whole[:place] + damage + whole[place + len(damage) :])


def test_limits_are_those_the_caller_sets() -> None:
    with pytest.raises(Malformed):
        document.parse(alert(), xml.Limits(max_elements=5))
