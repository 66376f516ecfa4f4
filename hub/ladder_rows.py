"""Ladders as people write them, in a file: their shapes, and in words what is wrong with one. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate

from hub.directory import Kind
from hub.grant_rows import A_TYPE, Row
from hub.ladders import Ladder, Ladders, Step, Urgency
from hub.subscription_rows import A_DESK
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

ACK_WITHIN_S = {Urgency.URGENT: 600, Urgency.ROUTINE: 3600}  # unless a ladder says otherwise
WEEK_S = 7 * 24 * 3600
NO_END = Text(
    'the last step, and no other, is the issuer\'s: to = "issuer"',
    'el último paso, y ningún otro, es del emisor: to = "issuer"',
)
NOT_LATER = Text("each step comes later than the one before", "cada paso llega después del anterior")
TWICE = Text("the same name twice: {names}", "el mismo nombre dos veces: {names}")
PUBLIC_IS_SILENT = Text("the public acknowledges nothing", "el público no confirma nada")
A_NAME = validate.Regexp(r"^[a-z][a-z0-9-]{1,62}\Z")


class StepSchema(Row):
    """One `[[ladder.step]]`."""

    after_s = fields.Integer(required=True, strict=True, validate=validate.Range(0, WEEK_S))
    desk = fields.String(required=True, validate=A_DESK)
    to = fields.String(load_default="recipient", validate=validate.OneOf(["recipient", "issuer"]))

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Step:
        """As the hub holds it."""
        return Step(after_s=data["after_s"], desk=data["desk"], is_issuers=data["to"] == "issuer")


class LadderSchema(Row):
    """One `[[ladder]]`."""

    name = fields.String(required=True, validate=A_NAME)
    types = fields.List(fields.String(validate=A_TYPE), required=True, validate=validate.Length(1, 32))
    urgency = fields.Enum(Urgency, by_value=True, required=True)
    kinds = fields.List(
        fields.Enum(Kind, by_value=True, validate=validate.NoneOf([Kind.PUBLIC], error=PUBLIC_IS_SILENT)),
        required=True,
        validate=validate.Length(1, len(Kind)),
    )
    ack_within_s = fields.Integer(strict=True, validate=validate.Range(60, WEEK_S))
    step = fields.List(fields.Nested(StepSchema), required=True, validate=validate.Length(1, 10))

    @post_load
    def build(self, data: dict[str, Any], **_: object) -> Ladder:
        """A ladder without an end, or whose steps overtake each other, is none."""
        steps: list[Step] = data["step"]
        problems = []
        if [step.is_issuers for step in steps] != [False] * (len(steps) - 1) + [True]:
            problems.append(NO_END)
        if any(earlier.after_s >= later.after_s for earlier, later in pairwise(steps)):
            problems.append(NOT_LATER)
        if problems:
            raise ValidationError({"step": problems})
        return Ladder(
            name=data["name"],
            types=tuple(data["types"]),
            urgency=data["urgency"],
            kinds=frozenset(data["kinds"]),
            ack_within_s=data.get("ack_within_s", ACK_WITHIN_S[data["urgency"]]),
            steps=tuple(steps),
        )


class LaddersFileSchema(Row):
    """The whole file; without a ladder nobody need acknowledge anything."""

    ladder = fields.List(fields.Nested(LadderSchema), load_default=list, validate=validate.Length(max=100))


_FILE = LaddersFileSchema()


def load_ladders(document: Mapping[str, Any], _raw: bytes = b"") -> Ladders:
    """
    The ladders of a parsed TOML file.

    Raises:
        marshmallow.ValidationError: all problems together, by position in the file.
    """
    rows: list[Ladder] = _FILE.load(document)["ladder"]
    names = [row.name for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValidationError({"ladder": [TWICE.format(names=", ".join(twice))]})
    return Ladders(tuple(rows))
