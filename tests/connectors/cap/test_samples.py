"""Real documents of others, and our own samples: each through the whole connector to a valid event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from connectors.cap import document, rules
from connectors.cap import source as cap
from connectors.config import load
from connectors.source import Blank, Item
from schemas import envelope
from tests.connectors.cap.world import ROOT, SHARED, Connector, defects, unknown

CONFIGS = sorted((ROOT / "config" / "connectors").glob("cap-*.toml"))
SAMPLES = sorted((ROOT / "config" / "demo" / "samples").glob("*/cap/*.xml"))
beside_the_reference_data = pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not beside this checkout")


def check(config: str, *files: Path) -> list[Item]:
    """A dry run of one of the example configurations."""
    return list(cap.open_source(load(ROOT / "config" / "connectors" / config), files).items(Blank()))


def events(items: list[Item]) -> list[dict[str, Any]]:
    """All events, checked as the hub would."""
    return [dict(envelope.load(event).wire) for item in items for event in item.events]


OASIS = {
    "Oasis_AmberAlert.xml": ("alert.missing_child.issued", ["US-CA:06037"], {"expires-missing"}),
    "Oasis_EarthquakeReport.xml": (
        "alert.warning.updated",
        ["US"],
        {"expires-missing", "reference-missing", "place-assumed"},
    ),
    "Oasis_HomelandAlert.xml": ("alert.warning.issued", ["US"], {"expires-missing", "place-assumed"}),
    "Oasis_ThunderstormWarning.xml": ("alert.warning.issued", ["US-CA:06109", "US-CA:06009", "US-CA:06003"], set()),
}


@beside_the_reference_data
@pytest.mark.parametrize("name", OASIS)
def test_an_oasis_example_becomes_a_valid_event(name: str) -> None:
    (event,) = events(check("cap-us-dc-desk.toml", SHARED / name))

    assert (event["type"], event["jurisdictions"], defects(event)) == OASIS[name]
    assert event["label"]["tlp"] == "clear"


@beside_the_reference_data
def test_the_oasis_amber_alert_is_told_in_both_languages() -> None:
    (event,) = events(check("cap-us-dc-desk.toml", SHARED / "Oasis_AmberAlert.xml"))

    data = event["data"]
    assert (data["programme"], data["event_code"]) == ("AMBER_US", "CAE")
    assert data["headline"]["es"] == "Alerta Amber en el condado de Los Ángeles"
    assert data["areas"][0]["description"] == {"en": "Los Angeles County", "es": "condado de Los Ángeles"}


@beside_the_reference_data
def test_the_spanish_that_a_machine_wrote_can_be_marked_as_such(tmp_path: Path) -> None:
    connector = Connector(tmp_path, '[source]\nfolder = "inbox"\n[languages]\nmachine = ["es-US"]\n')
    (event,) = events(connector.check(SHARED / "Oasis_AmberAlert.xml"))

    assert event["data"]["description"]["translation"] == "machine"


@beside_the_reference_data
def test_the_links_of_the_weather_service_are_163_unknowns_and_never_no_alerts(tmp_path: Path) -> None:
    # No host is allowed here, so that the test asks nothing of anybody.
    items = Connector(tmp_path).check(SHARED / "nws_atom_feed_cap1.1_2018-08-15.xml")

    assert unknown(items) == ["host-not-followed"] * 163
    assert events(items) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_our_samples_break_no_rule(path: Path) -> None:
    assert rules.check(document.parse(path.read_bytes()), strict=True) == ()


@beside_the_reference_data
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_our_samples_are_valid_by_the_schema_of_the_standard(path: Path) -> None:
    schema = etree.XMLSchema(etree.parse(SHARED / "CAP-v1.2.xsd"))

    schema.assertValid(etree.parse(path))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_example_configuration_can_be_used(path: Path) -> None:
    assert cap.open_source(load(path))


def test_the_samples_of_the_us_node_are_one_amber_chain_a_warning_and_a_restricted_alert() -> None:
    found = events(check("cap-us-ca-sdpd.toml"))

    assert [event["type"] for event in found] == [
        "alert.missing_child.issued",
        "alert.missing_child.updated",
        "alert.missing_child.cancelled",
        "alert.warning.issued",
        "alert.missing_child.issued",
    ]
    assert len({event["subject"] for event in found[:3]}) == 1
    assert [event["label"]["tlp"] for event in found] == ["clear"] * 4 + ["amber+strict"]
    assert all(defects(event) == set() for event in found)


def test_the_sample_of_the_mexican_node_is_an_amber_alert_in_tijuana() -> None:
    (event,) = events(check("cap-mx-bcn-fge.toml"))

    assert (event["type"], event["data"]["programme"]) == ("alert.missing_child.issued", "AMBER_MX")
    assert (event["jurisdictions"], event["label"]["rel_to"]) == (["MX-BCN:02004"], ["US"])
    assert set(event["data"]["headline"]) == {"en", "es"}
