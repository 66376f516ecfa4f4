"""What a CAP connector's TOML file may say beside the common sections, and the values it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, post_load, validates_schema

from connectors.addresses import NOT_A_URL, NOT_ENCRYPTED, on_loopback
from schemas import forms, places
from schemas.bilingual import Bilingual
from schemas.complaints import NOT_AN_OBJECT
from schemas.fields import Body, Code, Flag, Leaf, Line, Many, Number, One
from schemas.label import DEFAULT_TLP, TLPS
from schemas.missing_child import PROGRAMMES
from schemas.sensitivity import PUBLIC
from schemas.texts import Text

ONE_OF = Text("Give exactly one of url, folder and file.", "Dé exactamente uno de url, folder y file.", code="one-of")
NO_CERTIFICATES = Text(
    "Name the certificates that signatures are verified with.",
    "Indique los certificados con que se verifican las firmas.",
    code="required",
)
SCHEMES = ("SAME", "FIPS6", "FIPS", "UGC", "INEGI", "CVEGEO", "ISO3166-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What one CAP scope becomes in the label."""

    tlp: str
    rel_to: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """The ``[label]`` table: how this source's own marks become labels."""

    public: Handling = Handling(tlp="clear")
    restricted: Handling = Handling(tlp=DEFAULT_TLP)
    private: Handling = Handling(tlp="red")
    addresses: Mapping[str, str] = field(default_factory=dict)  # CAP address, lower case -> agency id or kind
    purpose: str | None = None
    caveat: Mapping[str, str] | None = None
    public_hours: float = 72.0  # public display of an alert that names no end
    active: str = "until-expires"  # or until-closed: nothing but a cancel or located ends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How documents are understood; all that ``translate`` needs to know about its source."""

    agency: str
    jurisdictions: tuple[str, ...]
    label: Labelling = Labelling()
    missing_codes: Mapping[str, str] = field(default_factory=dict)  # event code -> programme
    missing_events: Mapping[str, str] = field(default_factory=dict)  # event name -> programme
    schemes: Mapping[str, str] = field(default_factory=dict)  # this source's name of a scheme, upper case -> ours
    machine_languages: tuple[str, ...] = ()  # tags whose info blocks a machine translated
    machine_parameter: str = "translation"  # an info with this parameter = "machine" is such a translation

    @property
    def country(self) -> str:
        """``US`` or ``MX``."""
        return places.country_of_agency(self.agency)


class Names(Leaf):
    """A table of free names; ``item`` checks what each stands for."""

    default_error_messages = {"object": NOT_AN_OBJECT}

    def __init__(self, item: Leaf) -> None:
        super().__init__(PUBLIC, load_default=dict)
        self._item = item

    def check(self, value: Any) -> dict[str, str]:
        if type(value) is not dict:
            raise self.make_error("object")
        problems: dict[str, Any] = {}
        for name, meaning in value.items():
            try:
                self._item.deserialize(meaning)
            except ValidationError as error:
                problems[name] = error.messages
        if problems:
            raise ValidationError(problems)
        return value


class SourceSection(Body):
    """``[source]``: where the documents are."""

    url = Line(PUBLIC, 1000, load_default=None)  # of a feed (Atom, RSS) or of one CAP document
    folder = Line(PUBLIC, 1000, load_default=None)
    file = Line(PUBLIC, 1000, load_default=None)
    pattern = Line(PUBLIC, 100, load_default="*.xml")  # of file names in the folder
    follow_hosts = Many(Line(PUBLIC, 255), 32, load_default=list)  # besides the feed's own host
    allow_http = Flag(PUBLIC, load_default=False)  # anyone on the way may then change or withhold alerts
    ca_file = Line(PUBLIC, 1000, load_default=None)
    timeout_s = Number(PUBLIC, 1, 300, load_default=20.0)  # for one whole download

    @validates_schema
    def _one_place(self, section: dict[str, Any], **_: Any) -> None:
        if sum(section.get(name) is not None for name in ("url", "folder", "file")) != 1:
            raise ValidationError(ONE_OF)
        if section.get("url") is not None:
            parts = urlsplit(section["url"])
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValidationError(NOT_A_URL, "url")
            if parts.scheme == "http" and not section.get("allow_http") and not on_loopback(parts.hostname):
                raise ValidationError(NOT_ENCRYPTED, "url")


class SignatureSection(Body):
    """``[signature]``: whether documents must be signed, and by whom."""

    mode = Code(PUBLIC, ("off", "optional", "required"), load_default="off")
    certificates = Many(Line(PUBLIC, 1000), 64, load_default=list)  # PEM files, or folders of *.pem

    @validates_schema
    def _someone(self, section: dict[str, Any], **_: Any) -> None:
        if section.get("mode", "off") != "off" and not section.get("certificates"):
            raise ValidationError(NO_CERTIFICATES, "certificates")


class ScopeSection(Body):
    """``[label.public]``, ``[label.restricted]``, ``[label.private]``"""

    tlp = Code(PUBLIC, TLPS)
    rel_to = Many(forms.country(PUBLIC), 2, unique=True)
    audience = Many(forms.audience(PUBLIC), 50, unique=True)


class LabelSection(Body):
    """``[label]``"""

    public = One(PUBLIC, ScopeSection, load_default=dict)
    restricted = One(PUBLIC, ScopeSection, load_default=dict)
    private = One(PUBLIC, ScopeSection, load_default=dict)
    addresses = Names(forms.audience(PUBLIC))
    purpose = forms.slug(PUBLIC, load_default=None)
    caveat = Bilingual(PUBLIC, 500, load_default=None)
    public_hours = Number(PUBLIC, 1, 8760, load_default=72.0)
    active = Code(PUBLIC, ("until-expires", "until-closed"), load_default="until-expires")

    @post_load
    def _labelling(self, section: dict[str, Any], **_: Any) -> Labelling:
        def handling(scope: str, tlp: str) -> Handling:
            own = section[scope]
            return Handling(
                tlp=own.get("tlp", tlp),
                rel_to=tuple(own.get("rel_to", ())),  # none: it stays in its country
                audience=tuple(own.get("audience", ())),
            )

        return Labelling(
            public=handling("public", "clear"),
            restricted=handling("restricted", DEFAULT_TLP),
            private=handling("private", "red"),
            addresses={address.lower(): reader for address, reader in section["addresses"].items()},
            purpose=section["purpose"],
            caveat=section["caveat"],
            public_hours=section["public_hours"],
            active=section["active"],
        )


class MissingChildSection(Body):
    """``[missing_child]``: further signs that an alert is about a missing child, each with its programme."""

    event_codes = Names(Code(PUBLIC, PROGRAMMES))
    events = Names(Code(PUBLIC, PROGRAMMES))


class LanguagesSection(Body):
    """``[languages]``: which texts a machine translated; those are never shown to the public."""

    machine = Many(forms.language(PUBLIC), 16, load_default=list)
    parameter = Line(PUBLIC, 64, load_default="translation")


class PlacesSection(Body):
    """``[places]``: what this source calls the geocode schemes."""

    schemes = Names(Code(PUBLIC, SCHEMES))


class CapSections(Body):
    """Everything beside the common sections."""

    source = One(PUBLIC, SourceSection, required=True)
    signature = One(PUBLIC, SignatureSection, load_default=lambda: SignatureSection().load({}))
    label = One(PUBLIC, LabelSection, load_default=lambda: LabelSection().load({}))
    missing_child = One(PUBLIC, MissingChildSection, load_default=lambda: MissingChildSection().load({}))
    languages = One(PUBLIC, LanguagesSection, load_default=lambda: LanguagesSection().load({}))
    places = One(PUBLIC, PlacesSection, load_default=lambda: PlacesSection().load({}))


SETTINGS = CapSections()


def reading(agency: str, jurisdictions: tuple[str, ...], sections: Mapping[str, Any]) -> Reading:
    """How a source's documents are understood, from its loaded sections."""
    missing, languages = sections["missing_child"], sections["languages"]
    return Reading(
        agency=agency,
        jurisdictions=jurisdictions,
        label=sections["label"],
        missing_codes=missing["event_codes"],
        missing_events=missing["events"],
        schemes={name.strip().upper(): meaning for name, meaning in sections["places"]["schemes"].items()},
        machine_languages=tuple(tag.lower() for tag in languages["machine"]),
        machine_parameter=languages["parameter"],
    )
