"""Alerts about a missing child: AMBER and Alba, Alerta Nacional, missing and endangered, or no public alert at all."""

from __future__ import annotations

from schemas import forms
from schemas.alert import (
    HEADLINE_CHARS,
    REQUIRED_WHEN_ISSUED,
    TEXT_CHARS,
    AlertSchema,
    ParameterSchema,
    TextBlockSchema,
)
from schemas.area import latitude, longitude
from schemas.bilingual import Bilingual
from schemas.fields import Body, Code, Flag, Instant, Jurisdiction, Line, Many, One
from schemas.person import ChildSchema, LookoutSchema, MediaSchema, SuspectSchema, VehicleSchema
from schemas.sensitivity import (
    ENFORCEMENT,
    LAPSING,
    LAPSING_ENFORCEMENT,
    LAPSING_TO_ENFORCEMENT,
    PROTECTED,
    PUBLIC,
    Coarse,
    Sensitivity,
    with_coarse,
)

MISSING_CHILD_VERBS = ("issued", "updated", "cancelled", "located")
PROGRAMMES = (
    "AMBER_US",
    "AMBER_MX",
    "MEP",
    "ALBA",
    "ALERTA_NACIONAL",
    "MISSING_NO_ALERT",
    "YELLOW_NOTICE",
    "OTHER",
)
MISSING_CATEGORIES = (
    "runaway",
    "family_abduction",
    "non_family_abduction",
    "lost_or_injured",
    "endangered",
    "unknown",
)
CONDITIONS = ("located_alive", "located_harmed", "located_deceased")
RISKS = ("none", "possible", "likely", "confirmed")
DIRECTIONS = ("north", "south", "unknown")

AREA = Coarse("area", Sensitivity.PUBLIC, "area", of="jurisdiction")
DAY = Coarse("day", Sensitivity.PUBLIC, "day", lapses_to=Sensitivity.PARTNER)


class LastSeenSchema(Body):
    """When and where the child was last seen: day and municipality are public, the rest is not."""

    jurisdiction = Jurisdiction(PUBLIC)
    time = Instant(with_coarse(ENFORCEMENT, DAY))
    place = Bilingual(with_coarse(ENFORCEMENT, AREA), 500)
    latitude_deg = latitude(ENFORCEMENT)
    longitude_deg = longitude(ENFORCEMENT)
    witness_ref = Line(PROTECTED, 120)


class CriteriaSchema(Body):
    """Which criteria of the programme were found to be met."""

    abduction_believed = Flag(ENFORCEMENT)
    imminent_danger = Flag(ENFORCEMENT)
    enough_description = Flag(ENFORCEMENT)
    under_18 = Flag(ENFORCEMENT)
    entered_in_ncic = Flag(ENFORCEMENT)
    family_consent = Flag(ENFORCEMENT)


class RecordsSchema(Body):
    """Where else the case is on record."""

    ncic_entered_at = Instant(ENFORCEMENT)  # due two hours after the report: 34 USC 41308
    ncmec_case = Line(ENFORCEMENT, 64)
    rnpdno_folio = Line(ENFORCEMENT, 64)
    interpol_ref = Line(ENFORCEMENT, 64)
    agency_case = Line(ENFORCEMENT, 64)
    amber_issued = Flag(ENFORCEMENT)


class CrossingSchema(Body):
    """Whether the child may be taken across the border, which way and where."""

    risk = Code(ENFORCEMENT, RISKS, required=True)
    direction = Code(ENFORCEMENT, DIRECTIONS)
    port_of_entry = Line(ENFORCEMENT, 120)


class LocatedSchema(Body):
    """How the search ended; the public learns no more than that it did."""

    time = Instant(ENFORCEMENT)
    jurisdiction = Jurisdiction(ENFORCEMENT)
    condition = Code(ENFORCEMENT, CONDITIONS)
    note = Bilingual(PROTECTED, 1000)


class MissingChildSchema(AlertSchema):
    """
    A missing child.

    Free texts name the child as well, so they lapse with it. From CAP only they are known: ``child`` is optional.
    """

    programme = Code(PUBLIC, PROGRAMMES, required=True)
    headline = Bilingual(LAPSING, HEADLINE_CHARS, one_line=True)
    description = Bilingual(LAPSING, TEXT_CHARS)
    instruction = Bilingual(LAPSING, TEXT_CHARS)
    texts = Many(One(LAPSING, TextBlockSchema), 16)
    resources = Many(One(LAPSING, MediaSchema), 32)
    parameters = Many(One(LAPSING, ParameterSchema), 64)
    web = forms.uri(LAPSING)
    child = One(PUBLIC, ChildSchema)
    last_seen = One(PUBLIC, LastSeenSchema)
    lookout = One(LAPSING_TO_ENFORCEMENT, LookoutSchema)
    missing_category = Code(ENFORCEMENT, MISSING_CATEGORIES)
    circumstance = Bilingual(LAPSING_ENFORCEMENT, TEXT_CHARS)
    suspects = Many(One(ENFORCEMENT, SuspectSchema), 20)
    vehicles = Many(One(ENFORCEMENT, VehicleSchema), 20)
    criteria = One(ENFORCEMENT, CriteriaSchema)
    records = One(ENFORCEMENT, RecordsSchema)
    border_crossing = One(ENFORCEMENT, CrossingSchema)
    located = One(ENFORCEMENT, LocatedSchema)


def missing_child(verb: str) -> MissingChildSchema:
    """The body of ``alert.missing_child.<verb>``."""
    return MissingChildSchema(partial=None if verb == "issued" else (*REQUIRED_WHEN_ISSUED, "programme"))
