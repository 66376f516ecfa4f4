"""Events in and out: valid ones come back as they were, bad ones get every problem named at its place."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import envelope, registry, wire
from schemas.flaws import Malformed
from tests.support.events import FGE, Wire, ack, alert, bilingual, case, label_changed, note, recalled, warning

VALID = [alert(verb) for verb in ("issued", "updated", "cancelled", "located")]
VALID += [warning(verb) for verb in ("issued", "updated", "cancelled")]
VALID += [case(verb) for verb in ("opened", "updated", "closed")]
VALID += [ack(state) for state in ("received", "read", "acknowledged", "declined")]
VALID += [note(kind) for kind in ("sighting", "question", "answer")]
VALID += [recalled(), label_changed()]


def problems(event: Any) -> list[tuple[str, str]]:
    """(path, code) of everything that is wrong with an event."""
    with pytest.raises(Malformed) as refused:
        envelope.load(event)
    assert all(flaw.text and flaw.text.es for flaw in refused.value.flaws)
    return [(flaw.path, flaw.code) for flaw in refused.value.flaws]


def test_the_examples_cover_every_type() -> None:
    assert {event["type"] for event in VALID} == registry.BODIES.keys()


@pytest.mark.parametrize("event", VALID, ids=lambda event: event["type"])
def test_an_event_survives_the_wire(event: Wire) -> None:
    loaded = wire.decode(wire.encode(event))

    assert loaded.wire == event
    assert loaded.data == event["data"]
    assert wire.encode(loaded.wire) == wire.encode(event)


def test_an_absent_label_is_the_strictest() -> None:
    event = alert()
    del event["label"]

    label = envelope.load(event).label

    assert (label.tlp, label.rel_to, label.audience) == ("amber+strict", (), ())


def test_an_event_is_what_the_policy_reads() -> None:
    event = envelope.load(case(label={"tlp": "red", "rel_to": ["MX"], "audience": [FGE, "prosecutor"]}))

    assert (event.source, event.jurisdictions) == (FGE, ("MX-BCN:02004",))
    assert event.label.audience == (FGE, "prosecutor")
    assert event.time.utcoffset() is not None


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"id": ""}, "/id", "wrong-form"),
        ({"id": "a\nb"}, "/id", "wrong-form"),
        ({"id": "a" * 257}, "/id", "wrong-form"),
        ({"id": 7}, "/id", "not-text"),
        ({"source": "ca-on-opp"}, "/source", "wrong-form"),
        ({"source": "us-CA-sdpd"}, "/source", "wrong-form"),
        ({"type": "alert.missing_child.vanished"}, "/type", "unknown-type"),
        ({"type": None}, "/type", "null-not-accepted"),
        ({"specversion": "0.3"}, "/specversion", "unknown-code"),
        ({"status": "draft"}, "/status", "unknown-code"),
        ({"time": "2026-05-04T13:30:00"}, "/time", "not-an-instant"),
        ({"time": "2026-02-30T13:30:00Z"}, "/time", "not-an-instant"),
        ({"time": "2026-W10-1T00:00:00Z"}, "/time", "not-an-instant"),
        ({"time": "2026-05-04T13:30:00+24:00"}, "/time", "not-an-instant"),
        ({"jurisdictions": []}, "/jurisdictions", "wrong-count"),
        ({"jurisdictions": ["US"] * 65}, "/jurisdictions", "wrong-count"),
        ({"jurisdictions": ["06073"]}, "/jurisdictions/0", "unknown-jurisdiction"),
        ({"jurisdictions": ["US-CA:02004"]}, "/jurisdictions/0", "unknown-jurisdiction"),
        ({"jurisdictions": ["US", "US"]}, "/jurisdictions", "repeated-item"),
        ({"jurisdictions": "US"}, "/jurisdictions", "not-a-list"),
        ({"label": []}, "/label", "not-an-object"),
        ({"label": {"tlp": "white"}}, "/label/tlp", "unknown-code"),
        ({"label": {"rel_to": ["CA"]}}, "/label/rel_to/0", "wrong-form"),
        ({"label": {"audience": ["everybody"]}}, "/label/audience/0", "wrong-form"),
        ({"label": {"active_until": "2026-05-04T13:30:00-07:00"}}, "/label/active_until", "not-later"),
        ({"label": {"public_until": "2026-05-04T20:29:59Z"}}, "/label/public_until", "not-later"),
        ({"label": {"marks": {"/id": "partner"}}}, "/label/marks/?", "mark-not-a-pointer"),
        ({"label": {"marks": {"/data/child": "public"}}}, "/label/marks/?", "unknown-code"),
        ({"label": {"marks": {"/data/nobody": "partner"}}}, "/label/marks", "mark-unknown-member"),
        ({"label": {"marks": {"/data/suspects/x": "protected"}}}, "/label/marks", "mark-unknown-member"),
        ({"label": {"marks": {"/data/suspects/0/name": "partner"}}}, "/label/marks", "mark-loosens"),
        ({"label": {"marks": {f"/data/a{n}": "partner" for n in range(65)}}}, "/label/marks", "wrong-count"),
        ({"surplus": 1}, "/surplus", "unknown-member"),
        ({"Ximena Ñáñez": 1}, "/?", "unknown-member"),
        ({"data": None}, "/data", "not-an-object"),
    ],
)
def test_a_bad_envelope_is_refused_at_its_place(change: Wire, path: str, code: str) -> None:
    assert problems(alert() | change) == [(path, code)]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"urgency": "immediate"}, "/urgency", "unknown-code"),
        ({"category": []}, "/category", "wrong-count"),
        ({"expires": "2026-05-04T13:30:00-07:00"}, "/expires", "not-later"),
        ({"programme": "AMBER"}, "/programme", "unknown-code"),
        ({"headline": {}}, "/headline", "no-text"),
        ({"headline": {"en": ""}}, "/headline/en", "wrong-length"),
        ({"headline": {"en": "two\nlines"}}, "/headline/en", "bad-character"),
        ({"headline": {"fr": "Alerte"}}, "/headline/fr", "unknown-member"),
        ({"headline": bilingual("a", "b", "machine")}, "/headline", "no-original"),
        ({"description": {"es": "\u202egnirts"}}, "/description/es", "bad-character"),
        ({"child": {"age_years": "9"}}, "/child/age_years", "wrong-number"),
        ({"child": {"age_years": True}}, "/child/age_years", "wrong-number"),
        ({"child": {"age_years": 9.0}}, "/child/age_years", "wrong-number"),
        ({"child": {"birth_date": "2016-13-01"}}, "/child/birth_date", "not-a-day"),
        ({"child": {"name": {"nickname": "X"}}}, "/child/name/nickname", "unknown-member"),
        ({"areas": [{"polygons_lat_lon_deg": [[[0, 0], [0, 1], [1, 1], [1, 0]]]}]}, "", "polygon-not-closed"),
        ({"areas": [{"polygons_lat_lon_deg": [[[0, 0], [0, 181], [1, 1], [0, 0]]]}]}, "", "not-a-point"),
        ({"areas": [{"circles": [{"latitude_deg": 91, "longitude_deg": 0, "radius_km": 1}]}]}, "", "wrong-number"),
        ({"web": "javascript:alert(1)"}, "/web", "wrong-form"),
        ({"resources": [{"mime": "image/png", "sha256": "AB"}]}, "/resources/0/sha256", "wrong-form"),
    ],
)
def test_a_bad_body_is_refused_at_its_place(change: Wire, path: str, code: str) -> None:
    ((found, why),) = problems(alert(data=change))

    assert why == code
    assert found.startswith(f"/data{path}")


def test_all_problems_are_reported_together() -> None:
    event = alert(id="", data={"urgency": "now", "expires": "2020-01-01T00:00:00Z"})

    assert problems(event) == [("/id", "wrong-form"), ("/data/urgency", "unknown-code"), ("/data/expires", "not-later")]


@pytest.mark.parametrize("event", [None, [], "event", 7])
def test_what_is_no_object_is_refused(event: object) -> None:
    assert problems(event) == [("", "not-an-object")]


def test_what_is_missing_is_named() -> None:
    event = alert()
    del event["source"], event["data"]["programme"]

    assert problems(event) == [("/source", "required"), ("/data/programme", "required")]


def test_an_event_without_data_is_refused() -> None:
    event = alert()
    del event["data"]

    assert problems(event) == [("/data", "required")]


def test_an_update_may_say_only_what_changed() -> None:
    event = alert("updated") | {"data": {"expires": "2026-05-09T00:00:00-07:00"}}

    assert envelope.load(event).data == {"expires": "2026-05-09T00:00:00-07:00"}


def test_an_issued_alert_says_something() -> None:
    event = warning()
    del event["data"]["event"], event["data"]["headline"]

    assert problems(event) == [("/data", "no-text")]


def test_declining_gives_a_reason() -> None:
    event = ack("declined")
    del event["data"]["reason"]

    assert problems(event) == [("/data/reason", "required")]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"cas_Status": "active"}, "/cas_Status"),
        ({"victims": [{"vic_TypeOfExploitation": ["Slavery"]}]}, "/victims/0/vic_TypeOfExploitation/0"),
        ({"victims": [{"prs_Citizenship": ["XX"]}]}, "/victims/0/prs_Citizenship/0"),
        ({"perpetrators": [{"per_RoleInProcess": ["Boss"]}]}, "/perpetrators/0/per_RoleInProcess/0"),
        ({"events": [{"hte_Type": "transit"}]}, "/events/0/hte_Type"),
    ],
)
def test_a_case_speaks_the_codes_of_the_standard(change: Wire, path: str) -> None:
    assert problems(case(data=change)) == [(f"/data{path}", "unknown-code")]


def test_the_misspelt_code_of_the_standard_is_kept() -> None:
    assert envelope.load(case(data={"victims": [{"vic_RelationshipToTrafficker": "Unaquainted"}]}))


def test_immigration_relief_has_no_member() -> None:
    assert problems(case(data={"victims": [{"immigration_relief": "T visa"}]})) == [
        ("/data/victims/0/immigration_relief", "unknown-member")
    ]


def test_no_message_repeats_a_value() -> None:
    event = alert(source="Ximena", data={"programme": "Ximena", "child": {"sex": "Ximena", "Ximena Doe": 1}})

    with pytest.raises(Malformed) as refused:
        envelope.load(event)

    assert not any("Ximena" in flaw.text + flaw.text.es + flaw.path for flaw in refused.value.flaws)


def test_urgent_and_closing_events_are_known_by_type_and_urgency() -> None:
    assert registry.is_urgent(envelope.load(alert()))
    assert not registry.is_urgent(envelope.load(warning()))
    assert not registry.is_urgent(envelope.load(case()))
    assert [registry.closes(event["type"]) for event in VALID[:5]] == [False, False, True, True, False]


def test_an_agencys_topic_is_its_own() -> None:
    assert wire.in_topic("us-ca-sdpd", "us.") == "us.in.us-ca-sdpd.v1"
    assert wire.agency_of("us.in.us-ca-sdpd.v1", "us.") == "us-ca-sdpd"
    assert wire.agency_of("in.us-ca-sdpd.v1", "us.") is None
    assert wire.agency_of("us.in.us-ca-sdpd.v2", "us.") is None
    assert wire.key(envelope.load(alert())) == b"sdpd-2026-0001"
