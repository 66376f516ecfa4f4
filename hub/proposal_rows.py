"""Grants as people propose them, and what is wrong with a proposal in view of who is enrolled. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.agency_rows import ReasonSchema
from hub.agreement_rows import AN_AGREEMENT
from hub.grant_rows import GrantSchema, Row
from hub.granting import Opens, Proposal, Side
from hub.grants import GrantState
from schemas.flaws import Flaw, flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from hub.agreement_rows import Agreement
    from hub.directory import Directory
    from hub.grants import Grant, Selector

OTHERS_NAME = Text(
    "must begin with the id of your agency and a hyphen",
    "debe empezar con el id de su agencia y un guion",
    code="not-your-name",
)
UNKNOWN_AGREEMENT = Text("no such agreement", "no existe tal convenio", code="unknown-agreement")
UNKNOWN_AGENCY = Text("no such agency", "no existe tal agencia", code="unknown-agency")
CONTRADICTS = Text(
    "this agency is not of that kind or country", "esa agencia no es de ese tipo o país", code="contradicts-itself"
)
COVERS_NOBODY = Text("covers no agency of this node", "no incluye ninguna agencia de este nodo", code="covers-nobody")
NO_PARTY = Text("no party of the agreement", "no es parte del convenio", code="no-party")
ITSELF = Text(
    "an agency needs no grant for its own events", "una agencia no necesita permiso para lo suyo", code="reads-itself"
)
EXPIRED = Text("is over already", "ya terminó", code="expired")
OUTLIVES = Text("lasts longer than its agreement", "dura más que su convenio", code="outlives-agreement")
PRECEDES = Text("begins before its agreement", "empieza antes que su convenio", code="precedes-agreement")
LATER = Text(
    "a grant that begins later opens nothing of the past: opens must be now",
    "un permiso que empieza después no abre nada anterior: opens debe ser now",
    code="begins-later",
)
SINCE = Text(
    "opens_since goes with opens = since, and only with it",
    "opens_since acompaña a opens = since, y solo a este",
    code="since-without-date",
)
FIXED = Text("stays the same in every version", "no cambia entre versiones", code="fixed")
TWICE = Text("the same more than once", "lo mismo más de una vez", code="repeated")


class ProposalSchema(GrantSchema):
    """A grant on an agreement, and what of the past it opens once approved."""

    agreement = fields.String(required=True, validate=AN_AGREEMENT)
    opens = fields.Enum(Opens, by_value=True, load_default=Opens.ACTIVE)
    opens_since = fields.AwareDateTime(load_default=None, allow_none=True)

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Any:
        """Proposed, so it opens nothing yet."""
        opens, since = data.pop("opens"), data.pop("opens_since")
        if (opens is Opens.SINCE) is (since is None):
            raise ValidationError({"opens_since": [SINCE]})
        for member in ("types", "jurisdictions", "requires"):
            if len(set(data[member])) < len(data[member]):
                raise ValidationError({member: [TWICE]})
        data.setdefault("id", "")  # of a next version, which the path names
        grant = replace(super().build(data), state=GrantState.PROPOSED, owners=())
        return Proposal(grant=grant, opens=opens, opens_since=since)


class ApprovalSchema(Row):
    """An approval names the version it is of."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10_000))


class HaltSchema(ReasonSchema):
    """For an agency that is on both sides: as which one it acts."""

    side = fields.Enum(Side, by_value=True, load_default=None, allow_none=True)


def is_own_name(name: str, agency: str, directory: Directory) -> bool:
    """Whether an agency may call something so: else a name that is taken would tell of what others have."""
    owners = [one for one in directory.agencies if name.startswith(f"{one}-")]
    return max(owners, key=len, default=None) == agency


def flaws_of(proposal: Proposal, agreement: Agreement, directory: Directory, at: datetime) -> tuple[Flaw, ...]:
    """Everything that makes a proposal senseless, by place."""
    grant = proposal.grant
    sides = (("/source", grant.source), ("/reader", grant.reader))
    found = [flaw(path, text) for path, one in sides for text in _selected(one, agreement, directory)]
    if grant.source.agency is not None and grant.source.agency == grant.reader.agency:
        found.append(flaw("/reader", ITSELF))
    checks = (
        ("/valid_until", grant.valid_until <= at, EXPIRED),
        ("/valid_until", grant.valid_until > agreement.valid_until, OUTLIVES),
        ("/valid_from", grant.valid_from < agreement.valid_from, PRECEDES),
        ("/opens", grant.valid_from > at and proposal.opens is not Opens.NOW, LATER),
    )
    return tuple(found + [flaw(path, text) for path, is_wrong, text in checks if is_wrong])


def _selected(selector: Selector, agreement: Agreement, directory: Directory) -> Iterator[Text]:
    named = directory.agencies.get(selector.agency) if selector.agency is not None else None
    if selector.agency is not None and named is None:
        yield UNKNOWN_AGENCY
        return
    if named is not None and not selector.covers(named):
        yield CONTRADICTS
        return
    covered = [agency for agency in directory.agencies.values() if selector.covers(agency)]
    if not covered:
        yield COVERS_NOBODY
    elif not any(agreement.binds(agency) for agency in covered):
        yield NO_PARTY


def changes_identity(grant: Grant, earlier: Grant) -> tuple[Flaw, ...]:
    """What an amendment may not change: who reads whom, for what, on which agreement. That is another grant."""
    members = ("agreement", "source", "reader", "purpose")
    return tuple(flaw(f"/{name}", FIXED) for name in members if getattr(grant, name) != getattr(earlier, name))
