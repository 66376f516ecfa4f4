"""What the demo expects of readers on both sides, from files alone: across the border, the origin's rules decide."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub import main
from hub.demo.cast import load_cast
from hub.demo.expecting import Expected, expectations, rules_of
from hub.grants import GrantSet
from hub.limits import Limits
from hub.settings import load_settings
from schemas import envelope
from tests.support.cast import LIMITS
from tests.support.events import alert, case, warning

FOLDER = Path("config/demo")
AT = datetime(2026, 6, 1, tzinfo=UTC)
PLAYERS = {player.agency.id: player for player in load_cast(FOLDER / "agencies.toml")}
GRANTS = {node: main.grants(FOLDER / f"{node}-grants.toml") for node in ("us", "mx")}
LAW = {node: (grants, LIMITS) for node, grants in GRANTS.items()}
BOTH = {"tlp": "green", "rel_to": ["US", "MX"]}


def expected(who: str, *published: dict[str, Any], **law: tuple[GrantSet, Limits]) -> list[Expected]:
    """What a reader should get of these events; `law` replaces that of a node."""
    events = [envelope.load(event) for event in published]
    return expectations(PLAYERS[who], events, rules_of(list(PLAYERS.values()), LAW | law), AT)


def test_the_shipped_settings_name_what_is_there() -> None:
    assert [load_settings(FOLDER / f"{node}.toml", {}).node.id for node in GRANTS] == ["us", "mx"]


def test_a_reader_abroad_gets_what_the_origins_grant_gives() -> None:
    (got,) = expected("mx-bcn-fge", alert("issued", label=BOTH))

    assert (got.decision.grant, got.projection) == ("missing-children-to-mx-prosecutors", "enforcement")


def test_two_readers_abroad_get_what_each_may_have() -> None:
    event = alert("issued", label=BOTH, data={"note": {"en": "for police"}})

    (fiscalia,), (comision,) = (expected(who, event) for who in ("mx-bcn-fge", "mx-bcn-clb"))

    assert (fiscalia.projection, comision.projection) == ("enforcement", "partner")
    assert fiscalia.text != comision.text


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (alert("issued", label={"tlp": "green"}), "not released to this country"),
        (warning("issued", label=BOTH), "does not cover this type"),
        (
            case("opened", source="us-ca-sdpd", jurisdictions=["US-CA:06073"], label={"tlp": "amber"}),
            "not released to this country",
        ),
    ],
)
def test_what_stays_has_the_origins_reason(event: dict[str, Any], why: str) -> None:
    (got,) = expected("mx-bcn-fge", event)

    assert (got.text, str(got.decision.reason)) == (None, why)


def test_grants_of_the_readers_own_node_open_nothing_of_the_other() -> None:
    everything = replace(GRANTS["us"].grants[0], reader=GRANTS["us"].grants[2].reader, types=("*",))

    (got,) = expected(
        "mx-bcn-fge", alert("issued", label=BOTH), us=(GrantSet(), LIMITS), mx=(GrantSet((everything,)), LIMITS)
    )

    assert got.text is None


@pytest.mark.parametrize("strict", ["us", "mx"])
def test_the_stricter_nodes_limits_hold(strict: str) -> None:
    nothing = replace(LIMITS, crossings=())

    (got,) = expected("mx-bcn-fge", alert("issued", label=BOTH), **{strict: (GRANTS[strict], nothing)})

    assert "from the other country" in str(got.decision.reason)


def test_what_is_marked_resident_is_expected_at_home_alone() -> None:
    event = alert("issued", label=BOTH | {"marks": {"/data/headline": "resident"}})

    (abroad,), (home,) = (expected(who, event) for who in ("mx-bcn-fge", "us-ca-cvpd"))

    assert ["headline" in json.loads(one.text or "{}")["data"] for one in (abroad, home)] == [False, True]


def test_what_the_hub_refused_its_source_is_told_apart_from_what_stayed() -> None:
    refused, stayed = expected("mx-bcn-fge", alert("issued", jurisdictions=["US-TX"]), alert("issued"))

    assert (refused.is_refused, stayed.is_refused) == (True, False)
