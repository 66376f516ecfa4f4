"""Who plays in the tests: one cast on both sides of the border, and builders that take only what differs."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.directory import Agency, Directory, Kind, publishing
from hub.grants import Grant, GrantSet, Selector, Tlp
from hub.ladder_rows import load_ladders
from hub.limits import Limits, load_limits
from hub.policy import Facts, Rules
from hub.principal import SCOPES, Principal
from schemas.sensitivity import Sensitivity

NOW = datetime(2026, 5, 4, 21, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LIMITS_FILE = Path(__file__).parents[2] / "config" / "limits.toml"
ESCALATION_FILE = LIMITS_FILE.with_name("escalation.toml")


def agency(agency_id: str, kind: Kind, *places: str, publishes: tuple[str, ...] = (), **told: Any) -> Agency:
    """An active agency; its country is the one its id begins with."""
    country = agency_id[:2].upper()
    jurisdictions = places or (country,)
    name = f"{agency_id} (sample)"
    held: dict[str, Any] = {"name": name, "kind": kind, "country": country, "jurisdictions": jurisdictions}
    return Agency(id=agency_id, publishes=publishing(publishes, jurisdictions), **held | told)


# POLICE publishes, SHELTER has a grant, STRANGER has none, FISCALIA is on the other side of the border.
POLICE = agency("us-ca-sdpd", Kind.LAW_ENFORCEMENT, "US-CA:06073", publishes=("alert.*", "case.trafficking.*"))
SHELTER = agency("us-ca-shelter", Kind.NGO, "US-CA")
STRANGER = agency("us-tx-sheriff", Kind.LAW_ENFORCEMENT, "US-TX")
FISCALIA = agency("mx-bcn-fge", Kind.PROSECUTOR, "MX-BCN", publishes=("alert.*", "case.trafficking.*"))
CAST = (POLICE, SHELTER, STRANGER, FISCALIA)


def shipped_limits() -> Limits:
    """The hard limits as they are shipped: `config/limits.toml`."""
    raw = LIMITS_FILE.read_bytes()
    return load_limits(tomllib.loads(raw.decode()), raw)


LIMITS = shipped_limits()
LADDERS = load_ladders(tomllib.loads(ESCALATION_FILE.read_text("utf-8")))


def directory(*agencies: Agency, version: int = 1) -> Directory:
    """The cast, with `agencies` added or put in the place of those with the same id."""
    return Directory.of(version, (*CAST, *agencies))


def principal(who: Agency = SHELTER, **narrowed: Any) -> Principal:
    """`who` asking with a token that narrows nothing, unless said so."""
    whole = Principal(agency=who, client_id=f"{who.id}.main", scopes=frozenset(SCOPES))
    return replace(whole, **narrowed)


def facts(**differs: Any) -> Facts:
    """An alert of the police in San Diego, for whoever has a grant."""
    usual: dict[str, Any] = {
        "source": POLICE.id,
        "type": "alert.missing_child.issued",
        "status": "actual",
        "tlp": Tlp.AMBER,
        "jurisdictions": ("US-CA:06073",),
    }
    return Facts(**usual | differs)


def grant(**differs: Any) -> Grant:
    """Police alerts in California for the shelter, as a partner, to find a child; a month either way from NOW."""
    usual = Grant(
        id="police-to-shelter",
        source=Selector(agency=POLICE.id),
        reader=Selector(agency=SHELTER.id),
        types=("alert.*",),
        jurisdictions=("US-CA",),
        purpose="locate-child",
        max_tlp=Tlp.AMBER_STRICT,
        clearance=Sensitivity.PARTNER,
        valid_from=NOW - 30 * DAY,
        valid_until=NOW + 30 * DAY,
    )
    return replace(usual, **differs)


def grants(*held: Grant) -> GrantSet:
    """A set of grants whose digest differs when they do."""
    return GrantSet(held, f"{hash(held) & 0xFFFFFFFF:08x}")


def rules(*held: Grant, enrolled: tuple[Agency, ...] = (), limits: Limits = LIMITS, version: int = 1) -> Rules:
    """The cast and `enrolled`, the grants `held`, and the hard limits as shipped."""
    return Rules(directory(*enrolled, version=version), grants(*held), limits)
