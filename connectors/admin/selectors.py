"""Options that several commands share: who is meant, and since when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from connectors.admin.asking import Moment
from connectors.spoken import say

MEMBERS = ("agency", "kind", "country")


class Selector(click.ParamType[dict[str, str]]):
    """An agency by its id, or ``kind=ngo,country=US``."""

    name = "selector"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        """As the gateway takes it."""
        if isinstance(value, dict):
            return value
        if "=" not in str(value):
            return {"agency": str(value)}
        pairs = [part.partition("=") for part in str(value).split(",")]
        told = {name.strip(): given.strip() for name, _, given in pairs}
        if len(told) < len(pairs) or not set(told) <= set(MEMBERS) or not all(told.values()):
            text = say(
                f"{value}: an agency's id, or e.g. kind=ngo,country=US", f"{value}: un id, o p. ej. kind=ngo,country=MX"
            )
            self.fail(text, param, ctx)
        return told


class Start(Moment):
    """A moment, or ``now``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """As the gateway takes it."""
        if value == "now":
            return datetime.now(UTC).isoformat()
        return super().convert(value, param, ctx)


SELECTOR = Selector()
