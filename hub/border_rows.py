"""Rules as they cross the border: agencies that are shown, and grants as they stand. Pure.

Each `load_` takes what another node wrote, so it takes nothing on trust: shapes, bounds, and whose ids they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.agency_rows import AN_AGENCY, AgencyChangeSchema
from hub.directory import Agency, Attestation, Kind, Standing
from hub.grant_rows import A_PURPOSE, A_TYPE, AN_ATTESTATION, CLEARANCES, Row, SelectorSchema, known_place
from hub.grants import Grant, GrantState, Owner, Selector, Tlp
from schemas.sensitivity import Sensitivity
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

MOST_AGENCIES = 200  # in one envelope
MOST_STANDING = 200
A_GRANT_ID = validate.Regexp(r"^[a-z0-9][a-z0-9-]{2,63}\Z")
CODE_OF_TLP = {tlp: str(tlp).removeprefix("TLP:").lower() for tlp in Tlp}


class AttestedSchema(Row):
    """An attestation that the other side vouches for."""

    kind = fields.String(required=True, validate=AN_ATTESTATION)
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Attestation:
        """Half-open, as here."""
        return Attestation(**data)


class ShownSchema(AgencyChangeSchema):
    """An agency of the other node. What it may publish is that node's to say, so it is not told."""

    id = fields.String(required=True, validate=AN_AGENCY)
    kind = fields.Enum(Kind, by_value=True, required=True)
    name = fields.String(required=True, validate=validate.Length(2, 200))
    country = fields.String(required=True, validate=validate.OneOf(["US", "MX"]))
    jurisdictions = fields.List(fields.String(validate=known_place), required=True, validate=validate.Length(1, 256))
    standing = fields.Enum(Standing, by_value=True, required=True)
    attestations = fields.List(fields.Nested(AttestedSchema), load_default=list, validate=validate.Length(max=64))

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Any:
        """An agency that neither acts nor publishes here."""
        return Agency(**super().build(data))


class DirectorySchema(Row):
    """Agencies that are shown from now on or have changed, and those that no longer are."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    shown = fields.List(fields.Nested(ShownSchema), required=True, validate=validate.Length(max=MOST_AGENCIES))
    gone = fields.List(fields.String(validate=AN_AGENCY), required=True, validate=validate.Length(max=MOST_AGENCIES))


@dataclass(frozen=True, slots=True)
class Showing:
    """A loaded entry of kind `directory`; all of it is of the node that wrote it."""

    version: int
    shown: tuple[Agency, ...]
    gone: tuple[str, ...]


_DIRECTORY = DirectorySchema()
NOT_ITS_OWN = Text("not an agency of that node", "no es una agencia de ese nodo")


def showing(version: int, shown: Iterable[Agency], gone: Iterable[str]) -> dict[str, Any]:
    """The body of a `directory` envelope."""
    return {"version": version, "shown": [agency_row(one) for one in shown], "gone": sorted(gone)}


def agency_row(agency: Agency) -> dict[str, Any]:
    """One agency as the other side may know it: what decisions and duty officers need, no key and no person."""
    return {
        "id": agency.id,
        "name": agency.name,
        "kind": agency.kind.value,
        "country": agency.country,
        "jurisdictions": list(agency.jurisdictions),
        "languages": list(agency.languages),
        "standing": agency.standing.value,
        "identifiers": list(agency.identifiers),
        "duty_phone": agency.duty_phone,
        "duty_email": agency.duty_email,
        "attestations": [
            {"kind": one.kind, "valid_from": _text(one.valid_from), "valid_until": _text(one.valid_until)}
            for one in agency.attestations
        ],
    }


def load_showing(body: Any, prefix: str, country: str, node: str) -> Showing:
    """
    Agencies as the node `node` shows them, each marked as its own.

    Raises:
        ValidationError: a shape is wrong, or an agency is not that node's to show.
    """
    loaded = _DIRECTORY.load(body)
    strange = [one.id for one in loaded["shown"] if not one.id.startswith(prefix) or one.country != country]
    strange += [one for one in loaded["gone"] if not one.startswith(prefix)]
    if strange:
        raise ValidationError({"shown": [NOT_ITS_OWN]})
    return Showing(loaded["version"], tuple(replace(one, peer=node) for one in loaded["shown"]), tuple(loaded["gone"]))


class OwnerSchema(Row):
    """A source that stands behind a grant."""

    agency = fields.String(required=True, validate=AN_AGENCY)
    events_from = fields.AwareDateTime(required=True)
    events_until = fields.AwareDateTime(load_default=None, allow_none=True)
    valid_until = fields.AwareDateTime(load_default=None, allow_none=True)
    approved_at = fields.AwareDateTime(load_default=None, allow_none=True)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Owner:
        """As the policy has it."""
        return Owner(**data)


class StandingSchema(Row):
    """One version of a grant as its node's decisions rest on it."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in GrantState]))
    source = fields.Nested(SelectorSchema, required=True)
    reader = fields.Nested(SelectorSchema, required=True)
    types = fields.List(fields.String(validate=A_TYPE), required=True, validate=validate.Length(1, 32))
    jurisdictions = fields.List(fields.String(validate=known_place), required=True, validate=validate.Length(1, 256))
    purpose = fields.String(required=True, validate=A_PURPOSE)
    max_tlp = fields.String(required=True, validate=validate.OneOf(sorted(CODE_OF_TLP.values())))
    clearance = fields.String(required=True, validate=validate.OneOf(CLEARANCES))
    requires = fields.List(fields.String(validate=AN_ATTESTATION), required=True, validate=validate.Length(max=8))
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)
    parties = fields.List(fields.Nested(SelectorSchema), required=True, allow_none=True)
    owners = fields.List(fields.Nested(OwnerSchema), required=True, allow_none=True)
    without_sources = fields.List(fields.String(validate=AN_AGENCY), required=True)
    without_readers = fields.List(fields.String(validate=AN_AGENCY), required=True)
    is_replaced = fields.Boolean(required=True)


class GrantEntrySchema(Row):
    """A grant with everything that stands of it; nothing stands of one that has ended."""

    id = fields.String(required=True, validate=A_GRANT_ID)
    standing = fields.List(fields.Nested(StandingSchema), required=True, validate=validate.Length(max=MOST_STANDING))


_GRANT = GrantEntrySchema()


def grant_entry(
    grant_id: str, standing: Iterable[Grant], prefix: str, barred: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """
    The body of a `grant` envelope, for the node whose agencies have ids that begin with `prefix`.

    `barred`: those among them that may read nothing of this node's, whatever the grant says.
    """
    return {"id": grant_id, "standing": [_standing(one, prefix, barred) for one in standing]}


def _standing(grant: Grant, prefix: str, barred: frozenset[str]) -> dict[str, Any]:
    return {
        "version": grant.version,
        "state": grant.state.value,
        "source": _selector(grant.source),
        "reader": _selector(grant.reader),
        "types": list(grant.types),
        "jurisdictions": list(grant.jurisdictions),
        "purpose": grant.purpose,
        "max_tlp": CODE_OF_TLP[grant.max_tlp],
        "clearance": grant.clearance.slug,
        "requires": list(grant.requires),
        "valid_from": _text(grant.valid_from),
        "valid_until": _text(grant.valid_until),
        "parties": None if grant.parties is None else [_selector(one) for one in grant.parties],
        "owners": None if grant.owners is None else [_owner(one) for one in grant.owners],
        "without_sources": sorted(grant.without_sources),
        "without_readers": sorted(one for one in grant.without_readers | barred if one.startswith(prefix)),
        "is_replaced": grant.is_replaced,
    }


def _owner(owner: Owner) -> dict[str, Any]:
    times = {name: getattr(owner, name) for name in ("events_until", "valid_until", "approved_at")}
    optional = {name: _text(at) for name, at in times.items() if at is not None}
    return {"agency": owner.agency, "events_from": _text(owner.events_from)} | optional


def _selector(selector: Selector) -> dict[str, str]:
    kind = None if selector.kind is None else selector.kind.value
    told = {"agency": selector.agency, "kind": kind, "country": selector.country}
    return {name: value for name, value in told.items() if value is not None}


def load_grant(body: Any, node: str) -> tuple[str, tuple[Grant, ...]]:
    """
    A grant of the node `node`: its id over there, and what stands of it as the policy here takes it.

    Raises:
        ValidationError: a shape is wrong.
    """
    loaded = _GRANT.load(body)
    return loaded["id"], tuple(_grant(one, loaded["id"], node) for one in loaded["standing"])


def _grant(row: Mapping[str, Any], grant_id: str, node: str) -> Grant:
    lists = {name: tuple(row[name]) for name in ("types", "jurisdictions", "requires")}
    optional = {name: None if row[name] is None else tuple(row[name]) for name in ("parties", "owners")}
    return Grant(
        **dict(row)
        | lists
        | optional
        | {
            "id": f"{node}:{grant_id}",
            "peer": node,
            "state": GrantState(row["state"]),
            "max_tlp": Tlp.of(row["max_tlp"]),
            "clearance": Sensitivity[row["clearance"].upper()],
            "without_sources": frozenset(row["without_sources"]),
            "without_readers": frozenset(row["without_readers"]),
        }
    )


def _text(at: datetime) -> str:
    return at.isoformat()
