"""Events in an answer: stored text joined, never parsed and dumped again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hub.reading import Shown


def item(shown: Shown, required_by: datetime | None = None) -> str:
    """
    One event with the hub's id, its projection and its grant. Ids and names need no escaping.

    `required_by`: until when its reader has to acknowledge it. Pages of the feed do not say so, nor streams: what they
    show of an event is the same whoever else reads it, and whenever.
    """
    grant = f'"grant":"{shown.decision.grant}",' if shown.decision.grant else ""
    recalled = shown.row.recalled_at  # its source alone still gets it
    mark = f'"recalled_at":"{recalled.isoformat()}",' if recalled is not None else ""
    due = f'"ack_required_by":"{required_by.isoformat()}",' if required_by is not None else ""
    return f'{{"id":"{shown.row.hub_id}","projection":"{shown.projection}",{grant}{mark}{due}"event":{shown.text}}}'


def items(shown: Iterable[Shown]) -> str:
    """A JSON array of them."""
    return f"[{','.join(map(item, shown))}]"


def page(events: str, following: str, *, more: bool) -> str:
    """A page of the feed, of the `items` that are on it."""
    return f'{{"events":{events},"next":"{following}","more":{"true" if more else "false"}}}'
