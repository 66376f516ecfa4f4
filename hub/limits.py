"""Hard limits that no grant can lift, as data with their legal source. Pure; the file is read by `hub.main`."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate

from hub.directory import Kind
from hub.grant_rows import A_TYPE, AN_ATTESTATION, Row
from hub.grants import covers_type
from schemas import registry
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping


COUNTRIES = ("US", "MX")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The highest sensitivity that agencies of a kind may ever read of some types."""

    kind: Kind
    types: tuple[str, ...]
    clearance: Sensitivity
    is_for_addressed: bool
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What agencies of a kind must have attested before they read anything of some types."""

    kind: Kind
    types: tuple[str, ...]
    attestation: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The highest sensitivity that agencies of a kind in one country may ever read of what another country's sent."""

    origin: str  # country
    destination: str
    kind: Kind
    types: tuple[str, ...]
    clearance: Sensitivity
    basis: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Rows in file order; the first that fits counts, and no fit means nothing at all."""

    ceilings: tuple[Ceiling, ...]
    digest: str
    requirements: tuple[Requirement, ...] = ()
    crossings: tuple[Crossing, ...] = ()

    def __hash__(self) -> int:
        """By the digest: there are hundreds of rows, and what is worked out from them is kept by them."""
        return hash(self.digest)

    def ceiling(self, kind: Kind, event_type: str, *, addressed: bool) -> Ceiling | None:
        """The ceiling of `kind` for `event_type`; `addressed`: the event's audience names the reader."""
        for ceiling in self.ceilings:
            fits = ceiling.kind is kind and covers_type(ceiling.types, event_type)
            if fits and (addressed or not ceiling.is_for_addressed):
                return ceiling
        return None

    def crossing(self, origin: str, destination: str, kind: Kind, event_type: str) -> Crossing | None:
        """What holds besides the ceiling between two countries."""
        wanted = origin, destination, kind
        fitting = (row for row in self.crossings if (row.origin, row.destination, row.kind) == wanted)
        return next((row for row in fitting if covers_type(row.types, event_type)), None)

    def attestations(self, kind: Kind, event_type: str) -> tuple[str, ...]:
        """What an agency of `kind` must hold to read `event_type`."""
        return tuple(row.attestation for row in self.required(kind, event_type))

    def required(self, kind: Kind, event_type: str) -> tuple[Requirement, ...]:
        """The same, each with its legal source."""
        return tuple(row for row in self.requirements if row.kind is kind and covers_type(row.types, event_type))


TOO_HIGH = Text(
    "ceiling {row} ({kind}) opens more than the floor: {clearance} for {types}, at most {most} ({basis})",
    "ceiling {row} ({kind}) abre más que el mínimo legal: {clearance} para {types}, a lo sumo {most} ({basis})",
)
TOO_FAR = Text(
    "crossing from {origin} to {destination} ({kind}) opens more than the floor: {clearance} for {types}, at most"
    " {most} ({basis})",
    "crossing de {origin} a {destination} ({kind}) abre más que el mínimo legal: {clearance} para {types}, a lo sumo"
    " {most} ({basis})",
)
NOTHING = Text("nothing", "nada")
NO_ROW = Text("no row for this kind", "ninguna fila para este tipo")
NOT_ASKED = Text(
    "no requirement asks {kind} for {attestation} before it reads {types}, as the floor does ({basis})",
    "ningún requirement pide {attestation} a {kind} antes de leer {types}, como hace el mínimo legal ({basis})",
)


def laxer(limits: Limits, floor: Limits) -> list[Text]:
    """What `limits` open and `floor` does not, row by row; nothing when they are as strict or stricter."""
    too_high: defaultdict[tuple[Ceiling, Ceiling | None], set[str]] = defaultdict(set)
    not_asked: defaultdict[Requirement, set[str]] = defaultdict(set)
    for kind, event_type, addressed in product(Kind, registry.BODIES, (True, False)):
        given = limits.ceiling(kind, event_type, addressed=addressed)
        if given is None:
            continue
        most = floor.ceiling(kind, event_type, addressed=addressed)
        if most is None or given.clearance > most.clearance:
            too_high[given, most].add(event_type)
        asked = limits.attestations(kind, event_type)
        for row in floor.requirements:
            if row.kind is kind and covers_type(row.types, event_type) and row.attestation not in asked:
                not_asked[row].add(event_type)
    problems = [_too_high(limits.ceilings.index(given), given, most, of) for (given, most), of in too_high.items()]
    return (
        problems
        + _too_far(limits, floor)
        + [
            NOT_ASKED.format(kind=row.kind, attestation=row.attestation, basis=row.basis, types=", ".join(sorted(of)))
            for row, of in not_asked.items()
        ]
    )


def _too_far(limits: Limits, floor: Limits) -> list[Text]:
    found: defaultdict[tuple[Crossing, Crossing | None], set[str]] = defaultdict(set)
    for origin, destination in permutations(COUNTRIES, 2):
        for kind, event_type in product(Kind, registry.BODIES):
            given = limits.crossing(origin, destination, kind, event_type)
            most = floor.crossing(origin, destination, kind, event_type)
            if given is not None and (most is None or given.clearance > most.clearance):
                found[given, most].add(event_type)
    return [
        TOO_FAR.format(
            origin=given.origin,
            destination=given.destination,
            kind=given.kind,
            clearance=given.clearance.slug,
            types=", ".join(sorted(types)),
            most=NOTHING if most is None else most.clearance.slug,
            basis=NO_ROW if most is None else most.basis,
        )
        for (given, most), types in found.items()
    ]


def _too_high(row: int, given: Ceiling, most: Ceiling | None, types: set[str]) -> Text:
    return TOO_HIGH.format(
        row=row,
        kind=given.kind,
        clearance=given.clearance.slug,
        types=", ".join(sorted(types)),
        most=NOTHING if most is None else most.clearance.slug,
        basis=NO_ROW if most is None else most.basis,
    )


class CeilingSchema(Row):
    """One `[[ceiling]]`."""

    kind = fields.Enum(Kind, by_value=True, required=True)
    types = fields.List(fields.String(validate=A_TYPE), required=True, validate=validate.Length(1, 32))
    clearance = fields.String(required=True, validate=validate.OneOf(["public", "partner", "enforcement"]))
    addressed = fields.Boolean(load_default=False)
    basis = fields.String(required=True, validate=validate.Length(3, 300))


class RequirementSchema(Row):
    """One `[[requirement]]`."""

    kind = fields.Enum(Kind, by_value=True, required=True)
    types = fields.List(fields.String(validate=A_TYPE), required=True, validate=validate.Length(1, 32))
    attestation = fields.String(required=True, validate=AN_ATTESTATION)
    basis = fields.String(required=True, validate=validate.Length(3, 300))


class CrossingSchema(Row):
    """One `[[crossing]]`."""

    origin = fields.String(required=True, validate=validate.OneOf(COUNTRIES))
    destination = fields.String(required=True, validate=validate.OneOf(COUNTRIES))
    kinds = fields.List(fields.Enum(Kind, by_value=True), required=True, validate=validate.Length(1, len(Kind)))
    types = fields.List(fields.String(validate=A_TYPE), required=True, validate=validate.Length(1, 32))
    clearance = fields.String(required=True, validate=validate.OneOf(["public", "partner", "enforcement"]))
    basis = fields.String(required=True, validate=validate.Length(3, 300))


class LimitsFileSchema(Row):
    """The whole limits file."""

    crossing = fields.List(fields.Nested(CrossingSchema), load_default=list, validate=validate.Length(max=200))

    requirement = fields.List(fields.Nested(RequirementSchema), load_default=list, validate=validate.Length(max=200))
    ceiling = fields.List(fields.Nested(CeilingSchema), required=True, validate=validate.Length(1, 200))


_FILE = LimitsFileSchema()


def load_limits(document: Mapping[str, Any], raw: bytes) -> Limits:
    """
    The limits of a parsed TOML file; `raw` is the same file, for its digest.

    Raises:
        marshmallow.ValidationError: all problems together.
    """
    loaded = _FILE.load(document)
    ceilings = tuple(
        Ceiling(
            kind=row["kind"],
            types=tuple(row["types"]),
            clearance=Sensitivity[row["clearance"].upper()],
            is_for_addressed=row["addressed"],
            basis=row["basis"],
        )
        for row in loaded["ceiling"]
    )
    requirements = tuple(Requirement(**row | {"types": tuple(row["types"])}) for row in loaded["requirement"])
    crossings = tuple(
        Crossing(
            origin=row["origin"],
            destination=row["destination"],
            kind=kind,
            types=tuple(row["types"]),
            clearance=Sensitivity[row["clearance"].upper()],
            basis=row["basis"],
        )
        for row in loaded["crossing"]
        for kind in row["kinds"]
    )
    return Limits(ceilings, hashlib.sha256(raw).hexdigest(), requirements, crossings)


def limits_document(limits: Limits) -> dict[str, Any]:
    """The limits as a document that `load_limits` takes, for the other side of a border."""
    return {
        "ceiling": [
            {
                "kind": row.kind.value,
                "types": list(row.types),
                "clearance": row.clearance.slug,
                "addressed": row.is_for_addressed,
                "basis": row.basis,
            }
            for row in limits.ceilings
        ],
        "requirement": [
            {"kind": row.kind.value, "types": list(row.types), "attestation": row.attestation, "basis": row.basis}
            for row in limits.requirements
        ],
        "crossing": [
            {
                "origin": row.origin,
                "destination": row.destination,
                "kinds": [row.kind.value],
                "types": list(row.types),
                "clearance": row.clearance.slug,
                "basis": row.basis,
            }
            for row in limits.crossings
        ],
    }
