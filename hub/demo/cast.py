"""Who takes part in the demo, from `config/demo/agencies.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marshmallow import Schema, fields

from hub.directory import Agency, Kind, publishing
from schemas.texts import Text

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Player:
    """An agency of the demo; `reader` is how it is announced where the demo shows what it got."""

    agency: Agency
    reader: Text | None

    @property
    def node(self) -> str:
        """The node that enrols it."""
        return self.agency.id[:2]


class _Both(Schema):
    en = fields.String(required=True)
    es = fields.String(required=True)


class _AgencyRow(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.Enum(Kind, by_value=True, required=True)
    jurisdictions = fields.List(fields.String(), required=True)
    publishes = fields.List(fields.String(), load_default=list)
    languages = fields.List(fields.String(), load_default=lambda: ["en"])
    reader = fields.Nested(_Both, load_default=None)


class _CastFile(Schema):
    agency = fields.List(fields.Nested(_AgencyRow), required=True)


def load_cast(path: Path) -> list[Player]:
    """Every player of the file, in its order."""
    rows = _CastFile().load(tomllib.loads(path.read_text("utf-8")))["agency"]
    return [
        Player(
            Agency(
                id=row["id"],
                name=row["name"],
                kind=row["kind"],
                country=row["id"][:2].upper(),
                jurisdictions=tuple(row["jurisdictions"]),
                publishes=publishing(row["publishes"], row["jurisdictions"]),
                languages=tuple(row["languages"]),
            ),
            Text(row["reader"]["en"], row["reader"]["es"]) if row["reader"] else None,
        )
        for row in rows
    ]
