"""Events in an answer: stored text joined, never parsed and dumped again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.reading import Shown


def item(shown: Shown) -> str:
    """One event with the hub's id, its projection and its grant. Ids and names need no escaping."""
    grant = f'"grant":"{shown.decision.grant}",' if shown.decision.grant else ""
    recalled = shown.row.recalled_at  # its source alone still gets it
    mark = f'"recalled_at":"{recalled.isoformat()}",' if recalled is not None else ""
    return f'{{"id":"{shown.row.hub_id}","projection":"{shown.projection}",{grant}{mark}"event":{shown.text}}}'


def items(shown: Iterable[Shown]) -> str:
    """A JSON array of them."""
    return f"[{','.join(map(item, shown))}]"


def page(shown: Iterable[Shown], following: str, *, more: bool) -> str:
    """A page of the feed."""
    return f'{{"events":{items(shown)},"next":"{following}","more":{"true" if more else "false"}}}'
