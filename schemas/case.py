"""Trafficking cases in the names and codes of the Human Trafficking Case Data Standard 2.0 (IOM)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from schemas import forms, reference
from schemas.area import latitude, longitude
from schemas.fields import Body, Code, Day, Flag, Formed, Jurisdiction, Leaf, Line, Many, One, Prose, Whole
from schemas.sensitivity import (
    ENFORCEMENT,
    PARTNER,
    PROTECTED,
    Coarse,
    Metadata,
    Sensitivity,
    with_coarse,
)
from schemas.texts import Text

TRAFFICKING_VERBS = ("opened", "updated", "closed")
LONG_CHARS = 5000

CODES: dict[str, list[str]] = defaultdict(list)  # HTCDS field -> its codes
for _field, _code in reference.rows("htcds_codes.csv"):
    CODES[_field].append(_code)
COUNTRY_CODES = tuple(code for (code,) in reference.rows("countries.csv"))  # ISO 3166-1 alpha-2

AGE_BAND = Coarse("age_band", Sensitivity.PARTNER, "age_band_of_birth")
BAND_WHEN_TRAFFICKED = Coarse("age_band_when_trafficked", Sensitivity.PARTNER, "age_band")
# A state, never less: with what else a case tells, a town can be enough to know who it is (34 USC 12291(b)(2)).
STATE_OF_ADDRESS = Coarse("mailing_state", Sensitivity.ENFORCEMENT, "state_of_address")
REF = Text("an opaque reference without personal data", "una referencia opaca sin datos personales")
PLATFORM = Text("a platform name without spaces, such as TikTok", "un nombre de plataforma sin espacios, como TikTok")
LANGUAGE = Text("an ISO 639-2 language code", "un código de idioma ISO 639-2")


def picked(metadata: Metadata, field: str, **options: Any) -> Code:
    """One code of an HTCDS field."""
    return Code(metadata, CODES[field], **options)


def several(metadata: Metadata, field: str) -> Many:
    """Several codes of an HTCDS multi-select field."""
    return Many(Code(metadata, CODES[field]), len(CODES[field]), unique=True)


def platforms(metadata: Metadata) -> Many:
    """Platforms; the standard lets agencies add their own."""
    return Many(Formed(metadata, "[A-Za-z0-9]{1,40}", PLATFORM), 20, unique=True)


def _ref(metadata: Metadata) -> Formed:
    return Formed(metadata, "[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}", REF)


def _language(metadata: Metadata) -> Formed:
    return Formed(metadata, "[a-z]{2,3}", LANGUAGE)


def person(identity: Metadata, profile: Metadata) -> dict[str, Leaf | Many]:
    """A person (HTCDS ``prs_``): ``identity`` is the sensitivity of who and where it is, ``profile`` of the rest."""
    return {
        "prs_Salutation": Line(identity, 40),
        "prs_Title": Line(identity, 80),
        "prs_FirstName": Line(identity, 120),
        "prs_MiddleName": Line(identity, 120),
        "prs_SecondName": Line(identity, 120),
        "prs_Birthdate": Day(with_coarse(identity, AGE_BAND)),
        "prs_Gender": picked(profile, "prs_Gender"),
        "prs_Citizenship": Many(Code(profile, COUNTRY_CODES), 5, unique=True),
        "prs_PrimaryLanguage": _language(identity),
        "prs_SecondaryLanguage": _language(identity),
        "prs_Deceased": Flag(identity),
        "prs_MaritalStatus": picked(identity, "prs_MaritalStatus"),
        "prs_NumberOfChildren": Whole(identity, 0, 40),
        "prs_HighestLevelOfEducation": picked(identity, "prs_HighestLevelOfEducation"),
        "prs_IdentityNumber": Line(identity, 64),
        "prs_Email": Line(identity, 254),
        "prs_HomePhone": forms.phone(identity),
        "prs_MobilePhone": forms.phone(identity),
        "prs_MailingStreet": Line(identity, 200),
        "prs_MailingCity": Line(identity, 120),
        "prs_MailingState": Line(identity, 120),
        "prs_MailingPostalCode": Line(identity, 20),
        "prs_MailingCountry": Code(identity, COUNTRY_CODES),
        "prs_MailingLatitude": latitude(identity),
        "prs_MailingLongitude": longitude(identity),
    }


class VictimSchema(Body):
    """
    A victim, by a pseudonym (HTCDS ``vic_``); identity never leaves without consent or a legal duty.

    There is no member for immigration relief: 8 USC 1367 protects its very existence.
    """

    class Meta:
        include = person(identity=PROTECTED, profile=PARTNER) | {
            "prs_MailingState": Line(with_coarse(PROTECTED, STATE_OF_ADDRESS), 120)
        }

    ref = _ref(PARTNER)
    con_Consent = Flag(PROTECTED)
    vic_TraffickingStatus = picked(ENFORCEMENT, "vic_TraffickingStatus")
    vic_TraffickingStatusDecisionMakingOrg = picked(ENFORCEMENT, "vic_TraffickingStatusDecisionMakingOrg")
    vic_RelationshipToTrafficker = picked(ENFORCEMENT, "vic_RelationshipToTrafficker")
    vic_AgeWhenTrafficked = Whole(with_coarse(ENFORCEMENT, BAND_WHEN_TRAFFICKED), 0, 120)
    vic_TypeOfExploitation = several(PARTNER, "vic_TypeOfExploitation")
    vic_TypeOfSexExploitation = several(PARTNER, "vic_TypeOfSexExploitation")
    vic_ForcedLabourIndustry = picked(PARTNER, "vic_ForcedLabourIndustry")
    vic_MethodOfRecruitment = several(PARTNER, "vic_MethodOfRecruitment")
    vic_RecruitmentWebsitesAndApps = platforms(PARTNER)
    vic_ExploitationWebsitesAndApps = platforms(PARTNER)
    vic_MethodsOfControl = several(ENFORCEMENT, "vic_MethodsOfControl")
    vic_LocationOfRecruitment = Line(ENFORCEMENT, 200)
    vic_LocationOfExploitation = Line(ENFORCEMENT, 200)
    # Deprecated in 2.0, still in its workbook.
    vic_AgreementToManagePersonalData = Flag(PROTECTED)
    vic_Vulnerabilities = several(PROTECTED, "vic_Vulnerabilities")
    vic_DetailsOfVulnerabilities = Prose(PROTECTED, LONG_CHARS)


class PerpetratorSchema(Body):
    """A perpetrator (HTCDS ``per_``); an intelligence record needs reasonable suspicion (28 CFR 23.20)."""

    class Meta:
        include = person(identity=ENFORCEMENT, profile=ENFORCEMENT)

    ref = _ref(ENFORCEMENT)
    per_RoleInProcess = several(ENFORCEMENT, "per_RoleInProcess")
    per_RoleDetails = Prose(ENFORCEMENT, LONG_CHARS)
    per_Organisation = Line(ENFORCEMENT, 200)
    reasonable_suspicion = Flag(ENFORCEMENT)
    suspicion_basis = Prose(ENFORCEMENT, LONG_CHARS)


class MovementSchema(Body):
    """A historic trafficking event: one leg of recruitment, transit or exploitation (HTCDS ``hte_``)."""

    victim_ref = _ref(ENFORCEMENT)
    hte_Type = picked(ENFORCEMENT, "hte_Type", required=True)
    hte_Date = Day(ENFORCEMENT)
    hte_Description = Prose(ENFORCEMENT, LONG_CHARS)
    hte_City = Line(ENFORCEMENT, 120)
    hte_State = Line(ENFORCEMENT, 120)
    hte_Country = Line(ENFORCEMENT, 120)  # free text in the standard
    hte_Street = Line(PROTECTED, 200)
    hte_PostalCode = Line(PROTECTED, 20)
    hte_Latitude = latitude(PROTECTED)
    hte_Longitude = longitude(PROTECTED)
    jurisdiction = Jurisdiction(ENFORCEMENT)


class OrganisationSchema(Body):
    """An organisation of the case (HTCDS ``org_``); where a shelter stands is nobody's business."""

    org_Name = Line(PARTNER, 200)
    org_Type = picked(PARTNER, "org_Type")
    org_Phone = forms.phone(PARTNER)
    org_ShippingStreet = Line(PROTECTED, 200)
    org_ShippingCity = Line(PROTECTED, 120)
    org_ShippingState = Line(PARTNER, 120)
    org_ShippingPostalCode = Line(PROTECTED, 20)
    org_ShippingCountry = Line(PARTNER, 120)
    org_ShippingLatitude = latitude(PROTECTED)
    org_ShippingLongitude = longitude(PROTECTED)


class SupportPlanSchema(Body):
    """A support plan (HTCDS ``spl_``)."""

    spl_Type = several(PARTNER, "spl_Type")
    spl_Objectives = Prose(PROTECTED, LONG_CHARS)
    spl_ActionPlan = Prose(PROTECTED, LONG_CHARS)
    spl_PlannedEndDate = Day(PARTNER)
    spl_ActualEndDate = Day(PARTNER)


class TraffickingSchema(Body):
    """A trafficking case as a whole; each event carries its state then. ``subject`` is its opaque reference."""

    cas_Status = picked(ENFORCEMENT, "cas_Status", required=True)
    cas_ReasonForCaseClosure = Prose(ENFORCEMENT, LONG_CHARS)
    cas_CaseOwner = Line(ENFORCEMENT, 200)
    cas_ReferringOrganisation = Line(ENFORCEMENT, 200)
    cas_ReferringPrimaryCaseWorker = Line(PROTECTED, 200)
    cas_IncomingReferralDate = Day(ENFORCEMENT)
    cas_ReasonForIncomingReferral = picked(ENFORCEMENT, "cas_ReasonForIncomingReferral")
    cas_IncomingReferralDetails = Prose(PROTECTED, LONG_CHARS)
    cas_ReferredOrganisation = Many(Line(ENFORCEMENT, 200), 10)
    cas_ReferredPrimaryCaseWorker = Line(PROTECTED, 200)
    cas_OutgoingReferralDate = Day(ENFORCEMENT)
    cas_ReasonForOutgoingReferral = picked(ENFORCEMENT, "cas_ReasonForOutgoingReferral")
    cas_OutgoingReferralDetails = Prose(PROTECTED, LONG_CHARS)
    lead_agency = forms.agency(ENFORCEMENT)
    prosecutor = Line(ENFORCEMENT, 200)
    participating = Many(forms.agency(ENFORCEMENT), 50, unique=True)
    statutes = Many(Line(ENFORCEMENT, 120), 20)
    victims = Many(One(PARTNER, VictimSchema), 200)
    perpetrators = Many(One(ENFORCEMENT, PerpetratorSchema), 200)
    events = Many(One(ENFORCEMENT, MovementSchema), 200)
    organisations = Many(One(PARTNER, OrganisationSchema), 50)
    support_plans = Many(One(PARTNER, SupportPlanSchema), 50)
    comments = Many(Prose(ENFORCEMENT, LONG_CHARS), 100)


def trafficking(verb: str) -> TraffickingSchema:
    """The body of ``case.trafficking.<verb>``."""
    return TraffickingSchema(partial=None if verb == "opened" else ("cas_Status",))
