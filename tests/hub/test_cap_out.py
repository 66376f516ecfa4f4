"""Public documents against what others say of CAP: the schema, the rules, the connector that reads it, verifiers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from lxml import etree
from signxml.verifier import XMLVerifier

from connectors.cap import document as cap
from connectors.cap import rules, signature
from connectors.cap.chain import Placement
from connectors.cap.document import CapDocument
from connectors.cap.settings import Reading
from connectors.cap.translate import translate
from hub.cap import seal
from hub.cap.document import alert
from hub.cap.message import Message, Reference, body, cap_time, expiry, instant
from hub.timing import Timing
from schemas import envelope, projection
from tests.schemas import strategies
from tests.support import events
from tests.support.events import bilingual
from tests.support.examples import examples
from tests.support.public import SENDER, own_seal

SCHEMA = Path(__file__).parents[3] / "shared" / "data" / "cap" / "CAP-v1.2.xsd"
beside_the_reference_data = pytest.mark.skipif(not SCHEMA.exists(), reason="../shared/data is not beside this checkout")
ID, EARLIER = UUID("019ec1f0-7c3a-7e55-8c1b-0242ac120002"), UUID("019ec1f0-7c3a-7e55-8c1b-0242ac120001")
NO_END = Timing(lapses=True, lapsed_at=None, public_until=None, active_until=None)
REFERENCE = Reference(EARLIER, "2026-05-04T12:00:00-07:00")
ACCEPTED = datetime(2026, 5, 4, 20, 31, tzinfo=UTC)


def message(event: dict[str, Any], name: str = "public", **differs: Any) -> Message:
    """What the public gets of an event, as a message; an update or an end refers to one document before it."""
    cut = projection.project(event, event["type"])
    shown = orjson.loads(projection.render(cut.text, cut.cuts[name]))
    is_first = shown["type"].endswith(".issued")
    usual = Message(
        hub_id=ID,
        sender=SENDER,
        event=shown,
        data=body(shown, []),
        expires=expiry(shown, NO_END, ACCEPTED),
        source_name="San Diego Police",
        references=() if is_first else (REFERENCE,),
    )
    return replace(usual, **differs)


def signed(event: dict[str, Any], name: str = "public", **differs: Any) -> bytes:
    return own_seal().sign(alert(message(event, name, **differs)))


def read(event: dict[str, Any], name: str = "public", **differs: Any) -> CapDocument:
    return cap.parse(signed(event, name, **differs))


def with_everything() -> dict[str, Any]:
    """An alert that uses every public member a document can have."""
    data = {
        "event_codes": [{"scheme": "SAME", "value": "CAE"}, {"scheme": "NWS", "value": "CAE"}],
        "response_type": ["Monitor", "Avoid"],
        "sender_name": bilingual("San Diego Police", "Policía de San Diego"),
        "web": "https://sdpd.example/amber",
        "effective": "2026-05-04T13:30:00-07:00",
        "onset": "2026-05-04T12:05:00-07:00",
        "parameters": [
            {"name": "CMAMtext", "value": "AMBER Alert"},
            {"name": "WEAHandling", "value": "Child Abduction"},
        ],
        "resources": [
            {
                "description": bilingual("Map", "Mapa"),
                "mime": "image/png",
                "uri": "https://sdpd.example/map.png",
                "size_bytes": 2048,
            }
        ],
        "areas": [
            {
                "description": bilingual("San Diego County", "Condado de San Diego"),
                "geocodes": [{"scheme": "SAME", "value": "006073"}, {"scheme": "UGC", "value": "CAC073"}],
                "circles": [{"latitude_deg": 32.552, "longitude_deg": -117.043, "radius_km": 40}],
                "polygons_lat_lon_deg": [[[32.5, -117.1], [32.6, -117.1], [32.6, -117.0], [32.5, -117.1]]],
                "altitude_m": 0,
                "ceiling_m": 304.8,
            }
        ],
    }
    return events.alert(data=data)


EVENTS: dict[str, tuple[dict[str, Any], str]] = {
    "alert": (events.alert(), "public"),
    "everything": (with_everything(), "public"),
    "update": (events.alert("updated"), "public"),
    "cancel": (events.alert("cancelled"), "public~"),
    "located": (events.alert("located"), "public~"),
    "located, as a notice": (events.alert("located"), "notice"),
    "warning": (events.warning(), "public"),
    "exercise": (events.alert(status="exercise"), "public"),
    "Mexican": (
        events.alert(source="mx-bcn-fge", jurisdictions=["MX-BCN:02004"], data={"programme": "AMBER_MX", "areas": []}),
        "public",
    ),
    "nothing but codes": (
        events.envelope("alert.warning.updated", {}, jurisdictions=["US", "MX"], time="2026-05-04T20:30:00.25Z"),
        "public",
    ),
}
every_kind = pytest.mark.parametrize(("event", "name"), EVENTS.values(), ids=EVENTS)


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMA))


@beside_the_reference_data
@every_kind
def test_the_schema_of_cap_accepts_it(event: dict[str, Any], name: str) -> None:
    schema().assertValid(etree.fromstring(signed(event, name)))


@every_kind
def test_no_rule_of_cap_is_broken(event: dict[str, Any], name: str) -> None:
    assert rules.refusals(rules.check(read(event, name), strict=True)) == ()


@every_kind
def test_the_rules_of_ipaws_are_kept(event: dict[str, Any], name: str) -> None:
    """IPAWS profile 1.0 (OASIS CS01, 13 October 2009)."""
    found = read(event, name)

    assert (found.scope, found.codes) == ("Public", ("IPAWSv1.0",))
    assert [info.language for info in found.infos] in (["en-US", "es-MX"], ["es-MX", "en-US"])
    for info in found.infos:
        pairs = [(one.name, one.value) for one in info.parameters]
        assert info.expires
        assert [len(one.value) for one in info.event_codes if one.name == "SAME"] == [3]
        assert [name for name, _ in pairs].count("EAS-ORG") == 1
        assert all(area.geocodes for area in info.areas)
        assert info.areas


@given(strategies.events().filter(lambda event: event["type"].startswith("alert.")))
@settings(max_examples=examples(60))
def test_whatever_an_event_says_no_rule_is_broken(event: dict[str, Any]) -> None:
    name = "public~" if event["type"].rpartition(".")[2] in ("cancelled", "located") else "public"

    raw = etree.tostring(alert(message(event, name)))

    assert rules.refusals(rules.check(cap.parse(raw), strict=True)) == ()
    if SCHEMA.exists():
        schema().assertValid(etree.fromstring(raw))


def back(event: dict[str, Any], name: str = "public") -> dict[str, Any]:
    """The event that an agency's connector makes of the document."""
    found = read(event, name)
    identity = rules.identity_of(found)
    assert identity is not None
    kind = event["type"].split(".")[1]
    made = translate(
        found,
        identity,
        reading=Reading(agency=event["source"], jurisdictions=tuple(event["jurisdictions"])),
        placement=Placement(subject=event["subject"], kind=kind),
        verdict=signature.UNSIGNED,
        findings=rules.check(found),
    )
    return dict(envelope.load(made).wire)


@pytest.mark.parametrize(
    "name", ["alert", "everything", "update", "cancel", "located", "warning", "exercise", "Mexican"]
)
def test_a_connector_reads_back_the_same_kind_of_event(name: str) -> None:
    event, shown = EVENTS[name]

    found = back(event, shown)

    same = ("type", "subject", "status", "jurisdictions", "source")
    assert {key: found[key] for key in same} == {key: event[key] for key in same}
    assert "defects" not in found
    if event["type"].startswith("alert.missing"):
        assert found["data"]["programme"] == event["data"]["programme"]


def test_a_connector_reads_back_what_is_public_of_an_alert() -> None:
    event = with_everything()

    found = back(event)["data"]

    texts = ("event", "headline", "description", "instruction", "sender_name", "contact")
    codes = ("event_code", "category", "response_type", "urgency", "severity", "certainty")
    members = (*texts, *codes, "web", "effective", "onset", "expires", "resources")
    expected = {name: event["data"][name] for name in members}
    for text in (*(expected[name] for name in texts), expected["resources"][0]["description"]):
        text.pop("translation")  # CAP says of no text whether somebody translated it
    assert {name: found[name] for name in members} == expected
    area = event["data"]["areas"][0] | {"description": {"en": "San Diego County", "es": "Condado de San Diego"}}
    assert found["areas"] == [area]
    assert found["event_codes"] == event["data"]["event_codes"]
    sent = {(one["name"], one["value"]) for one in event["data"]["parameters"]}
    assert {(one["name"], one["value"]) for one in found["parameters"]} == sent | {("EAS-ORG", "CIV")}


def test_the_signature_holds_for_the_connectors_with_the_certificate_pinned() -> None:
    pinned = [signature.Pinned(name="hub", certificate=own_seal().certificate)]

    verdict = signature.verify(signed(events.alert()), pinned=pinned, at=instant(events.TIME))

    assert (verdict.signature, verdict.signers, verdict.flaws) == ("valid", ("hub",), ())


def test_the_signature_holds_for_signxml_by_itself() -> None:
    result = XMLVerifier().verify(signed(events.alert()), x509_cert=own_seal().certificate)

    assert not isinstance(result, list)
    assert etree.QName(result.signed_xml).localname == "alert"


@pytest.mark.parametrize("change", [(b"San Ysidro", b"Otay Mesa"), (b"<status>Actual", b"<status>Test")])
def test_a_changed_document_is_not_ours(change: tuple[bytes, bytes]) -> None:
    raw = signed(events.alert())
    bent = raw.replace(*change)
    assert bent != raw

    pinned = [signature.Pinned(name="hub", certificate=own_seal().certificate)]

    assert signature.verify(bent, pinned=pinned, at=instant(events.TIME)).signature == "invalid"


def test_the_same_message_gives_the_same_bytes() -> None:
    assert signed(events.alert()) == signed(events.alert())


@pytest.mark.parametrize(
    ("key", "chain"),
    [(b"", b""), (b"x", b"y"), (seal.self_made("a"), seal.self_made("b"))],
    ids=["nothing", "no PEM", "of another key"],
)
def test_what_is_no_key_with_its_certificate_is_refused(key: bytes, chain: bytes) -> None:
    with pytest.raises(seal.NotASeal):
        seal.read(key, chain)


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2026-05-04T13:30:00-07:00", "2026-05-04T13:30:00-07:00"),
        ("2026-05-04T20:30:00Z", "2026-05-04T20:30:00-00:00"),
        ("2026-05-04T20:30:00.9999+00:00", "2026-05-04T20:30:00-00:00"),
        ("2026-05-04T20:30:00+05:45", "2026-05-04T20:30:00+05:45"),
    ],
)
def test_times_are_written_as_cap_wants_them(moment: str, written: str) -> None:
    assert cap_time(instant(moment)) == written


SENT = instant(events.TIME)


@pytest.mark.parametrize(
    ("data", "timing", "hours"),
    [
        ({}, {}, 24),
        ({"expires": "2026-05-04T15:30:00-07:00"}, {}, 2),
        ({"expires": "2026-05-04T15:30:00-07:00"}, {"public_until": 1}, 1),
        ({"expires": "2026-05-04T15:30:00-07:00"}, {"public_until": 5}, 2),
        ({}, {"public_until": 72}, 72),
        ({}, {"active_until": 30, "public_until": 72}, 30),
    ],
)
def test_a_document_is_over_at_the_first_end(data: dict[str, Any], timing: dict[str, int], hours: int) -> None:
    ends: dict[str, Any] = {name: SENT + timedelta(hours=after) for name, after in timing.items()}
    event = {"type": "alert.warning.issued", "time": events.TIME, "data": data}

    assert expiry(event, replace(NO_END, **ends), ACCEPTED) == SENT + timedelta(hours=hours)
