"""What an alert becomes: type, texts, label, end, and everything that had to be left behind named as a defect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import envelope, wire
from tests.connectors.cap.drafts import EXPIRES, SENT, Raw, alert, area, info, reference, resource
from tests.connectors.cap.world import defects, event_of, items_of, refused
from tests.support.examples import examples

MEXICAN = {"agency": "mx-bcn-fge", "jurisdiction": "MX-BCN"}
WEATHER = info(event="Severe Thunderstorm", category="Met", eventCode=("SAME", "SVR"))


def config(sections: str) -> str:
    """A folder source with further sections."""
    return f'[source]\nfolder = "inbox"\n{sections}'


@pytest.mark.parametrize(
    ("type_", "programme", "block", "connector"),
    [
        ("missing_child", "AMBER_US", info(), {}),
        ("missing_child", "AMBER_MX", info(event="Alerta AMBER Baja California", eventCode=None), MEXICAN),
        ("missing_child", "ALBA", info(event="Protocolo Alba", eventCode=None), MEXICAN),
        ("missing_child", "ALERTA_NACIONAL", info(event="Alerta Nacional de Búsqueda", eventCode=None), MEXICAN),
        ("missing_child", "MEP", info(event="Missing", eventCode=("SAME", "MEP")), {}),
        ("warning", None, WEATHER, {}),
        ("warning", None, info(event="Amber Alert for wind", category="Met", eventCode=None), {}),
    ],
)
def test_the_event_code_or_name_decides_what_it_is_about(
    type_: str, programme: str | None, block: Raw, connector: dict[str, str], tmp_path: Path
) -> None:
    event = event_of(alert(block), tmp_path, **connector)

    assert event["type"] == f"alert.{type_}.issued"
    assert event["data"].get("programme") == programme


def test_a_source_may_have_names_of_its_own(tmp_path: Path) -> None:
    own = config('[missing_child.events]\n"Alerta Plateada" = "OTHER"\n')

    assert event_of(alert(info(event="ALERTA PLATEADA", eventCode=None)), tmp_path, own)["data"]["programme"] == "OTHER"


CLEAR = info(responseType="AllClear")


@pytest.mark.parametrize(
    ("verb", "message", "block"),
    [
        ("issued", "Alert", info()),
        ("updated", "Update", info()),
        ("cancelled", "Cancel", info()),
        ("located", "Update", CLEAR),
        ("located", "Cancel", CLEAR),
        ("issued", "Alert", CLEAR),
    ],
)
def test_the_message_type_decides_before_any_severity(verb: str, message: str, block: Raw, tmp_path: Path) -> None:
    event = event_of(alert(block, msgType=message, identifier="SAMPLE-2", references=reference()), tmp_path)

    assert event["type"] == f"alert.missing_child.{verb}"
    assert event["data"]["severity"] == "Extreme"
    assert ("active_until" in event["label"]) == (verb in ("issued", "updated"))


@pytest.mark.parametrize(
    ("status", "ours"), [("Actual", "actual"), ("Exercise", "exercise"), ("Test", "test"), ("System", "test")]
)
def test_what_is_not_actual_never_passes_for_it(status: str, ours: str, tmp_path: Path) -> None:
    assert event_of(alert(status=status), tmp_path)["status"] == ours


def test_several_infos_are_one_event_in_several_languages(tmp_path: Path) -> None:
    spanish = info(
        language="es-US", headline="Alerta AMBER: menor de muestra", area=[area(areaDesc="Condado de San Diego")]
    )
    french = info(language="fr-CA", headline="Alerte AMBER")
    data = event_of(alert(info(), spanish, french), tmp_path)["data"]

    assert data["headline"] == {"en": "AMBER Alert: sample child", "es": "Alerta AMBER: menor de muestra"}
    assert [(one["language"], one["headline"]) for one in data["texts"]] == [("fr-CA", "Alerte AMBER")]
    assert [one["description"] for one in data["areas"]] == [{"en": "San Diego County", "es": "Condado de San Diego"}]


@pytest.mark.parametrize(
    ("sections", "parameter"),
    [
        ('[languages]\nmachine = ["es-US"]\n', None),
        ('[languages]\nmachine = ["es"]\n', None),
        ("", ("translation", "machine")),
    ],
)
def test_a_machine_translation_says_so_and_whose_words_it_renders(
    sections: str, parameter: tuple[str, str] | None, tmp_path: Path
) -> None:
    spanish = info(language="es-US", description="Cortocircuitos rojos", parameter=parameter)
    data = event_of(alert(info(), spanish), tmp_path, config(sections))["data"]

    for member in (data["description"], data["areas"][0]["description"]):
        assert (member["translation"], member["original"]) == ("machine", "en-US")


def test_an_alert_in_neither_language_is_still_told(tmp_path: Path) -> None:
    event = event_of(alert(info(language="fr-CA", headline="Alerte")), tmp_path)

    assert event["data"]["headline"] == {"en": "Alerte", "translation": "none", "original": "fr-CA"}
    assert "language-neither" in defects(event)


@pytest.mark.parametrize(
    ("scope", "label"),
    [
        ({"scope": "Public"}, {"tlp": "clear", "rel_to": []}),
        ({"scope": "Restricted", "restriction": "Police only"}, {"tlp": "amber+strict", "rel_to": []}),
        ({"scope": None}, {"tlp": "amber+strict", "rel_to": []}),
        ({"scope": "Private", "addresses": 'x "duty desk" y'}, {"tlp": "red", "rel_to": [], "audience": ["us-ca-chp"]}),
    ],
)
def test_scope_becomes_the_label(scope: dict[str, Any], label: dict[str, Any], tmp_path: Path) -> None:
    table = config('[label.addresses]\n"Duty Desk" = "us-ca-chp"\n')
    found = event_of(alert(**scope), tmp_path, table)["label"]

    assert {name: found.get(name) for name in label} == label
    assert ("public_until" in found) == (scope["scope"] == "Public")


def test_the_free_texts_of_a_restricted_alert_are_for_enforcement(tmp_path: Path) -> None:
    event = event_of(alert(scope="Restricted", restriction="Police only", note="From the desk"), tmp_path)

    marks = event["label"]["marks"]
    assert {"/data/headline", "/data/description", "/data/event", "/data/areas/0/description"} <= marks.keys()
    assert set(marks.values()) == {"enforcement"}
    assert event["data"]["note"] == {"en": "Police only\nFrom the desk"}


def test_a_private_alert_to_nobody_known_is_seen_by_its_owner_alone(tmp_path: Path) -> None:
    event = event_of(alert(scope="Private", addresses="who@where.example"), tmp_path)

    assert (event["label"]["tlp"], "audience" in event["label"]) == ("red", False)
    assert "addresses-unmapped" in defects(event)


def test_only_the_table_lets_an_alert_leave_its_country(tmp_path: Path) -> None:
    table = config('[label.public]\ntlp = "green"\nrel_to = ["MX"]\n')

    assert event_of(alert(), tmp_path, table)["label"]["rel_to"] == ["MX"]
    assert event_of(alert(scope="Restricted", restriction="x"), tmp_path, table)["label"]["rel_to"] == []


@pytest.mark.parametrize(
    ("sections", "expires", "active", "public"),
    [
        ("", EXPIRES, EXPIRES, EXPIRES),
        ("", None, None, "2026-05-07T13:30:00-07:00"),
        ("[label]\npublic_hours = 24\n", None, None, "2026-05-05T13:30:00-07:00"),
        ('[label]\nactive = "until-closed"\n', EXPIRES, None, EXPIRES),
        ("", SENT, None, "2026-05-07T13:30:00-07:00"),
    ],
)
def test_public_display_and_activity_end_apart(
    sections: str, expires: str | None, active: str | None, public: str, tmp_path: Path
) -> None:
    label = event_of(alert(info(expires=expires)), tmp_path, config(sections))["label"]

    assert (label.get("active_until"), label["public_until"]) == (active, public)


SCHEMES = [
    ("US-CA:06073", ("SAME", "006073"), {}),
    ("US-CA", ("SAME", "006000"), {}),
    ("US", ("FIPS6", "000000"), {}),
    ("US-CA:06073", ("UGC", "CAC073"), {}),
    ("US-CA", ("UGC", "CAZ552"), {}),
    ("MX-BCN:02004", ("INEGI", "02004"), MEXICAN),
    ("MX-BCN:02004", ("INEGI", "020040001"), MEXICAN),
    ("MX-BCN", ("ISO 3166-2", "MX-BCN"), MEXICAN),
    ("MX-BCN", ("ISO3166-2", "MX-BCN"), {}),
]


@pytest.mark.parametrize(("place", "geocode", "connector"), SCHEMES)
def test_geocodes_become_jurisdictions(
    place: str, geocode: tuple[str, str], connector: dict[str, str], tmp_path: Path
) -> None:
    event = event_of(alert(info(area=[area(geocode=geocode)])), tmp_path, **connector)

    assert event["jurisdictions"] == [place]
    assert "place-assumed" not in defects(event)


@pytest.mark.parametrize(
    ("geocode", "connector", "code"),
    [
        (("SAME", "006001"), MEXICAN, "foreign-scheme"),
        (("FIPS", "06001"), MEXICAN, "foreign-scheme"),
        (("INEGI", "06001"), {}, "foreign-scheme"),
        (("SAME", "999999"), {}, "unknown-geocode"),
        (("layer:EC-MSC", "036800"), {}, "place-assumed"),
        (None, {}, "place-assumed"),
    ],
)
def test_a_code_of_the_other_country_is_never_a_place(
    geocode: tuple[str, str] | None, connector: dict[str, str], code: str, tmp_path: Path
) -> None:
    event = event_of(alert(info(area=[area(geocode=geocode)])), tmp_path, **connector)

    assert {code, "place-assumed"} <= defects(event)
    assert event["jurisdictions"] == [connector.get("jurisdiction", "US-CA:06073")]


def test_counties_are_better_than_the_state_of_a_forecast_zone(tmp_path: Path) -> None:
    packed = Raw(
        "<valueName>FIPS6</valueName><value>006073 006025</value><valueName>UGC</valueName><value>CAZ552 AZZ001</value>"
    )
    event = event_of(alert(info(area=[area(geocode=packed)]), version="1.1"), tmp_path)

    assert event["jurisdictions"] == ["US-CA:06073", "US-CA:06025", "US-AZ"]
    assert event["origin"]["format"] == "cap-1.1"


def test_more_places_than_fit_become_their_states(tmp_path: Path) -> None:
    counties = [("SAME", f"048{code:03d}") for code in range(1, 200, 2)]
    event = event_of(alert(info(area=[area(geocode=counties)])), tmp_path)

    assert event["jurisdictions"] == ["US-TX"]
    assert "places-coarsened" in defects(event)


def test_shapes_are_read_in_degrees_kilometres_and_metres(tmp_path: Path) -> None:
    shaped = area(polygon="32.5,-117.1 32.6,-117.1 32.6,-117", circle="32.5,-117.1 12.5", altitude="1000")
    (found,) = event_of(alert(info(area=[shaped])), tmp_path)["data"]["areas"]

    assert found["polygons_lat_lon_deg"] == [[[32.5, -117.1], [32.6, -117.1], [32.6, -117.0], [32.5, -117.1]]]
    assert found["circles"] == [{"latitude_deg": 32.5, "longitude_deg": -117.1, "radius_km": 12.5}]
    assert found["altitude_m"] == 304.8


def test_what_cannot_be_passed_on_is_named(tmp_path: Path) -> None:
    odd = info(
        web="javascript:alert(1)",
        headline="h" * 600,
        resource=[resource(derefUri="QUJD"), resource(uri="not a link", mimeType="image/PNG; x=y", size="12")],
        parameter=[(f"p{n}", "v") for n in range(70)],
    )
    event = event_of(alert(odd), tmp_path)

    assert {"uri-invalid", "text-cut", "resource-inline", "too-many"} <= defects(event)
    assert event["data"]["resources"] == [
        {"mime": "image/jpeg", "description": {"en": "A photo"}},
        {"mime": "image/png", "size_bytes": 12, "description": {"en": "A photo"}},
    ]


def test_an_alert_too_large_for_the_hub_loses_its_shapes_first(tmp_path: Path) -> None:
    ring = " ".join(f"32.{n:06d},-117.{n:06d}" for n in range(490)) + " 32.000000,-117.000000"
    event = event_of(alert(info(area=[area(areaDesc=str(n), polygon=[ring] * 5) for n in range(30)])), tmp_path)

    assert len(wire.encode(event)) < 262_144
    assert defects(event) == {"event-reduced"}
    assert event["data"]["description"]["en"] == "A sample description."


def test_a_flood_of_flaws_is_counted(tmp_path: Path) -> None:
    event = event_of(alert(info(area=[area(circle=["x"] * 60)])), tmp_path)

    assert len(event["defects"]) == 32
    assert event["defects"][-1]["code"] == "more-defects"


def test_missing_codes_are_read_as_unknown(tmp_path: Path) -> None:
    event = event_of(alert(info(urgency=None, severity="dire", category=None, certainty="LIKELY")), tmp_path)

    data = event["data"]
    assert (data["urgency"], data["severity"], data["certainty"], data["category"]) == (
        "Unknown",
        "Unknown",
        "Likely",
        ["Other"],
    )


@pytest.mark.parametrize("message", ["Ack", "Error"])
def test_a_receipt_is_no_alert(message: str, tmp_path: Path) -> None:
    assert refused(items_of(alert(msgType=message, references=reference()), tmp_path)) == {f"msgtype-{message.lower()}"}


ODD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60).map(
    lambda text: "".join(
        char for char in text if char in "\t\n\r" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd"
    )
)
LINES = st.one_of(st.none(), ODD)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(
    st.fixed_dictionaries(
        {
            name: LINES
            for name in ("identifier", "sender", "restriction", "addresses", "references", "incidents", "note")
        }
    ),
    st.sampled_from(["Public", "Restricted", "Private", "x"]),
    st.lists(
        st.fixed_dictionaries(
            {
                name: LINES
                for name in (
                    "language",
                    "category",
                    "event",
                    "urgency",
                    "audience",
                    "effective",
                    "expires",
                    "senderName",
                )
            }
            | {name: LINES for name in ("headline", "description", "instruction", "web", "contact")}
        ),
        max_size=3,
    ),
    st.fixed_dictionaries({name: LINES for name in ("areaDesc", "polygon", "circle", "altitude", "ceiling")}),
    st.tuples(ODD, ODD),
)
def test_whatever_stands_in_a_document_it_is_refused_or_becomes_a_valid_event(
    tmp_path: Path,
    outer: dict[str, Any],
    scope: str,
    inner: list[dict[str, Any]],
    where: dict[str, Any],
    pair: tuple[str, str],
) -> None:
    blocks = [
        info(
            **one,
            area=[area(**where, geocode=pair)],
            parameter=pair,
            resource=[resource(uri=pair[0], mimeType=pair[1])],
        )
        for one in inner
    ]
    for item in items_of(alert(*blocks, scope=scope, **outer), tmp_path):
        assert item.refusals or item.events
        for event in item.events:
            assert envelope.load(event)
