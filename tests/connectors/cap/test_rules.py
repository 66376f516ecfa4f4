"""Every rule beyond the schema by its name, and which of them may refuse an alert."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cap import document, rules, times
from connectors.cap.identity import Identity, references
from schemas.texts import Text
from tests.connectors.cap.drafts import Raw, alert, area, info, reference, resource

REFUSED: dict[str, bytes] = {
    "element-missing": alert(identifier=None),
    "identity-repeated": alert(sender=["a", "b"]),
    "sent-unreadable": alert(sent="2026-05-04T13:30:00,07:00"),
    "status-unknown": alert(status="Real"),
    "status-draft": alert(status="Draft"),
    "msgtype-unknown": alert(msgType="Note"),
    "msgtype-ack": alert(msgType="Ack", references=reference()),
    "msgtype-error": alert(msgType="Error", references=reference()),
    "info-missing": alert(info=None),
    "content-missing": alert(info(event=None, headline=None, description=None)),
}
SQUARE = "32.5,-117.1 32.6,-117.1 32.6,-117.0"
DEFECTS: dict[str, bytes] = {
    "identifier-characters": alert(identifier="SAMPLE 1, & more"),
    "sender-characters": alert(sender="amber alerts@sdpd.example"),
    "time-zulu": alert(sent="2026-05-04T20:30:00Z"),
    "time-fraction": alert(sent="2026-05-04T13:30:00.5-07:00"),
    "time-form": alert(sent="2026-05-04 13:30:00-0700"),
    "time-offset-assumed": alert(info(expires="2026-05-05T13:30:00")),
    "time-unreadable": alert(info(onset="tomorrow")),
    "status-system": alert(status="System"),
    "code-case": alert(status="actual"),
    "scope-unknown": alert(scope="Secret"),
    "restriction-missing": alert(scope="Restricted"),
    "addresses-missing": alert(scope="Private"),
    "references-missing": alert(msgType="Update", identifier="SAMPLE-2"),
    "reference-malformed": alert(msgType="Update", identifier="SAMPLE-2", references="SAMPLE-1"),
    "reference-self": alert(msgType="Update", references=reference()),
    "expires-missing": alert(info(expires=None)),
    "expires-not-after-sent": alert(info(expires="2026-05-04T13:30:00-07:00")),
    "language-unknown": alert(info(language="en-EN")),
    "language-times-differ": alert(info(), info(expires="2026-05-06T13:30:00-07:00")),
    "infos-differ": alert(info(), info(language="es-US", severity="Minor")),
    "code-unknown": alert(info(urgency="Now")),
    "polygon": alert(info(area=[area(polygon="32.5,-117.1")])),
    "polygon-open": alert(info(area=[area(polygon=SQUARE)])),
    "circle": alert(info(area=[area(circle="32.5,-117.1")])),
    "altitude": alert(info(area=[area(altitude="high")])),
    "ceiling-alone": alert(info(area=[area(ceiling="100")])),
    "resource-size": alert(info(resource=[resource(size="big")])),
    "resource-type": alert(info(resource=[resource(mimeType="a photo")])),
    "resource-digest": alert(info(resource=[resource(digest="abc")])),
    "element-repeated": alert(note=["one", "two"]),
    "element-unknown": alert(after="<other/>"),
    "element-order": alert(after="<source>late</source>"),
    "pairs-packed": alert(
        info(eventCode=Raw("<valueName>SAME</valueName><value>CAE</value><valueName>X</valueName><value>Y</value>"))
    ),
}
BROKEN = REFUSED | DEFECTS


def found(raw: bytes, *, strict: bool = False) -> dict[str, bool]:
    """Code of each broken rule, and whether it refuses."""
    return {one.flaw.code: one.refuses for one in rules.check(document.parse(raw), strict=strict)}


def test_a_sound_alert_breaks_no_rule() -> None:
    assert found(alert()) == {}


@pytest.mark.parametrize("rule", REFUSED)
def test_it_refuses_only_what_has_no_clear_identity_or_meaning(rule: str) -> None:
    assert found(REFUSED[rule])[rule] is True


@pytest.mark.parametrize("rule", DEFECTS)
def test_an_alert_does_not_vanish_over_a_formal_flaw(rule: str) -> None:
    flaws = found(DEFECTS[rule])

    assert flaws[rule] is False
    assert not any(flaws.values())


@pytest.mark.parametrize("rule", BROKEN)
def test_what_is_composed_here_is_held_to_every_rule(rule: str) -> None:
    assert all(found(BROKEN[rule], strict=True).values())


@pytest.mark.parametrize("rule", BROKEN)
def test_every_message_is_in_both_languages_and_names_its_place(rule: str) -> None:
    for one in rules.check(document.parse(BROKEN[rule])):
        assert isinstance(one.flaw.text, Text)
        assert one.flaw.text.es != str(one.flaw.text)
        assert one.flaw.path.startswith("/alert")


def test_a_cancel_needs_no_info() -> None:
    assert found(alert(msgType="Cancel", identifier="SAMPLE-2", references=reference(), info=None)) == {}


@pytest.mark.parametrize("tag", ["en-US", "es-MX", "es-419", "nah", "fr-CA", "zh-Hans"])
def test_language_tags_that_exist_pass(tag: str) -> None:
    assert found(alert(info(language=tag))) == {}


@pytest.mark.parametrize(
    "written", ["2026-13-04T13:30:00-07:00", "2026-02-30T13:30:00-07:00", "13:30", "2026-05-04T13:30:00"]
)
def test_a_time_that_cannot_be_is_not_read(written: str) -> None:
    assert times.read(written).instant is None


def test_one_instant_written_in_two_ways_is_one_identity() -> None:
    ids = {
        rules.identity_of(document.parse(alert(sent=sent)))
        for sent in ("2026-05-04T13:30:00-07:00", "2026-05-04T20:30:00Z", "2026-05-04T20:30:00-00:00")
    }
    assert len({one.id for one in ids if one}) == 1


def test_an_identifier_used_twice_is_two_identities() -> None:
    first, second = (rules.identity_of(document.parse(alert(sent=f"2026-05-04T13:30:0{n}-07:00"))) for n in (0, 1))

    assert first is not None
    assert second is not None
    assert first.id != second.id


def test_an_id_shows_no_mail_address() -> None:
    identity = rules.identity_of(document.parse(alert()))

    assert identity is not None
    assert "sdpd.example" not in identity.id
    assert identity.id.startswith("cap:SAMPLE-1,2026-05-04T20:30:00Z,")


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=300)


@given(NAMES, NAMES, NAMES, NAMES)
def test_different_identities_never_share_an_id(sender: str, identifier: str, sender2: str, identifier2: str) -> None:
    sent = times.read("2026-05-04T13:30:00-07:00").instant
    assert sent is not None
    one = Identity(sender=sender, identifier=identifier, sent=sent)
    other = Identity(sender=sender2, identifier=identifier2, sent=sent)

    assert (one.id == other.id) == (one == other)
    assert len(one.id) <= 240


def test_references_survive_spaces_within_an_identifier() -> None:
    read = references(f"{reference('SAMPLE 1')}\n  {reference('SAMPLE-2')}")

    assert [one.identifier for one in read.known] == ["SAMPLE 1", "SAMPLE-2"]
    assert not read.is_malformed


@given(st.text(max_size=200))
def test_no_references_make_it_fail(written: str) -> None:
    assert references(written).is_malformed in (True, False)
