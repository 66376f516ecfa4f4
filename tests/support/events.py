"""Valid events as they go over the wire; a test states only what differs from them."""

from __future__ import annotations

from typing import Any

Wire = dict[str, Any]

SDPD = "us-ca-sdpd"
FGE = "mx-bcn-fge"
TIME = "2026-05-04T13:30:00-07:00"


def envelope(event_type: str, data: Wire, **overrides: Any) -> Wire:
    """An envelope around ``data``; ``label`` and other members can be replaced by name."""
    event = {
        "specversion": "1.0",
        "id": f"{event_type}-2026-0001",
        "source": SDPD,
        "type": event_type,
        "subject": "sdpd-2026-0001",
        "time": TIME,
        "datacontenttype": "application/json",
        "status": "actual",
        "jurisdictions": ["US-CA:06073"],
        "label": {"tlp": "green", "rel_to": ["US", "MX"]},
        "data": data,
    }
    return event | overrides


def alert(verb: str = "issued", **overrides: Any) -> Wire:
    """A missing child near the border; ``data`` members are replaced through ``data={...}`` (merged)."""
    changed = overrides.pop("data", {})
    return envelope(f"alert.missing_child.{verb}", missing_child() | changed, **overrides)


def warning(verb: str = "issued", **overrides: Any) -> Wire:
    """A flood warning; ``data={...}`` is merged into its body."""
    changed = overrides.pop("data", {})
    return envelope(f"alert.warning.{verb}", flood() | changed, **({"subject": "nws-2026-0009"} | overrides))


def case(verb: str = "opened", **overrides: Any) -> Wire:
    """A trafficking case of a Mexican fiscalía; ``data={...}`` is merged into its body."""
    changed = overrides.pop("data", {})
    fge = {
        "source": FGE,
        "subject": "fge-trata-2026-17",
        "jurisdictions": ["MX-BCN:02004"],
        "label": {"tlp": "amber", "rel_to": ["MX"], "purpose": "trafficking-investigation"},
    }
    return envelope(f"case.trafficking.{verb}", trafficking() | changed, **(fge | overrides))


def ack(state: str = "acknowledged", **overrides: Any) -> Wire:
    """An acknowledgement of an event of the hub; ``data={...}`` is merged into its body."""
    changed = overrides.pop("data", {})
    body: Wire = {"event": "019ec1f0-7c3a-7e55-8c1b-0242ac120002"}
    if state == "declined":
        body |= {"reason": "not-ours", "note": {"en": "Outside our county.", "es": "Fuera de nuestro condado."}}
    label = {"tlp": "amber+strict", "rel_to": ["US", "MX"]}
    return envelope(f"ack.{state}", body | changed, **({"source": FGE, "label": label} | overrides))


def note(kind: str = "sighting", **overrides: Any) -> Wire:
    """A note on an event of the hub, to its source; ``data={...}`` is merged into its body."""
    changed = overrides.pop("data", {})
    body: Wire = {
        "event": "019ec1f0-7c3a-7e55-8c1b-0242ac120002",
        "text": bilingual("Seen at the bus station.", "Vista en la central de autobuses."),
    }
    if kind == "sighting":
        where = {"jurisdiction": "MX-BCN:02004", "description": bilingual("Bus station", "Central de autobuses")}
        body |= {"seen_at": "2026-05-04T15:10:00-07:00", "place": where}
    label = {"tlp": "amber+strict", "rel_to": ["US"], "audience": [SDPD]}
    return envelope(f"note.{kind}", body | changed, **({"source": FGE, "label": label} | overrides))


def recalled(**overrides: Any) -> Wire:
    """The recall of an event of the hub; ``data={...}`` is merged into its body."""
    body: Wire = {
        "event": "019ec1f0-7c3a-7e55-8c1b-0242ac120002",
        "reason": "wrong-person",
        "note": bilingual("The photo is of another child.", "La foto es de otra persona."),
    }
    return envelope("control.recalled", body | overrides.pop("data", {}), **({"label": {"tlp": "red"}} | overrides))


def label_changed(label: Wire | None = None, **overrides: Any) -> Wire:
    """A tighter label for an event of the hub; ``data={...}`` is merged into its body."""
    tighter = label or {"tlp": "amber", "rel_to": ["US"], "marks": {"/data/child/name": "enforcement"}}
    body: Wire = {"event": "019ec1f0-7c3a-7e55-8c1b-0242ac120002", "reason": "safety", "label": tighter}
    own = {name: value for name, value in tighter.items() if name in ("tlp", "rel_to", "audience", "purpose")}
    return envelope("control.label_changed", body | overrides.pop("data", {}), **({"label": own} | overrides))


def bilingual(en: str, es: str, translation: str = "human") -> Wire:
    """A text in both languages."""
    return {"en": en, "es": es, "translation": translation}


def missing_child() -> Wire:
    """The body of an alert about a missing child; all persons are invented."""
    return {
        "programme": "AMBER_US",
        "event": bilingual("Child abduction", "Sustracción de menor"),
        "event_code": "CAE",
        "category": ["Rescue"],
        "response_type": ["Monitor"],
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Likely",
        "headline": bilingual("AMBER Alert: San Ysidro", "Alerta AMBER: San Ysidro"),
        "description": bilingual("Ximena was last seen at school.", "Ximena fue vista por última vez en la escuela."),
        "instruction": bilingual("Call 911.", "Llame al 911."),
        "contact": bilingual("SDPD, +16195550100", "SDPD, +16195550100"),
        "expires": "2026-05-07T13:30:00-07:00",
        "areas": [
            {
                "description": bilingual("San Diego County", "Condado de San Diego"),
                "geocodes": [{"scheme": "SAME", "value": "006073"}],
                "circles": [{"latitude_deg": 32.552, "longitude_deg": -117.043, "radius_km": 40}],
            }
        ],
        "child": {
            "name": {"given": "Ximena", "paternal_surname": "Ñáñez", "maternal_surname": "Doe"},
            "age_years": 9,
            "sex": "female",
            "height_cm": 132,
            "clothing": bilingual("Red shorts", "Pantalón corto rojo"),
            "birth_date": "2016-09-01",
            "medical": bilingual("Needs insulin", "Necesita insulina"),
        },
        "last_seen": {
            "jurisdiction": "US-CA:06073",
            "time": "2026-05-04T12:05:00-07:00",
            "place": bilingual("Gate of the school at 1 Doe St", "Puerta de la escuela en 1 Doe St"),
            "latitude_deg": 32.5521,
            "longitude_deg": -117.0431,
        },
        "lookout": {"vehicles": [{"plate": "4XXX000", "plate_state": "US-CA", "make": "Buick"}]},
        "suspects": [{"name": {"given": "John", "paternal_surname": "Doe"}, "birth_date": "1981-04-18"}],
        "border_crossing": {"risk": "likely", "direction": "south", "port_of_entry": "San Ysidro"},
    }


def flood() -> Wire:
    """The body of a warning."""
    return {
        "event": bilingual("Flash flood warning", "Aviso de inundación repentina"),
        "event_code": "FFW",
        "category": ["Met", "Safety"],
        "urgency": "Expected",
        "severity": "Moderate",
        "certainty": "Likely",
        "headline": bilingual("Flooding on the Tijuana River", "Inundación en el río Tijuana", "none"),
        "areas": [{"geocodes": [{"scheme": "SAME", "value": "006073"}]}],
        "expires": "2026-05-05T01:00:00-07:00",
    }


def trafficking() -> Wire:
    """The body of a trafficking case; all persons are invented."""
    return {
        "cas_Status": "Active",
        "lead_agency": FGE,
        "victims": [
            {
                "ref": "V1",
                "prs_FirstName": "Lucía",
                "prs_SecondName": "Pérez",
                "prs_Birthdate": "2010-02-03",
                "prs_Gender": "Feminine",
                "prs_Citizenship": ["MX"],
                "vic_TraffickingStatus": "PossibleVictimOfTrafficking",
                "vic_TypeOfExploitation": ["ForcedLabour"],
                "vic_MethodOfRecruitment": ["ThroughOnlineSocialNetworks"],
                "vic_RecruitmentWebsitesAndApps": ["TikTok"],
                "vic_MethodsOfControl": ["WithholdsDocuments"],
            }
        ],
        "perpetrators": [{"ref": "P1", "per_RoleInProcess": ["RecruiterOrIntermediary"], "reasonable_suspicion": True}],
        "events": [{"victim_ref": "V1", "hte_Type": "Recruitment", "hte_City": "Tijuana", "hte_Country": "MX"}],
    }
