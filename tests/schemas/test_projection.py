"""What each clearance sees: golden files for people, a naive redaction for everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from schemas import wire
from schemas.masks import NAMES
from schemas.projection import project, render
from tests.schemas import naive, strategies
from tests.support.events import Wire, ack, alert, bilingual, case, label_changed, note, recalled, warning
from tests.support.examples import examples

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = {
    "alert": alert(),
    "alert_located": alert("located", data={"located": {"condition": "located_alive"}}),
    "alert_marked": alert(label={"tlp": "green", "marks": {"/data/lookout/vehicles/0/plate": "enforcement"}}),
    "warning": warning(),
    "case": case(),
    "declined": ack("declined"),
    "sighting": note("sighting", label={"tlp": "amber", "marks": {"/data/place/description": "enforcement"}}),
    "question": note("question"),
    "recalled": recalled(),
    "label_changed": label_changed(),
}

OPENABLE = [name for name in NAMES if name not in ("notice", "full")]


def seen(event: Wire, name: str) -> Any:
    """One projection of an event, parsed."""
    projections = project(event, event["type"])
    return json.loads(render(projections.text, projections.cuts[name]))


@given(strategies.events())
@settings(max_examples=examples(250), suppress_health_check=[HealthCheck.too_slow])
def test_every_projection_is_the_canonical_json_of_the_naive_redaction(event: Wire) -> None:
    projections = project(event, event["type"])

    for name in NAMES:
        assert render(projections.text, projections.cuts[name]) == wire.encode(naive.redact(event, name)).decode()


@given(strategies.consents())
@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow])
def test_a_consent_opens_what_it_names_and_nothing_else(consented: tuple[Wire, list[str], bool]) -> None:
    event, pointers, outside = consented

    for name in OPENABLE:
        cut = project(event, event["type"], outside=outside, opened=(name, pointers))
        expected = naive.redact(event, name, opened=pointers, is_outside=outside)
        assert render(cut.text, cut.cuts[name]) == wire.encode(expected).decode()


@given(strategies.consents())
@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.too_slow])
def test_a_consent_widens_one_projection_alone(consented: tuple[Wire, list[str], bool]) -> None:
    event, pointers, _ = consented
    plain, opened = project(event, event["type"]), project(event, event["type"], opened=("partner", pointers))

    for name in set(NAMES) - {"partner"}:
        assert render(opened.text, opened.cuts[name]) == render(plain.text, plain.cuts[name])


@pytest.mark.parametrize("name", [name for name in NAMES if name != "partner"])
def test_a_mark_below_an_opened_member_holds_for_everyone_else(name: str) -> None:
    event = alert(label={"tlp": "green", "marks": {"/data/lookout/vehicles/0/plate": "enforcement"}})

    plain = project(event, event["type"])
    opened = project(event, event["type"], opened=("partner", ["/data/lookout/vehicles"]))

    assert render(opened.text, opened.cuts[name]) == render(plain.text, plain.cuts[name])


@pytest.mark.parametrize("example", EXAMPLES)
def test_projections_are_as_reviewed(example: str, request: pytest.FixtureRequest) -> None:
    event = EXAMPLES[example]

    views = {name: seen(event, name) for name in NAMES}

    expected = json.loads((GOLDEN / f"{example}.json").read_text(encoding="utf-8"))
    assert views == expected, f"{request.node.name}: look at the change, then run python -m tests.schemas.golden"


def test_the_owner_sees_the_event_as_it_was_written() -> None:
    event = alert()

    assert seen(event, "full") == event


def test_a_notice_says_that_something_happened_and_nothing_else() -> None:
    notice = seen(alert(label={"tlp": "green", "audience": ["us-ca-sdpd"], "caveat": {"en": "Ask us"}}), "notice")

    assert notice["label"] == {"tlp": "green"}
    assert not notice.keys() & {"data", "defects", "origin"}


@pytest.mark.parametrize("event", [recalled(), label_changed()], ids=lambda event: event["type"])
def test_a_notice_of_a_change_says_which_event_and_not_why(event: Wire) -> None:
    assert seen(event, "notice")["data"] == {"event": event["data"]["event"]}


def test_after_the_alert_the_child_is_nobodys_business() -> None:
    public, enforcement = seen(alert(), "public~"), seen(alert(), "enforcement~")

    assert "Ximena" not in json.dumps([public, enforcement], ensure_ascii=False)
    assert "child" not in public["data"]
    assert enforcement["data"]["child"] == {"age_band": "6-11"}


def test_partners_see_a_day_where_the_hour_is_for_law_enforcement() -> None:
    last_seen = seen(alert(), "partner")["data"]["last_seen"]

    assert (last_seen["day"], "time" in last_seen) == ("2026-05-04", False)
    assert seen(alert(), "enforcement")["data"]["last_seen"]["time"] == "2026-05-04T12:05:00-07:00"


def test_a_mark_hides_the_coarse_form_as_well() -> None:
    marked = alert(label={"marks": {"/data/last_seen/time": "enforcement"}})

    assert "day" not in seen(marked, "partner")["data"]["last_seen"]


@pytest.mark.parametrize(
    ("place", "area"),
    [
        ("US-CA:06073", "San Diego County, California"),
        ("MX-BCN:02004", "Tijuana, Baja California"),
        ("US-CA", "California"),
    ],
)
def test_partners_see_the_municipality_or_state_where_the_place_is_for_law_enforcement(place: str, area: str) -> None:
    event = alert(data={"last_seen": alert()["data"]["last_seen"] | {"jurisdiction": place}})

    partner, enforcement = (seen(event, name)["data"]["last_seen"] for name in ("partner", "enforcement"))

    assert (partner["area"], "place" in partner) == (area, False)
    assert ("area" in enforcement, "place" in enforcement) == (False, True)


@pytest.mark.parametrize("member", ["place", "jurisdiction"])
def test_a_mark_hides_what_is_worked_out_from_the_member_too(member: str) -> None:
    marked = alert(label={"marks": {f"/data/last_seen/{member}": "enforcement"}})

    assert "area" not in seen(marked, "partner")["data"]["last_seen"]


def test_a_place_without_a_jurisdiction_is_given_none() -> None:
    event = alert(data={"last_seen": {"place": bilingual("The park", "El parque")}})

    assert "last_seen" not in seen(event, "partner")["data"]


def test_partners_see_the_age_band_of_a_suspect_to_look_out_for() -> None:
    event = alert(data={"lookout": {"suspects": [{"birth_date": "1981-04-18"}]}})

    assert seen(event, "partner")["data"]["lookout"] == {"suspects": [{"age_band": "25-59"}]}
    assert "lookout" not in seen(event, "public")["data"]


@pytest.mark.parametrize(
    ("written", "state"), [("baja california", "MX-BCN"), ("CA", "US-CA"), ("Calle Roble 7", None)]
)
def test_of_a_victims_address_law_enforcement_sees_the_state(written: str, state: str | None) -> None:
    victim = {"ref": "V1", "prs_MailingState": written, "prs_MailingStreet": "Calle Roble 7"}
    event = case(data={"victims": [victim]})

    partner, enforcement = (seen(event, name)["data"]["victims"] for name in ("partner", "enforcement"))

    assert enforcement == [{"ref": "V1"} | ({"mailing_state": state} if state else {})]
    assert partner == [{"ref": "V1"}]


def test_what_is_hidden_leaves_no_empty_container_behind() -> None:
    public = seen(alert(), "public")

    assert "suspects" not in public["data"]
    assert "border_crossing" not in public["data"]


def test_a_machine_translation_is_never_public() -> None:
    headline = bilingual("Red shorts", "Cortocircuitos rojos", "machine") | {"original": "en-US"}
    event = warning(data={"headline": headline})

    assert "es" not in seen(event, "public")["data"]["headline"]
    assert seen(event, "partner")["data"]["headline"] == headline


def test_a_resident_member_stays_inside_the_node() -> None:
    event = alert(label={"rel_to": ["MX"], "marks": {"/data/child/name": "resident"}})

    inside, outside = project(event, event["type"]), project(event, event["type"], outside=True)

    assert inside.resident == ("/data/child/name",)
    assert "Ximena" in render(inside.text, inside.cuts["partner"])
    assert not any('"given":"Ximena"' in render(outside.text, ranges) for ranges in outside.cuts.values())


def test_only_alerts_about_children_lapse() -> None:
    assert project(alert(), "alert.missing_child.issued").lapses
    assert not project(warning(), "alert.warning.issued").lapses


def opened(event: Wire, name: str, *pointers: str) -> Any:
    """One projection of an event, parsed, with what a consent opens in it."""
    projections = project(event, event["type"], opened=(name, pointers))
    return json.loads(render(projections.text, projections.cuts[name]))


def test_a_consent_opens_a_protected_member_among_hidden_ones() -> None:
    shown = opened(case(), "partner", "/data/victims/0/prs_FirstName")["data"]["victims"][0]

    assert shown.pop("prs_FirstName") == "Lucía"
    assert shown == seen(case(), "partner")["data"]["victims"][0]


def test_the_exact_member_takes_the_place_of_the_coarse_one() -> None:
    assert seen(alert(), "partner~")["data"]["child"] == {"age_band": "6-11"}
    assert opened(alert(), "partner~", "/data/child/age_years")["data"]["child"] == {"age_years": 9}


def test_a_whole_that_is_opened_needs_no_coarse_member_either() -> None:
    assert opened(alert(), "partner~", "/data/child")["data"]["child"] == alert()["data"]["child"]


def test_a_member_that_a_mark_protects_is_opened_as_well() -> None:
    marked = alert(label={"marks": {"/data/lookout/vehicles/0/plate": "protected"}})

    assert "plate" not in seen(marked, "enforcement")["data"]["lookout"]["vehicles"][0]
    shown = opened(marked, "enforcement", "/data/lookout/vehicles/0/plate")
    assert shown["data"]["lookout"]["vehicles"][0]["plate"] == "4XXX000"


@pytest.mark.parametrize("pointer", ["/data/no_such", "/data/victims/7", "/data/child/name/en", "/data/headline/en/x"])
def test_a_pointer_at_nothing_opens_nothing(pointer: str) -> None:
    assert opened(alert(), "public", pointer) == seen(alert(), "public")


def test_no_consent_takes_a_resident_member_out_of_the_node() -> None:
    event = alert(label={"rel_to": ["MX"], "marks": {"/data/child/name/given": "resident"}})

    for pointer in ("/data/child/name/given", "/data/child", "/data/child/name"):
        cut = project(event, event["type"], outside=True, opened=("partner", [pointer]))
        assert '"given":"Ximena"' not in render(cut.text, cut.cuts["partner"])
