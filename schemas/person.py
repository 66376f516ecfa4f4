"""People and vehicles as alerts describe them: centimetres, kilograms, years of age at the time of the event."""

from __future__ import annotations

from schemas import forms
from schemas.bilingual import Bilingual
from schemas.fields import Body, Code, Day, Formed, Line, Many, One, Whole
from schemas.sensitivity import (
    ENFORCEMENT,
    LAPSING,
    LAPSING_ENFORCEMENT,
    PROTECTED,
    PUBLIC,
    Coarse,
    Sensitivity,
    with_coarse,
)
from schemas.texts import Text

SEXES = ("female", "male", "other", "unknown")
CURP = Text("a CURP (18 characters)", "una CURP (18 caracteres)")
CURP_PATTERN = r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d"

BAND_OF_AGE = Coarse("age_band", Sensitivity.PARTNER, "age_band")
BAND_OF_BIRTH = Coarse("age_band", Sensitivity.PARTNER, "age_band_of_birth")


class NameSchema(Body):
    """A name by its parts, with its accents: nothing is folded to ASCII."""

    given = Line(PUBLIC, 120)
    paternal_surname = Line(PUBLIC, 120)
    maternal_surname = Line(PUBLIC, 120)
    aliases = Many(Line(PUBLIC, 120), 20)


class MediaSchema(Body):
    """A file by reference: its type, its digest, and where to fetch it; never its bytes."""

    description = Bilingual(PUBLIC, 500)
    mime = forms.mime_type(PUBLIC, required=True)
    sha256 = forms.sha256(PUBLIC)
    uri = forms.uri(PUBLIC)
    size_bytes = Whole(PUBLIC, 0, 2**40)


class LooksSchema(Body):
    """What a person looks like."""

    name = One(PUBLIC, NameSchema)
    age_years = Whole(PUBLIC, 0, 120)
    sex = Code(PUBLIC, SEXES)
    height_cm = Whole(PUBLIC, 20, 260)
    weight_kg = Whole(PUBLIC, 1, 400)
    eyes = Bilingual(PUBLIC, 120)
    hair = Bilingual(PUBLIC, 120)
    marks = Bilingual(PUBLIC, 500)  # scars, tattoos, birthmarks
    clothing = Bilingual(PUBLIC, 500)
    photo = One(PUBLIC, MediaSchema)


class ChildSchema(LooksSchema):
    """The missing child: public while the search is on, then protected; identifiers never public."""

    name = One(LAPSING, NameSchema)
    age_years = Whole(with_coarse(LAPSING, BAND_OF_AGE), 0, 120)
    sex = Code(LAPSING, SEXES)
    height_cm = Whole(LAPSING, 20, 260)
    weight_kg = Whole(LAPSING, 1, 400)
    eyes = Bilingual(LAPSING, 120)
    hair = Bilingual(LAPSING, 120)
    marks = Bilingual(LAPSING, 500)
    clothing = Bilingual(LAPSING, 500)
    photo = One(LAPSING, MediaSchema)
    languages = Many(forms.language(LAPSING), 10)
    birth_date = Day(with_coarse(LAPSING_ENFORCEMENT, BAND_OF_BIRTH))
    citizenship = Many(Formed(LAPSING_ENFORCEMENT, "[A-Z]{2}", Text("an ISO 3166 country", "un país ISO 3166")), 10)
    race_ethnicity = Line(LAPSING_ENFORCEMENT, 120)
    vulnerability = Bilingual(LAPSING_ENFORCEMENT, 1000)
    folio_unico = Line(LAPSING_ENFORCEMENT, 64)  # Folio Único de Identificación of the RNPDNO
    fingerprints_ref = Line(LAPSING_ENFORCEMENT, 200)
    curp = Formed(PROTECTED, CURP_PATTERN, CURP)
    medical = Bilingual(PROTECTED, 1000)


class SuspectSchema(LooksSchema):
    """A suspect, abductor or companion."""

    relation = Bilingual(PUBLIC, 200)  # to the child
    note = Bilingual(PUBLIC, 1000)
    birth_date = Day(with_coarse(ENFORCEMENT, BAND_OF_BIRTH))
    identifiers = Many(Line(ENFORCEMENT, 120), 10)


class VehicleSchema(Body):
    """A vehicle to look out for."""

    plate = Line(PUBLIC, 16)
    plate_state = Line(PUBLIC, 40)
    make = Line(PUBLIC, 60)
    model = Line(PUBLIC, 60)
    year = Whole(PUBLIC, 1900, 2199)
    colour = Bilingual(PUBLIC, 120)
    note = Bilingual(PUBLIC, 500)
    vin = Line(ENFORCEMENT, 32)


class LookoutSchema(Body):
    """Whom and what the public is asked to look out for; only what the originator wants shown goes here."""

    suspects = Many(One(PUBLIC, SuspectSchema), 10)
    vehicles = Many(One(PUBLIC, VehicleSchema), 10)
